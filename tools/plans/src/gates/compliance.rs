//! Gate 1: what the task itself says: output, criteria, requirements.

use std::path::Path;
use std::time::Duration;

use crewkit_repo::without_repository;
use crewkit_store::plans::TaskEvidence;
use crewkit_tool::process::Run;
use crewkit_tool::{Context, text};
use serde_json::Value;

use super::{COMPLIANCE, Finding, Gate};
use crate::task_files;

/// How long a criterion may run.
const LIMIT: Duration = Duration::from_mins(2);

/// `worktree` is where criteria are run, if they are.
pub(super) fn judge(context: &Context, task: &TaskEvidence, run_verify: bool, worktree: Option<&Path>) -> Gate {
    let (mut rejected, mut told) = (Vec::new(), Vec::new());
    if !task.output_data.is_empty()
        && let Err(fault) = serde_json::from_str::<serde::de::IgnoredAny>(&task.output_data)
    {
        let issue = format!("output_data is no JSON ({fault})");
        rejected.push(Finding::new(issue, "give the output as one JSON value (--output-data)"));
    }
    let criteria = criteria(&task.test_criteria);
    for item in &criteria.listed {
        let shown = text::cut(&text::fold_line_ends(item), 200);
        match (run_verify, worktree) {
            (false, _) => {
                told.push(Finding::new(format!("criterion not run: {shown}"), "run it with --run-verify, or judge it"));
            }
            (true, None) => told.push(Finding::new(
                format!("criterion cannot be run, there is no worktree: {shown}"),
                "set the worktree, or judge it",
            )),
            (true, Some(directory)) => rejected.extend(run(context, item, &shown, directory)),
        }
    }
    for item in &criteria.prose {
        told.push(Finding::new(format!("criterion: {}", text::cut(&text::fold_line_ends(item), 200)), "judge it"));
    }
    for requirement in requirements(task) {
        told.push(Finding::new(format!("requirement {requirement}"), "judge it point by point"));
    }
    Gate::of(COMPLIANCE, rejected, told, "no contrary evidence")
}

fn run(context: &Context, command: &str, shown: &str, directory: &Path) -> Option<Finding> {
    const FIX: &str = "make the criterion hold";
    let run = without_repository(Run::new(context, "sh")).args(["-c", command]).directory(directory).limit(LIMIT).run();
    let finding = |issue: String, exit_code| {
        let mut finding = Finding::new(issue, FIX);
        (finding.command, finding.exit_code) = (Some(shown.to_owned()), exit_code);
        Some(finding)
    };
    match run {
        Ok(ended) if ended.timed_out => finding(format!("took more than {} s", LIMIT.as_secs()), Some(ended.code)),
        Ok(ended) if ended.ok() => None,
        Ok(ended) => finding(format!("does not hold: {}", text::cut(&ended.complaint(), 200)), Some(ended.code)),
        Err(refusal) => finding(format!("cannot be run: {refusal}"), None),
    }
}

/// What is to be verified.
#[derive(Debug, Default, PartialEq, Eq)]
struct Criteria {
    /// Commands or prose: nothing tells them apart.
    listed: Vec<String>,
    /// Prose.
    prose: Vec<String>,
}

/// Reads criteria: `{"verify": [...]}`, a bare list, else one item of prose.
fn criteria(given: &str) -> Criteria {
    let word = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let mut read = Criteria::default();
    match serde_json::from_str::<Value>(given) {
        Err(_) if given.trim().is_empty() => {}
        Err(_) => read.prose.push(given.to_owned()),
        Ok(Value::Null) => {}
        Ok(Value::Array(list)) => read.listed = list.into_iter().map(word).collect(),
        Ok(Value::Object(mut object)) => match object.remove("verify") {
            Some(Value::Array(list)) => read.listed = list.into_iter().map(word).collect(),
            Some(Value::Null) => {}
            Some(one) => read.listed.push(word(one)),
            None if object.is_empty() => {}
            None => read.prose.push(given.to_owned()),
        },
        Ok(other) => read.prose.push(word(other)),
    }
    read.listed.retain(|item| !item.trim().is_empty());
    read.prose.retain(|item| !item.trim().is_empty());
    read
}

/// The requirements that a task serves: as the table has them, else as its description does.
pub(crate) fn requirements(task: &TaskEvidence) -> Vec<String> {
    if !task.requirements.is_empty() {
        return task.requirements.clone();
    }
    let (_, part) = task_files::split_part(&task.description, "Ref");
    let names = part.into_iter().flat_map(|part| part.split(','));
    names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_in_their_forms() {
        let of = |given: &str| {
            let read = criteria(given);
            (read.listed.join("|"), read.prose.join("|"))
        };
        let pair = |listed: &str, prose: &str| (listed.to_owned(), prose.to_owned());
        assert_eq!(of(r#"{"verify":["a","b"]}"#), pair("a|b", ""));
        assert_eq!(of(r#"["a", 1]"#), pair("a|1", ""));
        assert_eq!(of("the sum is right"), pair("", "the sum is right"));
        assert_eq!(of(r#""the sum is right""#), pair("", "the sum is right"));
        for nothing in ["", " ", "null", "[]", "{}", r#"{"verify":[]}"#, r#"{"verify":null}"#] {
            assert_eq!(of(nothing), pair("", ""), "{nothing}");
        }
    }
}
