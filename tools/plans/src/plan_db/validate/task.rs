//! validate-task: a validator's verdict on a task that is done.

use std::ffi::OsString;
use std::time::Instant;

use clap::Parser;
use crewkit_store::plans::{Judgement, TaskEvidence};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use serde_json::json;

use super::{is_thor, validator};
use crate::gates::report::{self, Outcome as Verdict};
use crate::gates::{self, Settings};
use crate::judgement::{Case, STATUS};
use crate::plan_db::words::json;

/// Record that a done task was validated, after the gates of a task
#[derive(Debug, Parser)]
#[command(
    name = "validate-task",
    bin_name = "plan-db validate-task",
    after_help = "Validators are thor and thor-quality-assurance-guardian; anyone else needs --force. An executor uses\n\
    plan-db-safe update-task TASK done, which does both in order.\n\
    Environment: THOR_GATES=enforce|warn|off, MAX_REJECTIONS (3), THOR_RUN_VERIFY=1.\n\
    Exit codes: 0 validated, now or before; 1 rejected, refused."
)]
pub(super) struct Arguments {
    /// Row id of the task, or its code in PLAN_ID
    #[arg(value_name = "TASK")]
    task: String,
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: Option<RowId>,
    /// Who validates
    #[arg(value_name = "BY", default_value = "thor", value_parser = validator)]
    by: String,
    /// Validate under any name and without gates
    #[arg(long)]
    force: bool,
    /// The validator's report
    #[arg(long, value_name = "JSON", value_parser = json)]
    report: Option<String>,
    /// Only run the gates, also on a task that is not done; nothing is written
    #[arg(long, conflicts_with_all = ["force", "report"])]
    check: bool,
    /// Run the task's criteria as commands
    #[arg(long)]
    run_verify: bool,
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |args| {
        let began = Instant::now();
        let mut settings = Settings::read(context)?;
        settings.run_verify |= args.run_verify;
        let id = find(context, &args.task, args.plan)?;
        let task = context.store()?.plans().task_evidence(id)?;
        if args.check {
            return Ok(check(context, &settings, &task, args.json));
        }
        if task.status != "done" {
            return Err(Refusal::new(format!(
                "task {} ({}) is {}, not done: plan-db-safe update-task {} done does both in order",
                task.id, task.code, task.status, task.id
            )));
        }
        if let Some(at) = &task.validated_at {
            return Ok(already(&args, &task, task.validated_by.as_deref().unwrap_or("?"), at));
        }
        if !args.force && !is_thor(&args.by) {
            let by = &args.by;
            return Err(Refusal::new(format!(
                "{by} is no validator (thor, thor-quality-assurance-guardian); --force validates as {by} all the same"
            )));
        }
        let forced = args.force && !is_thor(&args.by);
        let case = Case { context, settings: &settings, task: &task, by: &args.by, began };
        let judged = if forced { unjudged() } else { gates::task::judge(context, &settings, &task) };
        let outcome = report::outcome(&judged.gates);
        if outcome == Verdict::Rejected {
            let (rejected, block) = case.reject(&judged, args.report.as_deref())?;
            let answer = if args.json {
                Outcome::json(&json!({
                    "task_db_id": task.id, "task_id": task.code, "verdict": if rejected.blocked { "ESCALATED" } else { "REJECTED" },
                    "round": rejected.round, "max_rejections": settings.most, "gates": judged.gates,
                }))
            } else {
                Outcome::silent()
            };
            return Ok(answer.with_stderr(block).with_code(exit_code::REFUSED));
        }
        let kept = match (&args.report, forced) {
            (Some(given), true) => given.clone(),
            (given, _) => case.report(&judged, outcome, given.as_deref()),
        };
        let judgement = Judgement { by: &args.by, report: &kept };
        if let Some((by, at)) = context.store()?.plans().validate_task(task.id, &judgement, &context.now())? {
            return Ok(already(&args, &task, &by, &at));
        }
        case.log(&[STATUS], &judged.gates, outcome);
        let mut answer = if args.json {
            Outcome::json(&json!({
                "task_db_id": task.id, "task_id": task.code, "verdict": outcome, "validated_by": args.by, "forced": forced,
                "gates": judged.gates,
            }))
        } else {
            Outcome::text(text::one_line(&format!("Task {} validated by {}", task.code, args.by)))
        };
        if forced {
            answer = answer.with_note(format!("[WARN] validated by force as {}, without gates", args.by));
        }
        for line in report::left_to_people(&judged.gates) {
            answer = answer.with_note(line);
        }
        Ok(answer)
    })
}

/// No gate was run.
fn unjudged() -> gates::task::Judged {
    gates::task::Judged { gates: Vec::new(), requirements: Vec::new(), saw_code: false }
}

fn already(args: &Arguments, task: &TaskEvidence, by: &str, at: &str) -> Outcome {
    if args.json {
        let (id, code) = (task.id, &task.code);
        return Outcome::json(
            &json!({"task_db_id": id, "task_id": code, "already": true, "validated_by": by, "validated_at": at}),
        );
    }
    Outcome::text(text::one_line(&format!("Task {} was already validated by {by} at {at}", task.code)))
}

fn check(context: &Context, settings: &Settings, task: &TaskEvidence, as_json: bool) -> Outcome {
    let judged = gates::task::judge(context, settings, task);
    let outcome = report::outcome(&judged.gates);
    let code = u8::from(outcome == Verdict::Rejected);
    if as_json {
        let whole = json!({
            "task_db_id": task.id, "task_id": task.code, "verdict": outcome, "mode": settings.mode, "gates": judged.gates,
        });
        return Outcome::json(&whole).with_code(code);
    }
    Outcome::text(report::explain(&format!("Task {} ({})", task.code, task.title), &judged.gates)).with_code(code)
}

/// The row of the task that `given` names: a row id first, else a code in the plan.
fn find(context: &Context, given: &str, plan: Option<RowId>) -> Result<i64, Refusal> {
    let plans = context.store()?.plans();
    if let Some(plan) = plan {
        plans.brief(plan.0)?;
    }
    let row = match given.parse::<RowId>() {
        Ok(id) => match plans.task(id.0) {
            Ok(task) => Some(task),
            Err(crewkit_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        },
        Err(_) => None,
    };
    match (&row, plan) {
        (Some(task), None) => return Ok(task.id),
        (Some(task), Some(plan)) if task.plan == Some(plan.0) => return Ok(task.id),
        _ => {}
    }
    let Some(plan) = plan else {
        let is_number = given.bytes().all(|byte| byte.is_ascii_digit()) && !given.is_empty();
        return Err(Refusal::new(if is_number {
            format!("task {given} not found")
        } else {
            format!("TASK '{given}' is a code: give PLAN_ID, the plan it belongs to")
        }));
    };
    let found = plans.tasks_by_code(given, Some(plan.0))?;
    match (found.as_slice(), row) {
        ([task], _) => Ok(task.id),
        ([], Some(task)) => {
            let of = task.plan.map_or_else(|| "no plan".to_owned(), |plan| format!("plan {plan}"));
            Err(Refusal::new(format!("task {given} belongs to {of}, not to plan {}", plan.0)))
        }
        ([], None) => Err(Refusal::new(format!("TASK '{given}' is neither a row id nor a code of plan {}", plan.0))),
        (several, _) => {
            let list: Vec<String> = several.iter().map(|task| format!("{} (wave {})", task.id, task.wave)).collect();
            Err(Refusal::new(format!("TASK '{given}' names several tasks; give the row id: {}", list.join(", "))))
        }
    }
}
