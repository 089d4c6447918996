//! Counting the tasks of all waves and plans again.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use super::complete::gates;
use super::counts::{Event, Settled, recount_plan, settle_wave, wave_before};
use super::{Plans, Step, touch_plan};
use crate::Result;
use crate::plan_views::{count, text};

/// What a counter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// A wave.
    Wave,
    /// A plan.
    Plan,
}

/// A row whose counters differ from its tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miscount {
    /// What it is.
    pub kind: Counted,
    /// The row's number.
    pub id: i64,
    /// The code of the wave and its name, or the name of the plan.
    pub name: String,
    /// Done and total as they stand in the row.
    pub stored: (i64, i64),
    /// Done and total as the tasks are.
    pub real: (i64, i64),
}

/// A plan or wave by number and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The row's number.
    pub id: i64,
    /// Its name; of a wave, its code.
    pub name: String,
}

/// What counting again found, and, when it wrote, changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recount {
    /// Rows that were counted wrong, waves first.
    pub wrong: Vec<Miscount>,
    /// Rows that are counted wrong still: something else changes the counters back.
    pub left: Vec<Miscount>,
    /// Waves all of whose tasks are finished and that were not done.
    pub closed: Vec<Named>,
    /// Plans that are doing, with all tasks finished, validated, no wave merging: nothing but their worktree keeps them
    /// from being completed.
    pub complete: Vec<Named>,
    /// Plans that are doing, with all tasks finished, where something else is missing, and what.
    pub ready: Vec<(Named, String)>,
    /// Tasks whose wave is not there (or that have none), and tasks whose plan is not there.
    pub orphans: (i64, i64),
}

impl Plans<'_> {
    /// Counts the tasks of every wave and plan again, in one transaction, and closes waves whose tasks are all finished
    /// unless they are merging or blocked. Plans keep their states.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn recount(self, now: &str) -> Result<Recount> {
        self.write_changes(|connection| {
            let mut found = survey(connection)?;
            let mut touched = Vec::new();
            for wave in wave_ids(&found) {
                let Some(before) = wave_before(connection, wave)? else { continue };
                let (settled, changed) = settle_wave(connection, &before, Event::Counted, now)?;
                if settled == Settled::Closed || changed {
                    touched.push(wave);
                }
            }
            for plan in found.wrong.iter().filter(|row| row.kind == Counted::Plan) {
                recount_plan(connection, plan.id)?;
                touch_plan(connection, plan.id, now)?;
            }
            for wave in touched {
                let sql = "UPDATE plans SET updated_at = ?2 WHERE id = (SELECT plan_id FROM waves WHERE id = ?1)";
                connection.execute(sql, params![wave, now])?;
            }
            found.left = wrong(connection)?;
            found.complete.clear();
            found.ready.clear();
            finished_plans(connection, &mut found)?;
            Ok(found)
        })
    }

    /// What [`Plans::recount`] would change; `left` is then what is wrong now.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn recount_dry(self) -> Result<Recount> {
        self.read(|connection| {
            let mut found = survey(connection)?;
            found.left.clone_from(&found.wrong);
            Ok(found)
        })
    }
}

fn wave_ids(found: &Recount) -> Vec<i64> {
    let wrong = found.wrong.iter().filter(|row| row.kind == Counted::Wave).map(|row| row.id);
    let mut ids: Vec<i64> = wrong.chain(found.closed.iter().map(|wave| wave.id)).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn survey(connection: &Connection) -> Step<Recount> {
    let mut found = Recount { wrong: wrong(connection)?, ..Recount::default() };
    let mut select = connection.prepare(
        "SELECT w.id, w.wave_id FROM waves w JOIN tasks t ON t.wave_id_fk = w.id \
         WHERE w.status IN ('pending', 'in_progress') GROUP BY w.id HAVING SUM(t.status NOT IN ('done', 'skipped')) = 0 ORDER BY w.id",
    )?;
    found.closed = select.query_map([], named)?.collect::<rusqlite::Result<_>>()?;
    finished_plans(connection, &mut found)?;
    let sql = "SELECT COUNT(*) FILTER (WHERE w.id IS NULL), COUNT(*) FILTER (WHERE p.id IS NULL) \
               FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk LEFT JOIN plans p ON p.id = t.plan_id";
    found.orphans = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found)
}

fn named(row: &Row<'_>) -> rusqlite::Result<Named> {
    Ok(Named { id: row.get(0)?, name: text(row, 1)? })
}

/// Rows whose counters differ from their tasks. The tasks are counted in one pass: they are many.
fn wrong(connection: &Connection) -> Step<Vec<Miscount>> {
    let mut found = Vec::new();
    let kinds = [
        (
            Counted::Wave,
            "wave_id_fk",
            "SELECT id, wave_id || ' ' || name, tasks_done, tasks_total FROM waves ORDER BY id",
        ),
        (Counted::Plan, "plan_id", "SELECT id, name, tasks_done, tasks_total FROM plans ORDER BY id"),
    ];
    for (kind, column, rows) in kinds {
        let sql = format!(
            "SELECT {column}, SUM(status = 'done'), COUNT(*) FROM tasks WHERE {column} IS NOT NULL GROUP BY {column}"
        );
        let mut select = connection.prepare(&sql)?;
        let counts = select.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
        let counts: HashMap<i64, (i64, i64)> = counts.collect::<rusqlite::Result<_>>()?;
        let mut select = connection.prepare(rows)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            let stored = (count(row, 2)?, count(row, 3)?);
            let real = counts.get(&id).copied().unwrap_or_default();
            if stored != real {
                found.push(Miscount { kind, id, name: text(row, 1)?, stored, real });
            }
        }
    }
    Ok(found)
}

/// Sorts the plans that are doing and have all tasks finished into those that can be completed and the others.
fn finished_plans(connection: &Connection, found: &mut Recount) -> Step<()> {
    let mut select = connection.prepare("SELECT id, name FROM plans WHERE status = 'doing' ORDER BY id")?;
    let doing: Vec<Named> = select.query_map([], named)?.collect::<rusqlite::Result<_>>()?;
    for plan in doing {
        let gates = gates(connection, plan.id)?;
        if !gates.counts.all_finished() {
            continue;
        }
        match gates.check() {
            Ok(()) => found.complete.push(plan),
            Err(reason) => found.ready.push((plan, reason.to_string())),
        }
    }
    Ok(())
}
