//! `list`, `list-tasks`, `get-failures`: what a project or a plan holds.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use serde::Serialize;

use crewkit_store::plan_views::TaskRow;
use crewkit_store::plans::TaskStatus;
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, exit_code, text};

use super::{Subcommand, show};

/// The filter for all states that ask for more work.
const OPEN: &str = "open";

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "list", command: List::command, run: list },
    Subcommand { name: "list-tasks", command: ListTasks::command, run: list_tasks },
    Subcommand { name: "get-failures", command: GetFailures::command, run: get_failures },
];

/// Lists the plans of a project: masters first, then by status and name
#[derive(Parser)]
#[command(name = "list", bin_name = "plan-db list")]
struct List {
    /// The project
    #[arg(value_name = "PROJECT_ID")]
    project: String,
    /// A JSON list instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ListedPlan {
    id: i64,
    name: String,
    is_master: u8,
    status: String,
    tasks_done: i64,
    tasks_total: i64,
}

fn list(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<List>(arguments, exit_code::REFUSED, |args| {
        let plans = context.store()?.plan_views().of_project(&args.project)?;
        if args.json {
            let plans: Vec<_> = plans
                .into_iter()
                .map(|plan| ListedPlan {
                    id: plan.id,
                    name: plan.name,
                    is_master: plan.is_master.into(),
                    status: plan.status,
                    tasks_done: plan.tasks_done,
                    tasks_total: plan.tasks_total,
                })
                .collect();
            return Ok(Outcome::json(&plans));
        }
        let mut out = format!("Plans for project: {}\n", text::one_line(&args.project));
        if !plans.is_empty() {
            let mut rows = vec![["id", "name", "type", "status", "progress"].map(str::to_owned).to_vec()];
            rows.extend(plans.into_iter().map(|plan| {
                let kind = if plan.is_master { "MASTER" } else { "" };
                let progress = show::progress(plan.tasks_done, plan.tasks_total);
                vec![plan.id.to_string(), plan.name, kind.to_owned(), plan.status, progress]
            }));
            out.push('\n');
            out.push_str(&text::columns(&rows));
        }
        Ok(Outcome::text(out))
    })
}

/// Lists the tasks of a plan by the wave's position and the task's code; several filters have to hold together
#[derive(Parser)]
#[command(name = "list-tasks", bin_name = "plan-db list-tasks")]
struct ListTasks {
    /// The plan's number
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Only tasks in these states, separated by commas: pending, in_progress, done, blocked, skipped, or open (the first
    /// two and blocked)
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = state)]
    status: Vec<String>,
    /// Only tasks of these waves, by their codes, separated by commas
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    wave: Vec<String>,
    /// Only tasks of these priorities, separated by commas
    #[arg(long, value_name = "P0-P3", value_delimiter = ',', value_parser = ["P0", "P1", "P2", "P3"])]
    priority: Vec<String>,
    /// Only tasks for this model
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only tasks for this executor
    #[arg(long, value_name = "AGENT")]
    executor: Option<String>,
    /// Only tasks that were validated
    #[arg(long, conflicts_with = "unvalidated")]
    validated: bool,
    /// Only tasks that were not validated
    #[arg(long)]
    unvalidated: bool,
    /// Only tasks whose code or title holds this text, letters of either case alike
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// A JSON list instead of a table
    #[arg(long)]
    json: bool,
}

fn state(given: &str) -> Result<String, String> {
    if given == OPEN || TaskStatus::parse(given).is_some() {
        return Ok(given.to_owned());
    }
    Err(format!("none of: {} | {OPEN}", TaskStatus::words()))
}

impl ListTasks {
    fn takes(&self, task: &TaskRow) -> bool {
        let any =
            |wanted: &[String], fits: &dyn Fn(&str) -> bool| wanted.is_empty() || wanted.iter().any(|one| fits(one));
        let same = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let finished = matches!(task.status.as_str(), "done" | "skipped");
        any(&self.status, &|state| state == task.status || state == OPEN && !finished)
            && any(&self.wave, &|code| code == task.wave)
            && any(&self.priority, &|priority| Some(priority) == task.priority.as_deref())
            && same(&self.model, &task.model)
            && same(&self.executor, &task.executor)
            && (!self.validated || task.validated_at.is_some())
            && (!self.unvalidated || task.validated_at.is_none())
            && self.search.as_ref().is_none_or(|part| {
                let part = part.to_lowercase();
                task.code.to_lowercase().contains(&part) || task.title.to_lowercase().contains(&part)
            })
    }
}

#[derive(Serialize)]
struct ListedTask {
    id: i64,
    code: String,
    wave: String,
    status: String,
    priority: Option<String>,
    model: Option<String>,
    executor: Option<String>,
    title: String,
    validated: bool,
    validated_at: Option<String>,
}

fn list_tasks(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<ListTasks>(arguments, exit_code::REFUSED, |args| {
        let views = context.store()?.plan_views();
        let name = views.name(args.plan.0)?.ok_or_else(|| show::no_plan(args.plan))?;
        let mut tasks = views.tasks(args.plan.0)?;
        tasks.retain(|task| args.takes(task));
        if args.json {
            let tasks: Vec<_> = tasks
                .into_iter()
                .map(|task| ListedTask {
                    id: task.id,
                    code: task.code,
                    wave: task.wave,
                    status: task.status,
                    priority: task.priority,
                    model: task.model,
                    executor: task.executor,
                    title: task.title,
                    validated: task.validated_at.is_some(),
                    validated_at: task.validated_at,
                })
                .collect();
            return Ok(Outcome::json(&tasks));
        }
        let mut out = format!("Tasks of plan {} ({})\n", args.plan.0, text::one_line(&name));
        if !tasks.is_empty() {
            let heads = ["id", "code", "wave", "status", "priority", "model", "executor", "validated", "title"];
            let mut rows = vec![heads.map(str::to_owned).to_vec()];
            let known = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            rows.extend(tasks.into_iter().map(|task| {
                let validated = if task.validated_at.is_some() { "yes" } else { "no" };
                vec![
                    task.id.to_string(),
                    task.code,
                    task.wave,
                    task.status,
                    known(task.priority),
                    known(task.model),
                    known(task.executor),
                    validated.to_owned(),
                    task.title,
                ]
            }));
            out.push('\n');
            out.push_str(&text::columns(&rows));
        }
        Ok(Outcome::text(out))
    })
}

/// Prints the failed attempts of a project as a JSON list, the newest first
#[derive(Parser)]
#[command(name = "get-failures", bin_name = "plan-db get-failures")]
struct GetFailures {
    /// The project
    #[arg(value_name = "PROJECT_ID")]
    project: String,
    /// Only tasks whose code holds this text; with `*` or `%` (any text) or `?` (one character) the whole code has to fit
    #[arg(long, value_name = "P")]
    task_pattern: Option<String>,
}

#[derive(Serialize)]
struct ListedFailure {
    id: i64,
    plan_id: i64,
    project_id: String,
    task_id: String,
    approach: String,
    reason: String,
    host: Option<String>,
    created_at: Option<String>,
}

fn get_failures(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<GetFailures>(arguments, exit_code::REFUSED, |args| {
        let failures = context.store()?.plan_views().failures(&args.project)?;
        let failures: Vec<_> = failures
            .into_iter()
            .filter(|failure| args.task_pattern.as_deref().is_none_or(|pattern| fits(&failure.task, pattern)))
            .map(|failure| ListedFailure {
                id: failure.id,
                plan_id: failure.plan_id,
                project_id: failure.project_id,
                task_id: failure.task,
                approach: failure.approach,
                reason: failure.reason,
                host: failure.host,
                created_at: failure.created_at,
            })
            .collect();
        Ok(Outcome::json(&failures))
    })
}

/// Whether the code of a task fits a pattern, letters of either case alike.
fn fits(code: &str, pattern: &str) -> bool {
    let code: Vec<char> = code.to_lowercase().chars().collect();
    let pattern = pattern.to_lowercase();
    if !pattern.contains(['*', '%', '?']) {
        return code.iter().collect::<String>().contains(&pattern);
    }
    let pattern: Vec<char> = pattern.chars().collect();
    // On a mismatch the last star takes one more character; earlier ones never have to.
    let (mut at, mut next, mut star) = (0, 0, None);
    while at < code.len() {
        match pattern.get(next) {
            Some('*' | '%') => {
                star = Some((next, at));
                next += 1;
            }
            Some(&c) if c == '?' || c == code[at] => {
                at += 1;
                next += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    (at, next) = (taken + 1, place + 1);
                }
                None => return false,
            },
        }
    }
    pattern[next..].iter().all(|c| matches!(c, '*' | '%'))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_is_part_of_a_code_or_fits_all_of_it() {
        for (code, pattern, wanted) in [
            ("T1-01", "T1", true),
            ("T1-01", "t1-", true),
            ("T1-01", "T2", false),
            ("T1-01", "T1-*", true),
            ("T1-01", "T1-%", true),
            ("T11-01", "T1-*", false),
            ("T1-01", "*-01", true),
            ("T1-01", "T?-0?", true),
            ("T1-01", "T?-0", false),
            ("T1-01-01", "*-01", true),
            ("", "*", true),
            ("x", "", true),
        ] {
            assert_eq!(fits(code, pattern), wanted, "{code} {pattern}");
        }
    }
}
