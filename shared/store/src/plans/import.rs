//! Entering a whole spec: all of it, or nothing.

use rusqlite::params;

use super::add::{Home, TaskInsert, WaveInsert};
use super::counts::{Event, recount_plan, settle_wave, wave_before};
use super::{NewTask, NewWave, Plans, plan_head, unvalidate_plan};
use crate::Result;

/// A wave of a spec with its tasks.
#[derive(Debug, Clone, Default)]
pub struct SpecWave {
    /// The wave.
    pub wave: NewWave,
    /// Its tasks, in the order they are entered.
    pub tasks: Vec<NewTask>,
}

/// What an import entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The rows of the tasks, in the spec's order.
    pub tasks: Vec<i64>,
    /// Whether the plan had no description and has the spec's now.
    pub described: bool,
}

impl Plans<'_> {
    /// Enters waves and tasks into a plan; description and source file where the plan has none.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for an unknown plan, [`crate::Error::Refused`] when a code is taken; see
    /// [`crate::Error`]. Nothing is written then.
    pub fn import(
        self,
        plan: i64,
        waves: &[SpecWave],
        description: Option<&str>,
        source_file: Option<&str>,
        now: &str,
    ) -> Result<Imported> {
        self.write(|connection| {
            let project = plan_head(connection, plan)?.project;
            let mut insert_wave = WaveInsert::new(connection)?;
            let mut insert_task = TaskInsert::new(connection)?;
            let mut tasks = Vec::with_capacity(waves.iter().map(|wave| wave.tasks.len()).sum());
            for spec in waves {
                let wave = insert_wave.run(plan, &project, &spec.wave, now)?;
                let home =
                    Home { wave, wave_code: spec.wave.code.clone(), project: project.clone(), plan: Some(plan) };
                for task in &spec.tasks {
                    tasks.push(insert_task.run(&home, task, now)?);
                }
                if let Some(before) = wave_before(connection, wave)? {
                    settle_wave(connection, &before, Event::Opened, now)?;
                }
            }
            recount_plan(connection, plan)?;
            if !tasks.is_empty() {
                unvalidate_plan(connection, plan, now)?;
            }
            let described = connection.execute(
                "UPDATE plans SET description = ?2 WHERE id = ?1 AND COALESCE(description, '') = '' AND COALESCE(?2, '') <> ''",
                params![plan, description],
            )? > 0;
            connection.execute(
                "UPDATE plans SET source_file = CASE WHEN COALESCE(source_file, '') = '' THEN ?2 ELSE source_file END, updated_at = ?3 WHERE id = ?1",
                params![plan, source_file, now],
            )?;
            Ok(Imported { tasks, described })
        })
    }

    /// Codes of the plan's waves, by position.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn wave_codes(self, plan: i64) -> Result<Vec<String>> {
        let sql = "SELECT wave_id FROM waves WHERE plan_id = ?1 ORDER BY position, id";
        self.store.read(|connection| connection.prepare(sql)?.query_map([plan], |row| row.get(0))?.collect())
    }
}
