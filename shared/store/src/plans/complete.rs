//! Completing a plan, and what has to be true before.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::counts::{Counts, of_plan};
use super::{History, Plans, Step, write_history};
use crate::{Error, Result};

/// What decides whether a plan may be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gates {
    /// The plan's row.
    pub plan: i64,
    /// Its state, the database's word.
    pub status: String,
    /// Its tasks, counted from their rows.
    pub counts: Counts,
    /// Code, name and row of each wave that is merging, by position.
    pub merging: Vec<(String, String, i64)>,
    /// Whether the plan was validated.
    pub validated: bool,
    /// The worktrees of the plan and of its waves, as stored (may begin with `~`).
    pub worktrees: Vec<String>,
}

/// What completing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completed {
    /// The plan is done now.
    Now,
    /// It was done before; nothing was written.
    Before,
}

impl Gates {
    /// Why the plan may not be completed: the first of no tasks, unfinished tasks, waves merging, no validation.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason.
    pub fn check(&self) -> Result<()> {
        let (plan, counts) = (self.plan, self.counts);
        let no = |reason: String| Err(Error::refused(format!("plan {plan} cannot be completed: {reason}")));
        if self.status == "archived" {
            return no("it is archived".to_owned());
        }
        if counts.total == 0 {
            return no("it has no tasks".to_owned());
        }
        if !counts.all_finished() {
            return no(format!("{}/{} tasks finished", counts.finished(), counts.total));
        }
        if !self.merging.is_empty() {
            let waves: Vec<_> = self.merging.iter().map(|(code, name, _)| format!("{code} ({name})")).collect();
            let commands: Vec<_> =
                self.merging.iter().map(|(_, _, id)| format!("wave-worktree merge {plan} {id}")).collect();
            return no(format!("merging still: {}; to end it: {}", waves.join(", "), commands.join(", ")));
        }
        if !self.validated {
            return no(format!("validation is required; run plan-db validate {plan}"));
        }
        Ok(())
    }
}

impl Plans<'_> {
    /// What decides whether the plan may be completed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; see [`Error`].
    pub fn gates(self, plan: i64) -> Result<Gates> {
        self.read(|connection| gates(connection, plan))
    }

    /// Completes a plan whose gates are open, in the history by `by`; `lines` are those added and removed, where they
    /// are known.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan, [`Error::Refused`] when a gate is shut; see [`Error`].
    pub fn complete(self, plan: i64, by: &str, lines: Option<(i64, i64)>, host: &str, now: &str) -> Result<Completed> {
        self.write_changes(|connection| {
            let gates = gates(connection, plan)?;
            if gates.status == "done" {
                return Ok(Completed::Before);
            }
            gates.check()?;
            let (added, removed) = lines.unzip();
            connection.execute(
                "UPDATE plans SET status = 'done', completed_at = ?2, execution_host = ?3, lines_added = ?4, lines_removed = ?5, \
                 tasks_done = ?6, tasks_total = ?7, updated_at = ?2 WHERE id = ?1",
                params![plan, now, host, added, removed, gates.counts.done, gates.counts.total],
            )?;
            let row = History { plan, change: "completed", reason: None, by, host: Some(host) };
            write_history(connection, &row, now)?;
            Ok(Completed::Now)
        })
    }
}

pub(super) fn gates(connection: &Connection, plan: i64) -> Step<Gates> {
    let sql = "SELECT status, validated_at IS NOT NULL FROM plans WHERE id = ?1";
    let (status, validated) = connection
        .query_row(sql, [plan], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(|| Error::not_found("plan", plan))?;
    let mut select = connection.prepare(
        "SELECT wave_id, name, id FROM waves WHERE plan_id = ?1 AND status = 'merging' ORDER BY position, id",
    )?;
    let merging = select
        .query_map([plan], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut select = connection.prepare(
        "SELECT worktree_path FROM plans WHERE id = ?1 AND worktree_path <> '' \
         UNION ALL SELECT worktree_path FROM waves WHERE plan_id = ?1 AND worktree_path <> ''",
    )?;
    let worktrees = select.query_map([plan], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(Gates { plan, status, counts: of_plan(connection, plan)?, merging, validated, worktrees })
}
