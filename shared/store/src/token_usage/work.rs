//! What a session works on: the task of each of its answers.
//!
//! A task that names the session (`executor_session_id`) has its answers: each the task that was started last before it,
//! the first one also what is older, since reading up on a task is part of it. A session that no task names and that
//! works in the worktree of a wave or plan belongs to that; its answers to the one task that was worked on at their time.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::Reading;
use crate::plan_views::{filled_text, optional_text};

/// Part of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Part {
    /// The plan's row.
    pub(super) plan: Option<i64>,
    /// The wave's code.
    pub(super) wave: Option<String>,
    /// The task's code.
    pub(super) task: Option<String>,
}

/// A task and when it was worked on.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) part: Part,
    started: Option<String>,
    completed: Option<String>,
}

/// What a session works on.
#[derive(Debug)]
pub(super) enum Work {
    /// Tasks that name it, in the order they were started.
    Tasks(Vec<Task>),
    /// What is done in its worktree, and the tasks of that.
    Worktree(Part, Vec<Task>),
    /// Nothing that is known.
    Unknown,
}

/// The start and the end of a task, in the one form of times that sorts.
const TIMES: &str = "replace(rtrim(COALESCE(executor_started_at, started_at), 'Z'), 'T', ' '), \
     replace(rtrim(completed_at, 'Z'), 'T', ' ')";

impl Work {
    /// What the session of `reading` works on.
    pub(super) fn of(connection: &Connection, reading: &Reading<'_>) -> rusqlite::Result<Self> {
        let sql = format!(
            "SELECT plan_id, wave_id, task_id, {TIMES} FROM tasks WHERE executor_session_id = ?1 ORDER BY 4, id"
        );
        let tasks: Vec<Task> =
            connection.prepare(&sql)?.query_map([reading.session], task)?.collect::<rusqlite::Result<_>>()?;
        if !tasks.is_empty() {
            return Ok(Self::Tasks(tasks));
        }
        for place in reading.places {
            let sql = "SELECT id, plan_id, wave_id FROM waves WHERE worktree_path = ?1 ORDER BY id DESC LIMIT 1";
            let wave = connection
                .query_row(sql, [place], |row| {
                    let id: i64 = row.get(0)?;
                    Ok((id, Part { plan: row.get(1)?, wave: filled_text(row, 2)?, task: None }))
                })
                .optional()?;
            if let Some((id, part)) = wave {
                let sql = format!(
                    "SELECT plan_id, wave_id, task_id, {TIMES} FROM tasks WHERE wave_id_fk = ?1 \
                     AND COALESCE(executor_started_at, started_at) IS NOT NULL ORDER BY 4, id"
                );
                let tasks = connection.prepare(&sql)?.query_map([id], task)?.collect::<rusqlite::Result<_>>()?;
                return Ok(Self::Worktree(part, tasks));
            }
            let sql = "SELECT id FROM plans WHERE worktree_path = ?1 ORDER BY id DESC LIMIT 1";
            if let Some(plan) = connection.query_row(sql, [place], |row| row.get(0)).optional()? {
                return Ok(Self::Worktree(Part { plan: Some(plan), wave: None, task: None }, Vec::new()));
            }
        }
        Ok(Self::Unknown)
    }

    /// What an answer at `at` (UTC, `YYYY-MM-DD HH:MM:SS`) belongs to.
    pub(super) fn at(&self, at: Option<&str>) -> Part {
        match self {
            Self::Tasks(tasks) => {
                let begun = |task: &&Task| match (task.started.as_deref(), at) {
                    (Some(started), Some(at)) => started <= at,
                    _ => true,
                };
                let found = tasks.iter().rev().find(begun).or(tasks.first());
                found.map(|task| task.part.clone()).unwrap_or_default()
            }
            Self::Worktree(part, tasks) => {
                let Some(at) = at else { return part.clone() };
                let within = |task: &&Task| {
                    task.started.as_deref().is_some_and(|started| started <= at)
                        && task.completed.as_deref().is_none_or(|completed| at <= completed)
                };
                let mut found = tasks.iter().filter(within);
                match (found.next(), found.next()) {
                    (Some(task), None) => task.part.clone(),
                    _ => part.clone(),
                }
            }
            Self::Unknown => Part::default(),
        }
    }
}

fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        part: Part { plan: row.get(0)?, wave: filled_text(row, 1)?, task: filled_text(row, 2)? },
        started: optional_text(row, 3)?,
        completed: optional_text(row, 4)?,
    })
}
