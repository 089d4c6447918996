//! What tasks say of the files that they touch.

use rusqlite::Row;

use super::{PlanViews, count, text};
use crate::Result;

/// The columns of a task that may name files. Null text is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskTexts {
    /// The row's number.
    pub id: i64,
    /// The plan.
    pub plan: i64,
    /// The row number of its wave, when it has one.
    pub wave: Option<i64>,
    /// Its code.
    pub code: String,
    /// `pending`, `in_progress`, `done`, `blocked`, `skipped`.
    pub status: String,
    /// A JSON list of names.
    pub files: String,
    /// What to do.
    pub description: String,
    /// JSON as text.
    pub test_criteria: String,
}

/// A wave of a plan, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveHead {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Tasks in all.
    pub tasks_total: i64,
}

/// A plan that is todo or doing, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPlan {
    /// The row's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `todo` or `doing`.
    pub status: String,
}

const TASK: &str = "t.id, t.plan_id, t.wave_id_fk, t.task_id, t.status, t.files, t.description, t.test_criteria";

fn task(row: &Row<'_>) -> rusqlite::Result<TaskTexts> {
    Ok(TaskTexts {
        id: row.get(0)?,
        plan: row.get(1)?,
        wave: row.get(2)?,
        code: text(row, 3)?,
        status: text(row, 4)?,
        files: text(row, 5)?,
        description: text(row, 6)?,
        test_criteria: text(row, 7)?,
    })
}

impl PlanViews<'_> {
    /// The tasks of the plan `id`, in the order they were entered.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn task_texts(&self, id: i64) -> Result<Vec<TaskTexts>> {
        self.all(&format!("SELECT {TASK} FROM tasks t WHERE t.plan_id = ?1 ORDER BY t.id"), [id], task)
    }

    /// The waves of the plan `id`, by position.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn wave_heads(&self, id: i64) -> Result<Vec<WaveHead>> {
        let sql = "SELECT id, wave_id, name, tasks_total FROM waves WHERE plan_id = ?1 ORDER BY position, id";
        self.all(sql, [id], |row| {
            Ok(WaveHead { id: row.get(0)?, code: text(row, 1)?, name: text(row, 2)?, tasks_total: count(row, 3)? })
        })
    }

    /// The plans of `project` that are todo or doing, by number, without the plan `except`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn open_plans(&self, project: &str, except: Option<i64>) -> Result<Vec<OpenPlan>> {
        let sql = "SELECT id, name, status FROM plans \
             WHERE project_id = ?1 AND status IN ('todo', 'doing') AND id IS NOT ?2 ORDER BY id";
        self.all(sql, (project, except), |row| {
            Ok(OpenPlan { id: row.get(0)?, name: text(row, 1)?, status: text(row, 2)? })
        })
    }

    /// The tasks of the plans that [`PlanViews::open_plans`] gives, in the order they were entered.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn open_plans_task_texts(&self, project: &str, except: Option<i64>) -> Result<Vec<TaskTexts>> {
        let sql = format!(
            "SELECT {TASK} FROM plans p JOIN tasks t ON t.plan_id = p.id \
             WHERE p.project_id = ?1 AND p.status IN ('todo', 'doing') AND p.id IS NOT ?2 ORDER BY t.id"
        );
        self.all(&sql, (project, except), task)
    }
}
