//! Sums of what agents used.

use std::fmt::Write as _;

use rusqlite::types::ValueRef;
use rusqlite::{Row, ToSql};
use serde::Serialize;

use super::{TokenUsage, tables};
use crate::Result;
use crate::plan_views::text;

/// What is summed up together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Task.
    Task,
    /// Wave.
    Wave,
    /// Plan.
    Plan,
    /// Agent.
    Agent,
    /// Model.
    Model,
    /// Branch.
    Branch,
    /// Day, UTC.
    Day,
    /// Project.
    Project,
    /// Session.
    Session,
    /// Computer.
    Host,
}

const PLAN: [(&str, &str); 2] =
    [("plan_id", "u.plan_id"), ("plan", "(SELECT name FROM plans p WHERE p.id = u.plan_id)")];
const WAVE: (&str, &str) = ("wave_id", "NULLIF(u.wave_id, '')");

impl By {
    /// The columns that name a sum: their names in JSON, and where they come from.
    fn columns(self, branch: bool) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Task => vec![PLAN[0], PLAN[1], WAVE, ("task_id", "NULLIF(u.task_id, '')")],
            Self::Wave => vec![PLAN[0], PLAN[1], WAVE],
            Self::Plan => PLAN.to_vec(),
            Self::Agent => vec![("agent", "u.agent")],
            Self::Model => vec![("model", "u.model")],
            Self::Branch => vec![("branch", if branch { "u.branch" } else { "NULL" })],
            Self::Day => vec![("day", "substr(u.created_at, 1, 10)")],
            Self::Project => vec![("project", "u.project_id")],
            Self::Session => vec![("session", "u.session_id")],
            Self::Host => vec![("host", "u.execution_host")],
        }
    }
}

/// Which rows are summed up.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those of this plan.
    pub plan: Option<i64>,
    /// Those of this project.
    pub project: Option<String>,
    /// Those from this day on, `YYYY-MM-DD`.
    pub since: Option<String>,
    /// Those up to this day, `YYYY-MM-DD`.
    pub until: Option<String>,
}

/// Part of a sum's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Key {
    /// Not known.
    None,
    /// A row's number.
    Number(i64),
    /// Text.
    Text(String),
}

/// What was used together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Used {
    /// Its name: columns and what stands in them.
    pub keys: Vec<(&'static str, Key)>,
    /// Tokens read anew.
    pub input: i64,
    /// Tokens written.
    pub output: i64,
    /// Tokens kept for later, for five minutes or an hour.
    pub cache_write: i64,
    /// Kept tokens that were read.
    pub cache_read: i64,
    /// In dollars, of what has a price; `None` when nothing has.
    pub cost_usd: Option<f64>,
    /// Tokens of all kinds without a price.
    pub unpriced: i64,
    /// Sessions.
    pub sessions: i64,
    /// Rows.
    pub rows: i64,
}

impl Filter {
    fn values(&self) -> [&dyn ToSql; 4] {
        [&self.plan, &self.project, &self.since, &self.until]
    }
}

/// The rows of a [`Filter`].
const WANTED: &str = "(?1 IS NULL OR u.plan_id = ?1) AND (?2 IS NULL OR u.project_id = ?2) \
     AND (?3 IS NULL OR substr(u.created_at, 1, 10) >= ?3) AND (?4 IS NULL OR substr(u.created_at, 1, 10) <= ?4)";

/// Where the written and the read tokens of the cache come from; a database from before the columns has none.
fn cache(there: bool) -> (&'static str, &'static str) {
    if there {
        (
            "COALESCE(u.cache_write_5m_tokens, 0) + COALESCE(u.cache_write_1h_tokens, 0)",
            "COALESCE(u.cache_read_tokens, 0)",
        )
    } else {
        ("0", "0")
    }
}

impl TokenUsage<'_> {
    /// What the rows of `filter` used, summed up `by`, the dearest first (days: the newest); with `None`, all together.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn used(self, by: Option<By>, filter: &Filter) -> Result<Vec<Used>> {
        self.store.read(|connection| {
            let has_cache = tables::has_column(connection, "cache_read_tokens")?;
            let branch = tables::has_column(connection, "branch")?;
            let names = by.map(|by| by.columns(branch)).unwrap_or_default();
            let (write, read) = cache(has_cache);
            let mut sql = "SELECT ".to_owned();
            for (_, column) in &names {
                sql += column;
                sql += ", ";
            }
            let all = format!("COALESCE(u.input_tokens, 0) + COALESCE(u.output_tokens, 0) + {write} + {read}");
            let _ = write!(
                sql,
                "SUM(COALESCE(u.input_tokens, 0)), SUM(COALESCE(u.output_tokens, 0)), SUM({write}), SUM({read}), \
                 SUM(u.cost_usd), COALESCE(SUM({all}) FILTER (WHERE u.cost_usd IS NULL), 0), \
                 COUNT(DISTINCT u.session_id), COUNT(*) FROM token_usage u WHERE {WANTED}"
            );
            let width = names.len();
            let places: Vec<String> = (1..=width).map(|at| at.to_string()).collect();
            if !places.is_empty() {
                let places = places.join(", ");
                let first = if by == Some(By::Day) { "1 DESC".to_owned() } else { format!("{} DESC", width + 5) };
                let _ = write!(sql, " GROUP BY {places} ORDER BY {first}, {} DESC, {places}", width + 1);
            }
            let mut statement = connection.prepare(&sql)?;
            let found = statement.query_map(filter.values(), |row| used(row, &names))?;
            found.collect()
        })
    }

    /// The tokens that each of these sessions used, as far as they are known: read anew, written, and kept for later, not
    /// those that were read again.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn of_sessions(self, sessions: &[&str]) -> Result<Vec<(String, i64)>> {
        let wanted: std::collections::HashSet<&str> = sessions.iter().copied().collect();
        let used = self.used(Some(By::Session), &Filter::default())?;
        let of = |used: Used| match used.keys.first() {
            Some((_, Key::Text(session))) if wanted.contains(session.as_str()) => {
                Some((session.clone(), used.input + used.output + used.cache_write))
            }
            _ => None,
        };
        Ok(used.into_iter().filter_map(of).collect())
    }

    /// The models in the rows of `filter` that have tokens and no price, by name.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn unpriced_models(self, filter: &Filter) -> Result<Vec<String>> {
        self.store.read(|connection| {
            let (write, read) = cache(tables::has_column(connection, "cache_read_tokens")?);
            let sql = format!(
                "SELECT DISTINCT u.model FROM token_usage u WHERE {WANTED} AND u.cost_usd IS NULL \
                 AND COALESCE(u.input_tokens, 0) + COALESCE(u.output_tokens, 0) + {write} + {read} > 0 ORDER BY 1"
            );
            let mut statement = connection.prepare(&sql)?;
            let found = statement.query_map(filter.values(), |row| text(row, 0))?;
            found.collect()
        })
    }
}

fn used(row: &Row<'_>, names: &[(&'static str, &'static str)]) -> rusqlite::Result<Used> {
    let width = names.len();
    let mut keys = Vec::with_capacity(width);
    for (at, (name, _)) in names.iter().enumerate() {
        let key = match row.get_ref(at)? {
            ValueRef::Integer(number) => Key::Number(number),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) if !bytes.is_empty() => {
                Key::Text(String::from_utf8_lossy(bytes).into_owned())
            }
            ValueRef::Real(number) => Key::Text(number.to_string()),
            _ => Key::None,
        };
        keys.push((*name, key));
    }
    let number = |at: usize| -> rusqlite::Result<i64> { Ok(row.get::<_, Option<i64>>(width + at)?.unwrap_or(0)) };
    Ok(Used {
        keys,
        input: number(0)?,
        output: number(1)?,
        cache_write: number(2)?,
        cache_read: number(3)?,
        // Nothing costs nothing; something without a price is not known.
        cost_usd: row.get::<_, Option<f64>>(width + 4)?.or((number(7)? == 0).then_some(0.0)),
        unpriced: number(5)?,
        sessions: number(6)?,
        rows: number(7)?,
    })
}
