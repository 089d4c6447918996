//! task-quick: short forms for executors, with few words of output.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};
use crewkit_store::Store;
use crewkit_store::plans::{TaskChange, TaskStatus, WorkTask};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, exit_code, text};
use serde::Serialize;

use crate::plan_db::next::ready_in_order;
use crate::plan_db::update::{change_task, find_task};
use crate::plan_db::words::words;

/// task-quick.
pub const TOOL: Tool = Tool {
    name: "task-quick",
    summary: "short forms for executors: start, done, status, next",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// Most tasks in progress that status names.
const RUNNING: usize = 5;
/// Most tasks that next names.
const NEXT: usize = 3;

/// Short forms for executors
#[derive(Debug, Parser)]
#[command(name = TOOL.name, disable_version_flag = true, disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Begin a task; prints CODE|TITLE
    Start(Which),
    /// Mark a task done through plan-db-safe; prints CODE|TITLE|STATUS
    Done(WithNotes),
    /// Say that a task waits for something; prints CODE|TITLE|STATUS
    Block(WithNotes),
    /// Say that a task will not be done; prints CODE|TITLE|STATUS
    Skip(WithNotes),
    /// Tasks in progress
    Status,
    /// Pending tasks of plans that are doing, whose waves wait for nothing
    Next {
        /// Of this plan, whatever its state
        #[arg(long, value_name = "PLAN_ID")]
        plan: Option<RowId>,
        /// A JSON list: id, task_id, title, wave_id, plan_id, plan_name
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Row id of the task, or its code (T1-01, W1/T1-01) when exactly one open plan has it
    #[arg(value_name = "TASK_DB_ID")]
    task: String,
    /// Plan in which to look for the code
    #[arg(long, value_name = "PLAN_ID")]
    plan: Option<RowId>,
}

#[derive(Debug, clap::Args)]
struct WithNotes {
    #[command(flatten)]
    which: Which,
    /// What there is to say of it
    #[arg(value_name = "NOTES", value_parser = words, allow_hyphen_values = true)]
    notes: Option<String>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    if arguments.first().is_some_and(|first| first == "help") {
        return Ok(Outcome::text(Args::command().render_long_help().to_string()));
    }
    args::with::<Args>(arguments, exit_code::REFUSED, |args| {
        let Some(store) = context.existing_store()? else {
            return Err(Refusal::new(format!("no database at {}", context.database_path()?.display())));
        };
        match args.command {
            Command::Start(which) => {
                let id = find_task(context, &which.task, which.plan)?;
                change(context, store, id, TaskStatus::InProgress, Some("Started via task-quick"))
            }
            Command::Done(task) => done(context, store, &task),
            Command::Block(task) => {
                let id = find_task(context, &task.which.task, task.which.plan)?;
                change(context, store, id, TaskStatus::Blocked, task.notes.as_deref())
            }
            Command::Skip(task) => {
                let id = find_task(context, &task.which.task, task.which.plan)?;
                change(context, store, id, TaskStatus::Skipped, task.notes.as_deref())
            }
            Command::Status => status(store),
            Command::Next { plan, json } => next(store, plan, json),
        }
    })
}

fn change(context: &Context, store: &Store, id: i64, to: TaskStatus, notes: Option<&str>) -> Answer {
    let change = TaskChange { task: id, to, notes, tokens: None, output_data: None, host: &context.host() };
    let changed = change_task(context, &change)?;
    Ok(Outcome { stdout: said(store, id, to != TaskStatus::InProgress)?, ..changed })
}

/// The line for a task, as it is now.
fn said(store: &Store, id: i64, with_status: bool) -> Result<Vec<u8>, Refusal> {
    let task = store.plans().task(id)?;
    let mut line = format!("{}|{}", text::one_line(&task.code), text::one_line(&task.title));
    if with_status {
        line.push('|');
        line.push_str(&text::one_line(&task.status));
    }
    line.push('\n');
    Ok(line.into_bytes())
}

/// Marks a task done through the tool that looks at it first; what that says goes on.
fn done(context: &Context, store: &Store, task: &WithNotes) -> Answer {
    let id = find_task(context, &task.which.task, task.which.plan)?;
    store.plans().task(id)?;
    let notes = task.notes.as_deref().unwrap_or("Completed via task-quick");
    let ended = Run::tool(context, "plan-db-safe")?.args(["update-task", &id.to_string(), "done", notes]).run()?;
    let Ok(code) = u8::try_from(ended.code) else {
        return Err(Refusal::new(format!("plan-db-safe ended with {}", ended.code)));
    };
    let stdout = if ended.ok() { said(store, id, true)? } else { Vec::new() };
    Ok(Outcome { stdout, stderr: ended.stderr, code })
}

fn status(store: &Store) -> Answer {
    let tasks = store.plan_views().running_tasks(None)?;
    let rows = tasks.into_iter().map(|task| vec![task.id.to_string(), task.code, task.title, task.wave]);
    Ok(Outcome::text(listed("In Progress", rows.collect(), RUNNING)))
}

#[derive(Debug, Serialize)]
struct NextTask {
    id: i64,
    task_id: String,
    title: String,
    wave_id: String,
    plan_id: i64,
    plan_name: String,
}

fn next(store: &Store, plan: Option<RowId>, json: bool) -> Answer {
    let plans = if let Some(plan) = plan {
        vec![(plan.0, store.plans().brief(plan.0)?.name)]
    } else {
        let board = store.plan_views().board(None, Some("doing"))?;
        let mut plans: Vec<_> = board.into_iter().map(|row| (row.plan.id, row.plan.name)).collect();
        plans.sort_unstable();
        plans
    };
    let mut found = Vec::new();
    for (plan_id, plan_name) in plans {
        let work = store.plans().work(plan_id)?;
        found.extend(ready_in_order(&work).into_iter().map(|task: &WorkTask| NextTask {
            id: task.id,
            task_id: task.code.clone(),
            title: task.title.clone(),
            wave_id: task.wave_code.clone(),
            plan_id,
            plan_name: plan_name.clone(),
        }));
        if found.len() > NEXT {
            break;
        }
    }
    if json {
        found.truncate(NEXT);
        return Ok(Outcome::json(&found));
    }
    let rows =
        found.into_iter().map(|task| vec![task.id.to_string(), task.task_id, task.title, task.wave_id, task.plan_name]);
    Ok(Outcome::text(listed("Next Pending", rows.collect(), NEXT)))
}

fn listed(heading: &str, mut rows: Vec<Vec<String>>, most: usize) -> String {
    let more = if rows.len() > most { "...\n" } else { "" };
    rows.truncate(most);
    let rows = if rows.is_empty() { "(none)\n".to_owned() } else { text::columns(&rows) };
    format!("=== {heading} ===\n{rows}{more}")
}
