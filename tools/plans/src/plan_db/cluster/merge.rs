//! Two computers' plans as one list.

use std::collections::HashMap;

use serde::Serialize;

use super::ask::{Half, Plan};

/// A plan of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// `LOCAL`, `REMOTE`, or the name of a third computer that has claimed it.
    pub(super) host: String,
    /// The row's number on the computer whose copy this is.
    pub(super) id: i64,
    pub(super) project: String,
    pub(super) name: String,
    pub(super) tasks_done: i64,
    pub(super) tasks_total: i64,
    pub(super) status: String,
    /// Whether this is the other computer's copy.
    pub(super) remote: bool,
}

/// The open plans of both, doing before todo, ours before theirs, by id. A plan that both know (same project and name)
/// comes once: as the computer that has claimed it knows it, else the copy with the later activity.
pub(super) fn plans(here: &Half, host: &str, there: Option<(&Half, [&str; 2])>) -> Vec<Line> {
    let names = there.map_or([""; 2], |(_, names)| names);
    let their_plans = there.map(|(half, _)| half.plans.as_slice()).unwrap_or_default();
    let key = |plan: &Plan| (plan.project.clone(), plan.name.clone());
    let mut theirs: HashMap<_, _> = their_plans.iter().map(|plan| (key(plan), plan)).collect();

    let mut chosen: Vec<(bool, &Plan)> = Vec::new();
    for plan in &here.plans {
        match theirs.remove(&key(plan)) {
            Some(copy) if theirs_counts(plan, copy, host, names) => chosen.push((true, copy)),
            _ => chosen.push((false, plan)),
        }
    }
    chosen.extend(theirs.into_values().map(|plan| (true, plan)));
    chosen.retain(|(_, plan)| matches!(plan.status.as_str(), "todo" | "doing"));
    chosen.sort_by_key(|(remote, plan)| (plan.status != "doing", *remote, plan.id));
    chosen
        .into_iter()
        .map(|(remote, plan)| Line {
            host: place(plan, remote, host, names),
            id: plan.id,
            project: plan.project.clone(),
            name: plan.name.clone(),
            tasks_done: plan.tasks_done,
            tasks_total: plan.tasks_total,
            status: plan.status.clone(),
            remote,
        })
        .collect()
}

/// Whether the other computer's copy is the one that counts.
fn theirs_counts(ours: &Plan, theirs: &Plan, host: &str, names: [&str; 2]) -> bool {
    let owner = match (&ours.host, &theirs.host) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.as_deref().or(other.as_deref()),
    };
    match owner {
        Some(owner) if owner == host => false,
        Some(owner) if names.contains(&owner) => true,
        _ => {
            // Equally late copies: the further state, then ours.
            let state = |plan: &Plan| ["todo", "doing", "done", "archived"].iter().position(|s| *s == plan.status);
            (theirs.activity, state(theirs)) > (ours.activity, state(ours))
        }
    }
}

fn place(plan: &Plan, remote: bool, host: &str, names: [&str; 2]) -> String {
    match &plan.host {
        None => if remote { "REMOTE" } else { "LOCAL" }.to_owned(),
        Some(owner) if owner == host => "LOCAL".to_owned(),
        Some(owner) if remote && names.contains(&owner.as_str()) => "REMOTE".to_owned(),
        Some(owner) => owner.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(id: i64, name: &str, status: &str, host: Option<&str>, activity: i64) -> Plan {
        Plan {
            id,
            project: "p".into(),
            name: name.into(),
            status: status.into(),
            tasks_done: activity,
            tasks_total: 9,
            host: host.map(str::to_owned),
            activity,
        }
    }

    fn merged(ours: Vec<Plan>, theirs: Vec<Plan>) -> Vec<(String, i64, i64)> {
        let half = |plans| Half { host: None, plans, tasks: Vec::new() };
        let lines = plans(&half(ours), "here", Some((&half(theirs), ["there", "alias"])));
        lines.into_iter().map(|line| (line.host, line.id, line.tasks_done)).collect()
    }

    #[test]
    fn a_plan_that_both_know_comes_once() {
        for (ours, theirs, wanted) in [
            ((Some("there"), 5), (Some("there"), 1), ("REMOTE", 2, 1)),
            ((Some("alias"), 5), (None, 1), ("REMOTE", 2, 1)),
            ((Some("here"), 1), (Some("here"), 5), ("LOCAL", 1, 1)),
            ((None, 1), (None, 5), ("REMOTE", 2, 5)),
            ((None, 5), (None, 1), ("LOCAL", 1, 5)),
            ((None, 3), (None, 3), ("LOCAL", 1, 3)),
            ((Some("here"), 1), (Some("there"), 5), ("REMOTE", 2, 5)),
            ((Some("third"), 5), (Some("third"), 1), ("third", 1, 5)),
        ] {
            let found =
                merged(vec![plan(1, "x", "doing", ours.0, ours.1)], vec![plan(2, "x", "doing", theirs.0, theirs.1)]);
            assert_eq!(found, [(wanted.0.to_owned(), wanted.1, wanted.2)], "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn what_the_owner_has_finished_is_not_open() {
        let ours = vec![plan(1, "x", "doing", Some("there"), 1)];
        assert_eq!(merged(ours, vec![plan(2, "x", "done", Some("there"), 5)]), []);
    }

    #[test]
    fn equal_numbers_are_not_equal_plans() {
        let found = merged(vec![plan(1, "x", "todo", None, 1)], vec![plan(1, "y", "doing", None, 1)]);
        assert_eq!(found, [("REMOTE".to_owned(), 1, 1), ("LOCAL".to_owned(), 1, 1)]);
    }
}
