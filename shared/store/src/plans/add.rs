//! Adding waves and tasks.

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Statement, params};

use super::counts::{Event, recount_plan, settle_wave, wave_before};
use super::{Plans, Step, plan_head, touch_plan, unvalidate_plan};
use crate::plan_views::text;
use crate::{Error, Result};

/// A wave to be added.
#[derive(Debug, Clone, Default)]
pub struct NewWave {
    /// Its code, unique in the plan.
    pub code: String,
    /// Its name, one line.
    pub name: String,
    /// Who has it; empty when nobody.
    pub assignee: String,
    /// When it is to begin.
    pub planned_start: Option<String>,
    /// When it is to end.
    pub planned_end: Option<String>,
    /// How long it takes.
    pub estimated_hours: f64,
    /// Codes of the waves it waits for, separated by commas.
    pub depends_on: Option<String>,
    /// Conditions, JSON text.
    pub precondition: Option<String>,
}

/// A task to be added.
#[derive(Debug, Clone, Default)]
pub struct NewTask {
    /// Its code, unique in the wave.
    pub code: String,
    /// Its title, one line.
    pub title: String,
    /// What is to be done.
    pub description: String,
    /// `P0` to `P3`.
    pub priority: String,
    /// What kind of work it is.
    pub kind: String,
    /// Who has it; empty when nobody.
    pub assignee: String,
    /// How it is tested, JSON text.
    pub test_criteria: Option<String>,
    /// The model that is to work on it.
    pub model: String,
    /// The agent that is to work on it.
    pub executor_agent: Option<String>,
    /// 1 to 3.
    pub effort: i64,
    /// The files it changes, a JSON list.
    pub files: Option<String>,
    /// The requirements it serves.
    pub requirements: Vec<String>,
}

impl Plans<'_> {
    /// Adds a wave behind the plan's others; its row id comes back.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan, [`Error::Refused`] when the plan has the code; see [`Error`].
    pub fn add_wave(self, plan: i64, new: &NewWave, now: &str) -> Result<i64> {
        self.write(|connection| {
            let project = plan_head(connection, plan)?.project;
            refuse_circle(connection, plan, new)?;
            let id = WaveInsert::new(connection)?.run(plan, &project, new, now)?;
            touch_plan(connection, plan, now)?;
            Ok(id)
        })
    }

    /// Adds a task to a wave; its row id comes back. A wave that was done is open again, and so is the plan's validation.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave, [`Error::Refused`] when the wave has the code; see [`Error`].
    pub fn add_task(self, wave: i64, new: &NewTask, now: &str) -> Result<i64> {
        self.write(|connection| {
            let sql = "SELECT project_id, wave_id, plan_id FROM waves WHERE id = ?1";
            let home = connection
                .query_row(sql, [wave], |row| {
                    Ok(Home { wave, project: row.get(0)?, wave_code: row.get(1)?, plan: row.get(2)? })
                })
                .optional()?
                .ok_or_else(|| Error::not_found("wave", wave))?;
            let id = TaskInsert::new(connection)?.run(&home, new, now)?;
            if let Some(before) = wave_before(connection, wave)? {
                settle_wave(connection, &before, Event::Opened, now)?;
            }
            if let Some(plan) = home.plan {
                recount_plan(connection, plan)?;
                unvalidate_plan(connection, plan, now)?;
            }
            Ok(id)
        })
    }
}

/// Refuses a wave that would wait for itself, by way of the plan's other waves: none of them would ever begin.
fn refuse_circle(connection: &Connection, plan: i64, new: &NewWave) -> Step<()> {
    let Some(waits) = new.depends_on.as_deref() else { return Ok(()) };
    let sql = "SELECT wave_id, depends_on FROM waves WHERE plan_id = ?1 AND depends_on <> ''";
    let mut select = connection.prepare(sql)?;
    let known: Vec<(String, String)> =
        select.query_map([plan], |row| Ok((text(row, 0)?, text(row, 1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut before: Vec<&str> = codes(waits).collect();
    let mut at = 0;
    while let Some(&code) = before.get(at) {
        if code == new.code {
            let line = format!("wave {} would wait for itself: its depends_on ({waits}) runs in a circle", new.code);
            return Err(Error::refused(line).into());
        }
        for (_, waits) in known.iter().filter(|(known, _)| known == code) {
            for other in codes(waits) {
                if !before.contains(&other) {
                    before.push(other);
                }
            }
        }
        at += 1;
    }
    Ok(())
}

fn codes(list: &str) -> impl Iterator<Item = &str> {
    list.split(|c: char| c == ',' || c.is_whitespace()).filter(|code| !code.is_empty())
}

/// Where a task goes.
pub(super) struct Home {
    pub(super) wave: i64,
    pub(super) wave_code: String,
    pub(super) project: String,
    pub(super) plan: Option<i64>,
}

/// The statements that add a wave.
pub(super) struct WaveInsert<'a> {
    connection: &'a Connection,
    taken: Statement<'a>,
    insert: Statement<'a>,
}

impl<'a> WaveInsert<'a> {
    pub(super) fn new(connection: &'a Connection) -> Step<Self> {
        let taken = connection.prepare("SELECT id FROM waves WHERE plan_id = ?1 AND wave_id = ?2")?;
        let insert = connection.prepare(
            "INSERT INTO waves (project_id, plan_id, wave_id, name, status, assignee, position, estimated_hours, planned_start, planned_end, \
             depends_on, precondition, tasks_done, tasks_total, updated_at) \
             SELECT ?1, ?2, ?3, ?4, 'pending', ?5, 1 + COALESCE((SELECT MAX(position) FROM waves WHERE plan_id = ?2), 0), ?6, ?7, ?8, ?9, ?10, 0, 0, ?11",
        )?;
        Ok(Self { connection, taken, insert })
    }

    pub(super) fn run(&mut self, plan: i64, project: &str, new: &NewWave, now: &str) -> Step<i64> {
        let taken: Option<i64> = self.taken.query_row(params![plan, new.code], |row| row.get(0)).optional()?;
        if let Some(id) = taken {
            let line = format!("plan {plan} has a wave {} already: wave row {id}", new.code);
            return Err(Error::refused(line).into());
        }
        self.insert.execute(params![
            project,
            plan,
            new.code,
            new.name,
            new.assignee,
            new.estimated_hours,
            new.planned_start,
            new.planned_end,
            new.depends_on,
            new.precondition,
            now
        ])?;
        Ok(self.connection.last_insert_rowid())
    }
}

/// The statements that add a task.
pub(super) struct TaskInsert<'a> {
    connection: &'a Connection,
    taken: Statement<'a>,
    insert: Statement<'a>,
    requirement: Statement<'a>,
}

impl<'a> TaskInsert<'a> {
    pub(super) fn new(connection: &'a Connection) -> Step<Self> {
        Ok(Self {
            connection,
            taken: connection.prepare("SELECT id FROM tasks WHERE wave_id_fk = ?1 AND task_id = ?2")?,
            insert: connection.prepare(
                "INSERT INTO tasks (project_id, wave_id, wave_id_fk, plan_id, task_id, title, description, status, priority, type, assignee, \
                 test_criteria, model, executor_agent, effort_level, tokens, files, updated_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, ?15, ?16)",
            )?,
            requirement: connection
                .prepare("INSERT OR IGNORE INTO task_requirements (task_id, requirement_id) VALUES (?1, ?2)")?,
        })
    }

    pub(super) fn run(&mut self, home: &Home, new: &NewTask, now: &str) -> Step<i64> {
        let taken: Option<i64> = self.taken.query_row(params![home.wave, new.code], |row| row.get(0)).optional()?;
        if let Some(id) = taken {
            let line = format!("wave {} has a task {} already: task row {id}", home.wave_code, new.code);
            return Err(Error::refused(line).into());
        }
        if let Err(fault) = self.insert(home, new, &new.kind, now) {
            // A database of a later make may allow the five old kinds alone.
            let narrow = narrow_kind(&new.kind);
            let refused = fault.sqlite_error_code() == Some(ErrorCode::ConstraintViolation);
            if !(refused && narrow != new.kind && fault.to_string().contains("type")) {
                return Err(fault.into());
            }
            self.insert(home, new, narrow, now)?;
        }
        let id = self.connection.last_insert_rowid();
        for requirement in &new.requirements {
            self.requirement.execute(params![id, requirement])?;
        }
        Ok(id)
    }

    fn insert(&mut self, home: &Home, new: &NewTask, kind: &str, now: &str) -> rusqlite::Result<usize> {
        self.insert.execute(params![
            home.project,
            home.wave_code,
            home.wave,
            home.plan,
            new.code,
            new.title,
            new.description,
            new.priority,
            kind,
            new.assignee,
            new.test_criteria,
            new.model,
            new.executor_agent,
            new.effort,
            new.files,
            now
        ])
    }
}

/// The nearest of the five kinds that narrow databases know.
fn narrow_kind(kind: &str) -> &str {
    match kind {
        "bug" | "feature" | "chore" | "doc" | "test" => kind,
        "fix" => "bug",
        "documentation" => "doc",
        _ => "chore",
    }
}
