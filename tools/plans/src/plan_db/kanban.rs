//! `kanban`, `status`: the boards for people.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use serde::Serialize;

use crewkit_store::plan_views::BoardPlan;
use crewkit_tool::{Answer, Clock, Context, Outcome, args, exit_code};

use super::{Subcommand, show};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "kanban", command: Kanban::command, run: kanban },
    Subcommand { name: "status", command: Status::command, run: status },
];

/// Most plans in TODO.
const MOST_TODO: usize = 10;
/// Most plans in DONE.
const MOST_DONE: usize = 5;
/// Most plans in the status of all projects.
const MOST_ACTIVE: usize = 5;
/// Most tasks in the status.
const MOST_TASKS: usize = 5;

/// Shows the plans of all projects: doing, todo, and those done last
#[derive(Parser)]
#[command(name = "kanban", bin_name = "plan-db kanban")]
struct Kanban {}

fn kanban(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Kanban>(arguments, exit_code::REFUSED, |Kanban {}| {
        let board = context.store()?.plan_views().board(None, None)?;
        let of = |status: &str| board.iter().filter(|row| row.plan.status == status).collect::<Vec<_>>();
        let star = |row: &BoardPlan| if row.plan.is_master { "*" } else { "" }.to_owned();

        let doing = of("doing").into_iter().map(|row| {
            vec![
                row.plan.project_name.clone(),
                row.plan.name.clone(),
                format!("{}%", show::percent(row.plan.tasks_done, row.plan.tasks_total)),
                star(row),
                row.host.clone().unwrap_or_else(|| "-".to_owned()),
                show::short(row.description.as_deref()),
                show::worktree(context, row.worktree.as_deref()),
            ]
        });
        let todo =
            of("todo").into_iter().map(|row| vec![row.plan.project_name.clone(), row.plan.name.clone(), star(row)]);
        let mut done = of("done");
        done.sort_by_key(|row| {
            let at = row.plan.completed_at.as_deref().and_then(Clock::parse);
            std::cmp::Reverse((at, row.plan.id))
        });
        let done = done.into_iter().map(|row| {
            let at = row.plan.completed_at.clone().unwrap_or_else(|| "-".to_owned());
            vec![row.plan.project_name.clone(), row.plan.name.clone(), at]
        });

        let sections = [
            show::section("DOING", &doing.collect::<Vec<_>>(), usize::MAX),
            show::section("TODO", &todo.collect::<Vec<_>>(), MOST_TODO),
            show::section("DONE (recent)", &done.collect::<Vec<_>>(), MOST_DONE),
        ];
        Ok(Outcome::text(sections.join("\n")))
    })
}

/// Shows the plans that are doing and the tasks in progress, of one project or of all
#[derive(Parser)]
#[command(name = "status", bin_name = "plan-db status")]
struct Status {
    /// Only this project
    #[arg(value_name = "PROJECT_ID")]
    project: Option<String>,
    /// A JSON object with all of both, instead of the first few as text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct StatusJson {
    active_plans: Vec<ActivePlan>,
    in_progress_tasks: Vec<ActiveTask>,
}

#[derive(Serialize)]
struct ActivePlan {
    id: i64,
    project_id: String,
    project_name: String,
    name: String,
    tasks_done: i64,
    tasks_total: i64,
    host: Option<String>,
    description: Option<String>,
    worktree_path: Option<String>,
}

#[derive(Serialize)]
struct ActiveTask {
    id: i64,
    task_id: String,
    title: String,
    wave_id: String,
    plan_id: Option<i64>,
    host: Option<String>,
}

fn status(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Status>(arguments, exit_code::REFUSED, |args| {
        let project = args.project.as_deref().filter(|project| !project.is_empty());
        let views = context.store()?.plan_views();
        let plans = views.board(project, Some("doing"))?;
        let tasks = views.running_tasks(project)?;
        if args.json {
            let active_plans = plans
                .into_iter()
                .map(|row| ActivePlan {
                    id: row.plan.id,
                    project_id: row.plan.project_id,
                    project_name: row.plan.project_name,
                    name: row.plan.name,
                    tasks_done: row.plan.tasks_done,
                    tasks_total: row.plan.tasks_total,
                    host: row.host,
                    description: row.description,
                    worktree_path: row.worktree.map(|path| context.expand_home(&path).to_string_lossy().into_owned()),
                })
                .collect();
            let in_progress_tasks = tasks
                .into_iter()
                .map(|task| ActiveTask {
                    id: task.id,
                    task_id: task.code,
                    title: task.title,
                    wave_id: task.wave,
                    plan_id: task.plan_id,
                    host: task.host,
                })
                .collect();
            return Ok(Outcome::json(&StatusJson { active_plans, in_progress_tasks }));
        }
        let most = if project.is_some() { usize::MAX } else { MOST_ACTIVE };
        let mut lines: Vec<Vec<String>> = Vec::with_capacity(plans.len());
        for (at, row) in plans.iter().enumerate() {
            // Those that are only counted need no look at their worktree.
            if at >= most {
                lines.push(Vec::new());
                continue;
            }
            let mut line = vec![
                row.plan.name.clone(),
                show::progress(row.plan.tasks_done, row.plan.tasks_total),
                row.host.clone().unwrap_or_else(|| "-".to_owned()),
                show::short(row.description.as_deref()),
                show::worktree(context, row.worktree.as_deref()),
            ];
            if project.is_none() {
                line.insert(0, row.plan.project_name.clone());
            }
            lines.push(line);
        }
        let tasks: Vec<_> = tasks.into_iter().map(|task| vec![task.code, task.title, task.wave]).collect();
        let sections =
            [show::section("Active Plans:", &lines, most), show::section("In-Progress Tasks:", &tasks, MOST_TASKS)];
        Ok(Outcome::text(sections.join("\n")))
    })
}
