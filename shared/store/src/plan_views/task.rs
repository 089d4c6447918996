//! One task: what it came to, and what its form is filled in with.

use super::{PlanViews, filled_text, optional_text, text};
use crate::Result;

/// What a task came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskResult {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Its state, the database's word.
    pub status: String,
    /// Its notes.
    pub notes: Option<String>,
    /// When it was validated, UTC.
    pub validated_at: Option<String>,
}

/// What the form of a task is filled in with. Null text is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskForm {
    /// The row's number.
    pub id: i64,
    /// What to do.
    pub description: String,
    /// JSON as text.
    pub test_criteria: String,
    /// A JSON list of names.
    pub files: String,
    /// `P0` to `P3`.
    pub priority: String,
    /// The model that should do it.
    pub model: String,
    /// Its state.
    pub status: String,
    /// Its wave's name.
    pub wave_name: String,
    /// Its project's folder as stored; empty when not known.
    pub project_path: String,
}

impl PlanViews<'_> {
    /// What the task `id` came to; `None` when there is no such task.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn task_result(&self, id: i64) -> Result<Option<TaskResult>> {
        let sql = "SELECT id, task_id, title, status, notes, validated_at FROM tasks WHERE id = ?1";
        self.one(sql, [id], |row| {
            Ok(TaskResult {
                id: row.get(0)?,
                code: text(row, 1)?,
                title: text(row, 2)?,
                status: text(row, 3)?,
                notes: optional_text(row, 4)?,
                validated_at: filled_text(row, 5)?,
            })
        })
    }

    /// The task `code` of the wave `wave` (a code) in the plan `plan` of `project`; `None` when there is no such task.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn task_form(&self, project: &str, plan: i64, wave: &str, code: &str) -> Result<Option<TaskForm>> {
        let sql = "SELECT t.id, t.description, t.test_criteria, t.files, t.priority, t.model, t.status, w.name, pr.path \
             FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk LEFT JOIN plans p ON p.id = t.plan_id \
             LEFT JOIN projects pr ON pr.id = p.project_id \
             WHERE t.plan_id = ?2 AND t.task_id = ?4 AND COALESCE(p.project_id, t.project_id) = ?1 AND COALESCE(w.wave_id, t.wave_id) = ?3 \
             ORDER BY t.id LIMIT 1";
        self.one(sql, (project, plan, wave, code), |row| {
            Ok(TaskForm {
                id: row.get(0)?,
                description: text(row, 1)?,
                test_criteria: text(row, 2)?,
                files: text(row, 3)?,
                priority: text(row, 4)?,
                model: text(row, 5)?,
                status: text(row, 6)?,
                wave_name: text(row, 7)?,
                project_path: text(row, 8)?,
            })
        })
    }
}
