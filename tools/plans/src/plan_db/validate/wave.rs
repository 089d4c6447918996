//! validate-wave: all tasks of the wave finished and validated, then the wave is done.

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use clap::Parser;
use crewkit_store::plans::{WaveFacts, WaveTask};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, exit_code, text};
use serde_json::{Value, json};

use super::validator;
use crate::gates::report::{self, Rejected};
use crate::gates::{self, Gate, Settings, Verdict};
use crate::{judgement, wave_conditions};

/// Make a wave done when every task is finished and validated
#[derive(Debug, Parser)]
#[command(
    name = "validate-wave",
    bin_name = "plan-db validate-wave",
    after_help = "A wave that is merging stays so. Exit codes: 0 valid; 1 not, unknown wave."
)]
pub(super) struct Arguments {
    /// Row id of the wave
    #[arg(value_name = "WAVE_DB_ID")]
    wave: RowId,
    /// Who validates
    #[arg(value_name = "BY", default_value = "thor", value_parser = validator)]
    by: String,
    /// Also the gates of a wave on everything that its worktree changed: build, credentials, patterns, documents, git,
    /// performance, tests, constitution
    #[arg(long)]
    full: bool,
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |args| {
        let began = Instant::now();
        let settings = Settings::read(context)?;
        let plans = context.store()?.plans();
        let facts = plans.wave_facts(args.wave.0)?;
        let mut gates = Vec::new();
        if args.full && facts.is_valid() {
            let plan = facts.plan.map(|plan| plans.brief(plan)).transpose().unwrap_or_default();
            let worktree = facts.worktree.clone().or_else(|| plan.and_then(|plan| plan.worktree));
            gates =
                gates::wave::judge(context, &settings, worktree.as_deref().map(Path::new), facts.worktree.is_some());
        }
        let rejected = gates.iter().any(|gate| gate.result == Verdict::Reject);
        let mut unmerged = None;
        let status = if rejected {
            judgement::log_wave(context, facts.plan, &facts.code, &args.by, &gates, began);
            None
        } else if !facts.is_valid() {
            None
        } else {
            let end = plans.validate_wave(args.wave.0, false, &context.now())?;
            if end.status.is_some() {
                judgement::log_wave(context, facts.plan, &facts.code, &args.by, &gates, began);
            }
            unmerged = facts.plan.filter(|_| end.owes_a_merge);
            end.status
        };
        let code = u8::from(status.is_none());
        if args.json {
            return Ok(Outcome::json(&as_json(&facts, status.as_deref(), &args.by, &gates)).with_code(code));
        }
        let Some(status) = status else { return Ok(refused(&facts, &gates, &settings)) };
        let line = format!("Wave {} validated by {}: {status}", facts.code, args.by);
        let mut answer = Outcome::text(text::one_line(&line));
        if let Some(plan) = unmerged {
            let wave = args.wave.0;
            answer = answer.with_note(format!("[WARN] its worktree is not merged: wave-worktree merge {plan} {wave}"));
        }
        for line in told(context, &facts)?.into_iter().chain(report::left_to_people(&gates)) {
            answer = answer.with_note(line);
        }
        Ok(answer)
    })
}

fn as_json(facts: &WaveFacts, status: Option<&str>, by: &str, gates: &[Gate]) -> Value {
    let list = |tasks: Vec<&WaveTask>| -> Vec<Value> {
        tasks.iter().map(|task| json!({"task_id": task.code, "title": task.title, "status": task.status})).collect()
    };
    json!({
        "wave_db_id": facts.id, "wave_id": facts.code, "passed": status.is_some(), "status": status.unwrap_or(&facts.status),
        "validated_by": by, "tasks": facts.tasks.len(), "open": list(facts.open()),
        "unvalidated": list(facts.unvalidated()), "unreadable_output": list(facts.unreadable()), "gates": gates,
    })
}

/// Why a wave is not valid: what stands against it in its rows, else the gates.
fn refused(facts: &WaveFacts, gates: &[Gate], settings: &Settings) -> Outcome {
    let said = if facts.is_valid() {
        let wave = format!("wave-{}", facts.code);
        Rejected { task: &wave, round: 1, settings, gates, requirements: &[] }.block()
    } else {
        standing_against(facts)
    };
    Outcome::silent().with_stderr(said).with_code(exit_code::REFUSED)
}

/// What stands against a wave in its rows, as lines: the first of no tasks, open tasks, unvalidated ones, output that is no
/// JSON. Empty for a valid wave.
pub(crate) fn standing_against(facts: &WaveFacts) -> String {
    let code = &facts.code;
    let list = |heading: String, tasks: Vec<&WaveTask>| {
        let line = |task: &&WaveTask| text::one_line(&format!("  - {} {}", task.code, task.title)) + "\n";
        text::one_line(&heading) + "\n" + &tasks.iter().map(line).collect::<String>()
    };
    let (open, unvalidated, unreadable) = (facts.open(), facts.unvalidated(), facts.unreadable());
    if facts.tasks.is_empty() {
        format!("{}\n", text::one_line(&format!("Wave {code} has no tasks")))
    } else if !open.is_empty() {
        text::one_line(&format!("Wave {code}: {} of {} tasks not done", open.len(), facts.tasks.len())) + "\n"
    } else if !unvalidated.is_empty() {
        list(format!("Wave {code}: {} tasks not validated", unvalidated.len()), unvalidated)
    } else if !unreadable.is_empty() {
        list(format!("Wave {code}: {} tasks with output that is no JSON", unreadable.len()), unreadable)
    } else {
        String::new()
    }
}

/// What is told of a valid wave: tasks without executor, conditions that are not met.
pub(crate) fn told(context: &Context, facts: &WaveFacts) -> Result<Vec<String>, crewkit_tool::Refusal> {
    let mut lines = Vec::new();
    let without: Vec<&str> = facts
        .tasks
        .iter()
        .filter(|task| task.status == "done" && task.executor.is_none())
        .map(|task| task.code.as_str())
        .collect();
    if !without.is_empty() {
        lines.push(format!("[WARN] done without executor_agent: {}", without.join(", ")));
    }
    let work = context.store()?.plans().work_around(facts.id)?;
    let wave = work.as_ref().and_then(|work| Some((work, work.waves.iter().find(|wave| wave.id == facts.id)?)));
    if let Some((work, wave)) = wave {
        match wave_conditions::conditions(work, wave).map(|judged| wave_conditions::ready(&judged)) {
            Some(wave_conditions::Ready::No(what)) => {
                lines.push(format!("[WARN] wave {} waits for {what} by its preconditions", facts.code));
            }
            None => lines.push(format!("[WARN] the precondition of wave {} cannot be read", facts.code)),
            Some(_) => {}
        }
    }
    Ok(lines)
}
