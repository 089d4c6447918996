//! ready, next: what of a plan can be begun now, and taking one task of it.

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser};
use crewkit_store::plans::{WorkPlan, WorkTask};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, exit_code, text};
use serde::Serialize;

use super::Subcommand;
use super::words::line;
use crate::task_files::{FileSet, split_part};
use crate::wave_conditions::{Ready, judge};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "ready", command: ReadyTasks::command, run: ready },
    Subcommand { name: "next", command: Next::command, run: next },
];

/// List the tasks that can be begun now: pending, and all that they wait for finished
#[derive(Debug, Parser)]
#[command(name = "ready", bin_name = "plan-db ready")]
struct ReadyTasks {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    #[command(flatten)]
    which: Which,
    /// A JSON list instead of a table
    #[arg(long)]
    json: bool,
}

/// Print the task to be begun next as JSON; with --claim take it. Exit 1 when there is none
#[derive(Debug, Parser)]
#[command(name = "next", bin_name = "plan-db next")]
struct Next {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    #[command(flatten)]
    which: Which,
    /// Take it: it becomes in_progress and belongs to the agent; of several who ask at once each gets another
    #[arg(long, requires = "agent")]
    claim: bool,
    /// Who takes it
    #[arg(long, value_name = "NAME", value_parser = line)]
    agent: Option<String>,
    /// With --claim: the task that the agent has begun already, if there is one
    #[arg(long, requires = "claim")]
    resume: bool,
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct Which {
    /// Leave out tasks that name a file of a task in progress
    #[arg(long)]
    disjoint: bool,
}

/// A task that can be begun.
#[derive(Debug, Serialize)]
struct TaskOut {
    id: i64,
    code: String,
    wave: String,
    title: String,
    priority: String,
    model: String,
    effort: i64,
    executor_agent: String,
    assignee: String,
    description: String,
    test_criteria: String,
}

#[derive(Debug, Serialize)]
struct NextOut {
    task: Option<TaskOut>,
    /// Whether the task was taken.
    claimed: bool,
    /// Tasks that are neither done nor skipped, this one among them.
    open: usize,
    /// Tasks in progress; with --claim this one among them.
    in_progress: usize,
    /// What open waves wait for, by code.
    waiting: Vec<Waiting>,
}

#[derive(Debug, Serialize)]
struct Waiting {
    wave: String,
    waits_for: String,
}

impl From<&WorkTask> for TaskOut {
    fn from(task: &WorkTask) -> Self {
        Self {
            id: task.id,
            code: task.code.clone(),
            wave: task.wave_code.clone(),
            title: task.title.clone(),
            priority: task.priority.clone(),
            model: task.model.clone(),
            effort: task.effort,
            executor_agent: task.executor_agent.clone(),
            assignee: task.assignee.clone(),
            description: task.description.clone(),
            test_criteria: task.test_criteria.clone(),
        }
    }
}

fn ready(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<ReadyTasks>(arguments, exit_code::REFUSED, |args| {
        let plan = context.store()?.plans().work(args.plan.0)?;
        let tasks = ready_tasks(&plan, args.which);
        if args.json {
            let tasks: Vec<TaskOut> = tasks.map(|(_, task)| TaskOut::from(task)).collect();
            return Ok(Outcome::json(&tasks));
        }
        let mut rows = vec![["id", "code", "wave", "priority", "model", "title"].map(str::to_owned).to_vec()];
        rows.extend(tasks.map(|(_, task)| {
            let own = [&task.code, &task.wave_code, &task.priority, &task.model, &task.title].map(Clone::clone);
            [&[task.id.to_string()][..], &own].concat()
        }));
        let none = rows.len() == 1;
        let mut answer = Outcome::text(if none { String::new() } else { text::columns(&rows) });
        for Waiting { wave, waits_for } in waiting(&plan) {
            answer = answer.with_note(format!("wave {wave} waits for: {waits_for}"));
        }
        Ok(if none { answer.with_note("no task can be begun now") } else { answer })
    })
}

fn next(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Next>(arguments, exit_code::REFUSED, |args| {
        let plans = context.store()?.plans();
        let (plan, place) = if let (Some(agent), true) = (&args.agent, args.claim) {
            let own = |plan: &WorkPlan| {
                plan.tasks.iter().position(|task| task.status == "in_progress" && task.assignee == *agent)
            };
            let choose = |plan: &WorkPlan| args.resume.then(|| own(plan)).flatten().or_else(|| first(plan, args.which));
            plans.take_task(args.plan.0, agent, &context.host(), choose, &context.now())?
        } else {
            let plan = plans.work(args.plan.0)?;
            let place = first(&plan, args.which);
            (plan, place)
        };
        let count = |wanted: &dyn Fn(&WorkTask) -> bool| plan.tasks.iter().filter(|task| wanted(task)).count();
        let begun = place.is_some_and(|place| args.claim && plan.tasks[place].status != "in_progress");
        let mut task = place.map(|place| TaskOut::from(&plan.tasks[place]));
        if let (Some(task), Some(agent), true) = (&mut task, args.agent, args.claim) {
            task.assignee = agent;
        }
        let out = NextOut {
            claimed: args.claim && task.is_some(),
            task,
            open: count(&|task| !matches!(task.status.as_str(), "done" | "skipped")),
            in_progress: count(&|task| task.status == "in_progress") + usize::from(begun),
            waiting: waiting(&plan),
        };
        let code = if out.task.is_some() { exit_code::DONE } else { exit_code::REFUSED };
        Ok(Outcome::json(&out).with_code(code))
    })
}

fn first(plan: &WorkPlan, which: Which) -> Option<usize> {
    ready_tasks(plan, which).next().map(|(place, _)| place)
}

/// The pending tasks that wait for nothing, by the wave's position, then row.
pub(crate) fn ready_in_order(plan: &WorkPlan) -> Vec<&WorkTask> {
    let position = |task: &WorkTask| {
        let wave = plan.waves.iter().position(|wave| Some(wave.id) == task.wave);
        (wave.unwrap_or(usize::MAX), task.id)
    };
    let mut tasks: Vec<_> = ready_tasks(plan, Which { disjoint: false }).map(|(_, task)| task).collect();
    tasks.sort_by_key(|task| position(task));
    tasks
}

/// The pending tasks that wait for nothing, with their places.
fn ready_tasks(plan: &WorkPlan, which: Which) -> impl Iterator<Item = (usize, &WorkTask)> {
    let open: Vec<i64> = plan.waves.iter().filter(|wave| judge(plan, wave) == Ready::Yes).map(|wave| wave.id).collect();
    let files = |task: &WorkTask| FileSet::of_task(&task.files, &task.description, &task.test_criteria);
    let mut busy = FileSet::default();
    if which.disjoint {
        plan.tasks.iter().filter(|task| task.status == "in_progress").for_each(|task| busy.join(files(task)));
    }
    plan.tasks.iter().enumerate().filter(move |(_, task)| {
        task.status == "pending"
            && task.wave.is_none_or(|wave| open.contains(&wave))
            && !waits(plan, task)
            && (busy.is_empty() || files(task).shared(&busy).is_empty())
    })
}

/// Whether a task that has to come before this one, in its wave, is not finished.
fn waits(plan: &WorkPlan, task: &WorkTask) -> bool {
    let Some(part) = split_part(&task.description, "After").1 else { return false };
    let codes: Vec<&str> = part.split(',').map(str::trim).collect();
    let before =
        |other: &&WorkTask| other.wave == task.wave && other.id != task.id && codes.contains(&other.code.as_str());
    plan.tasks.iter().filter(before).any(|other| !matches!(other.status.as_str(), "done" | "skipped"))
}

/// What the waves that have open tasks wait for.
fn waiting(plan: &WorkPlan) -> Vec<Waiting> {
    let open = |id: i64| plan.tasks.iter().any(|task| task.wave == Some(id) && task.status == "pending");
    let waves = plan.waves.iter().filter(|wave| open(wave.id)).filter_map(|wave| {
        let waits_for = match judge(plan, wave) {
            Ready::Yes => return None,
            Ready::No(what) => what,
            Ready::Skip => "nothing: it is to be skipped".to_owned(),
        };
        Some(Waiting { wave: wave.code.clone(), waits_for })
    });
    waves.collect()
}
