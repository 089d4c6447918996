//! A judgement on a plan: what its rows say of each other, and the stamp.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::counts::{Counts, of_plan};
use super::{History, Plans, Step, write_history};
use crate::plan_views::{count, filled_text, text};
use crate::{Error, Result};

/// A plan with everything that its validation looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFacts {
    /// The row's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its state, the database's word.
    pub status: String,
    /// Its tasks, counted from their rows.
    pub counts: Counts,
    /// Waves whose counters are wrong: code, kept done and total, counted done and total.
    pub wrong_waves: Vec<(String, i64, i64, i64, i64)>,
    /// Tasks whose wave does not exist: row, code.
    pub without_wave: Vec<(i64, String)>,
    /// Open tasks in waves that are done: wave, task, state.
    pub open_in_done: Vec<(String, String, String)>,
    /// Where the plan's counters are not the sums of its waves': kept done and total, sums.
    pub wrong_sums: Option<[i64; 4]>,
    /// Waves that are planned to end before they start: code, start, end.
    pub wrong_dates: Vec<(String, String, String)>,
    /// The number of done tasks without executor.
    pub without_executor: i64,
    /// The codes of tasks whose output is no JSON.
    pub unreadable: Vec<String>,
    /// Done tasks that nobody validated: code, title.
    pub unvalidated: Vec<(String, String)>,
}

impl PlanFacts {
    /// The number of checks that failed.
    pub fn errors(&self) -> usize {
        let failed = [
            !self.wrong_waves.is_empty(),
            !self.without_wave.is_empty(),
            !self.open_in_done.is_empty(),
            self.wrong_sums.is_some(),
            !self.unreadable.is_empty(),
            !self.unvalidated.is_empty(),
        ];
        failed.into_iter().filter(|failed| *failed).count()
    }

    /// The number of checks that have something to tell and do not fail.
    pub fn warnings(&self) -> usize {
        usize::from(!self.wrong_dates.is_empty()) + usize::from(self.without_executor > 0)
    }
}

/// A validation to be written.
#[derive(Debug, Clone, Copy)]
pub struct PlanStamp<'a> {
    /// The plan's row.
    pub plan: i64,
    /// The validator's name.
    pub by: &'a str,
    /// What the history says of it, behind the number of errors and warnings.
    pub remark: &'a str,
    /// The computer it was judged on.
    pub host: &'a str,
}

/// What a validation of a plan came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// What was found.
    pub facts: PlanFacts,
    /// Whether the plan was stamped.
    pub written: bool,
}

impl Plans<'_> {
    /// What the validation of the plan `plan` looks at.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; see [`Error`].
    pub fn plan_facts(self, plan: i64) -> Result<PlanFacts> {
        self.read(|connection| plan_facts(connection, plan))
    }

    /// Validates a plan in which no check fails, with a row of history unless it is done already.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; see [`Error`].
    pub fn stamp_plan(self, stamp: &PlanStamp<'_>, now: &str) -> Result<Stamped> {
        self.write(|connection| {
            let facts = plan_facts(connection, stamp.plan)?;
            if facts.errors() > 0 {
                return Ok(Stamped { facts, written: false });
            }
            connection.execute(
                "UPDATE plans SET validated_at = ?2, validated_by = ?3, updated_at = ?2 WHERE id = ?1",
                params![stamp.plan, now, stamp.by],
            )?;
            if facts.status != "done" {
                let reason = format!("0 errors, {} warnings; {}", facts.warnings(), stamp.remark);
                let host = Some(stamp.host);
                let row = History { plan: stamp.plan, change: "validated", reason: Some(&reason), by: stamp.by, host };
                write_history(connection, &row, now)?;
            }
            Ok(Stamped { facts, written: true })
        })
    }
}

fn plan_facts(connection: &Connection, plan: i64) -> Step<PlanFacts> {
    let sql = "SELECT name, status, tasks_done, tasks_total FROM plans WHERE id = ?1";
    let head = |row: &rusqlite::Row<'_>| Ok((text(row, 0)?, text(row, 1)?, count(row, 2)?, count(row, 3)?));
    let head = connection.query_row(sql, [plan], head).optional()?;
    let (name, status, done, total) = head.ok_or_else(|| Error::not_found("plan", plan))?;
    let mut facts = PlanFacts { id: plan, name, status, counts: of_plan(connection, plan)?, ..PlanFacts::default() };

    let sql = "SELECT w.wave_id, w.tasks_done, w.tasks_total, COALESCE(SUM(t.status = 'done'), 0), COUNT(t.id), w.planned_start, w.planned_end \
         FROM waves w LEFT JOIN tasks t ON t.wave_id_fk = w.id WHERE w.plan_id = ?1 GROUP BY w.id ORDER BY w.position, w.id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([plan])?;
    let (mut sum_done, mut sum_total, mut waves) = (0, 0, 0);
    while let Some(row) = rows.next()? {
        let (code, kept_done, kept_total) = (text(row, 0)?, count(row, 1)?, count(row, 2)?);
        let (counted_done, counted_total) = (count(row, 3)?, count(row, 4)?);
        (sum_done, sum_total, waves) = (sum_done + kept_done, sum_total + kept_total, waves + 1);
        if let (Some(start), Some(end)) = (filled_text(row, 5)?, filled_text(row, 6)?)
            && comparable(&end) < comparable(&start)
        {
            facts.wrong_dates.push((code.clone(), start, end));
        }
        if (kept_done, kept_total) != (counted_done, counted_total) {
            facts.wrong_waves.push((code, kept_done, kept_total, counted_done, counted_total));
        }
    }
    if waves + total > 0 && (done, total) != (sum_done, sum_total) {
        facts.wrong_sums = Some([done, total, sum_done, sum_total]);
    }

    let sql = "SELECT t.id, t.task_id, t.title, t.status, w.id IS NULL, COALESCE(w.status = 'done', 0), w.wave_id, \
         COALESCE(t.executor_agent, '') = '', COALESCE(t.output_data, '') <> '' AND NOT json_valid(t.output_data), t.validated_at IS NULL \
         FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk WHERE t.plan_id = ?1 ORDER BY w.position, t.task_id, t.id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([plan])?;
    while let Some(row) = rows.next()? {
        let (code, status) = (text(row, 1)?, text(row, 3)?);
        let is_done = status == "done";
        if row.get(4)? {
            facts.without_wave.push((row.get(0)?, code.clone()));
        }
        if row.get(8)? {
            facts.unreadable.push(code.clone());
        }
        facts.without_executor += i64::from(is_done && row.get(7)?);
        if is_done && row.get(9)? {
            facts.unvalidated.push((code.clone(), text(row, 2)?));
        }
        if row.get(5)? && !is_done && status != "skipped" {
            facts.open_in_done.push((text(row, 6)?, code, status));
        }
    }
    Ok(facts)
}

/// A date in either of its forms, as text that sorts by time.
fn comparable(date: &str) -> String {
    date.trim().trim_end_matches(['Z', 'z']).replace('T', " ")
}
