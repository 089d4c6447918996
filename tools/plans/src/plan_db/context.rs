//! `get-context`: all that an executor needs, in one object.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use serde::Serialize;

use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, exit_code};

use super::{Subcommand, show};
use crate::framework;

pub(super) const SUBCOMMANDS: &[Subcommand] =
    &[Subcommand { name: "get-context", command: GetContext::command, run: get_context }];

/// Prints a plan with its open tasks and what its finished ones left, as a JSON object
#[derive(Parser)]
#[command(name = "get-context", bin_name = "plan-db get-context")]
struct GetContext {
    /// The plan's number
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
}

#[derive(Serialize)]
struct ContextJson {
    id: i64,
    name: String,
    status: String,
    tasks_done: i64,
    tasks_total: i64,
    markdown_path: String,
    source_file: String,
    worktree_path: String,
    pending_tasks: Vec<PendingTask>,
    completed_tasks_output: Vec<TaskOutput>,
    framework: &'static str,
}

#[derive(Serialize)]
struct PendingTask {
    db_id: i64,
    task_id: String,
    title: String,
    description: String,
    status: String,
    priority: String,
    test_criteria: String,
    model: String,
    output_data: String,
    executor_agent: String,
    wave_db_id: Option<i64>,
    wave_id: String,
    wave_name: String,
    wave_tasks_done: Option<i64>,
    wave_tasks_total: Option<i64>,
}

#[derive(Serialize)]
struct TaskOutput {
    task_id: String,
    wave_id: String,
    executor_agent: String,
    output_data: String,
}

fn get_context(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<GetContext>(arguments, exit_code::REFUSED, |args| {
        let plan = context.store()?.plan_views().context(args.plan.0)?.ok_or_else(|| show::no_plan(args.plan))?;
        let whole = |path: Option<PathBuf>| path.map(|path| context.expand_home(&path)).unwrap_or_default();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let worktree = whole(plan.worktree_path);
        let pending_tasks = plan.open.into_iter().map(|task| {
            let wave = task.wave.as_ref();
            PendingTask {
                db_id: task.id,
                task_id: task.code,
                title: task.title,
                description: task.description,
                status: task.status,
                priority: task.priority,
                test_criteria: task.test_criteria,
                model: task.model,
                output_data: task.output_data,
                executor_agent: task.executor_agent,
                wave_db_id: wave.map(|wave| wave.id),
                wave_id: task.wave_code,
                wave_name: wave.map(|wave| wave.name.clone()).unwrap_or_default(),
                wave_tasks_done: wave.map(|wave| wave.tasks_done),
                wave_tasks_total: wave.map(|wave| wave.tasks_total),
            }
        });
        let finished = plan.finished.into_iter().map(|task| TaskOutput {
            task_id: task.code,
            wave_id: task.wave_code,
            executor_agent: task.executor_agent,
            output_data: task.output_data,
        });
        Ok(Outcome::json(&ContextJson {
            id: plan.id,
            name: plan.name,
            status: plan.status,
            tasks_done: plan.tasks_done,
            tasks_total: plan.tasks_total,
            markdown_path: text(&whole(plan.markdown_path)),
            source_file: plan.source_file,
            worktree_path: text(&worktree),
            pending_tasks: pending_tasks.collect(),
            completed_tasks_output: finished.collect(),
            framework: framework::of(&worktree),
        }))
    })
}
