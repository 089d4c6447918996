//! Bringing a session's rows up to date.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::work::{Part, Work};
use super::{Amounts, TokenUsage, tables};
use crate::Result;
use crate::plan_views::{optional_text, text};

/// How long an answer is remembered, in days: longer than agents keep their transcripts.
const REMEMBERED_DAYS: i64 = 120;

/// Trillionths of a dollar: costs are added as whole numbers, so that many small ones are no different from one sum.
const TRILLION: f64 = 1e12;

/// A transcript that has been read, up to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// Its path.
    pub path: String,
    /// Bytes.
    pub read_to: i64,
    /// A hash of what stands before.
    pub ending: i64,
}

/// An answer that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// A hash of its name: two answers with the same key are one.
    pub key: i64,
    /// Who gave it.
    pub agent: String,
    /// The model.
    pub model: String,
    /// UTC, `YYYY-MM-DD HH:MM:SS`; `None` where it is not told.
    pub at: Option<String>,
    /// The branch that was checked out.
    pub branch: Option<String>,
    /// Whether the faster inference was used.
    pub fast: bool,
    /// The tokens.
    pub amounts: Amounts,
}

/// What was read of one session.
#[derive(Debug, Clone, Default)]
pub struct Reading<'a> {
    /// The session.
    pub session: &'a str,
    /// The project's id.
    pub project: &'a str,
    /// The directory that the session works in and the folders above, each as the database may write it.
    pub places: &'a [String],
    /// This computer.
    pub host: &'a str,
    /// UTC, `YYYY-MM-DD HH:MM:SS`: the time of answers without one.
    pub now: &'a str,
    /// The transcripts.
    pub transcripts: &'a [Transcript],
    /// The answers, in the order they were read.
    pub answers: &'a [Counted],
}

/// What was added for one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// The model.
    pub model: String,
    /// The tokens.
    pub amounts: Amounts,
    /// In dollars; `None` where a price is not known.
    pub cost_usd: Option<f64>,
}

/// What tells a row from the session's other rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    agent: String,
    model: String,
    day: String,
    branch: Option<String>,
    project: String,
    part: Part,
}

/// What a row grows by.
#[derive(Debug, Default)]
struct Growth {
    amounts: Amounts,
    /// Trillionths of a dollar.
    cost: i64,
    unpriced: bool,
    first: String,
}

impl TokenUsage<'_> {
    /// Counts the answers of `reading` that were not counted yet, and what earlier counts of the others lack, and keeps
    /// how far the transcripts have been read; all or nothing. `price` gives the cost of so many tokens of an answer, on
    /// a day, in trillionths of a dollar. What was added, by model.
    ///
    /// An answer belongs to the task of the session (`executor_session_id`) that was started last before it, the first one
    /// also what is older; where no task names the session, to the wave or plan in whose worktree it works, and to the one
    /// task of the wave that was worked on at its time.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn record(
        self,
        reading: &Reading<'_>,
        price: &dyn Fn(&Counted, &str, &Amounts) -> Option<i64>,
    ) -> Result<Vec<Added>> {
        self.store.write(|connection| record(connection, reading, price).map_err(|fault| self.store.fail(&fault)))
    }
}

fn record(
    connection: &Connection,
    reading: &Reading<'_>,
    price: &dyn Fn(&Counted, &str, &Amounts) -> Option<i64>,
) -> rusqlite::Result<Vec<Added>> {
    tables::complete(connection)?;
    let work = Work::of(connection, reading)?;
    if let Work::Tasks(tasks) = &work
        && let Some(first) = tasks.first()
    {
        give_to(connection, reading, &first.part)?;
    }
    let answers = fold(reading.answers);
    let counts = count(connection, &answers, reading.now)?;
    let mut added: Vec<(Added, i64)> = Vec::new();
    let mut rows: Vec<(Kind, Growth)> = Vec::new();
    let mut row_of: HashMap<Kind, usize> = HashMap::new();
    for (answer, changed) in answers.iter().zip(counts) {
        let Some(Changed { before, after }) = changed else { continue };
        let at = answer.at.as_deref().unwrap_or(reading.now);
        let day = at.get(..10).unwrap_or(at);
        let grown = after.minus(&before);
        let cost = price(answer, day, &after).and_then(|whole| {
            let counted = if before.is_nothing() { 0 } else { price(answer, day, &before)? };
            Some(whole.saturating_sub(counted))
        });
        let kind = kind(answer, reading, day, work.at(answer.at.as_deref()));
        let row = *row_of.entry(kind.clone()).or_insert_with(|| {
            rows.push((kind, Growth { first: at.to_owned(), ..Growth::default() }));
            rows.len() - 1
        });
        let growth = &mut rows[row].1;
        growth.amounts = growth.amounts.plus(&grown);
        growth.cost = growth.cost.saturating_add(cost.unwrap_or(0));
        growth.unpriced |= cost.is_none();
        if at < growth.first.as_str() {
            at.clone_into(&mut growth.first);
        }
        add_up(&mut added, answer, &grown, cost);
    }
    write_rows(connection, reading, &rows)?;
    let sql = "INSERT OR REPLACE INTO read_transcripts (path, read_to, ending) VALUES (?1, ?2, ?3)";
    let mut keep = connection.prepare(sql)?;
    for Transcript { path, read_to, ending } in reading.transcripts {
        keep.execute(params![path, read_to, ending])?;
    }
    Ok(added.into_iter().map(|(added, _)| added).collect())
}

/// Adds what an answer brought to its model's sum; beside each stands its cost in trillionths.
fn add_up(added: &mut Vec<(Added, i64)>, answer: &Counted, grown: &Amounts, cost: Option<i64>) {
    let at = added.iter().position(|(other, _)| other.model == answer.model).unwrap_or_else(|| {
        let none = Added { model: answer.model.clone(), amounts: Amounts::default(), cost_usd: Some(0.0) };
        added.push((none, 0));
        added.len() - 1
    });
    let (sum, trillionths) = &mut added[at];
    sum.amounts = sum.amounts.plus(grown);
    *trillionths = trillionths.saturating_add(cost.unwrap_or(0));
    sum.cost_usd = sum.cost_usd.and(cost).map(|_| dollars(*trillionths));
}

/// The answers, each once, with the largest amounts that its lines tell: while an answer is written its lines tell of a
/// beginning.
fn fold(answers: &[Counted]) -> Vec<Counted> {
    let mut place: HashMap<i64, usize> = HashMap::with_capacity(answers.len());
    let mut out: Vec<Counted> = Vec::new();
    for answer in answers {
        if let Some(&at) = place.get(&answer.key) {
            let known = &mut out[at];
            known.amounts = known.amounts.max(&answer.amounts);
            known.fast |= answer.fast;
        } else {
            place.insert(answer.key, out.len());
            out.push(answer.clone());
        }
    }
    out
}

/// What is known of an answer before and after a reading.
#[derive(Debug, Clone, Copy)]
struct Changed {
    before: Amounts,
    after: Amounts,
}

/// Remembers the answers; for each what that changed, `None` where it was known as it is.
fn count(connection: &Connection, answers: &[Counted], now: &str) -> rusqlite::Result<Vec<Option<Changed>>> {
    let mut order: Vec<usize> = (0..answers.len()).collect();
    // One way through the table instead of one jump an answer.
    order.sort_unstable_by_key(|&at| answers[at].key);
    let today: i64 =
        connection.query_row("SELECT COALESCE(unixepoch(?1), unixepoch()) / 86400", [now], |row| row.get(0))?;
    let mut enter = connection.prepare(
        "INSERT OR IGNORE INTO counted_answers (key, day, input, output, cache_write_5m, cache_write_1h, cache_read) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut known = connection.prepare(
        "SELECT input, output, cache_write_5m, cache_write_1h, cache_read FROM counted_answers WHERE key = ?1",
    )?;
    let mut change = connection.prepare(
        "UPDATE counted_answers SET input = ?2, output = ?3, cache_write_5m = ?4, cache_write_1h = ?5, cache_read = ?6 \
         WHERE key = ?1",
    )?;
    let mut out = vec![None; answers.len()];
    for at in order {
        let Counted { key, amounts: a, .. } = &answers[at];
        let new =
            enter.execute(params![key, today, a.input, a.output, a.cache_write_5m, a.cache_write_1h, a.cache_read])?;
        if new == 1 {
            out[at] = Some(Changed { before: Amounts::default(), after: *a });
            continue;
        }
        let before = known.query_row([key], |row| {
            Ok(Amounts {
                input: row.get(0)?,
                output: row.get(1)?,
                cache_write_5m: row.get(2)?,
                cache_write_1h: row.get(3)?,
                cache_read: row.get(4)?,
            })
        })?;
        let most = before.max(a);
        if most != before {
            change.execute(params![
                key,
                most.input,
                most.output,
                most.cache_write_5m,
                most.cache_write_1h,
                most.cache_read
            ])?;
            out[at] = Some(Changed { before, after: most });
        }
    }
    Ok(out)
}

/// Forgets answers that no transcript holds any more.
fn forget_old(connection: &Connection, now: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM counted_answers WHERE day < COALESCE(unixepoch(?1), unixepoch()) / 86400 - ?2";
    connection.execute(sql, params![now, REMEMBERED_DAYS]).map(drop)
}

fn kind(answer: &Counted, reading: &Reading<'_>, day: &str, part: Part) -> Kind {
    Kind {
        agent: answer.agent.clone(),
        model: answer.model.clone(),
        day: day.to_owned(),
        branch: answer.branch.clone(),
        project: reading.project.to_owned(),
        part,
    }
}

/// Gives the session's rows from before it had a task to its first one.
fn give_to(connection: &Connection, reading: &Reading<'_>, part: &Part) -> rusqlite::Result<()> {
    let sql = "UPDATE token_usage SET plan_id = ?2, wave_id = ?3, task_id = ?4 \
         WHERE session_id = ?1 AND plan_id IS NULL AND wave_id IS NULL AND task_id IS NULL";
    connection.execute(sql, params![reading.session, part.plan, part.wave, part.task]).map(drop)
}

fn write_rows(connection: &Connection, reading: &Reading<'_>, rows: &[(Kind, Growth)]) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let known = rows_of(connection, reading.session)?;
    if known.is_empty() {
        forget_old(connection, reading.now)?;
    }
    for (kind, growth) in rows {
        let a = &growth.amounts;
        let Some((id, cost)) = known.get(kind) else {
            let cost = (!growth.unpriced).then(|| dollars(growth.cost));
            connection
                .prepare(
                    "INSERT INTO token_usage (project_id, plan_id, wave_id, task_id, session_id, agent, model, \
                     input_tokens, output_tokens, cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, \
                     cost_usd, branch, execution_host, created_at) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
                )?
                .execute(params![
                    kind.project,
                    kind.part.plan,
                    kind.part.wave,
                    kind.part.task,
                    reading.session,
                    kind.agent,
                    kind.model,
                    a.input,
                    a.output,
                    a.cache_write_5m,
                    a.cache_write_1h,
                    a.cache_read,
                    cost,
                    kind.branch,
                    reading.host,
                    growth.first
                ])?;
            continue;
        };
        // What has an unknown part is unknown.
        let cost = cost.filter(|_| !growth.unpriced).map(|cost| dollars(trillionths(cost).saturating_add(growth.cost)));
        connection
            .prepare(
                "UPDATE token_usage SET input_tokens = input_tokens + ?2, output_tokens = output_tokens + ?3, \
                 cache_write_5m_tokens = cache_write_5m_tokens + ?4, cache_write_1h_tokens = cache_write_1h_tokens + ?5, \
                 cache_read_tokens = cache_read_tokens + ?6, cost_usd = ?7 WHERE id = ?1",
            )?
            .execute(params![id, a.input, a.output, a.cache_write_5m, a.cache_write_1h, a.cache_read, cost])?;
    }
    Ok(())
}

/// The rows of a session and what each costs.
fn rows_of(connection: &Connection, session: &str) -> rusqlite::Result<HashMap<Kind, (i64, Option<f64>)>> {
    let sql = "SELECT id, cost_usd, agent, model, substr(created_at, 1, 10), branch, project_id, plan_id, wave_id, task_id \
         FROM token_usage WHERE session_id = ?1 ORDER BY id DESC";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([session], |row| {
        let kind = Kind {
            agent: text(row, 2)?,
            model: text(row, 3)?,
            day: text(row, 4)?,
            branch: optional_text(row, 5)?,
            project: text(row, 6)?,
            part: Part { plan: row.get(7)?, wave: optional_text(row, 8)?, task: optional_text(row, 9)? },
        };
        Ok((kind, (row.get(0)?, row.get(1)?)))
    })?;
    found.collect()
}

#[expect(clippy::cast_precision_loss, reason = "below 9,000 dollars nothing is lost")]
fn dollars(trillionths: i64) -> f64 {
    trillionths as f64 / TRILLION
}

#[expect(clippy::cast_possible_truncation, reason = "casts from floats saturate")]
fn trillionths(dollars: f64) -> i64 {
    (dollars * TRILLION).round() as i64
}
