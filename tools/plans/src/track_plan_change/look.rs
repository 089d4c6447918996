//! The history as it stands: all of it, or in numbers.

use std::collections::BTreeMap;

use crewkit_store::plans::Version;
use crewkit_tool::{Answer, Context, Outcome};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Listed {
    project_id: String,
    plan_id: Option<i64>,
    plan_name: String,
    version: i64,
    change_type: String,
    reason: Option<String>,
    tasks_before: Option<i64>,
    tasks_after: Option<i64>,
    diff: Option<String>,
    git_commit: Option<String>,
    changed_by: Option<String>,
    changed_host: Option<String>,
    created_at: Option<String>,
}

/// The rows of the history, by plan and version.
pub(super) fn list(context: &Context, project: Option<&str>, plan: Option<&str>) -> Answer {
    let rows = context.store()?.plans().versions(project, plan)?;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|row| Listed {
            project_id: row.project_id,
            plan_id: row.plan_id,
            plan_name: row.plan_name,
            version: row.version,
            change_type: row.change_type,
            reason: row.reason,
            tasks_before: row.tasks_before,
            tasks_after: row.tasks_after,
            diff: row.diff,
            git_commit: row.git_commit,
            changed_by: row.changed_by,
            changed_host: row.changed_host,
            created_at: row.created_at,
        })
        .collect();
    Ok(Outcome::json(&rows))
}

#[derive(Debug, Serialize)]
struct Stats {
    changes: usize,
    by_type: BTreeMap<String, usize>,
    plans: Vec<PlanStats>,
}

#[derive(Debug, Serialize)]
struct PlanStats {
    project_id: String,
    plan_name: String,
    changes: usize,
    by_type: BTreeMap<String, usize>,
}

/// The number of changes by type, in all and for each plan.
pub(super) fn stats(context: &Context, project: Option<&str>, plan: Option<&str>) -> Answer {
    let rows = context.store()?.plans().versions(project, plan)?;
    Ok(Outcome::json(&counted(rows)))
}

fn counted(rows: Vec<Version>) -> Stats {
    let mut stats = Stats { changes: rows.len(), by_type: BTreeMap::new(), plans: Vec::new() };
    for row in rows {
        *stats.by_type.entry(row.change_type.clone()).or_default() += 1;
        let same = |plan: &&mut PlanStats| plan.project_id == row.project_id && plan.plan_name == row.plan_name;
        // The rows of one plan stand together.
        match stats.plans.last_mut().filter(same) {
            Some(plan) => {
                plan.changes += 1;
                *plan.by_type.entry(row.change_type).or_default() += 1;
            }
            None => stats.plans.push(PlanStats {
                project_id: row.project_id,
                plan_name: row.plan_name,
                changes: 1,
                by_type: BTreeMap::from([(row.change_type, 1)]),
            }),
        }
    }
    stats
}
