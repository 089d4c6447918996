//! Lists of plans, and the tasks that are under way.

use std::path::PathBuf;

use rusqlite::Row;

use super::{PlanViews, count, filled_text, optional_text, path, text};
use crate::Result;

/// A plan by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The row's number.
    pub id: i64,
    /// The name, unique in its project.
    pub name: String,
    /// `todo`, `doing`, `done`, `archived`.
    pub status: String,
    /// Whether it is the master of other plans.
    pub is_master: bool,
    /// Tasks done.
    pub tasks_done: i64,
    /// Tasks in all.
    pub tasks_total: i64,
    /// UTC; like the times below either `YYYY-MM-DD HH:MM:SS` or `YYYY-MM-DDTHH:MM:SSZ`.
    pub created_at: Option<String>,
    /// When it was first started.
    pub started_at: Option<String>,
    /// When it was completed.
    pub completed_at: Option<String>,
    /// When it was validated.
    pub validated_at: Option<String>,
    /// The project.
    pub project_id: String,
    /// The project's name, or its id where the project has no row.
    pub project_name: String,
}

/// A plan as the boards show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardPlan {
    /// The plan.
    pub plan: Plan,
    /// The project's path as stored, empty where the project has no row.
    pub project_path: String,
    /// The computer that has claimed it.
    pub host: Option<String>,
    /// What it is for, for agents.
    pub description: Option<String>,
    /// Its worktree, as stored.
    pub worktree: Option<PathBuf>,
}

/// A task that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningTask {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// The code of its wave.
    pub wave: String,
    /// The plan it belongs to.
    pub plan_id: Option<i64>,
    /// The computer that works on it.
    pub host: Option<String>,
}

const PLAN_COLUMNS: &str = "p.id, p.name, p.status, p.is_master, p.tasks_done, p.tasks_total, p.created_at, \
    p.started_at, p.completed_at, p.validated_at, p.project_id, COALESCE(pr.name, p.project_id)";

fn plan(row: &Row<'_>) -> rusqlite::Result<Plan> {
    Ok(Plan {
        id: row.get(0)?,
        name: text(row, 1)?,
        status: text(row, 2)?,
        is_master: count(row, 3)? != 0,
        tasks_done: count(row, 4)?,
        tasks_total: count(row, 5)?,
        created_at: optional_text(row, 6)?,
        started_at: optional_text(row, 7)?,
        completed_at: optional_text(row, 8)?,
        validated_at: optional_text(row, 9)?,
        project_id: text(row, 10)?,
        project_name: text(row, 11)?,
    })
}

impl PlanViews<'_> {
    /// The plan `id`, or `None` when there is none.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn plan(&self, id: i64) -> Result<Option<Plan>> {
        let sql =
            format!("SELECT {PLAN_COLUMNS} FROM plans p LEFT JOIN projects pr ON pr.id = p.project_id WHERE p.id = ?1");
        self.one(&sql, [id], plan)
    }

    /// The plans of a project: masters first, then by status, then by name.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn of_project(&self, project: &str) -> Result<Vec<Plan>> {
        let sql = format!(
            "SELECT {PLAN_COLUMNS} FROM plans p LEFT JOIN projects pr ON pr.id = p.project_id \
             WHERE p.project_id = ?1 ORDER BY COALESCE(p.is_master, 0) <> 0 DESC, p.status, p.name, p.id"
        );
        self.all(&sql, [project], plan)
    }

    /// The plans of every project, or of one, in any state, or in one: doing, todo, done, archived, and of each the
    /// latest change first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn board(&self, project: Option<&str>, status: Option<&str>) -> Result<Vec<BoardPlan>> {
        // datetime() reads both forms of a time alike.
        let sql = format!(
            "SELECT {PLAN_COLUMNS}, COALESCE(pr.path, ''), p.execution_host, p.description, p.worktree_path \
             FROM plans p LEFT JOIN projects pr ON pr.id = p.project_id \
             WHERE (?1 IS NULL OR p.project_id = ?1) AND (?2 IS NULL OR p.status = ?2) \
             ORDER BY CASE p.status WHEN 'doing' THEN 1 WHEN 'todo' THEN 2 WHEN 'done' THEN 3 ELSE 4 END, \
             datetime(p.updated_at) DESC, p.id DESC"
        );
        self.all(&sql, (project, status), |row| {
            Ok(BoardPlan {
                plan: plan(row)?,
                project_path: text(row, 12)?,
                host: filled_text(row, 13)?,
                description: filled_text(row, 14)?,
                worktree: path(row, 15)?,
            })
        })
    }

    /// The tasks in progress of every project, or of one: the latest start first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn running_tasks(&self, project: Option<&str>) -> Result<Vec<RunningTask>> {
        let sql = "SELECT t.id, t.task_id, t.title, COALESCE(w.wave_id, t.wave_id), t.plan_id, t.executor_host \
             FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk LEFT JOIN plans p ON p.id = t.plan_id \
             WHERE t.status = 'in_progress' AND (?1 IS NULL OR COALESCE(p.project_id, t.project_id) = ?1) \
             ORDER BY datetime(t.started_at) DESC, t.id";
        self.all(sql, [project], |row| {
            Ok(RunningTask {
                id: row.get(0)?,
                code: text(row, 1)?,
                title: text(row, 2)?,
                wave: text(row, 3)?,
                plan_id: row.get(4)?,
                host: filled_text(row, 5)?,
            })
        })
    }
}
