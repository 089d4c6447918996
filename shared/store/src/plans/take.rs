//! What of a plan can be begun, and taking one task of it.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::counts::{Event, settle_wave, wave_before};
use super::{Plans, Step, plan_head};
use crate::plan_views::text;
use crate::{Error, Result};

/// A plan as far as the order of its work goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkPlan {
    /// `todo`, `doing`, `done`, `archived`.
    pub status: String,
    /// Its waves by position.
    pub waves: Vec<WorkWave>,
    /// Its tasks by the wave's position, priority, code; those without a wave last.
    pub tasks: Vec<WorkTask>,
}

/// A wave of a [`WorkPlan`]. Null text is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkWave {
    /// The row's number.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// `pending`, `in_progress`, `done`, `blocked`, `merging`.
    pub status: String,
    /// Codes of the waves it waits for.
    pub depends_on: String,
    /// Conditions, JSON as text.
    pub precondition: String,
}

/// A task of a [`WorkPlan`]. Null text is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkTask {
    /// The row's number.
    pub id: i64,
    /// The row number of its wave, when it has one.
    pub wave: Option<i64>,
    /// The code of its wave.
    pub wave_code: String,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// `pending`, `in_progress`, `done`, `blocked`, `skipped`.
    pub status: String,
    /// `P0` to `P3`.
    pub priority: String,
    /// The model that should do it.
    pub model: String,
    /// 1 to 3.
    pub effort: i64,
    /// The agent program that should do it.
    pub executor_agent: String,
    /// Who has it.
    pub assignee: String,
    /// A JSON list of names.
    pub files: String,
    /// What to do.
    pub description: String,
    /// JSON as text.
    pub test_criteria: String,
    /// What it made, JSON as text.
    pub output_data: String,
}

impl Plans<'_> {
    /// The plan `plan`, all from one state of the database.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; see [`Error`].
    pub fn work(self, plan: i64) -> Result<WorkPlan> {
        self.read(|connection| work(connection, plan))
    }

    /// The plan of the wave with the row number `wave`, or that wave alone where it has no plan; `None` for an unknown wave.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn work_around(self, wave: i64) -> Result<Option<WorkPlan>> {
        self.read(|connection| {
            let sql = "SELECT w.id, w.wave_id, w.status, w.depends_on, w.precondition, p.id FROM waves w \
                 LEFT JOIN plans p ON p.id = w.plan_id WHERE w.id = ?1";
            let found = connection.query_row(sql, [wave], |row| Ok((work_wave(row)?, row.get::<_, Option<i64>>(5)?)));
            match found.optional()? {
                None => Ok(None),
                Some((_, Some(plan))) => work(connection, plan).map(Some),
                Some((wave, None)) => Ok(Some(WorkPlan { waves: vec![wave], ..WorkPlan::default() })),
            }
        })
    }

    /// Lets `choose` pick a task of the plan and gives it to `agent`, in one transaction: nobody else takes the same one.
    /// A task that is pending becomes in_progress. The task comes back as it was picked, with the plan.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan, [`Error::Refused`] for one that is done or archived; see [`Error`].
    pub fn take_task(
        self,
        plan: i64,
        agent: &str,
        host: &str,
        choose: impl FnOnce(&WorkPlan) -> Option<usize>,
        now: &str,
    ) -> Result<(WorkPlan, Option<usize>)> {
        self.write_changes(|connection| {
            let found = work(connection, plan)?;
            if matches!(found.status.as_str(), "done" | "archived") {
                return Err(Error::refused(format!("plan {plan} is {}: nothing is left to take", found.status)).into());
            }
            let Some(place) = choose(&found) else { return Ok((found, None)) };
            let task = &found.tasks[place];
            let before = match task.wave {
                Some(wave) => wave_before(connection, wave)?,
                None => None,
            };
            connection.execute(
                "UPDATE tasks SET status = 'in_progress', assignee = ?2, executor_host = ?3, started_at = COALESCE(started_at, ?4), updated_at = ?4 \
                 WHERE id = ?1",
                params![task.id, agent, host, now],
            )?;
            if let Some(before) = before {
                settle_wave(connection, &before, Event::Other, now)?;
            }
            connection.execute(
                "UPDATE plans SET execution_host = ?2, updated_at = ?3 WHERE id = ?1",
                params![plan, host, now],
            )?;
            Ok((found, Some(place)))
        })
    }
}

fn work_wave(row: &Row<'_>) -> rusqlite::Result<WorkWave> {
    Ok(WorkWave {
        id: row.get(0)?,
        code: text(row, 1)?,
        status: text(row, 2)?,
        depends_on: text(row, 3)?,
        precondition: text(row, 4)?,
    })
}

fn work(connection: &Connection, plan: i64) -> Step<WorkPlan> {
    let status = plan_head(connection, plan)?.status;
    let sql =
        "SELECT id, wave_id, status, depends_on, precondition FROM waves WHERE plan_id = ?1 ORDER BY position, id";
    let mut statement = connection.prepare(sql)?;
    let waves = statement.query_map([plan], work_wave)?;
    let waves = waves.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT t.id, w.id, COALESCE(w.wave_id, t.wave_id), t.task_id, t.title, t.status, COALESCE(t.priority, 'P1') AS priority, \
         COALESCE(NULLIF(t.model, ''), 'sonnet'), COALESCE(t.effort_level, 1), t.executor_agent, t.assignee, t.files, t.description, \
         t.test_criteria, t.output_data \
         FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk AND w.plan_id = t.plan_id WHERE t.plan_id = ?1 \
         ORDER BY w.id IS NULL, w.position, w.id, priority, t.task_id, t.id";
    let mut statement = connection.prepare(sql)?;
    let tasks = statement.query_map([plan], |row| {
        Ok(WorkTask {
            id: row.get(0)?,
            wave: row.get(1)?,
            wave_code: text(row, 2)?,
            code: text(row, 3)?,
            title: text(row, 4)?,
            status: text(row, 5)?,
            priority: text(row, 6)?,
            model: text(row, 7)?,
            effort: row.get(8)?,
            executor_agent: text(row, 9)?,
            assignee: text(row, 10)?,
            files: text(row, 11)?,
            description: text(row, 12)?,
            test_criteria: text(row, 13)?,
            output_data: text(row, 14)?,
        })
    })?;
    Ok(WorkPlan { status, waves, tasks: tasks.collect::<rusqlite::Result<_>>()? })
}
