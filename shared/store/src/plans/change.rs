//! Changing the state of tasks and waves.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::counts::{Event, Settled, recount_plan, settle_wave, wave_before};
use super::state::is_finished;
use super::{Plans, Step, TaskStatus, WaveStatus, rounds, touch_plan, unvalidate_plan};
use crate::{Error, Result};

/// A change of a task's state.
#[derive(Debug, Clone, Copy)]
pub struct TaskChange<'a> {
    /// The task's row.
    pub task: i64,
    /// The state it gets.
    pub to: TaskStatus,
    /// Its new notes; without any, the ones it has stay.
    pub notes: Option<&'a str>,
    /// Tokens used, if known.
    pub tokens: Option<i64>,
    /// What it made, JSON text.
    pub output_data: Option<&'a str>,
    /// The computer the change is made on.
    pub host: &'a str,
}

/// What a change of a task's state came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskChanged {
    /// The state before, the database's word.
    pub from: String,
    /// The code of the wave that is complete now.
    pub wave_completed: Option<String>,
    /// The code of the wave that is open again.
    pub wave_reopened: Option<String>,
    /// The task's plan, when that is done or archived although the task is open.
    pub plan_closed: Option<i64>,
}

/// The task as it is before the change.
struct Before {
    status: String,
    wave: Option<i64>,
    plan: Option<i64>,
}

impl Plans<'_> {
    /// Changes a task's state with all that follows from it: stamps, counters, the state of its wave, the plan's host
    /// and validation.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown task, [`Error::Refused`] for a step from pending or skipped to done; see
    /// [`Error`].
    pub fn change_task(self, change: &TaskChange<'_>, now: &str) -> Result<TaskChanged> {
        self.write_changes(|connection| change_in(connection, change, now))
    }

    /// Changes a wave's state.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave; see [`Error`].
    pub fn change_wave(self, wave: i64, to: WaveStatus, now: &str) -> Result<()> {
        let sql = match to {
            WaveStatus::InProgress => {
                "UPDATE waves SET status = ?2, started_at = ?3, completed_at = NULL, updated_at = ?3 WHERE id = ?1"
            }
            WaveStatus::Done => {
                "UPDATE waves SET status = ?2, started_at = COALESCE(started_at, ?3), completed_at = ?3, updated_at = ?3 WHERE id = ?1"
            }
            WaveStatus::Pending | WaveStatus::Blocked | WaveStatus::Merging => {
                "UPDATE waves SET status = ?2, completed_at = NULL, updated_at = ?3 WHERE id = ?1"
            }
        };
        self.change_one_wave(wave, now, |connection| connection.execute(sql, params![wave, to.as_str(), now]))
    }

    /// Sets the worktree of a wave, as the database keeps paths.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave; see [`Error`].
    pub fn set_wave_worktree(self, wave: i64, path: &str, now: &str) -> Result<()> {
        self.change_one_wave(wave, now, |connection| {
            let sql = "UPDATE waves SET worktree_path = ?2, updated_at = ?3 WHERE id = ?1";
            connection.execute(sql, params![wave, path, now])
        })
    }

    /// Notes the Markdown file of a task, as the database keeps paths.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown task; see [`Error`].
    pub fn set_task_file(self, task: i64, path: &str, now: &str) -> Result<()> {
        self.write_changes(|connection| {
            let sql = "UPDATE tasks SET markdown_path = ?2, updated_at = ?3 WHERE id = ?1";
            match connection.execute(sql, params![task, path, now])? {
                0 => Err(Error::not_found("task", task).into()),
                _ => Ok(()),
            }
        })
    }

    fn change_one_wave(
        self,
        wave: i64,
        now: &str,
        change: impl FnOnce(&Connection) -> rusqlite::Result<usize>,
    ) -> Result<()> {
        self.write_changes(|connection| {
            if change(connection)? == 0 {
                return Err(Error::not_found("wave", wave).into());
            }
            let sql = "SELECT plan_id FROM waves WHERE id = ?1";
            let plan: Option<i64> = connection.query_row(sql, [wave], |row| row.get(0))?;
            if let Some(plan) = plan {
                touch_plan(connection, plan, now)?;
            }
            Ok(())
        })
    }
}

/// Changes a task's state inside the caller's transaction, see [`Plans::change_task`].
pub(super) fn change_in(connection: &Connection, change: &TaskChange<'_>, now: &str) -> Step<TaskChanged> {
    let before = task_before(connection, change.task)?;
    let from = TaskStatus::parse(&before.status);
    if change.to == TaskStatus::Done && matches!(from, Some(TaskStatus::Pending | TaskStatus::Skipped)) {
        let (task, from) = (change.task, &before.status);
        let line = format!("task {task} is {from}: it cannot become done before it was in_progress");
        return Err(Error::refused(line).into());
    }
    let wave = match before.wave {
        Some(wave) => wave_before(connection, wave)?,
        None => None,
    };
    write_task(connection, change, from, now)?;

    let reopened = from == Some(TaskStatus::Done) && change.to != TaskStatus::Done;
    let to_do_again = is_finished(&before.status) && !is_finished(change.to.as_str());
    let event = match change.to {
        _ if to_do_again => Event::Opened,
        TaskStatus::Done | TaskStatus::Skipped => Event::Finished,
        _ => Event::Other,
    };
    let mut changed =
        TaskChanged { from: before.status.clone(), wave_completed: None, wave_reopened: None, plan_closed: None };
    if let Some(wave) = wave {
        match settle_wave(connection, &wave, event, now)?.0 {
            Settled::Closed => changed.wave_completed = Some(wave.code),
            Settled::Reopened => changed.wave_reopened = Some(wave.code),
            Settled::AsBefore => {}
        }
    }
    if let Some(plan) = before.plan {
        recount_plan(connection, plan)?;
        if reopened || to_do_again {
            unvalidate_plan(connection, plan, now)?;
        }
        connection.execute(
            "UPDATE plans SET execution_host = ?2, updated_at = ?3 WHERE id = ?1",
            params![plan, change.host, now],
        )?;
        let sql = "SELECT 1 FROM plans WHERE id = ?1 AND status IN ('done', 'archived')";
        let closed = connection.query_row(sql, [plan], |_| Ok(())).optional()?.is_some();
        changed.plan_closed = (closed && !is_finished(change.to.as_str())).then_some(plan);
    }
    Ok(changed)
}

fn task_before(connection: &Connection, task: i64) -> Step<Before> {
    let sql = "SELECT status, wave_id_fk, plan_id FROM tasks WHERE id = ?1";
    let found = connection
        .query_row(sql, [task], |row| Ok(Before { status: row.get(0)?, wave: row.get(1)?, plan: row.get(2)? }))
        .optional()?;
    Ok(found.ok_or_else(|| Error::not_found("task", task))?)
}

fn write_task(
    connection: &Connection,
    change: &TaskChange<'_>,
    from: Option<TaskStatus>,
    now: &str,
) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE tasks SET status = ?2, notes = COALESCE(?3, notes), tokens = COALESCE(?4, tokens), \
         output_data = COALESCE(?5, output_data), executor_host = ?6, updated_at = ?7 WHERE id = ?1",
        params![change.task, change.to.as_str(), change.notes, change.tokens, change.output_data, change.host, now],
    )?;
    let stamps = match change.to {
        TaskStatus::InProgress => Some("UPDATE tasks SET started_at = COALESCE(started_at, ?2) WHERE id = ?1"),
        TaskStatus::Done => {
            Some("UPDATE tasks SET started_at = COALESCE(started_at, ?2), completed_at = ?2 WHERE id = ?1")
        }
        TaskStatus::Pending | TaskStatus::Blocked | TaskStatus::Skipped => None,
    };
    if let Some(sql) = stamps {
        connection.execute(sql, params![change.task, now])?;
    }
    if from == Some(TaskStatus::Blocked) && change.to != TaskStatus::Blocked {
        rounds::forget(connection, change.task)?;
    }
    if from == Some(TaskStatus::Done) && change.to != TaskStatus::Done {
        connection.execute(
            "UPDATE tasks SET completed_at = NULL, validated_at = NULL, validated_by = NULL WHERE id = ?1",
            [change.task],
        )?;
    }
    Ok(())
}
