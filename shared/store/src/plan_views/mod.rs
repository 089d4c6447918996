//! Reading plans, waves and tasks: boards, an executor's input, the state of the crew's computers.
//!
//! Rows are read as they are: a plan without a project row is shown under its project's id, a task without a wave
//! under the code that it carries, text that is not UTF-8 with its broken bytes replaced.

mod boards;
mod cluster;
mod context;
mod document;
mod export;
mod left_over;
mod named_files;
mod tasks;
mod unvalidated;
mod working;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Params, Row};

use crate::{Result, Store};

pub use boards::{BoardPlan, Plan, RunningTask};
pub use cluster::{CLUSTER_SQL, Heartbeat, HostedPlan, HostedTask, PlanHost, TokenUse};
pub use context::{FinishedTask, OpenTask, PlanContext, TaskWave};
pub use document::{DocumentTask, DocumentWave, PlanDocument};
pub use export::{ExportPlan, ExportTask, ExportWave};
pub use left_over::{DoneTask, WorkPlace};
pub use named_files::{OpenPlan, TaskTexts, WaveHead};
pub use tasks::{Failure, TaskRow};
pub use unvalidated::UnvalidatedTask;
pub use working::{ActivePlan, Checkpoint, TaskTitle};

/// The reading side of plans, waves and tasks.
#[derive(Debug, Clone, Copy)]
pub struct PlanViews<'a> {
    store: &'a Store,
}

impl Store {
    /// Reading plans, waves and tasks.
    pub fn plan_views(&self) -> PlanViews<'_> {
        PlanViews { store: self }
    }
}

impl PlanViews<'_> {
    /// The name of the plan `id`, or `None` when there is no such plan.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn name(&self, id: i64) -> Result<Option<String>> {
        self.one("SELECT name FROM plans WHERE id = ?1", [id], |row| text(row, 0))
    }

    /// Where the worktree of the plan `id` is, as stored; the outer `None` says that there is no such plan.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn plan_worktree(&self, id: i64) -> Result<Option<Option<PathBuf>>> {
        self.one("SELECT worktree_path FROM plans WHERE id = ?1", [id], |row| path(row, 0))
    }

    /// Where the worktree of the wave with the row number `id` is, as stored; the outer `None` says that there is no
    /// such wave.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn wave_worktree(&self, id: i64) -> Result<Option<Option<PathBuf>>> {
        self.one("SELECT worktree_path FROM waves WHERE id = ?1", [id], |row| path(row, 0))
    }

    fn one<T>(
        self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.store.read(|connection| connection.query_row(sql, values, read).optional())
    }

    fn all<T>(
        self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        self.store.read(|connection| connection.prepare(sql)?.query_map(values, read)?.collect())
    }
}

/// The text in column `at`, `None` for null.
pub(crate) fn optional_text(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    })
}

/// The text in column `at`, empty for null.
pub(crate) fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    Ok(optional_text(row, at)?.unwrap_or_default())
}

/// The text in column `at`, `None` for null and for empty text.
pub(crate) fn filled_text(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(optional_text(row, at)?.filter(|text| !text.is_empty()))
}

/// The whole number in column `at`, 0 for null and for anything that is no number.
pub(crate) fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<i64> {
    Ok(match row.get_ref(at)? {
        ValueRef::Integer(number) => number,
        #[expect(clippy::cast_possible_truncation, reason = "counts are small")]
        ValueRef::Real(number) => number as i64,
        _ => 0,
    })
}

/// The path in column `at`, byte for byte; `None` for null and for empty text.
pub(crate) fn path(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<PathBuf>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) if !bytes.is_empty() => {
            Some(PathBuf::from(OsStr::from_bytes(bytes)))
        }
        _ => None,
    })
}
