//! A plan as its document shows it.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension};

use super::{PlanViews, count, filled_text, path, text};
use crate::Result;

/// A plan with all its waves and tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanDocument {
    /// The row's number.
    pub id: i64,
    /// The id of its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// `todo`, `doing`, `done`, `archived`.
    pub status: String,
    /// What it is for, for agents.
    pub description: Option<String>,
    /// Its source, as stored.
    pub source_file: Option<PathBuf>,
    /// Its Markdown file, as stored.
    pub markdown_path: Option<PathBuf>,
    /// Its worktree, as stored.
    pub worktree_path: Option<PathBuf>,
    /// When it was made, UTC, in either form of a time.
    pub created_at: Option<String>,
    /// Its waves by position.
    pub waves: Vec<DocumentWave>,
    /// Its tasks by code.
    pub tasks: Vec<DocumentTask>,
}

/// A wave of a [`PlanDocument`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentWave {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// `pending`, `in_progress`, `done`, `blocked`, `merging`.
    pub status: String,
    /// Tasks done.
    pub tasks_done: i64,
    /// Tasks in all.
    pub tasks_total: i64,
}

/// A task of a [`PlanDocument`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentTask {
    /// The row number of its wave; `None` when there is no such wave.
    pub wave: Option<i64>,
    /// The code of its wave as the task has it.
    pub wave_code: String,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// `P0` to `P3`.
    pub priority: String,
    /// The model that should do it.
    pub model: String,
    /// `pending`, `in_progress`, `done`, `blocked`, `skipped`.
    pub status: String,
}

impl PlanViews<'_> {
    /// The plan `id` with waves and tasks, all from one state of the database; `None` when there is no such plan.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn document(&self, id: i64) -> Result<Option<PlanDocument>> {
        self.store.read_together(|connection| read(connection, id).map_err(|fault| self.store.fail(&fault)))
    }
}

fn read(connection: &Connection, id: i64) -> rusqlite::Result<Option<PlanDocument>> {
    let sql = "SELECT project_id, name, status, description, source_file, markdown_path, worktree_path, created_at \
         FROM plans WHERE id = ?1";
    let plan = connection.query_row(sql, [id], |row| {
        Ok(PlanDocument {
            id,
            project: text(row, 0)?,
            name: text(row, 1)?,
            status: text(row, 2)?,
            description: filled_text(row, 3)?,
            source_file: path(row, 4)?,
            markdown_path: path(row, 5)?,
            worktree_path: path(row, 6)?,
            created_at: filled_text(row, 7)?,
            waves: Vec::new(),
            tasks: Vec::new(),
        })
    });
    let Some(mut plan) = plan.optional()? else { return Ok(None) };
    let sql = "SELECT id, wave_id, name, status, tasks_done, tasks_total FROM waves WHERE plan_id = ?1 \
         ORDER BY position, id";
    let wave = |row: &rusqlite::Row<'_>| {
        Ok(DocumentWave {
            id: row.get(0)?,
            code: text(row, 1)?,
            name: text(row, 2)?,
            status: text(row, 3)?,
            tasks_done: count(row, 4)?,
            tasks_total: count(row, 5)?,
        })
    };
    plan.waves = connection.prepare(sql)?.query_map([id], wave)?.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT w.id, t.wave_id, t.task_id, t.title, t.priority, COALESCE(NULLIF(t.model, ''), 'sonnet'), t.status \
         FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk AND w.plan_id = t.plan_id \
         WHERE t.plan_id = ?1 ORDER BY t.task_id, t.id";
    let task = |row: &rusqlite::Row<'_>| {
        Ok(DocumentTask {
            wave: row.get(0)?,
            wave_code: text(row, 1)?,
            code: text(row, 2)?,
            title: text(row, 3)?,
            priority: text(row, 4)?,
            model: text(row, 5)?,
            status: text(row, 6)?,
        })
    };
    plan.tasks = connection.prepare(sql)?.query_map([id], task)?.collect::<rusqlite::Result<_>>()?;
    Ok(Some(plan))
}
