//! What follows from the gates' verdicts on a task: the report, the audit log, a rejection. plan-db-safe and validate-task
//! both end here.

use std::time::Instant;

use crewkit_store::plans::{RejectedTask, Rejection, TaskEvidence};
use crewkit_tool::{Context, Refusal};

use crate::audit::{self, Block, Line};
use crate::gates::report::{self, Outcome, Rejected, Report};
use crate::gates::task::Judged;
use crate::gates::{Gate, Settings};

/// The names of what was looked at before any gate.
pub(crate) const STATUS: &str = "task-status";
/// A validation by the program itself.
pub(crate) const AUTO: &str = "auto-validate";

/// A task that is being judged.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    /// The surroundings.
    pub(crate) context: &'a Context,
    /// How strict the gates are.
    pub(crate) settings: &'a Settings,
    /// The task.
    pub(crate) task: &'a TaskEvidence,
    /// Who judges.
    pub(crate) by: &'a str,
    /// When the judging began.
    pub(crate) began: Instant,
}

impl Case<'_> {
    /// The report on these verdicts, with `given`, a validator's own. Where no gate looked into code, that alone.
    pub(crate) fn report(&self, judged: &Judged, outcome: Outcome, given: Option<&str>) -> String {
        match given {
            Some(given) if !judged.saw_code => given.to_owned(),
            given => self.whole(&judged.gates, outcome, given),
        }
    }

    fn whole(&self, gates: &[Gate], verdict: Outcome, given: Option<&str>) -> String {
        let at = self.context.now();
        let round = self.task.rounds + 1;
        let report = Report { verdict, round, mode: self.settings.mode, gates, validated_by: self.by, at: &at };
        report.json(given)
    }

    /// Counts a rejection, with all that follows; the block for standard error.
    ///
    /// # Errors
    /// What keeps the database from being written.
    pub(crate) fn reject(&self, judged: &Judged, given: Option<&str>) -> Result<(RejectedTask, String), Refusal> {
        let task = self.task;
        let last = task.rounds + 1 >= self.settings.most;
        let outcome = if last { Outcome::Escalated } else { Outcome::Rejected };
        let kept = self.whole(&judged.gates, outcome, given);
        let host = self.context.host();
        let rejection = Rejection { task: task.id, most: self.settings.most, report: &kept, host: &host };
        let rejected = self.context.store()?.plans().reject_task(&rejection, &self.context.now())?;
        self.log(&[STATUS], &judged.gates, outcome);
        if rejected.blocked {
            let line = Block {
                timestamp: self.context.clock.utc_iso(),
                event: "circuit_breaker_triggered",
                task_db_id: task.id,
                task_id: &task.code,
                plan_id: task.plan,
                wave_id: &task.wave_code,
                consecutive_rejections: rejected.round,
                max_rejections: self.settings.most,
                action: "auto_blocked",
            };
            audit::note(self.context, &line);
        }
        let block = Rejected {
            task: &task.code,
            round: rejected.round,
            settings: self.settings,
            gates: &judged.gates,
            requirements: &judged.requirements,
        };
        let mut text = block.block();
        if rejected.blocked {
            let id = task.id;
            let said = format!(
                "ESCALATED: task {id} is blocked after {} rejections; a person decides and opens it again: plan-db update-task {id} in_progress\n",
                rejected.round
            );
            text.push_str(&said);
        }
        Ok((rejected, text))
    }

    /// Writes a verdict into the audit log; `also` are names of what passed besides gates.
    pub(crate) fn log(&self, also: &[&str], gates: &[Gate], outcome: Outcome) {
        let (mut passed, failed) = report::by_result(gates);
        for (at, name) in also.iter().enumerate() {
            passed.insert(at, (*name).into());
        }
        let line = Line {
            timestamp: self.context.clock.utc_iso(),
            plan_id: self.task.plan,
            task_id: &self.task.code,
            wave_id: &self.task.wave_code,
            gates_passed: passed,
            gates_failed: failed,
            validated_by: self.by,
            duration_ms: milliseconds(self.began),
            confidence_score: report::confidence(outcome, self.settings.mode),
        };
        audit::note(self.context, &line);
    }
}

/// The time since `began` in whole milliseconds.
pub(crate) fn milliseconds(began: Instant) -> i64 {
    i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// Writes the line of a wave whose tasks are all validated; it is valid itself unless one of `gates` rejects it.
pub(crate) fn log_wave(context: &Context, plan: Option<i64>, code: &str, by: &str, gates: &[Gate], began: Instant) {
    let (mut passed, failed) = report::by_result(gates);
    let valid = failed.is_empty().then_some("wave-validation");
    for (at, name) in ["wave-complete", "all-tasks-validated"].into_iter().chain(valid).enumerate() {
        passed.insert(at, name.into());
    }
    let line = Line {
        timestamp: context.clock.utc_iso(),
        plan_id: plan,
        task_id: &format!("wave-{code}"),
        wave_id: code,
        gates_passed: passed,
        gates_failed: failed,
        validated_by: by,
        duration_ms: milliseconds(began),
        confidence_score: 1.0,
    };
    audit::note(context, &line);
}
