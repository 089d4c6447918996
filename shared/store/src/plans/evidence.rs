//! What there is to judge a task by.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _};

use super::{Plans, Step, rounds};
use crate::plan_views::{filled_text, path, text};
use crate::{Error, Result};

/// A task with everything that its gates look at. Null text is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskEvidence {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Its state, the database's word.
    pub status: String,
    /// `feature`, `bug`, `documentation`...
    pub kind: String,
    /// A JSON list of names.
    pub files: String,
    /// What to do.
    pub description: String,
    /// JSON as text.
    pub test_criteria: String,
    /// What it made, JSON as text.
    pub output_data: String,
    /// Its plan's row.
    pub plan: Option<i64>,
    /// Its wave's row, where there is such a wave.
    pub wave: Option<i64>,
    /// Its wave's code.
    pub wave_code: String,
    /// The wave's worktree, else the plan's, as stored (may begin with `~`).
    pub worktree: Option<PathBuf>,
    /// The requirements it serves, as far as the table has them.
    pub requirements: Vec<String>,
    /// When it was validated, UTC.
    pub validated_at: Option<String>,
    /// Who validated it.
    pub validated_by: Option<String>,
    /// Rejections since it was last validated or taken out of blocked.
    pub rounds: i64,
}

impl Plans<'_> {
    /// The task `task` with what its gates look at, all from one state of the database.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown task; see [`Error`].
    pub fn task_evidence(self, task: i64) -> Result<TaskEvidence> {
        self.read(|connection| task_evidence(connection, task))
    }
}

fn task_evidence(connection: &Connection, task: i64) -> Step<TaskEvidence> {
    let sql = "SELECT t.id, t.task_id, t.title, t.status, COALESCE(t.type, 'feature'), t.files, t.description, t.test_criteria, \
         t.output_data, t.plan_id, w.id, COALESCE(w.wave_id, t.wave_id), \
         COALESCE(NULLIF(w.worktree_path, ''), NULLIF(p.worktree_path, '')), t.validated_at, t.validated_by \
         FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk LEFT JOIN plans p ON p.id = t.plan_id WHERE t.id = ?1";
    let found = connection.query_row(sql, [task], |row| {
        Ok(TaskEvidence {
            id: row.get(0)?,
            code: text(row, 1)?,
            title: text(row, 2)?,
            status: text(row, 3)?,
            kind: text(row, 4)?,
            files: text(row, 5)?,
            description: text(row, 6)?,
            test_criteria: text(row, 7)?,
            output_data: text(row, 8)?,
            plan: row.get(9)?,
            wave: row.get(10)?,
            wave_code: text(row, 11)?,
            worktree: path(row, 12)?,
            requirements: Vec::new(),
            validated_at: filled_text(row, 13)?,
            validated_by: filled_text(row, 14)?,
            rounds: 0,
        })
    });
    let mut found = found.optional()?.ok_or_else(|| Error::not_found("task", task))?;
    let sql = "SELECT requirement_id FROM task_requirements WHERE task_id = ?1 ORDER BY requirement_id";
    found.requirements =
        connection.prepare(sql)?.query_map([task], |row| text(row, 0))?.collect::<rusqlite::Result<_>>()?;
    found.rounds = rounds::count(connection, task)?;
    Ok(found)
}
