//! `json`, `kanban-json`: plans for programs.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use serde::Serialize;

use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, exit_code};

use super::{Subcommand, show};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "json", command: Json::command, run: json },
    Subcommand { name: "kanban-json", command: KanbanJson::command, run: kanban_json },
];

/// Prints a plan, without its waves and tasks, as a JSON object
#[derive(Parser)]
#[command(name = "json", bin_name = "plan-db json")]
struct Json {
    /// The plan's number
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
}

#[derive(Serialize)]
struct PlanJson {
    id: i64,
    name: String,
    status: String,
    is_master: u8,
    tasks_done: i64,
    tasks_total: i64,
    created_at: Option<String>,
    started_at: Option<String>,
    completed_at: Option<String>,
    validated_at: Option<String>,
    project_id: String,
    project_name: String,
}

fn json(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Json>(arguments, exit_code::REFUSED, |args| {
        let plan = context.store()?.plan_views().plan(args.plan.0)?.ok_or_else(|| show::no_plan(args.plan))?;
        Ok(Outcome::json(&PlanJson {
            id: plan.id,
            name: plan.name,
            status: plan.status,
            is_master: plan.is_master.into(),
            tasks_done: plan.tasks_done,
            tasks_total: plan.tasks_total,
            created_at: plan.created_at,
            started_at: plan.started_at,
            completed_at: plan.completed_at,
            validated_at: plan.validated_at,
            project_id: plan.project_id,
            project_name: plan.project_name,
        }))
    })
}

/// Prints all plans as a JSON list: doing, todo, done, archived, the latest change first
#[derive(Parser)]
#[command(name = "kanban-json", bin_name = "plan-db kanban-json")]
struct KanbanJson {}

/// A row of the view `v_kanban`.
#[derive(Serialize)]
struct KanbanRow {
    plan_id: i64,
    plan_name: String,
    status: String,
    is_master: u8,
    tasks_done: i64,
    tasks_total: i64,
    progress: f64,
    created_at: Option<String>,
    started_at: Option<String>,
    completed_at: Option<String>,
    project_id: String,
    project_name: String,
    project_path: String,
}

fn kanban_json(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<KanbanJson>(arguments, exit_code::REFUSED, |KanbanJson {}| {
        let board = context.store()?.plan_views().board(None, None)?;
        let rows: Vec<_> = board
            .into_iter()
            .map(|row| KanbanRow {
                plan_id: row.plan.id,
                plan_name: row.plan.name,
                status: row.plan.status,
                is_master: row.plan.is_master.into(),
                tasks_done: row.plan.tasks_done,
                tasks_total: row.plan.tasks_total,
                progress: show::percent(row.plan.tasks_done, row.plan.tasks_total),
                created_at: row.plan.created_at,
                started_at: row.plan.started_at,
                completed_at: row.plan.completed_at,
                project_id: row.plan.project_id,
                project_name: row.plan.project_name,
                project_path: row.project_path,
            })
            .collect();
        Ok(Outcome::json(&rows))
    })
}
