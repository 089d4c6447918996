//! Finished tasks that nobody has validated.

use super::{PlanViews, text};
use crate::Result;

/// A task that is done and not validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnvalidatedTask {
    /// Its code.
    pub task_id: String,
    /// Its title.
    pub title: String,
    /// The row number of its plan.
    pub plan_id: i64,
}

impl PlanViews<'_> {
    /// The tasks of the project's active plans (todo, doing) that are done without a validation, by plan, in the order
    /// in which they were entered.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn unvalidated(&self, project: &str) -> Result<Vec<UnvalidatedTask>> {
        let sql = "SELECT tasks.task_id, tasks.title, plans.id FROM plans \
             JOIN tasks ON plans.id = COALESCE(tasks.plan_id, (SELECT plan_id FROM waves WHERE waves.id = tasks.wave_id_fk)) \
             WHERE plans.project_id = ?1 AND plans.status IN ('todo', 'doing') AND tasks.status = 'done' \
             AND COALESCE(tasks.validated_at, '') = '' ORDER BY plans.id, tasks.id";
        self.all(sql, [project], |row| {
            Ok(UnvalidatedTask { task_id: text(row, 0)?, title: text(row, 1)?, plan_id: row.get(2)? })
        })
    }
}
