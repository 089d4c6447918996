//! What a dead session may have left: the places where plans under way are worked on.

use std::path::PathBuf;

use rusqlite::Row;

use super::{PlanViews, count, path, text};
use crate::Result;

/// A plan under way and one place where it is worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkPlace {
    /// The plan's number.
    pub plan: i64,
    /// Its name.
    pub name: String,
    /// The row number of the wave whose own worktree it is; `None` for the plan's.
    pub wave: Option<i64>,
    /// The worktree as stored (`~` for the home folder).
    pub path: PathBuf,
}

/// A task that is done and validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneTask {
    /// Its plan's number.
    pub plan: i64,
    /// The row number of its wave, if that has a worktree of its own.
    pub wave: Option<i64>,
    /// Its code.
    pub code: String,
    /// When it was done, UTC text.
    pub at: String,
}

impl PlanViews<'_> {
    /// The worktrees of all plans under way (or of `plan` alone) and of their waves, by plan, the plan's own first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn work_places(self, plan: Option<i64>) -> Result<Vec<WorkPlace>> {
        let sql = "SELECT p.id, p.name, NULL, p.worktree_path FROM plans p \
                   WHERE p.status = 'doing' AND p.worktree_path <> '' AND (?1 IS NULL OR p.id = ?1) \
                   UNION ALL SELECT p.id, p.name, w.id, w.worktree_path FROM waves w JOIN plans p ON p.id = w.plan_id \
                   WHERE p.status = 'doing' AND w.worktree_path <> '' AND (?1 IS NULL OR p.id = ?1) \
                   ORDER BY 1, 3";
        let read = |row: &Row<'_>| {
            Ok(WorkPlace {
                plan: row.get(0)?,
                name: text(row, 1)?,
                wave: row.get(2)?,
                path: path(row, 3)?.unwrap_or_default(),
            })
        };
        self.all(sql, [plan], read)
    }

    /// The tasks of plans under way that are done and validated.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn done_tasks(self, plan: Option<i64>) -> Result<Vec<DoneTask>> {
        let sql = "SELECT t.plan_id, (SELECT w.id FROM waves w WHERE w.id = t.wave_id_fk AND w.worktree_path <> ''), \
                   t.task_id, t.completed_at FROM tasks t JOIN plans p ON p.id = t.plan_id \
                   WHERE p.status = 'doing' AND t.status = 'done' AND t.validated_at IS NOT NULL \
                   AND t.completed_at IS NOT NULL AND (?1 IS NULL OR p.id = ?1) ORDER BY t.id";
        let read = |row: &Row<'_>| {
            Ok(DoneTask { plan: count(row, 0)?, wave: row.get(1)?, code: text(row, 2)?, at: text(row, 3)? })
        };
        self.all(sql, [plan], read)
    }
}
