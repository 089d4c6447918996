//! update-task, update-wave, sync, log-failure: work as it goes on.

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser};
use crewkit_store::plans::{NewFailure, TaskChange, TaskPlace, TaskStatus, WaveStatus};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};

use super::Subcommand;
use super::words::{count, json, line, words};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "update-task", command: UpdateTask::command, run: update_task },
    Subcommand { name: "update-wave", command: UpdateWave::command, run: update_wave },
    Subcommand { name: "sync", command: Sync::command, run: sync },
    Subcommand { name: "log-failure", command: LogFailure::command, run: log_failure },
];

/// Change a task's state: pending, in_progress, done, blocked or skipped
#[derive(Debug, Parser)]
#[command(name = "update-task", bin_name = "plan-db update-task", args_override_self = true)]
struct UpdateTask {
    /// Row id of the task, or its code (T1-01, W1/T1-01) when exactly one open plan has it
    #[arg(value_name = "TASK")]
    task: String,
    /// The new state
    #[arg(value_name = "STATUS")]
    status: String,
    /// Notes; without any, those that are there stay
    #[arg(value_name = "NOTES", value_parser = words, allow_hyphen_values = true)]
    notes: Option<String>,
    #[arg(hide = true)]
    ignored: Vec<String>,
    /// Tokens that were used
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    tokens: Option<i64>,
    /// What the task made, for the tasks after it
    #[arg(long, value_name = "JSON", value_parser = json)]
    output_data: Option<String>,
    /// Plan in which to look for the code
    #[arg(long, value_name = "PLAN_ID")]
    plan: Option<RowId>,
}

/// Change a wave's state: pending, in_progress, done, blocked or merging
#[derive(Debug, Parser)]
#[command(name = "update-wave", bin_name = "plan-db update-wave")]
struct UpdateWave {
    /// Row id of the wave
    #[arg(value_name = "WAVE_DB_ID")]
    wave: RowId,
    /// The new state
    #[arg(value_name = "STATUS")]
    status: String,
}

/// Count a plan's tasks again and close its finished waves
#[derive(Debug, Parser)]
#[command(name = "sync", bin_name = "plan-db sync")]
struct Sync {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
}

/// Keep an approach that failed, so that nobody tries it again; its row id goes to standard output
#[derive(Debug, Parser)]
#[command(name = "log-failure", bin_name = "plan-db log-failure")]
struct LogFailure {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Code of the task
    #[arg(value_name = "TASK_CODE", value_parser = line)]
    task: String,
    /// What was tried
    #[arg(value_name = "APPROACH", value_parser = words, allow_hyphen_values = true)]
    approach: String,
    /// Why it failed
    #[arg(value_name = "REASON", value_parser = words, allow_hyphen_values = true)]
    reason: String,
}

fn update_task(context: &Context, arguments: &[OsString]) -> Answer {
    // The guard comes before every other check, so it does not wait for the arguments to be read.
    let asks_for_done = arguments.get(1).is_some_and(|status| status == "done");
    if asks_for_done && context.variable("PLAN_DB_SAFE_CALLER").as_deref() != Some("1") {
        return Err(guarded());
    }
    args::with::<UpdateTask>(arguments, exit_code::REFUSED, |args| {
        let to = TaskStatus::parse(&args.status).ok_or_else(|| {
            Refusal::new(format!("task status '{}' is none of: {}", args.status, TaskStatus::words()))
        })?;
        if to == TaskStatus::Done && context.variable("PLAN_DB_SAFE_CALLER").as_deref() != Some("1") {
            return Err(guarded());
        }
        let task = find_task(context, &args.task, args.plan)?;
        let change = TaskChange {
            task,
            to,
            notes: args.notes.as_deref(),
            tokens: args.tokens,
            output_data: args.output_data.as_deref(),
            host: &context.host(),
        };
        change_task(context, &change)
    })
}

/// Changes a task's state; what followed from it stands on standard error.
pub(crate) fn change_task(context: &Context, change: &TaskChange<'_>) -> Answer {
    let changed = context.store()?.plans().change_task(change, &context.now())?;
    let mut answer = Outcome::silent();
    if let Some(wave) = &changed.wave_completed {
        answer = answer.with_note(format!("[OK] Wave {wave} completed"));
    }
    if let Some(wave) = &changed.wave_reopened {
        answer = answer.with_note(format!("[WARN] Wave {wave} is open again"));
    }
    if let Some(plan) = changed.plan_closed {
        let line = format!("[WARN] Plan {plan} is closed with an open task; plan-db start {plan} --force opens it");
        answer = answer.with_note(line);
    }
    let tokens = change.tokens.map(|tokens| format!(" (tokens: {tokens})")).unwrap_or_default();
    let (task, to) = (change.task, change.to.as_str());
    Ok(answer.with_note(format!("[OK] Task {task}: {} -> {to}{tokens}", changed.from)))
}

fn guarded() -> Refusal {
    Refusal::new(
        "use plan-db-safe to mark a task done: it validates first (a caller that validates by itself sets PLAN_DB_SAFE_CALLER=1)",
    )
}

/// The row of the task that `given` names: a row id, or a code (`T1-01`, `W1/T1-01`) that exactly one task of the plan
/// `plan`, or else of all plans that are open, has.
///
/// # Errors
/// A refusal that names `given`, and the candidates where there are several.
pub(crate) fn find_task(context: &Context, given: &str, plan: Option<RowId>) -> Result<i64, Refusal> {
    if given.bytes().all(|byte| byte.is_ascii_digit()) {
        return given.parse::<RowId>().map(|id| id.0).map_err(|fault| Refusal::new(format!("TASK '{given}': {fault}")));
    }
    let plans = context.store()?.plans();
    if let Some(plan) = plan {
        plans.brief(plan.0)?;
    }
    let found = plans.tasks_by_code(given, plan.map(|plan| plan.0))?;
    match found.as_slice() {
        [task] => Ok(task.id),
        [] => {
            let place = plan.map_or_else(|| "any open plan".to_owned(), |plan| format!("plan {}", plan.0));
            Err(Refusal::new(format!("TASK '{given}' is no row id, and no task of {place} has that code")))
        }
        several => {
            let list: Vec<_> = several.iter().take(10).map(candidate).collect();
            let more = several.len().saturating_sub(list.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let count = several.len();
            Err(Refusal::new(format!("TASK '{given}' names {count} tasks; give the row id: {}{more}", list.join(", "))))
        }
    }
}

fn candidate(task: &TaskPlace) -> String {
    let plan = task.plan.map_or_else(|| "no plan".to_owned(), |plan| format!("plan {plan}"));
    let name = task.plan_name.as_deref().unwrap_or("?");
    format!("{} ({plan} {name}, wave {})", task.id, task.wave)
}

fn update_wave(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<UpdateWave>(arguments, exit_code::REFUSED, |args| {
        let to = WaveStatus::parse(&args.status).ok_or_else(|| {
            Refusal::new(format!("wave status '{}' is none of: {}", args.status, WaveStatus::words()))
        })?;
        context.store()?.plans().change_wave(args.wave.0, to, &context.now())?;
        Ok(Outcome::silent().with_note(format!("[OK] Wave {} -> {}", args.wave.0, to.as_str())))
    })
}

fn sync(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Sync>(arguments, exit_code::REFUSED, |args| {
        let waves = context.store()?.plans().sync(args.plan.0, &context.now())?;
        let head = ["wave", "name", "status", "done"].map(str::to_owned).to_vec();
        let lines = waves.into_iter().map(|wave| {
            let done = format!("{}/{}", wave.counts.done, wave.counts.total);
            vec![wave.code, wave.name, wave.status, done]
        });
        let table = text::columns(&std::iter::once(head).chain(lines).collect::<Vec<_>>());
        Ok(Outcome::text(table).with_note(format!("[OK] Counted plan {} again", args.plan.0)))
    })
}

fn log_failure(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<LogFailure>(arguments, exit_code::REFUSED, |args| {
        for (name, text) in [("APPROACH", &args.approach), ("REASON", &args.reason)] {
            if text.trim().is_empty() {
                return Err(Refusal::new(format!("{name} is empty")));
            }
        }
        let host = context.host();
        let new = NewFailure {
            plan: args.plan.0,
            task: &args.task,
            approach: &args.approach,
            reason: &args.reason,
            host: &host,
        };
        let (id, known) = context.store()?.plans().log_failure(&new, &context.now())?;
        let answer = Outcome::text(id.to_string());
        Ok(if known {
            answer
        } else {
            answer.with_note(format!("[WARN] plan {} has no task {}", args.plan.0, args.task))
        })
    })
}
