//! A plan as far as a spec can hold it.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};

use super::{PlanViews, count, filled_text, text};
use crate::Result;

/// A plan with all that import reads of a spec.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportPlan {
    /// What it is for.
    pub description: Option<String>,
    /// Its waves by position.
    pub waves: Vec<ExportWave>,
    /// Codes of tasks that are in no wave of the plan.
    pub lost: Vec<String>,
}

/// A wave of an [`ExportPlan`].
#[derive(Debug, Clone, PartialEq)]
pub struct ExportWave {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How long it takes.
    pub estimated_hours: f64,
    /// Codes of the waves it waits for.
    pub depends_on: Option<String>,
    /// Conditions, JSON as text.
    pub precondition: Option<String>,
    /// Its tasks in the order of entry.
    pub tasks: Vec<ExportTask>,
}

/// A task of an [`ExportWave`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportTask {
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// What is to be done.
    pub description: String,
    /// `P0` to `P3`.
    pub priority: String,
    /// What kind of work it is.
    pub kind: String,
    /// The model that is to work on it.
    pub model: String,
    /// 1 to 3.
    pub effort: i64,
    /// The agent program that is to work on it.
    pub executor_agent: Option<String>,
    /// How it is tested, JSON as text.
    pub test_criteria: Option<String>,
    /// A JSON list of names.
    pub files: Option<String>,
    /// The requirements it serves.
    pub requirements: Vec<String>,
}

impl PlanViews<'_> {
    /// The plan `id`, all from one state of the database; `None` when there is no such plan.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn export(&self, id: i64) -> Result<Option<ExportPlan>> {
        self.store.read_together(|connection| read(connection, id).map_err(|fault| self.store.fail(&fault)))
    }
}

fn read(connection: &Connection, id: i64) -> rusqlite::Result<Option<ExportPlan>> {
    let sql = "SELECT description FROM plans WHERE id = ?1";
    let Some(description) = connection.query_row(sql, [id], |row| filled_text(row, 0)).optional()? else {
        return Ok(None);
    };
    let mut requirements: HashMap<i64, Vec<String>> = HashMap::new();
    let sql = "SELECT r.task_id, r.requirement_id FROM tasks t JOIN task_requirements r ON r.task_id = t.id \
         WHERE t.plan_id = ?1 ORDER BY r.task_id, r.requirement_id";
    let mut statement = connection.prepare(sql)?;
    for row in statement.query_map([id], |row| Ok((row.get::<_, i64>(0)?, text(row, 1)?)))? {
        let (task, requirement) = row?;
        requirements.entry(task).or_default().push(requirement);
    }
    let sql = "SELECT id, wave_id, name, COALESCE(estimated_hours, 8), depends_on, precondition FROM waves \
         WHERE plan_id = ?1 ORDER BY position, id";
    let mut statement = connection.prepare(sql)?;
    let waves = statement.query_map([id], |row| {
        let wave = ExportWave {
            code: text(row, 1)?,
            name: text(row, 2)?,
            estimated_hours: row.get(3)?,
            depends_on: filled_text(row, 4)?,
            precondition: filled_text(row, 5)?,
            tasks: Vec::new(),
        };
        Ok((row.get::<_, i64>(0)?, wave))
    })?;
    let mut waves: Vec<(i64, ExportWave)> = waves.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT id, wave_id_fk, task_id, title, COALESCE(description, title), COALESCE(priority, 'P1'), COALESCE(type, 'feature'), \
         COALESCE(NULLIF(model, ''), 'sonnet'), COALESCE(effort_level, 1), executor_agent, test_criteria, files \
         FROM tasks WHERE plan_id = ?1 ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut task = |row: &Row<'_>| {
        let task = ExportTask {
            code: text(row, 2)?,
            title: text(row, 3)?,
            description: text(row, 4)?,
            priority: text(row, 5)?,
            kind: text(row, 6)?,
            model: text(row, 7)?,
            effort: count(row, 8)?,
            executor_agent: filled_text(row, 9)?,
            test_criteria: filled_text(row, 10)?,
            files: filled_text(row, 11)?,
            requirements: requirements.remove(&row.get(0)?).unwrap_or_default(),
        };
        Ok((row.get::<_, Option<i64>>(1)?, task))
    };
    let mut lost = Vec::new();
    for row in statement.query_map([id], &mut task)? {
        let (wave, task) = row?;
        match waves.iter_mut().find(|(id, _)| Some(*id) == wave) {
            Some((_, wave)) => wave.tasks.push(task),
            None => lost.push(task.code),
        }
    }
    Ok(Some(ExportPlan { description, waves: waves.into_iter().map(|(_, wave)| wave).collect(), lost }))
}
