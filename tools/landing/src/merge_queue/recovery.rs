//! What a processor that was killed left behind, understood by looking at the repository.

use crewkit_store::{QueueEntry, QueueState, QueueStep};
use crewkit_tool::Refusal;

use super::branch_ref;
use super::checkout::{self, Move};
use super::processor::Processor;
use super::report::{Merged, Report};

impl Processor<'_> {
    /// Settles what a killed processor left; the entries that it had landed are reported.
    ///
    /// # Errors
    /// When database or git cannot be used.
    pub(super) fn recover(&self) -> Result<Vec<Report>, Refusal> {
        let orphans = self.entries(QueueState::Processing)?;
        if let Some(order) = self.begun_move(&orphans)
            && self.ground.tip(&self.ground.target)?.as_deref() == Some(order.old.as_str())
        {
            // The git that was to move the branch may still be alive: both of us write the same, so it is settled.
            self.mover.advance(&order)?;
        }
        branch_ref::unlock(self.ground, &moving(&orphans).map(|(_, candidate)| candidate).collect::<Vec<_>>());
        for held in checkout::unfinished(self.context, self.ground.repository, &self.mover.database) {
            let landed = self.ground.tip(&self.ground.target)?;
            let landed = landed.map(|tip| self.ground.contains(&tip, &held.order().new)).transpose()?.unwrap_or(false);
            if landed && let Err(refusal) = held.finish() {
                let place = held.path().display();
                self.context.note(format!("{place} stays behind '{}': {refusal}", self.ground.target));
            }
            held.release();
        }
        if orphans.is_empty() {
            return Ok(Vec::new());
        }
        self.bench.clear()?;
        let tip = self.ground.target_tip()?;
        let mut reports = Vec::new();
        for entry in &orphans {
            let landed = match &entry.candidate {
                Some(candidate) if self.ground.contains(&tip, candidate)? => Some(candidate.clone()),
                _ => self.landed_otherwise(&tip, entry)?,
            };
            match landed {
                None => self.queue.put_back(&[entry.id])?,
                Some(commit) => {
                    self.queue.landed(&[(entry.id, &commit)], &self.context.now())?;
                    let mut merged = Merged::new(self.ground, &entry.branch, &commit);
                    merged.recovered = true;
                    reports.push(Report::Merged(merged));
                }
            }
        }
        Ok(reports)
    }

    /// The move of the main branch that was about to be made for `orphans`.
    fn begun_move(&self, orphans: &[QueueEntry]) -> Option<Move> {
        let moving: Vec<(&str, &str)> = moving(orphans).collect();
        let (old, _) = moving.iter().find(|(base, _)| moving.iter().all(|(_, candidate)| candidate != base))?;
        let (_, new) = moving.iter().find(|(_, candidate)| moving.iter().all(|(base, _)| base != candidate))?;
        Some(self.mover.order(old, new))
    }

    /// The merge of an entry's branch, when the main branch contains it.
    fn landed_otherwise(&self, tip: &str, entry: &QueueEntry) -> Result<Option<String>, Refusal> {
        let head = match &entry.head {
            Some(head) => Some(head.clone()),
            None => self.ground.tip(&entry.branch)?,
        };
        match head {
            Some(head) if self.ground.contains(tip, &head)? => Ok(Some(self.ground.brought_in_by(tip, &head)?)),
            _ => Ok(None),
        }
    }
}

/// Base and candidate of the entries whose landing was about to be made.
fn moving(orphans: &[QueueEntry]) -> impl Iterator<Item = (&str, &str)> {
    let moving = orphans.iter().filter(|entry| entry.step.as_deref() == Some(QueueStep::Moving.word()));
    moving.filter_map(|entry| Some((entry.base.as_deref()?, entry.candidate.as_deref()?)))
}
