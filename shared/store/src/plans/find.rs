//! Finding the rows that a command is about.

use std::path::PathBuf;

use rusqlite::{OptionalExtension as _, Row, params};

use super::Plans;
use crate::plan_views::{path, text};
use crate::{Error, Result};

/// A plan, as far as the writing commands ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanBrief {
    /// Its row.
    pub id: i64,
    /// The id of its project.
    pub project: String,
    /// Its name, unique in the project.
    pub name: String,
    /// `todo`, `doing`, `done`, `archived`, or a later crewkit's.
    pub status: String,
    /// Whether it has a description that is not empty.
    pub has_description: bool,
    /// Its source file as stored, if any.
    pub source_file: Option<String>,
    /// Its worktree as stored (may begin with `~`), if any.
    pub worktree: Option<String>,
    /// The path of its project as stored (may begin with `~`), if the project is registered.
    pub project_path: Option<String>,
    /// When it was started, UTC.
    pub started_at: Option<String>,
}

/// Where a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPlace {
    /// Its row.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Its state, the database's word.
    pub status: String,
    /// Its plan's row, if it has one.
    pub plan: Option<i64>,
    /// Its plan's name, if it has one.
    pub plan_name: Option<String>,
    /// Its wave's code.
    pub wave: String,
}

/// Where a plan's Markdown file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanMarkdown {
    /// The plan's name.
    pub name: String,
    /// The file as stored (may begin with `~`), if any.
    pub path: Option<PathBuf>,
    /// The folder as stored (may begin with `~`), if any.
    pub folder: Option<PathBuf>,
}

const PLACE: &str = "SELECT t.id, t.task_id, t.title, t.status, t.plan_id, p.name, t.wave_id \
                     FROM tasks t LEFT JOIN plans p ON p.id = t.plan_id";

fn place(row: &Row<'_>) -> rusqlite::Result<TaskPlace> {
    Ok(TaskPlace {
        id: row.get(0)?,
        code: row.get(1)?,
        title: row.get(2)?,
        status: row.get(3)?,
        plan: row.get(4)?,
        plan_name: row.get(5)?,
        wave: row.get(6)?,
    })
}

impl Plans<'_> {
    /// The plan `plan`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; see [`Error`].
    pub fn brief(self, plan: i64) -> Result<PlanBrief> {
        let sql = "SELECT p.id, p.project_id, p.name, p.status, COALESCE(p.description, '') <> '', NULLIF(p.source_file, ''), \
                   NULLIF(p.worktree_path, ''), NULLIF(pr.path, ''), p.started_at \
                   FROM plans p LEFT JOIN projects pr ON pr.id = p.project_id WHERE p.id = ?1";
        let found = self.store.read(|connection| {
            connection
                .query_row(sql, [plan], |row| {
                    Ok(PlanBrief {
                        id: row.get(0)?,
                        project: row.get(1)?,
                        name: row.get(2)?,
                        status: row.get(3)?,
                        has_description: row.get(4)?,
                        source_file: row.get(5)?,
                        worktree: row.get(6)?,
                        project_path: row.get(7)?,
                        started_at: row.get(8)?,
                    })
                })
                .optional()
        })?;
        found.ok_or_else(|| Error::not_found("plan", plan))
    }

    /// Where the Markdown file of the plan `plan` is.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; see [`Error`].
    pub fn markdown(self, plan: i64) -> Result<PlanMarkdown> {
        let sql = "SELECT name, markdown_path, markdown_dir FROM plans WHERE id = ?1";
        let read = |row: &Row<'_>| Ok(PlanMarkdown { name: text(row, 0)?, path: path(row, 1)?, folder: path(row, 2)? });
        let found = self.store.read(|connection| connection.query_row(sql, [plan], read).optional())?;
        found.ok_or_else(|| Error::not_found("plan", plan))
    }

    /// The requirements that tasks of the plan `plan` serve: each with the number of its tasks that are not skipped, and how
    /// many of them were validated.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn served_requirements(self, plan: i64) -> Result<Vec<(String, i64, i64)>> {
        let sql = "SELECT r.requirement_id, COUNT(*), COALESCE(SUM(t.validated_at IS NOT NULL), 0) FROM tasks t \
             JOIN task_requirements r ON r.task_id = t.id WHERE t.plan_id = ?1 AND t.status <> 'skipped' \
             GROUP BY r.requirement_id ORDER BY r.requirement_id";
        self.store.read(|connection| {
            let read = |row: &Row<'_>| Ok((text(row, 0)?, row.get(1)?, row.get(2)?));
            connection.prepare(sql)?.query_map([plan], read)?.collect()
        })
    }

    /// The path of the project `project` as stored (may begin with `~`), if it is registered.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn project_path(self, project: &str) -> Result<Option<String>> {
        let sql = "SELECT NULLIF(path, '') FROM projects WHERE id = ?1";
        let found = self.store.read(|connection| connection.query_row(sql, [project], |row| row.get(0)).optional())?;
        Ok(found.flatten())
    }

    /// The task with the row id `task`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown task; see [`Error`].
    pub fn task(self, task: i64) -> Result<TaskPlace> {
        let sql = format!("{PLACE} WHERE t.id = ?1");
        let found = self.store.read(|connection| connection.query_row(&sql, [task], place).optional())?;
        found.ok_or_else(|| Error::not_found("task", task))
    }

    /// The tasks with the code `code`, by row: of the plan `plan`, or else of all plans that are todo or doing.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn tasks_by_code(self, code: &str, plan: Option<i64>) -> Result<Vec<TaskPlace>> {
        let sql = format!(
            "{PLACE} WHERE t.task_id = ?1 AND CASE WHEN ?2 IS NULL THEN p.status IN ('todo', 'doing') ELSE t.plan_id = ?2 END ORDER BY t.id"
        );
        self.store.read(|connection| connection.prepare(&sql)?.query_map(params![code, plan], place)?.collect())
    }
}
