//! A judgement on a task: finished and validated, validated, or rejected. Each is one transaction.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::change::change_in;
use super::judged_wave::owes_a_merge;
use super::{Plans, Step, TaskChange, TaskChanged, TaskStatus, rounds};
use crate::plan_views::{filled_text, text};
use crate::{Error, Result};

/// Who found a task in order, and what was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Judgement<'a> {
    /// The validator's name.
    pub by: &'a str,
    /// The report, JSON text.
    pub report: &'a str,
}

/// What finishing a task came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedTask {
    /// What followed from the change of its state.
    pub changed: TaskChanged,
    /// Its locks that were released.
    pub released: usize,
    /// Who has validated it, now or before; `None` when nobody has.
    pub validated_by: Option<String>,
}

/// A task that is sent back.
#[derive(Debug, Clone, Copy)]
pub struct Rejection<'a> {
    /// The task's row.
    pub task: i64,
    /// The round at which the task is blocked.
    pub most: i64,
    /// The report, JSON text.
    pub report: &'a str,
    /// The computer it was judged on.
    pub host: &'a str,
}

/// What a rejection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectedTask {
    /// Rejections so far, this one among them.
    pub round: i64,
    /// Whether the task is blocked now.
    pub blocked: bool,
    /// Its locks that were released, none unless it is blocked.
    pub released: usize,
}

impl Plans<'_> {
    /// Makes a task done ([`Plans::change_task`]), releases its locks and, with a judgement, validates it: whoever has
    /// validated it before stays. A wave that this completes, all of it validated, and that has a worktree which did not
    /// land yet, becomes merging instead of done.
    ///
    /// # Errors
    /// As [`Plans::change_task`]; also when `change` is not to done.
    pub fn finish_task(
        self,
        change: &TaskChange<'_>,
        judgement: Option<&Judgement<'_>>,
        now: &str,
    ) -> Result<FinishedTask> {
        self.write(|connection| {
            if change.to != TaskStatus::Done {
                return Err(Error::refused(format!("task {} is not to be finished", change.task)).into());
            }
            let changed = change_in(connection, change, now)?;
            let released = release_locks(connection, change.task)?;
            if let Some(judgement) = judgement {
                stamp(connection, change.task, judgement, now)?;
                let sql = "SELECT wave_id_fk FROM tasks WHERE id = ?1";
                let wave: Option<i64> = connection.query_row(sql, [change.task], |row| row.get(0))?;
                if let Some(wave) = wave.filter(|_| changed.wave_completed.is_some())
                    && owes_a_merge(connection, wave)?
                {
                    connection.execute(
                        "UPDATE waves SET status = 'merging', completed_at = NULL, updated_at = ?2 WHERE id = ?1",
                        params![wave, now],
                    )?;
                }
            }
            let sql = "SELECT validated_by FROM tasks WHERE id = ?1 AND validated_at IS NOT NULL";
            let by = connection.query_row(sql, [change.task], |row| text(row, 0)).optional()?;
            Ok(FinishedTask { changed, released, validated_by: by })
        })
    }

    /// Validates a task that is done. Who validated it before, and when, where somebody has; nothing is written then.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown task, [`Error::Refused`] for one that is not done; see [`Error`].
    pub fn validate_task(self, task: i64, judgement: &Judgement<'_>, now: &str) -> Result<Option<(String, String)>> {
        self.write(|connection| {
            let sql = "SELECT status, validated_at, validated_by FROM tasks WHERE id = ?1";
            let row = |row: &rusqlite::Row<'_>| Ok((text(row, 0)?, filled_text(row, 1)?, text(row, 2)?));
            let found = connection.query_row(sql, [task], row).optional()?;
            let (status, at, by) = found.ok_or_else(|| Error::not_found("task", task))?;
            if status != TaskStatus::Done.as_str() {
                return Err(Error::refused(format!("task {task} is {status}, not done")).into());
            }
            if let Some(at) = at {
                return Ok(Some((by, at)));
            }
            stamp(connection, task, judgement, now)?;
            Ok(None)
        })
    }

    /// Counts a rejection and keeps its report. At the last round the task is blocked, with a note, and its locks are
    /// released.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown task, [`Error::Refused`] for one that was validated meanwhile; see [`Error`].
    pub fn reject_task(self, rejection: &Rejection<'_>, now: &str) -> Result<RejectedTask> {
        self.write(|connection| {
            let task = rejection.task;
            let sql = "SELECT validated_at IS NOT NULL, notes FROM tasks WHERE id = ?1";
            let found = connection.query_row(sql, [task], |row| Ok((row.get(0)?, text(row, 1)?))).optional()?;
            let (validated, notes): (bool, String) = found.ok_or_else(|| Error::not_found("task", task))?;
            if validated {
                return Err(Error::refused(format!("task {task} was validated by somebody else meanwhile")).into());
            }
            let round = rounds::add(connection, task, rejection.report, now)?;
            let sql = "UPDATE tasks SET validation_report = ?2, updated_at = ?3 WHERE id = ?1";
            connection.execute(sql, params![task, rejection.report, now])?;
            let mut rejected = RejectedTask { round, blocked: round >= rejection.most, released: 0 };
            if rejected.blocked {
                let note = format!("Blocked automatically after {round} rejections in a row: a person has to decide");
                let notes = if notes.is_empty() { note } else { format!("{notes}\n{note}") };
                let change = TaskChange {
                    task,
                    to: TaskStatus::Blocked,
                    notes: Some(&notes),
                    tokens: None,
                    output_data: None,
                    host: rejection.host,
                };
                change_in(connection, &change, now)?;
                rejected.released = release_locks(connection, task)?;
            }
            Ok(rejected)
        })
    }
}

/// Writes a validation where there is none, and clears the rounds.
fn stamp(connection: &Connection, task: i64, judgement: &Judgement<'_>, now: &str) -> Step<()> {
    connection.execute(
        "UPDATE tasks SET validated_at = ?2, validated_by = ?3, validation_report = ?4, updated_at = ?2 \
         WHERE id = ?1 AND validated_at IS NULL",
        params![task, now, judgement.by, judgement.report],
    )?;
    rounds::forget(connection, task)?;
    Ok(())
}

/// Releases the locks of a task: under its row id, and under its code where the lock names its plan or none.
fn release_locks(connection: &Connection, task: i64) -> rusqlite::Result<usize> {
    connection.execute(
        "DELETE FROM file_locks WHERE task_id = CAST(?1 AS TEXT) OR EXISTS (SELECT 1 FROM tasks t WHERE t.id = ?1 \
         AND t.task_id = file_locks.task_id AND (file_locks.plan_id IS NULL OR file_locks.plan_id = t.plan_id))",
        [task],
    )
}
