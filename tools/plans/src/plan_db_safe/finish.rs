//! One task to done: staleness, gates, the change with its validation, then what follows for wave and plan.

use std::time::Instant;

use crewkit_store::plans::{Judgement, TaskChange, TaskEvidence, TaskStatus};
use crewkit_tool::args::RowId;
use crewkit_tool::{Context, Refusal, exit_code};
use serde_json::{Value, json};

use super::{cascade, stale};
use crate::gates::report::{self, Outcome as Verdict};
use crate::gates::task::Judged;
use crate::gates::{Settings, task, uncommitted_warning};
use crate::judgement::{AUTO, Case, STATUS};
use crate::plan_db::update::find_task;

/// Under which name this program validates.
pub(super) const EXECUTOR: &str = "executor-auto";

/// A task that is to become done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) given: &'a str,
    pub(super) plan: Option<RowId>,
    pub(super) notes: Option<&'a str>,
    pub(super) tokens: Option<i64>,
    pub(super) output_data: Option<&'a str>,
    pub(super) dry_run: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Finished {
    pub(super) code: u8,
    /// The object that programs read; `None` when the task is not done.
    pub(super) brief: Option<Value>,
    /// Lines behind it.
    pub(super) lines: Vec<String>,
    /// Everything as one object.
    pub(super) json: Value,
    /// The rejection, for standard error.
    pub(super) block: String,
    /// Lines for standard error.
    pub(super) notes: Vec<String>,
    /// The gates for people.
    pub(super) explained: String,
}

/// Makes the task done, or says what stands against it.
///
/// # Errors
/// When the task is unknown, may not become done, or is stale; nothing is written then.
pub(super) fn finish(context: &Context, settings: &Settings, request: &Request<'_>) -> Result<Finished, Refusal> {
    let began = Instant::now();
    let id = find_task(context, request.given, request.plan)?;
    let mut evidence = context.store()?.plans().task_evidence(id)?;
    may_become_done(&evidence, settings)?;
    if let Some(output) = request.output_data {
        output.clone_into(&mut evidence.output_data);
    }
    let repeated = evidence.status == TaskStatus::Done.as_str() && evidence.validated_at.is_some();
    let mut finished = Finished::default();
    let judged = if repeated {
        None
    } else {
        not_stale(context, &evidence)?;
        finished.notes.extend(uncommitted_warning(context, evidence.worktree.as_deref()));
        Some(task::judge(context, settings, &evidence))
    };
    let case = Case { context, settings, task: &evidence, by: EXECUTOR, began };
    let gates = judged.as_ref().map_or(&[][..], |judged| &judged.gates);
    let verdict = report::outcome(gates);
    finished.explained = report::explain(&format!("Task {} ({})", evidence.code, evidence.title), gates);
    finished.notes.extend(report::left_to_people(gates));
    finished.json = json!({
        "task_id": request.given, "task_db_id": id, "code": evidence.code, "status": evidence.status, "verdict": verdict,
        "round": evidence.rounds, "max_rejections": settings.most, "mode": settings.mode, "released_count": 0,
        "validated_by": Value::Null, "gates": gates,
    });
    if request.dry_run {
        return Ok(dry(finished, &case, judged.as_ref(), verdict));
    }
    if let (Verdict::Rejected, Some(judged)) = (verdict, &judged) {
        let (rejected, block) = case.reject(judged, None)?;
        finished.block = block;
        finished.json["round"] = json!(rejected.round);
        finished.json["released_count"] = json!(rejected.released);
        if rejected.blocked {
            finished.json["verdict"] = json!(Verdict::Escalated);
            finished.json["status"] = json!("blocked");
        }
        finished.code = exit_code::REFUSED;
        return Ok(finished);
    }
    done(context, settings, request, &case, judged.as_ref(), verdict, finished)
}

/// The change itself, with the validation where that is not left to others, and what follows.
fn done(
    context: &Context,
    settings: &Settings,
    request: &Request<'_>,
    case: &Case<'_>,
    judged: Option<&Judged>,
    verdict: Verdict,
    mut finished: Finished,
) -> Result<Finished, Refusal> {
    let (evidence, host) = (case.task, context.host());
    let change = TaskChange {
        task: evidence.id,
        to: TaskStatus::Done,
        notes: request.notes,
        tokens: request.tokens,
        output_data: request.output_data,
        host: &host,
    };
    let kept = judged.map(|judged| case.report(judged, verdict, None)).unwrap_or_default();
    let judgement = Judgement { by: EXECUTOR, report: &kept };
    let validates = settings.auto && judged.is_some();
    let end = context.store()?.plans().finish_task(&change, validates.then_some(&judgement), &context.now())?;
    let tokens = request.tokens.map(|tokens| format!(" (tokens: {tokens})")).unwrap_or_default();
    finished.notes.push(format!("[OK] Task {}: {} -> done{tokens}", evidence.id, end.changed.from));
    if let Some(judged) = judged.filter(|_| validates) {
        case.log(&[STATUS, AUTO], &judged.gates, verdict);
    }
    finished.brief = Some(json!({"task_id": request.given, "released_count": end.released}));
    finished.json["status"] = json!("done");
    finished.json["released_count"] = json!(end.released);
    finished.json["validated_by"] = json!(end.validated_by);
    if let Some(by) = &end.validated_by {
        finished.lines.push(format!("Task {} validated by {by}", evidence.code));
    }
    if let Some(plan) = end.changed.plan_closed {
        finished.notes.push(format!("[WARN] plan {plan} is closed with an open task"));
    }
    if !settings.auto {
        finished.notes.push("[OK] THOR_AUTO=0: validation is left to another agent (plan-db validate-task)".to_owned());
        return Ok(finished);
    }
    let completed_now = end.changed.wave_completed.is_some();
    let follow = cascade::follow(context, evidence, completed_now);
    finished.lines.extend(follow.line);
    finished.notes.extend(follow.notes);
    finished.json["wave"] = follow.wave;
    finished.json["plan"] = follow.plan;
    Ok(finished)
}

/// The steps that are allowed at all, before anything is looked at.
fn may_become_done(task: &TaskEvidence, settings: &Settings) -> Result<(), Refusal> {
    let id = task.id;
    match task.status.as_str() {
        from @ ("pending" | "skipped") => {
            Err(Refusal::new(format!("task {id} is {from}: it cannot become done before it was in_progress")))
        }
        "blocked" if task.rounds >= settings.most => Err(Refusal::new(format!(
            "task {id} is blocked after {} rejections: a person decides and opens it again (plan-db update-task {id} in_progress)",
            task.rounds
        ))),
        _ => Ok(()),
    }
}

fn not_stale(context: &Context, task: &TaskEvidence) -> Result<(), Refusal> {
    let files = stale::changed(context, task)?;
    if files.is_empty() {
        return Ok(());
    }
    let id = task.id;
    Err(Refusal::new(format!(
        "Stale: changed since task {id} ({}) read them: {}; look at them again, then stale-check snapshot {id} FILE...",
        task.code,
        files.join(", ")
    )))
}

/// What would become of the task.
fn dry(mut finished: Finished, case: &Case<'_>, judged: Option<&Judged>, verdict: Verdict) -> Finished {
    finished.json["dry_run"] = json!(true);
    let code = &case.task.code;
    let said = match (verdict, judged) {
        (Verdict::Rejected, Some(judged)) => {
            let rejected = report::Rejected {
                task: code,
                round: case.task.rounds + 1,
                settings: case.settings,
                gates: &judged.gates,
                requirements: &judged.requirements,
            };
            finished.json["round"] = json!(rejected.round);
            finished.block = rejected.block();
            finished.code = exit_code::REFUSED;
            format!("Task {code} would be rejected")
        }
        (_, None) => format!("Task {code} is done and validated"),
        _ => format!("Task {code} would become done: {}", report::word(verdict)),
    };
    finished.brief = Some(json!({"task_id": finished.json["task_id"], "dry_run": true, "verdict": verdict}));
    finished.lines.push(said);
    finished
}
