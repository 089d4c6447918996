//! Approaches that failed, so that nobody tries them again.

use rusqlite::{OptionalExtension as _, params};

use super::{Plans, plan_head};
use crate::Result;

/// An approach that failed.
#[derive(Debug, Clone, Copy)]
pub struct NewFailure<'a> {
    /// The plan's row.
    pub plan: i64,
    /// The task's code.
    pub task: &'a str,
    /// What was tried.
    pub approach: &'a str,
    /// Why it failed.
    pub reason: &'a str,
    /// The computer it was tried on.
    pub host: &'a str,
}

impl Plans<'_> {
    /// Keeps a failed approach. Its row id comes back, and whether the plan has a task of that code.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for an unknown plan; see [`crate::Error`].
    pub fn log_failure(self, new: &NewFailure<'_>, now: &str) -> Result<(i64, bool)> {
        self.write_changes(|connection| {
            let project = plan_head(connection, new.plan)?.project;
            connection.execute(
                "INSERT INTO task_failures (plan_id, project_id, task_id, approach, reason, host, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![new.plan, project, new.task, new.approach, new.reason, new.host, now],
            )?;
            let id = connection.last_insert_rowid();
            let sql = "SELECT 1 FROM tasks WHERE plan_id = ?1 AND task_id = ?2 LIMIT 1";
            let known = connection.query_row(sql, params![new.plan, new.task], |_| Ok(())).optional()?.is_some();
            Ok((id, known))
        })
    }
}
