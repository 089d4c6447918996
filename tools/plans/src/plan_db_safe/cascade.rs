//! What a finished task brings with it: its wave validated and merged, its plan validated and completed. The task is done
//! whatever comes of this, so everything that goes wrong is a warning. Each step looks at the database first, so that the
//! same call after a kill goes on where that stopped.

use std::time::Instant;

use crewkit_store::plans::TaskEvidence;
use crewkit_tool::process::Run;
use crewkit_tool::{Context, Refusal};
use serde_json::{Value, json};

use super::finish::EXECUTOR;
use crate::judgement;
use crate::plan_db::validate::plan::{self, validate};
use crate::plan_db::validate::wave::{standing_against, told};

/// What followed.
#[derive(Debug, Default)]
pub(super) struct Follow {
    /// What became of the wave, for standard output.
    pub(super) line: Option<String>,
    /// Lines for standard error.
    pub(super) notes: Vec<String>,
    /// The wave, null where nothing became of it.
    pub(super) wave: Value,
    /// The plan, null where nothing became of it.
    pub(super) plan: Value,
}

/// Goes through wave and plan of `task`; `completed_now` says that this call completed the wave.
pub(super) fn follow(context: &Context, task: &TaskEvidence, completed_now: bool) -> Follow {
    let mut follow = Follow::default();
    if let Err(refusal) = follow.wave(context, task, completed_now) {
        follow.notes.push(format!("[WARN] wave {}: {refusal}", task.wave_code));
    }
    follow
}

impl Follow {
    fn wave(&mut self, context: &Context, task: &TaskEvidence, completed_now: bool) -> Result<(), Refusal> {
        let began = Instant::now();
        let Some(wave) = task.wave else { return Ok(()) };
        let plans = context.store()?.plans();
        let end = plans.validate_wave(wave, true, &context.now())?;
        let facts = &end.facts;
        let Some(mut status) = end.status else {
            if facts.open().is_empty() {
                self.notes.push("[WARN] the wave is not validated".to_owned());
                self.notes.extend(standing_against(facts).lines().map(str::to_owned));
            }
            return Ok(());
        };
        if completed_now || facts.status != status {
            judgement::log_wave(context, facts.plan, &facts.code, EXECUTOR, &[], began);
            self.notes.extend(told(context, facts)?);
        }
        if end.owes_a_merge && status == "merging" {
            status = self.merge(context, facts.plan, wave, &facts.code)?;
        }
        self.line = Some(format!("Wave {} validated by {EXECUTOR}: {status}", facts.code));
        self.wave = json!({"wave_db_id": wave, "wave_id": facts.code, "status": status});
        match facts.plan {
            Some(plan) if plans.all_waves_done(plan)? => self.plan(context, plan),
            _ => Ok(()),
        }
    }

    /// Brings the wave's branch into the main branch; the wave's state afterwards.
    fn merge(&mut self, context: &Context, plan: Option<i64>, wave: i64, code: &str) -> Result<String, Refusal> {
        let Some(plan) = plan else { return Ok("merging".to_owned()) };
        let (plan, row) = (plan.to_string(), wave.to_string());
        let run = Run::tool(context, "wave-worktree")?.args(["merge", &plan, &row]).chatter().run();
        let said = match run {
            Ok(ended) if ended.ok() => None,
            Ok(ended) => Some(format!("ended with {}", ended.code)),
            Err(refusal) => Some(refusal.to_string()),
        };
        if let Some(said) = said {
            self.notes.push(format!("[WARN] wave {code} is not merged: wave-worktree merge {plan} {row} {said}"));
        }
        Ok(context.store()?.plans().wave_facts(wave)?.status)
    }

    fn plan(&mut self, context: &Context, plan: i64) -> Result<(), Refusal> {
        let plans = context.store()?.plans();
        let brief = plans.brief(plan)?;
        if matches!(brief.status.as_str(), "done" | "archived") {
            self.plan = json!({"plan_id": plan, "status": brief.status});
            return Ok(());
        }
        plans.sync(plan, &context.now())?;
        let validated = validate(context, plan, EXECUTOR)?;
        self.plan = json!(validated);
        if !validated.passed {
            self.notes.push(format!("[WARN] plan {plan} is not validated: {} errors", validated.errors));
            self.notes.extend(plan::lines(&validated.findings).lines().map(str::to_owned));
        } else if let Some(reason) = &validated.not_closed {
            self.notes.push(format!("[WARN] plan {plan} is validated and not closed: {reason}"));
        } else {
            self.notes.push(format!("[OK] Plan {plan} ({}) validated by {EXECUTOR}: {}", brief.name, validated.status));
        }
        Ok(())
    }
}
