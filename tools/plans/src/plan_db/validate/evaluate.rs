//! evaluate-wave: may the wave begin?

use std::ffi::OsString;

use clap::Parser;
use crewkit_store::plans::{WorkPlan, WorkWave};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};
use serde::Serialize;
use serde_json::{Value, json};

use crate::wave_conditions::{self, Ready};

/// Tell whether a wave may begin: one line of JSON with result READY, BLOCKED or SKIP
#[derive(Debug, Parser)]
#[command(name = "evaluate-wave", bin_name = "plan-db evaluate-wave")]
pub(super) struct Arguments {
    /// Row id of the wave
    #[arg(value_name = "WAVE_DB_ID", required_unless_present = "plan")]
    wave: Option<RowId>,
    /// All waves of this plan instead, one line each
    #[arg(long, value_name = "PLAN_ID", conflicts_with = "wave")]
    plan: Option<RowId>,
    /// With the values that were found
    #[arg(long)]
    explain: bool,
    /// JSON, as without this flag
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Evaluated {
    result: &'static str,
    wave_id: String,
    details: Vec<Detail>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Detail {
    Fault {
        error: &'static str,
    },
    Condition {
        condition: Value,
        met: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        actual: Option<Value>,
    },
}

pub(super) fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |args| {
        let plans = context.store()?.plans();
        if let Some(plan) = args.plan {
            let work = plans.work(plan.0)?;
            let lines = work.waves.iter().map(|wave| evaluate(&work, wave, args.explain));
            let (mut answer, mut failed) = (Outcome::silent(), false);
            for (line, ok) in lines {
                answer.stdout.extend(Outcome::json(&line).stdout);
                failed |= !ok;
            }
            return Ok(answer.with_code(u8::from(failed)));
        }
        let Some(wave) = args.wave else { return Err(Refusal::new("missing argument: WAVE_DB_ID")) };
        let Some(work) = plans.work_around(wave.0)? else { return Ok(unknown("wave not found")) };
        let Some(found) = work.waves.iter().find(|found| found.id == wave.0) else {
            return Ok(unknown("wave not found"));
        };
        let (line, ok) = evaluate(&work, found, args.explain);
        Ok(Outcome::json(&line).with_code(u8::from(!ok)))
    })
}

fn unknown(error: &'static str) -> Outcome {
    Outcome::json(&json!({"result": "BLOCKED", "wave_id": "?", "details": [{"error": error}]}))
        .with_code(exit_code::REFUSED)
}

/// The verdict on a wave, and whether its conditions could be read.
fn evaluate(work: &WorkPlan, wave: &WorkWave, explain: bool) -> (Evaluated, bool) {
    let wave_id = wave.code.clone();
    let Some(judged) = wave_conditions::conditions(work, wave) else {
        let details = vec![Detail::Fault { error: "invalid precondition JSON" }];
        return (Evaluated { result: "BLOCKED", wave_id, details }, false);
    };
    let result = match wave_conditions::ready(&judged) {
        Ready::Yes => "READY",
        Ready::No(_) => "BLOCKED",
        Ready::Skip => "SKIP",
    };
    let details = judged.into_iter().map(|one| Detail::Condition {
        condition: one.condition,
        met: one.met,
        error: one.error,
        actual: explain.then(|| one.actual.unwrap_or(Value::Null)),
    });
    (Evaluated { result, wave_id, details: details.collect() }, true)
}
