//! validate: the plan's rows against each other, then the stamp and, when all is finished, the end of the plan.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::Parser;
use crewkit_store::plans::{Completed, PlanFacts, PlanStamp};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use serde::Serialize;

use super::{is_thor, validator};
use crate::plan_db::complete;

/// Check a plan's consistency and stamp it as validated; a plan whose tasks are all finished is closed
#[derive(Debug, Parser)]
#[command(
    name = "validate",
    bin_name = "plan-db validate",
    after_help = "Errors keep the plan from being stamped: counters that are wrong, tasks without their wave, open tasks\n\
    in a wave that is done, output that is no JSON, done tasks that nobody validated. Warnings do not.\n\
    Exit codes: 0 stamped; 1 errors, unknown plan."
)]
pub(super) struct Arguments {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Who validates
    #[arg(value_name = "BY", default_value = "thor", value_parser = validator)]
    by: String,
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Its number in the order of the checks.
    pub(crate) check: u8,
    /// Whether it keeps the plan from being stamped.
    pub(crate) error: bool,
    /// What is wrong, in one line.
    pub(crate) text: String,
}

/// What a validation came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Validated {
    /// The plan's row.
    pub(crate) plan_id: i64,
    /// Whether it was stamped.
    pub(crate) passed: bool,
    /// The number of checks that failed.
    pub(crate) errors: usize,
    /// The number of checks that only warn.
    pub(crate) warnings: usize,
    /// What they found.
    pub(crate) findings: Vec<Finding>,
    /// Who validated.
    #[serde(rename = "validated_by")]
    pub(crate) by: String,
    /// On which computer.
    pub(crate) host: String,
    /// The plan's state now.
    pub(crate) status: String,
    /// Why the plan was not closed although all of its tasks are finished.
    pub(crate) not_closed: Option<String>,
}

pub(super) fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |args| {
        let validated = validate(context, args.plan.0, &args.by)?;
        let code = u8::from(!validated.passed);
        if args.json {
            return Ok(Outcome::json(&validated).with_code(code));
        }
        Ok(told(&validated).with_code(code))
    })
}

/// Checks the plan `plan`, stamps it for `by` when no check fails, and closes it when everything is finished.
///
/// # Errors
/// An unknown plan; what keeps the database from being written.
pub(crate) fn validate(context: &Context, plan: i64, by: &str) -> Result<Validated, Refusal> {
    let host = context.host();
    let remark = if is_thor(by) { "by a Thor agent" } else { "not by a Thor agent" };
    let stamp = PlanStamp { plan, by, remark, host: &host };
    let stamped = context.store()?.plans().stamp_plan(&stamp, &context.now())?;
    let facts = stamped.facts;
    let mut validated = Validated {
        plan_id: plan,
        passed: stamped.written,
        errors: facts.errors(),
        warnings: facts.warnings(),
        findings: findings(&facts),
        by: by.to_owned(),
        host,
        status: facts.status.clone(),
        not_closed: None,
    };
    if validated.passed && facts.counts.all_finished() && facts.status != "done" {
        match complete::close(context, plan, by, false) {
            Ok((_, _, Completed::Now | Completed::Before)) => "done".clone_into(&mut validated.status),
            Err(refusal) => validated.not_closed = Some(refusal.to_string()),
        }
    }
    Ok(validated)
}

/// What the checks found, in their order.
pub(crate) fn findings(facts: &PlanFacts) -> Vec<Finding> {
    let mut list = Vec::new();
    let mut add = |check: u8, error: bool, text: String| list.push(Finding { check, error, text });
    for (code, done, total, real_done, real_total) in &facts.wrong_waves {
        add(1, true, format!("wave {code} says {done}/{total} tasks, its rows say {real_done}/{real_total}"));
    }
    for (id, code) in &facts.without_wave {
        add(2, true, format!("task {id} ({code}): its wave does not exist"));
    }
    for (wave, code, status) in &facts.open_in_done {
        add(3, true, format!("wave {wave} is done, its task {code} is {status}"));
    }
    if let Some([done, total, sum_done, sum_total]) = facts.wrong_sums {
        add(4, true, format!("the plan says {done}/{total} tasks, its waves together {sum_done}/{sum_total}"));
    }
    for (code, start, end) in &facts.wrong_dates {
        add(5, false, format!("wave {code} is planned to end ({end}) before it starts ({start})"));
    }
    if facts.without_executor > 0 {
        add(6, false, format!("{} done tasks without executor_agent", facts.without_executor));
    }
    for code in &facts.unreadable {
        add(7, true, format!("output_data of task {code} is no JSON"));
    }
    for (code, title) in &facts.unvalidated {
        add(8, true, format!("task {code} is done and not validated: {title}"));
    }
    list
}

/// The findings as lines, `[ERROR]` or `[WARN]` before each.
pub(crate) fn lines(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let kind = if finding.error { "[ERROR]" } else { "[WARN]" };
        text::one_line(&format!("{kind} {}: {}", finding.check, finding.text)) + "\n"
    };
    findings.iter().map(line).collect()
}

fn told(validated: &Validated) -> Outcome {
    let plan = validated.plan_id;
    let mut out = lines(&validated.findings);
    if !validated.passed {
        let (errors, warnings) = (validated.errors, validated.warnings);
        let _ = writeln!(out, "FAILED: {errors} errors, {warnings} warnings");
        let advice = if validated.findings.iter().any(|finding| matches!(finding.check, 1 | 4)) {
            format!("plan-db sync {plan} counts the tasks again")
        } else {
            format!("nothing was written; plan-db sync {plan} counts the tasks again if only counters are wrong")
        };
        return Outcome::text(out).with_note(advice);
    }
    let by = format!("plan {plan} validated by {} on {}", validated.by, validated.host);
    let _ = writeln!(out, "PASSED: {}", text::one_line(&by));
    if validated.status == "done" {
        let _ = writeln!(out, "Plan {plan} is done");
    }
    let answer = Outcome::text(out);
    match &validated.not_closed {
        Some(reason) => answer.with_note(format!("[WARN] not closed: {reason}")),
        None => answer,
    }
}
