//! A judgement on a wave: whether its tasks are finished and validated, and what it becomes then.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Plans, Step, touch_plan};
use crate::plan_views::{filled_text, optional_text, text};
use crate::{Error, Result};

/// A wave with everything that its validation looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaveFacts {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its plan's row.
    pub plan: Option<i64>,
    /// Its state, the database's word.
    pub status: String,
    /// Its own worktree as stored (may begin with `~`).
    pub worktree: Option<String>,
    /// Its tasks, by code.
    pub tasks: Vec<WaveTask>,
}

/// A task of a [`WaveFacts`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaveTask {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Its state, the database's word.
    pub status: String,
    /// Whether it was validated.
    pub validated: bool,
    /// The agent program that did it.
    pub executor: Option<String>,
    /// Whether it has output that is no JSON.
    pub unreadable_output: bool,
}

impl WaveTask {
    /// Whether it asks for no more work.
    pub fn is_finished(&self) -> bool {
        matches!(self.status.as_str(), "done" | "skipped")
    }
}

impl WaveFacts {
    /// The tasks that are neither done nor skipped.
    pub fn open(&self) -> Vec<&WaveTask> {
        self.tasks.iter().filter(|task| !task.is_finished()).collect()
    }

    /// The tasks that are done and not validated.
    pub fn unvalidated(&self) -> Vec<&WaveTask> {
        self.tasks.iter().filter(|task| task.status == "done" && !task.validated).collect()
    }

    /// The tasks whose output is no JSON.
    pub fn unreadable(&self) -> Vec<&WaveTask> {
        self.tasks.iter().filter(|task| task.unreadable_output).collect()
    }

    /// Whether there is a task, and nothing stands against the wave.
    pub fn is_valid(&self) -> bool {
        let nothing_open = self.open().is_empty() && self.unvalidated().is_empty() && self.unreadable().is_empty();
        !self.tasks.is_empty() && nothing_open
    }
}

/// What a validation of a wave came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveEnd {
    /// What was found, the state being the one before.
    pub facts: WaveFacts,
    /// The state it has now, the database's word; `None` when it is not valid and nothing was written.
    pub status: Option<String>,
    /// Whether its worktree is still to be merged.
    pub owes_a_merge: bool,
}

impl Plans<'_> {
    /// What the validation of the wave `wave` looks at.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave; see [`Error`].
    pub fn wave_facts(self, wave: i64) -> Result<WaveFacts> {
        self.read(|connection| wave_facts(connection, wave))
    }

    /// Makes a valid wave done; one that is merging stays so, and with `to_merge` one whose own worktree did not land
    /// yet becomes merging.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave; see [`Error`].
    pub fn validate_wave(self, wave: i64, to_merge: bool, now: &str) -> Result<WaveEnd> {
        self.write(|connection| {
            let facts = wave_facts(connection, wave)?;
            let owes = owes_a_merge(connection, wave)?;
            if !facts.is_valid() {
                return Ok(WaveEnd { facts, status: None, owes_a_merge: owes });
            }
            if facts.status == "merging" || to_merge && owes {
                if facts.status != "merging" {
                    connection.execute(
                        "UPDATE waves SET status = 'merging', completed_at = NULL, updated_at = ?2 WHERE id = ?1",
                        params![wave, now],
                    )?;
                }
                return Ok(WaveEnd { facts, status: Some("merging".to_owned()), owes_a_merge: owes });
            }
            connection.execute(
                "UPDATE waves SET status = 'done', started_at = COALESCE(started_at, ?2), \
                 completed_at = COALESCE(completed_at, ?2), updated_at = ?2 WHERE id = ?1 AND (status <> 'done' OR completed_at IS NULL)",
                params![wave, now],
            )?;
            if let Some(plan) = facts.plan {
                touch_plan(connection, plan, now)?;
            }
            Ok(WaveEnd { facts, status: Some("done".to_owned()), owes_a_merge: owes })
        })
    }

    /// Whether the plan has waves and all of them are done.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn all_waves_done(self, plan: i64) -> Result<bool> {
        let sql = "SELECT COUNT(*) > 0 AND COALESCE(SUM(status <> 'done'), 0) = 0 FROM waves WHERE plan_id = ?1";
        self.store.read(|connection| connection.query_row(sql, [plan], |row| row.get(0)))
    }
}

/// Whether the wave has a worktree of its own that did not land yet, and all its done tasks are validated.
pub(super) fn owes_a_merge(connection: &Connection, wave: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT w.worktree_path <> '' AND COALESCE(w.landing_step, '') <> 'landed' \
         AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.wave_id_fk = w.id AND t.status = 'done' AND t.validated_at IS NULL) \
         FROM waves w WHERE w.id = ?1";
    let owes = connection.query_row(sql, [wave], |row| row.get::<_, Option<bool>>(0)).optional()?;
    Ok(owes.flatten().unwrap_or(false))
}

fn wave_facts(connection: &Connection, wave: i64) -> Step<WaveFacts> {
    let sql = "SELECT id, wave_id, plan_id, status, worktree_path FROM waves WHERE id = ?1";
    let found = connection.query_row(sql, [wave], |row| {
        Ok(WaveFacts {
            id: row.get(0)?,
            code: text(row, 1)?,
            plan: row.get(2)?,
            status: text(row, 3)?,
            worktree: filled_text(row, 4)?,
            tasks: Vec::new(),
        })
    });
    let mut facts = found.optional()?.ok_or_else(|| Error::not_found("wave", wave))?;
    let sql = "SELECT id, task_id, title, status, validated_at IS NOT NULL, executor_agent, \
         COALESCE(output_data, '') <> '' AND NOT json_valid(output_data) FROM tasks WHERE wave_id_fk = ?1 ORDER BY task_id, id";
    let mut statement = connection.prepare(sql)?;
    let tasks = statement.query_map([wave], |row| {
        Ok(WaveTask {
            id: row.get(0)?,
            code: text(row, 1)?,
            title: text(row, 2)?,
            status: text(row, 3)?,
            validated: row.get(4)?,
            executor: optional_text(row, 5)?.filter(|name| !name.is_empty()),
            unreadable_output: row.get(6)?,
        })
    })?;
    facts.tasks = tasks.collect::<rusqlite::Result<_>>()?;
    Ok(facts)
}
