//! All tasks of a plan, and the attempts that failed.

use super::{PlanViews, filled_text, optional_text, text};
use crate::Result;

/// A task as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// The code of its wave.
    pub wave: String,
    /// `pending`, `in_progress`, `done`, `blocked`, `skipped`.
    pub status: String,
    /// `P0` to `P3`.
    pub priority: Option<String>,
    /// The model that should do it.
    pub model: Option<String>,
    /// Who should do it or did.
    pub executor: Option<String>,
    /// Its title.
    pub title: String,
    /// When it was validated, UTC.
    pub validated_at: Option<String>,
}

/// An attempt at a task that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The row's number.
    pub id: i64,
    /// The plan.
    pub plan_id: i64,
    /// The project.
    pub project_id: String,
    /// The task's code.
    pub task: String,
    /// What was tried.
    pub approach: String,
    /// Why it failed.
    pub reason: String,
    /// The computer it was tried on.
    pub host: Option<String>,
    /// When, UTC.
    pub created_at: Option<String>,
}

impl PlanViews<'_> {
    /// The tasks of the plan `id`, by the wave's position, then code; tasks without a wave come last.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn tasks(&self, id: i64) -> Result<Vec<TaskRow>> {
        let sql = "SELECT t.id, t.task_id, COALESCE(w.wave_id, t.wave_id), t.status, t.priority, t.model, \
             t.executor_agent, t.title, t.validated_at FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk \
             WHERE t.plan_id = ?1 ORDER BY w.id IS NULL, w.position, t.task_id, t.id";
        self.all(sql, [id], |row| {
            Ok(TaskRow {
                id: row.get(0)?,
                code: text(row, 1)?,
                wave: text(row, 2)?,
                status: text(row, 3)?,
                priority: filled_text(row, 4)?,
                model: filled_text(row, 5)?,
                executor: filled_text(row, 6)?,
                title: text(row, 7)?,
                validated_at: filled_text(row, 8)?,
            })
        })
    }

    /// The failed attempts of a project, the newest first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn failures(&self, project: &str) -> Result<Vec<Failure>> {
        let sql = "SELECT id, plan_id, project_id, task_id, approach, reason, host, created_at FROM task_failures \
             WHERE project_id = ?1 ORDER BY datetime(created_at) DESC, id DESC";
        self.all(sql, [project], |row| {
            Ok(Failure {
                id: row.get(0)?,
                plan_id: row.get(1)?,
                project_id: text(row, 2)?,
                task: text(row, 3)?,
                approach: text(row, 4)?,
                reason: text(row, 5)?,
                host: filled_text(row, 6)?,
                created_at: optional_text(row, 7)?,
            })
        })
    }
}
