//! Counting tasks, and the state of a wave that follows from it.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Plans, Step, WaveStatus, plan_head, touch_plan};
use crate::Result;

/// How many tasks there are, and in what state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All tasks.
    pub total: i64,
    /// Those that are done.
    pub done: i64,
    /// Those that are skipped.
    pub skipped: i64,
}

impl Counts {
    /// Tasks that ask for no more work.
    pub fn finished(self) -> i64 {
        self.done + self.skipped
    }

    /// Whether there is at least one task and all are finished.
    pub fn all_finished(self) -> bool {
        self.total > 0 && self.finished() == self.total
    }
}

/// A wave as `sync` leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveLine {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its state, the database's word.
    pub status: String,
    /// Its tasks.
    pub counts: Counts,
}

/// A wave's state before a transaction touched its tasks.
pub(super) struct WaveBefore {
    pub(super) id: i64,
    pub(super) code: String,
    status: String,
    started_at: Option<String>,
    completed_at: Option<String>,
    done: Option<i64>,
    total: Option<i64>,
}

/// What a transaction did to a wave's tasks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A task was finished.
    Finished,
    /// There is a task to be done that was not there before.
    Opened,
    /// Neither.
    Other,
    /// The rows were only counted.
    Counted,
}

/// What became of the wave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    AsBefore,
    Closed,
    Reopened,
}

pub(super) fn of_wave(connection: &Connection, wave: i64) -> rusqlite::Result<Counts> {
    count(
        connection,
        "SELECT COUNT(*), COALESCE(SUM(status = 'done'), 0), COALESCE(SUM(status = 'skipped'), 0) FROM tasks WHERE wave_id_fk = ?1",
        wave,
    )
}

pub(super) fn of_plan(connection: &Connection, plan: i64) -> rusqlite::Result<Counts> {
    count(
        connection,
        "SELECT COUNT(*), COALESCE(SUM(status = 'done'), 0), COALESCE(SUM(status = 'skipped'), 0) FROM tasks WHERE plan_id = ?1",
        plan,
    )
}

fn count(connection: &Connection, sql: &str, id: i64) -> rusqlite::Result<Counts> {
    connection.query_row(sql, [id], |row| Ok(Counts { total: row.get(0)?, done: row.get(1)?, skipped: row.get(2)? }))
}

/// Writes the plan's counters where they differ, and says whether they did.
pub(super) fn recount_plan(connection: &Connection, plan: i64) -> rusqlite::Result<bool> {
    let counts = of_plan(connection, plan)?;
    let changed = connection.execute(
        "UPDATE plans SET tasks_done = ?2, tasks_total = ?3 WHERE id = ?1 AND (tasks_done IS NOT ?2 OR tasks_total IS NOT ?3)",
        params![plan, counts.done, counts.total],
    )?;
    Ok(changed > 0)
}

/// The wave as it is now; `None` when it is not there.
pub(super) fn wave_before(connection: &Connection, wave: i64) -> rusqlite::Result<Option<WaveBefore>> {
    let sql = "SELECT id, wave_id, status, started_at, completed_at, tasks_done, tasks_total FROM waves WHERE id = ?1";
    connection
        .query_row(sql, [wave], |row| {
            Ok(WaveBefore {
                id: row.get(0)?,
                code: row.get(1)?,
                status: row.get(2)?,
                started_at: row.get(3)?,
                completed_at: row.get(4)?,
                done: row.get(5)?,
                total: row.get(6)?,
            })
        })
        .optional()
}

/// Writes the wave's counters and then its state as `before` and `event` have it, whatever triggers made of it. Says
/// what became of the state, and whether anything differs from before.
pub(super) fn settle_wave(
    connection: &Connection,
    before: &WaveBefore,
    event: Event,
    now: &str,
) -> rusqlite::Result<(Settled, bool)> {
    let counts = of_wave(connection, before.id)?;
    connection.execute(
        "UPDATE waves SET tasks_done = ?2, tasks_total = ?3 WHERE id = ?1",
        params![before.id, counts.done, counts.total],
    )?;
    let was = WaveStatus::parse(&before.status);
    let settled = match (event, was) {
        // Merging is set on purpose by whoever merges the wave, and ended by the merge.
        (_, Some(WaveStatus::Merging)) | (Event::Counted, Some(WaveStatus::Blocked)) => Settled::AsBefore,
        (
            Event::Finished | Event::Counted,
            Some(WaveStatus::Pending | WaveStatus::InProgress | WaveStatus::Blocked),
        ) if counts.all_finished() => Settled::Closed,
        (Event::Opened, Some(WaveStatus::Done)) if counts.finished() < counts.total => Settled::Reopened,
        _ => Settled::AsBefore,
    };
    let (status, started_at, completed_at) = match settled {
        Settled::AsBefore => (before.status.as_str(), before.started_at.as_deref(), before.completed_at.as_deref()),
        Settled::Closed => ("done", before.started_at.as_deref().or(Some(now)), Some(now)),
        Settled::Reopened => ("in_progress", before.started_at.as_deref().or(Some(now)), None),
    };
    let changed =
        settled != Settled::AsBefore || (before.done, before.total) != (Some(counts.done), Some(counts.total));
    connection.execute(
        "UPDATE waves SET status = ?2, started_at = ?3, completed_at = ?4, updated_at = COALESCE(?5, updated_at) WHERE id = ?1",
        params![before.id, status, started_at, completed_at, changed.then_some(now)],
    )?;
    Ok((settled, changed))
}

impl Plans<'_> {
    /// Counts the tasks of the plan and of each of its waves again, and closes waves whose tasks are all finished unless
    /// they are merging or blocked. The waves come back by position.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for an unknown plan; see [`crate::Error`].
    pub fn sync(self, plan: i64, now: &str) -> Result<Vec<WaveLine>> {
        self.write_changes(|connection| {
            plan_head(connection, plan)?;
            let (lines, mut changed) = sync_waves(connection, plan, now)?;
            changed |= recount_plan(connection, plan)?;
            if changed {
                touch_plan(connection, plan, now)?;
            }
            Ok(lines)
        })
    }
}

fn sync_waves(connection: &Connection, plan: i64, now: &str) -> Step<(Vec<WaveLine>, bool)> {
    let mut select = connection.prepare("SELECT id FROM waves WHERE plan_id = ?1 ORDER BY position, id")?;
    let ids: Vec<i64> = select.query_map([plan], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut changed = false;
    for &id in &ids {
        if let Some(before) = wave_before(connection, id)? {
            changed |= settle_wave(connection, &before, Event::Counted, now)?.1;
        }
    }
    let mut line = connection.prepare("SELECT wave_id, name, status FROM waves WHERE id = ?1")?;
    let lines = ids.iter().map(|&id| {
        let counts = of_wave(connection, id)?;
        line.query_row([id], |row| Ok(WaveLine { code: row.get(0)?, name: row.get(1)?, status: row.get(2)?, counts }))
    });
    Ok((lines.collect::<rusqlite::Result<_>>()?, changed))
}
