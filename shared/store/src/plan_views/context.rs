//! All that an executor has to know of a plan.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension};

use super::{PlanViews, count, path, text};
use crate::Result;

/// A plan with its open tasks and what its finished ones left for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanContext {
    /// The row's number.
    pub id: i64,
    /// The name.
    pub name: String,
    /// `todo`, `doing`, `done`, `archived`.
    pub status: String,
    /// Tasks done.
    pub tasks_done: i64,
    /// Tasks in all.
    pub tasks_total: i64,
    /// Its Markdown file, as stored.
    pub markdown_path: Option<PathBuf>,
    /// Its source, as stored; empty when none.
    pub source_file: String,
    /// Its worktree, as stored.
    pub worktree_path: Option<PathBuf>,
    /// Tasks pending or in progress, by the wave's position, then code.
    pub open: Vec<OpenTask>,
    /// Tasks done that left output, in the same order.
    pub finished: Vec<FinishedTask>,
}

/// A task that is pending or in progress. Null text is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTask {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// What to do.
    pub description: String,
    /// `pending` or `in_progress`.
    pub status: String,
    /// `P0` to `P3`.
    pub priority: String,
    /// JSON as text.
    pub test_criteria: String,
    /// The model that should do it.
    pub model: String,
    /// JSON as text.
    pub output_data: String,
    /// `claude`, `copilot`, ...
    pub executor_agent: String,
    /// The code of the wave, as the wave or else the task has it.
    pub wave_code: String,
    /// Its wave, when there is one.
    pub wave: Option<TaskWave>,
}

/// The wave of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskWave {
    /// The row's number.
    pub id: i64,
    /// The wave's name.
    pub name: String,
    /// Tasks done.
    pub tasks_done: i64,
    /// Tasks in all.
    pub tasks_total: i64,
}

/// A task done that left output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedTask {
    /// Its code.
    pub code: String,
    /// The code of its wave.
    pub wave_code: String,
    /// Who did it; empty when not known.
    pub executor_agent: String,
    /// JSON as text.
    pub output_data: String,
}

/// Tasks without a wave come last.
const ORDER: &str = "ORDER BY w.id IS NULL, w.position, t.task_id, t.id";

impl PlanViews<'_> {
    /// The plan `id` with its tasks, all from one state of the database; `None` when there is no such plan.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn context(&self, id: i64) -> Result<Option<PlanContext>> {
        self.store.read_together(|connection| read(connection, id).map_err(|fault| self.store.fail(&fault)))
    }
}

fn read(connection: &Connection, id: i64) -> rusqlite::Result<Option<PlanContext>> {
    let sql = "SELECT name, status, tasks_done, tasks_total, markdown_path, source_file, worktree_path \
         FROM plans WHERE id = ?1";
    let plan = connection.query_row(sql, [id], |row| {
        Ok(PlanContext {
            id,
            name: text(row, 0)?,
            status: text(row, 1)?,
            tasks_done: count(row, 2)?,
            tasks_total: count(row, 3)?,
            markdown_path: path(row, 4)?,
            source_file: text(row, 5)?,
            worktree_path: path(row, 6)?,
            open: Vec::new(),
            finished: Vec::new(),
        })
    });
    let Some(mut plan) = plan.optional()? else { return Ok(None) };
    let sql = format!(
        "SELECT t.id, t.task_id, t.title, t.description, t.status, t.priority, t.test_criteria, \
         COALESCE(NULLIF(t.model, ''), 'sonnet'), t.output_data, t.executor_agent, COALESCE(w.wave_id, t.wave_id), \
         w.id, w.name, w.tasks_done, w.tasks_total \
         FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk \
         WHERE t.plan_id = ?1 AND t.status IN ('pending', 'in_progress') {ORDER}"
    );
    let open = |row: &rusqlite::Row<'_>| {
        let wave = match row.get::<_, Option<i64>>(11)? {
            None => None,
            Some(id) => {
                Some(TaskWave { id, name: text(row, 12)?, tasks_done: count(row, 13)?, tasks_total: count(row, 14)? })
            }
        };
        Ok(OpenTask {
            id: row.get(0)?,
            code: text(row, 1)?,
            title: text(row, 2)?,
            description: text(row, 3)?,
            status: text(row, 4)?,
            priority: text(row, 5)?,
            test_criteria: text(row, 6)?,
            model: text(row, 7)?,
            output_data: text(row, 8)?,
            executor_agent: text(row, 9)?,
            wave_code: text(row, 10)?,
            wave,
        })
    };
    plan.open = connection.prepare(&sql)?.query_map([id], open)?.collect::<rusqlite::Result<_>>()?;
    let sql = format!(
        "SELECT t.task_id, COALESCE(w.wave_id, t.wave_id), t.executor_agent, t.output_data \
         FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk \
         WHERE t.plan_id = ?1 AND t.status = 'done' AND t.output_data <> '' {ORDER}"
    );
    let finished = |row: &rusqlite::Row<'_>| {
        Ok(FinishedTask {
            code: text(row, 0)?,
            wave_code: text(row, 1)?,
            executor_agent: text(row, 2)?,
            output_data: text(row, 3)?,
        })
    };
    plan.finished = connection.prepare(&sql)?.query_map([id], finished)?.collect::<rusqlite::Result<_>>()?;
    Ok(Some(plan))
}
