//! plan-db-safe: the way to mark a task done. Executors, workers, task-quick and people call it with plan-db's arguments;
//! `update-task TASK done` is judged by the gates first, and followed by everything that a finished task brings with it:
//! its locks are released, its wave and plan completed. All else is plan-db.

mod cascade;
mod finish;
mod stale;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser};
use crewkit_tool::args::{self, Instead, RowId};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, exit_code};
use serde_json::{Value, json};

use crate::gates::report::{self, Outcome as Verdict};
use crate::gates::{Settings, task};
use crate::plan_db::update::find_task;
use crate::plan_db::words::{count, json as json_text, words};
use finish::{Finished, Request};

/// plan-db-safe.
pub const TOOL: Tool = Tool {
    name: "plan-db-safe",
    summary: "plan-db, with the gates before a task becomes done",
    kind: Kind::Tool,
    command,
    run,
};

/// Plan-db's own update-task; to done it runs the gates first, releases the task's locks, validates it, and completes its
/// wave and plan where it was the last
#[derive(Debug, Parser)]
#[command(name = "update-task", bin_name = "plan-db-safe update-task", args_override_self = true)]
struct UpdateTask {
    /// Row id of the task, or its code when exactly one open plan has it
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
    #[command(flatten)]
    change: Change,
}

/// Marks several tasks done, one after the other; what one is refused does not keep the others back
#[derive(Debug, Parser)]
#[command(name = "done", bin_name = "plan-db-safe done", args_override_self = true)]
struct Done {
    /// Row ids of the tasks, or their codes
    #[arg(value_name = "TASK", required = true)]
    tasks: Vec<String>,
    /// Notes for each; without any, those that are there stay
    #[arg(long, value_name = "NOTES", value_parser = words, allow_hyphen_values = true)]
    notes: Option<String>,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, clap::Args)]
struct Change {
    /// Tokens that were used
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    tokens: Option<i64>,
    /// What the task made, for the tasks after it
    #[arg(long, value_name = "JSON", value_parser = json_text)]
    output_data: Option<String>,
    /// Plan in which to look for the code
    #[arg(long, value_name = "PLAN_ID")]
    plan: Option<RowId>,
    /// Run the task's criteria as commands, as THOR_RUN_VERIFY=1 does
    #[arg(long)]
    run_verify: bool,
    /// Only tell what the gates say; nothing is written
    #[arg(long)]
    dry_run: bool,
    /// The verdicts for people, on standard error
    #[arg(long)]
    explain: bool,
    /// One JSON object a task, with the gates
    #[arg(long)]
    json: bool,
}

/// Runs the gates of tasks, whatever their state; nothing is written. One line of JSON a task
#[derive(Debug, Parser)]
#[command(
    name = "gates",
    bin_name = "plan-db-safe gates",
    after_help = "Exit codes: 0 nothing rejects; 1 a gate rejects."
)]
struct Gates {
    /// Row ids of the tasks, or their codes
    #[arg(value_name = "TASK", required = true)]
    tasks: Vec<String>,
    /// Plan in which to look for the codes
    #[arg(long, value_name = "PLAN_ID")]
    plan: Option<RowId>,
    /// Run the tasks' criteria as commands, as THOR_RUN_VERIFY=1 does
    #[arg(long)]
    run_verify: bool,
    /// Text for people instead of JSON
    #[arg(long, conflicts_with = "json")]
    explain: bool,
    /// JSON, as without this flag
    #[arg(long)]
    json: bool,
}

fn command() -> clap::Command {
    clap::Command::new(TOOL.name)
        .about(TOOL.summary)
        .override_usage(
            "plan-db-safe update-task TASK done [NOTES] [OPTIONS]\n       plan-db-safe done TASK... [OPTIONS]\n       \
             plan-db-safe gates TASK...\n       plan-db-safe ARGUMENTS OF PLAN-DB",
        )
        .after_help(
            "Environment: THOR_GATES=enforce|warn|off: whether hard evidence rejects (enforce), is only told, or is not\n\
             looked for; MAX_REJECTIONS: the round at which a task is blocked (3); THOR_AUTO=0: done, and validation is left\n\
             to another agent; THOR_RUN_VERIFY=1: criteria are run as commands.\n\
             Exit codes: 0 done, whatever became of wave and plan; 1 refused, stale, rejected; else plan-db's.",
        )
        .subcommands([UpdateTask::command(), Done::command(), Gates::command()])
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().and_then(|word| word.to_str()) {
        Some("update-task") if rest.iter().any(|word| word == "done") => update_task(context, arguments, rest),
        Some("done") => args::with::<Done>(rest, exit_code::REFUSED, |args| {
            finish_all(context, &args.tasks, args.notes.as_deref(), &args.change)
        }),
        Some("gates") => args::with::<Gates>(rest, exit_code::REFUSED, |args| gates(context, &args)),
        _ => Err(pass_on(context, arguments)?),
    }
}

/// Puts plan-db in the place of this process: its exit code and its streams are the answer.
fn pass_on(context: &Context, arguments: &[OsString]) -> Result<Refusal, Refusal> {
    Ok(Run::tool(context, "plan-db")?.args(arguments).replace().with_code(exit_code::REFUSED))
}

fn update_task(context: &Context, arguments: &[OsString], rest: &[OsString]) -> Answer {
    match args::parse::<UpdateTask>(rest) {
        Ok(args) if args.status == "done" => {
            finish_all(context, std::slice::from_ref(&args.task), args.notes.as_deref(), &args.change)
        }
        // The word done stands in the notes, or help is asked for.
        Ok(_) | Err(Instead::Help(_)) => Err(pass_on(context, arguments)?),
        Err(Instead::Wrong(refusal)) => Err(refusal.with_code(exit_code::REFUSED)),
    }
}

fn finish_all(context: &Context, tasks: &[String], notes: Option<&str>, change: &Change) -> Answer {
    let mut settings = Settings::read(context)?;
    settings.run_verify |= change.run_verify;
    let mut whole = Outcome::silent();
    for given in tasks {
        let request = Request {
            given,
            plan: change.plan,
            notes,
            tokens: change.tokens,
            output_data: change.output_data.as_deref(),
            dry_run: change.dry_run,
        };
        let finished = match finish::finish(context, &settings, &request) {
            Ok(finished) => finished,
            Err(refusal) if tasks.len() == 1 => return Err(refusal),
            Err(refusal) => {
                whole.code = whole.code.max(refusal.code);
                whole = whole.with_note(format!("plan-db-safe: {given}: {refusal}"));
                continue;
            }
        };
        whole.code = whole.code.max(finished.code);
        whole.stdout.extend(if change.json { Outcome::json(&finished.json).stdout } else { lines(&finished) });
        if change.explain {
            whole.stderr.extend(finished.explained.bytes());
        }
        whole.stderr.extend(finished.block.bytes());
        for note in &finished.notes {
            whole = whole.with_note(note);
        }
    }
    Ok(whole)
}

/// The lines on standard output: the object that programs read, who validated the task, what became of its wave.
fn lines(finished: &Finished) -> Vec<u8> {
    let Some(object) = &finished.brief else { return Vec::new() };
    let mut out = Outcome::json(object).stdout;
    for line in &finished.lines {
        out.extend(Outcome::text(crewkit_tool::text::one_line(line)).stdout);
    }
    out
}

fn gates(context: &Context, args: &Gates) -> Answer {
    let mut settings = Settings::read(context)?;
    settings.run_verify |= args.run_verify;
    let mut whole = Outcome::silent();
    for given in &args.tasks {
        let id = find_task(context, given, args.plan)?;
        let evidence = context.store()?.plans().task_evidence(id)?;
        let judged = task::judge(context, &settings, &evidence);
        let verdict = report::outcome(&judged.gates);
        whole.code = whole.code.max(u8::from(verdict == Verdict::Rejected));
        let answer = if args.explain {
            let heading = format!("Task {} ({})", evidence.code, evidence.title);
            Outcome::text(report::explain(&heading, &judged.gates))
        } else {
            let object: Value = json!({
                "task_id": given, "task_db_id": evidence.id, "code": evidence.code, "status": evidence.status,
                "verdict": verdict, "rounds": evidence.rounds, "mode": settings.mode, "gates": judged.gates,
            });
            Outcome::json(&object)
        };
        whole.stdout.extend(answer.stdout);
    }
    Ok(whole)
}
