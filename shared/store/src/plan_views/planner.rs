//! What a planner has to know of a project's plans.

use super::{PlanViews, count, text};
use crate::Result;

/// A plan that is todo or doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPlanOfProject {
    /// The row's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `todo` or `doing`.
    pub status: String,
    /// Tasks done.
    pub tasks_done: i64,
    /// Tasks in all.
    pub tasks_total: i64,
    /// Its worktree as stored; empty when none.
    pub worktree: String,
}

/// A plan that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedPlan {
    /// The row's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// When it was completed, UTC, in either form.
    pub completed_at: Option<String>,
}

/// A wave of an active plan that is worked on in a worktree of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOfWave {
    /// The plan.
    pub plan_id: i64,
    /// The wave's code.
    pub code: String,
    /// Its state.
    pub status: String,
    /// Its worktree as stored; empty when none.
    pub worktree: String,
    /// Its branch; empty when none.
    pub branch: String,
}

impl PlanViews<'_> {
    /// The plans of a project that are todo or doing, newest id first, at most `most`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn open_of_project(&self, project: &str, most: i64) -> Result<Vec<OpenPlanOfProject>> {
        let sql = "SELECT id, name, status, tasks_done, tasks_total, worktree_path FROM plans \
             WHERE project_id = ?1 AND status IN ('todo', 'doing') ORDER BY id DESC LIMIT ?2";
        self.all(sql, (project, most), |row| {
            Ok(OpenPlanOfProject {
                id: row.get(0)?,
                name: text(row, 1)?,
                status: text(row, 2)?,
                tasks_done: count(row, 3)?,
                tasks_total: count(row, 4)?,
                worktree: text(row, 5)?,
            })
        })
    }

    /// The plans of a project that are done, newest completion first, at most `most`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn finished(&self, project: &str, most: i64) -> Result<Vec<FinishedPlan>> {
        let sql = "SELECT id, name, completed_at FROM plans WHERE project_id = ?1 AND status = 'done' \
             ORDER BY datetime(completed_at) DESC, id DESC LIMIT ?2";
        self.all(sql, (project, most), |row| {
            Ok(FinishedPlan { id: row.get(0)?, name: text(row, 1)?, completed_at: super::filled_text(row, 2)? })
        })
    }

    /// The waves with a worktree or branch of their own in a project's plans that are todo or doing, by plan and position.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn places_of_waves(&self, project: &str) -> Result<Vec<PlaceOfWave>> {
        let sql = "SELECT w.plan_id, w.wave_id, w.status, w.worktree_path, w.branch_name FROM plans p JOIN waves w ON w.plan_id = p.id \
             WHERE p.project_id = ?1 AND p.status IN ('todo', 'doing') AND (w.worktree_path <> '' OR w.branch_name <> '') \
             ORDER BY p.id DESC, w.position, w.id";
        self.all(sql, [project], |row| {
            Ok(PlaceOfWave {
                plan_id: row.get(0)?,
                code: text(row, 1)?,
                status: text(row, 2)?,
                worktree: text(row, 3)?,
                branch: text(row, 4)?,
            })
        })
    }
}
