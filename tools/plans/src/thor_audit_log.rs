//! thor-audit-log: the log of verdicts. plan-db-safe, validate-task, validate-wave and agents append a line each; people
//! read it.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{CommandFactory as _, Parser};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, exit_code, text};
use serde::Serialize;
use serde_json::Value;

use crate::audit::{self, Line};

/// thor-audit-log.
pub const TOOL: Tool = Tool {
    name: "thor-audit-log",
    summary: "appends verdicts to the audit log, lists and counts them",
    kind: Kind::Tool,
    command,
    run,
};

/// Appends a verdict to the audit log: one JSON line in data/thor-audit.jsonl of the agent's folder.
#[derive(Debug, Parser)]
#[command(
    name = "thor-audit-log",
    disable_version_flag = true,
    override_usage = "thor-audit-log PLAN_ID TASK WAVE [PASSED] [FAILED] [BY] [DURATION_MS] [CONFIDENCE]\n       \
                      thor-audit-log list [--plan N] [--task CODE] [--failed] [--json]\n       thor-audit-log stats [--json]",
    after_help = "At 10 MB the log becomes thor-audit.jsonl.1, in the place of the one before.\n\
    Exit codes: 0 done; 1 refused, nothing written."
)]
struct Append {
    /// The plan's number
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// The task's code; wave-CODE for a wave
    #[arg(value_name = "TASK")]
    task: String,
    /// The wave's code
    #[arg(value_name = "WAVE")]
    wave: String,
    /// Gates that passed, a JSON list
    #[arg(value_name = "PASSED", default_value = "[]", value_parser = list)]
    passed: Gates,
    /// Gates that did not pass, a JSON list
    #[arg(value_name = "FAILED", default_value = "[]", value_parser = list)]
    failed: Gates,
    /// Who judged
    #[arg(value_name = "BY", default_value = "thor")]
    by: String,
    /// How long it took, in milliseconds
    #[arg(value_name = "DURATION_MS", default_value = "0", value_parser = milliseconds)]
    duration: i64,
    /// From 0 to 1
    #[arg(value_name = "CONFIDENCE", default_value = "0.0", value_parser = confidence)]
    confidence: f64,
}

/// Lists verdicts, the oldest first
#[derive(Debug, Parser)]
#[command(name = "list", bin_name = "thor-audit-log list")]
struct List {
    /// Only those of this plan
    #[arg(long, value_name = "N")]
    plan: Option<RowId>,
    /// Only those of this task
    #[arg(long, value_name = "CODE")]
    task: Option<String>,
    /// Only those with a gate that did not pass
    #[arg(long)]
    failed: bool,
    /// A JSON array instead of text
    #[arg(long)]
    json: bool,
}

/// Counts how often each gate passed
#[derive(Debug, Parser)]
#[command(name = "stats", bin_name = "thor-audit-log stats")]
struct Stats {
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// The names in a JSON list.
#[derive(Debug, Clone)]
struct Gates(Vec<Value>);

fn list(given: &str) -> Result<Gates, String> {
    match serde_json::from_str(given) {
        Ok(Value::Array(gates)) => Ok(Gates(gates)),
        _ => Err("no JSON list".to_owned()),
    }
}

fn milliseconds(given: &str) -> Result<i64, String> {
    let digits = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
    given.parse().ok().filter(|_| digits).ok_or_else(|| "not a whole number".to_owned())
}

fn confidence(given: &str) -> Result<f64, String> {
    given.parse().ok().filter(|score| (0.0..=1.0).contains(score)).ok_or_else(|| "not from 0 to 1".to_owned())
}

fn command() -> clap::Command {
    Append::command()
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    match arguments.first().and_then(|word| word.to_str()) {
        Some("list") => args::with::<List>(&arguments[1..], exit_code::REFUSED, |args| list_lines(context, &args)),
        Some("stats") => args::with::<Stats>(&arguments[1..], exit_code::REFUSED, |args| stats(context, args.json)),
        _ => args::with::<Append>(arguments, exit_code::REFUSED, |args| {
            for (name, given) in [("TASK", &args.task), ("WAVE", &args.wave)] {
                if given.trim().is_empty() {
                    return Err(Refusal::new(format!("{name} is empty")));
                }
            }
            let line = Line {
                timestamp: context.clock.utc_iso(),
                plan_id: Some(args.plan.0),
                task_id: &args.task,
                wave_id: &args.wave,
                gates_passed: args.passed.0,
                gates_failed: args.failed.0,
                validated_by: &args.by,
                duration_ms: args.duration,
                confidence_score: args.confidence,
            };
            audit::append(context, &line).map(|()| Outcome::silent())
        }),
    }
}

fn failed(line: &Value) -> &[Value] {
    line["gates_failed"].as_array().map_or(&[], Vec::as_slice)
}

fn list_lines(context: &Context, args: &List) -> Answer {
    let (lines, broken) = audit::read(context)?;
    let wanted = |line: &Value| {
        args.plan.is_none_or(|plan| line["plan_id"] == plan.0)
            && args.task.as_ref().is_none_or(|task| line["task_id"] == *task)
            && (!args.failed || !failed(line).is_empty() || line["event"].is_string())
    };
    let lines: Vec<Value> = lines.into_iter().filter(wanted).collect();
    let answer = if args.json {
        Outcome::json(&lines)
    } else {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let names = |gates: &[Value]| gates.iter().map(word).collect::<Vec<_>>().join(", ");
        let row = |line: &Value| {
            let verdict = match (line["event"].as_str(), failed(line)) {
                (Some(event), _) => event.to_owned(),
                (None, []) => "passed".to_owned(),
                (None, gates) => format!("failed: {}", names(gates)),
            };
            let who = line["validated_by"].as_str().unwrap_or("-").to_owned();
            let plan = format!("plan {}", word(&line["plan_id"]));
            vec![word(&line["timestamp"]), plan, word(&line["wave_id"]), word(&line["task_id"]), who, verdict]
        };
        Outcome::text(text::columns(&lines.iter().map(row).collect::<Vec<_>>()))
    };
    Ok(with_broken(answer, broken))
}

#[derive(Debug, Default, Serialize)]
struct GateStats {
    passed: u64,
    failed: u64,
    pass_rate_pct: f64,
}

fn stats(context: &Context, json: bool) -> Answer {
    let (lines, broken) = audit::read(context)?;
    let mut gates: BTreeMap<String, GateStats> = BTreeMap::new();
    let (mut verdicts, mut rejections, mut blocks) = (0_u64, 0_u64, 0_u64);
    for line in &lines {
        if line["event"].is_string() {
            blocks += 1;
            continue;
        }
        verdicts += 1;
        rejections += u64::from(!failed(line).is_empty());
        for (key, passed) in [("gates_passed", true), ("gates_failed", false)] {
            for gate in line[key].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let of_gate = gates.entry(gate.to_owned()).or_default();
                *(if passed { &mut of_gate.passed } else { &mut of_gate.failed }) += 1;
            }
        }
    }
    for gate in gates.values_mut() {
        #[expect(clippy::cast_precision_loss, reason = "a rate of counts")]
        let rate = 1000.0 * gate.passed as f64 / (gate.passed + gate.failed) as f64;
        gate.pass_rate_pct = rate.round() / 10.0;
    }
    if json {
        let whole =
            serde_json::json!({"verdicts": verdicts, "rejections": rejections, "blocks": blocks, "gates": gates});
        return Ok(with_broken(Outcome::json(&whole), broken));
    }
    let head = ["gate", "passed", "failed", "rate"].map(str::to_owned).to_vec();
    let rows = gates.iter().map(|(name, gate)| {
        vec![name.clone(), gate.passed.to_string(), gate.failed.to_string(), format!("{:.1} %", gate.pass_rate_pct)]
    });
    let table = text::columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
    let sum = format!("{verdicts} verdicts, {rejections} with a gate that failed, {blocks} tasks blocked\n");
    Ok(with_broken(Outcome::text(table + &sum), broken))
}

fn with_broken(answer: Outcome, broken: usize) -> Outcome {
    if broken == 0 { answer } else { answer.with_note(format!("[WARN] {broken} lines of the log cannot be read")) }
}
