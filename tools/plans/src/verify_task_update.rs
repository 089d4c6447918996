//! verify-task-update: did the executor write back what it did? Orchestrators ask after each task.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use crewkit_store::plan_views::TaskResult;
use crewkit_store::plans::TaskStatus;
use crewkit_tool::args::{self, Instead, RowId};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, exit_code, text};
use serde::Serialize;

use crate::plan_db::update::find_task;

/// verify-task-update.
pub const TOOL: Tool = Tool {
    name: "verify-task-update",
    summary: "did the executor write its result back?",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// The state that stands for done and validated.
const VALIDATED: &str = "validated";

/// Tells whether a task has the state it should have
///
/// Exit 0: it has, or another that is worth a warning (blocked, skipped). 1: it was not updated. 2: that cannot be told.
#[derive(Debug, Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {
    /// Row id of the task, or its code (T1-01, W1/T1-01) when exactly one open plan has it
    #[arg(value_name = "TASK_DB_ID")]
    task: String,
    /// The state it should have: pending, in_progress, done, blocked, skipped; or validated
    #[arg(value_name = "EXPECTED", default_value = "done", value_parser = expected)]
    expected: String,
    /// Plan in which to look for the code
    #[arg(long, value_name = "PLAN_ID")]
    plan: Option<RowId>,
    /// Any other state is exit 1
    #[arg(long)]
    strict: bool,
    /// One object: task_id, db_id, status, expected, ok, notes, validated
    #[arg(long)]
    json: bool,
}

fn expected(given: &str) -> Result<String, String> {
    if given == VALIDATED || TaskStatus::parse(given).is_some() {
        return Ok(given.to_owned());
    }
    Err(format!("none of: {} | {VALIDATED}", TaskStatus::words()))
}

#[derive(Debug, Serialize)]
struct Verdict<'a> {
    task_id: &'a str,
    db_id: i64,
    status: &'a str,
    expected: &'a str,
    ok: bool,
    notes: Option<&'a str>,
    validated: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let args = match args::parse::<Args>(arguments) {
        Ok(args) => args,
        Err(Instead::Help(help)) => return Ok(help),
        Err(Instead::Wrong(refusal)) => {
            let code = if arguments.is_empty() { exit_code::REFUSED } else { exit_code::BLOCKED };
            return Err(refusal.with_code(code).with_help("Usage: verify-task-update TASK_DB_ID [EXPECTED]"));
        }
    };
    verify(context, &args).map_err(|refusal| refusal.with_code(exit_code::BLOCKED))
}

fn verify(context: &Context, args: &Args) -> Answer {
    let Some(store) = context.existing_store()? else {
        return Err(Refusal::new(format!("no database at {}", context.database_path()?.display())));
    };
    let id = find_task(context, &args.task, args.plan)?;
    let Some(task) = store.plan_views().task_result(id)? else {
        let line = format!("Task {id} not found in database");
        let answer = if args.json {
            Outcome::json(&serde_json::json!({ "error": line }))
        } else {
            Outcome::text(format!("ERROR: {line}"))
        };
        return Ok(answer.with_code(exit_code::BLOCKED));
    };
    let (said, code) = judge(&task, &args.expected, args.strict);
    if !args.json {
        return Ok(Outcome::text(said).with_code(code));
    }
    let verdict = Verdict {
        task_id: &task.code,
        db_id: task.id,
        status: &task.status,
        expected: &args.expected,
        ok: is_as_expected(&task, &args.expected),
        notes: task.notes.as_deref().filter(|notes| !notes.is_empty()),
        validated: task.validated_at.is_some(),
    };
    Ok(Outcome::json(&verdict).with_code(code))
}

fn is_as_expected(task: &TaskResult, expected: &str) -> bool {
    if expected == VALIDATED { task.status == "done" && task.validated_at.is_some() } else { task.status == expected }
}

/// What is to be said of a task, and the exit code.
fn judge(task: &TaskResult, expected: &str, strict: bool) -> (String, u8) {
    let code = text::one_line(&task.code);
    let (id, status) = (task.id, task.status.as_str());
    if is_as_expected(task, expected) {
        let without_notes = task.notes.as_deref().is_none_or(|notes| notes.trim().is_empty());
        let warning =
            if without_notes { format!("WARNING: Task {code} has no completion notes\n") } else { String::new() };
        return (format!("{warning}OK: Task {code} (id={id}) status={expected}"), exit_code::DONE);
    }
    let command = match expected {
        VALIDATED if status == "done" => format!("plan-db validate-task {id}"),
        "done" | VALIDATED => format!("plan-db-safe update-task {id} done \"Summary\""),
        other => format!("plan-db update-task {id} {other} \"Summary\""),
    };
    let what = match (status, expected) {
        ("pending", _) => "still PENDING: the executor did not update it",
        ("in_progress", "done" | VALIDATED) => "stuck IN_PROGRESS: the executor started it and did not mark it done",
        ("done", VALIDATED) => "DONE and not validated",
        _ => {
            let said = format!("WARNING: Task {code} status is '{}', expected '{expected}'", text::one_line(status));
            return (said, if strict { exit_code::REFUSED } else { exit_code::DONE });
        }
    };
    (format!("FAILED: Task {code} (id={id}) {what}\n  Run: {command}"), exit_code::REFUSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(status: &str, notes: Option<&str>, validated: bool) -> TaskResult {
        TaskResult {
            id: 7,
            code: "T1-01".to_owned(),
            title: "t".to_owned(),
            status: status.to_owned(),
            notes: notes.map(str::to_owned),
            validated_at: validated.then(|| "2026-01-01 00:00:00".to_owned()),
        }
    }

    #[test]
    fn every_state_against_every_expectation() {
        for (status, expected, part, code) in [
            ("done", "done", "OK: Task T1-01 (id=7) status=done", 0),
            ("pending", "pending", "OK: ", 0),
            ("blocked", "blocked", "OK: ", 0),
            ("pending", "done", "still PENDING", 1),
            ("pending", "in_progress", "Run: plan-db update-task 7 in_progress", 1),
            ("pending", "done", "Run: plan-db-safe update-task 7 done", 1),
            ("in_progress", "done", "stuck IN_PROGRESS", 1),
            ("in_progress", "validated", "stuck IN_PROGRESS", 1),
            ("in_progress", "pending", "WARNING: Task T1-01 status is 'in_progress', expected 'pending'", 0),
            ("blocked", "done", "WARNING: Task T1-01 status is 'blocked', expected 'done'", 0),
            ("skipped", "done", "WARNING", 0),
            ("done", "in_progress", "WARNING", 0),
            ("done", "validated", "Run: plan-db validate-task 7", 1),
        ] {
            let (said, found) = judge(&task(status, Some("n"), false), expected, false);
            assert!(said.contains(part) && found == code, "{status} {expected}: {found} {said}");
            let strict = u8::from(status != expected);
            assert_eq!(judge(&task(status, Some("n"), false), expected, true).1, strict, "{status} {expected}");
        }
        assert_eq!(judge(&task("done", Some("n"), true), "validated", true).1, 0);
    }

    #[test]
    fn missing_notes_are_told_and_odd_ones_are_notes() {
        for notes in [None, Some(""), Some(" \n")] {
            let (said, code) = judge(&task("done", notes, false), "done", false);
            assert_eq!((said.lines().count(), code), (2, 0), "{notes:?}");
            assert!(said.starts_with("WARNING: Task T1-01 has no completion notes\nOK: "));
        }
        let (said, _) = judge(&task("done", Some("a|b\nc"), false), "done", false);
        assert_eq!(said, "OK: Task T1-01 (id=7) status=done");
    }
}
