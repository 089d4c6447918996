//! What agents used: tokens, and what they cost.
//!
//! A row of `token_usage` is what one agent with one model used on one day of a session, for one task on one branch; it
//! is brought up to date after each answer. `counted_answers` knows every answer that has been counted, by a hash of its
//! name, with the largest amounts that were told of it; `read_transcripts` how far each file has been read. All three
//! change in one transaction: an answer is counted once, however often and wherever it is read.

mod record;
mod report;
mod tables;
mod work;

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;

pub use record::{Added, Counted, Reading, Transcript};
pub use report::{By, Filter, Key, Used};

use crate::{Result, Store};

/// Tokens of one answer, or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Amounts {
    /// Read anew.
    pub input: i64,
    /// Written.
    pub output: i64,
    /// Kept for five minutes.
    pub cache_write_5m: i64,
    /// Kept for an hour.
    pub cache_write_1h: i64,
    /// Kept earlier and read.
    pub cache_read: i64,
}

impl Amounts {
    /// Whether there is none of any kind.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What the model had before it, from whichever source.
    pub fn context(&self) -> i64 {
        self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read
    }

    /// Of each kind the larger number.
    #[must_use]
    pub fn max(&self, other: &Self) -> Self {
        self.with(other, i64::max)
    }

    /// The sum of each kind.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.with(other, i64::saturating_add)
    }

    /// The difference of each kind.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.with(other, i64::saturating_sub)
    }

    fn with(&self, other: &Self, of: impl Fn(i64, i64) -> i64) -> Self {
        Self {
            input: of(self.input, other.input),
            output: of(self.output, other.output),
            cache_write_5m: of(self.cache_write_5m, other.cache_write_5m),
            cache_write_1h: of(self.cache_write_1h, other.cache_write_1h),
            cache_read: of(self.cache_read, other.cache_read),
        }
    }
}

/// A row as agents and people give it by hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GivenUse {
    /// The project's id.
    pub project: String,
    /// The plan's row.
    pub plan: Option<i64>,
    /// The wave's code, or empty.
    pub wave: String,
    /// The task's code, or empty.
    pub task: String,
    /// The session.
    pub session: Option<String>,
    /// Who used them.
    pub agent: String,
    /// The model.
    pub model: String,
    /// Tokens read.
    pub input: i64,
    /// Tokens written.
    pub output: i64,
    /// In dollars.
    pub cost_usd: f64,
}

/// The functions of token usage.
#[derive(Debug, Clone, Copy)]
pub struct TokenUsage<'a> {
    store: &'a Store,
}

impl Store {
    /// What agents used.
    pub fn token_usage(&self) -> TokenUsage<'_> {
        TokenUsage { store: self }
    }
}

impl TokenUsage<'_> {
    /// How far the transcript `path` has been read: bytes, and the hash of what stands before; `None` when it never was.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn place(self, path: &str) -> Result<Option<(i64, i64)>> {
        self.store.read(|connection| {
            if !tables::has_places(connection)? {
                return Ok(None);
            }
            let sql = "SELECT read_to, ending FROM read_transcripts WHERE path = ?1";
            connection.query_row(sql, [path], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
    }

    /// Adds a row as it was given, at `now`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn add(self, given: &GivenUse, host: &str, now: &str) -> Result<()> {
        let GivenUse { project, plan, wave, task, session, agent, model, input, output, cost_usd } = given;
        let sql = "INSERT INTO token_usage (project_id, plan_id, wave_id, task_id, session_id, agent, model, \
             input_tokens, output_tokens, cost_usd, execution_host, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let values = params![project, plan, wave, task, session, agent, model, input, output, cost_usd, host, now];
        self.store
            .write(|connection| connection.execute(sql, values).map(drop).map_err(|fault| self.store.fail(&fault)))
    }
}
