//! Writing plans, waves and tasks. Each function is one transaction.
//!
//! The counters of waves and plans are counted from the rows of `tasks` in the transaction that changes them, and a
//! wave's state is set explicitly afterwards: databases may hold triggers that count and set states as well (three are
//! documented, users re-create them), and what the rows say has to stand in the end.

mod add;
mod change;
mod claim;
mod complete;
mod counts;
mod create;
mod evidence;
mod failures;
mod find;
mod import;
mod judged_plan;
mod judged_task;
mod judged_wave;
mod recount;
mod rounds;
mod state;
mod take;
mod versions;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::change_log::Touches;
use crate::{Error, Result, Store};

pub use add::{NewTask, NewWave};
pub use change::{TaskChange, TaskChanged};
pub use claim::Claimed;
pub use complete::{Completed, Gates};
pub use counts::{Counts, WaveLine};
pub use create::NewPlan;
pub use evidence::TaskEvidence;
pub use failures::NewFailure;
pub use find::{PlanBrief, PlanMarkdown, TaskPlace};
pub use import::{Imported, SpecWave};
pub use judged_plan::{PlanFacts, PlanStamp, Stamped};
pub use judged_task::{FinishedTask, Judgement, RejectedTask, Rejection};
pub use judged_wave::{WaveEnd, WaveFacts, WaveTask};
pub use recount::{Counted, Miscount, Named, Recount};
pub use state::{TaskStatus, WaveStatus};
pub use take::{WorkPlan, WorkTask, WorkWave};
pub use versions::{PlanChange, Recorded, Version};

impl Store {
    /// Plans, waves and tasks, for writing.
    pub fn plans(&self) -> Plans<'_> {
        Plans { store: self }
    }
}

/// The functions that write plans, waves and tasks.
#[derive(Debug, Clone, Copy)]
pub struct Plans<'a> {
    store: &'a Store,
}

/// What ends the work of a transaction: SQLite's answer, or a rule of ours.
enum Halt {
    Sqlite(rusqlite::Error),
    Rule(Error),
}

impl From<rusqlite::Error> for Halt {
    fn from(fault: rusqlite::Error) -> Self {
        Self::Sqlite(fault)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Rule(error)
    }
}

/// A result inside a transaction.
type Step<T> = std::result::Result<T, Halt>;

impl Plans<'_> {
    /// Work that may add and remove rows of plans, waves and tasks.
    fn write<T>(self, work: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        self.store.write_logged(Touches::Rows, |connection| work(connection).map_err(|halt| self.fail(halt)))
    }

    /// Work that changes rows of plans, waves and tasks, and neither adds nor removes any: faster.
    fn write_changes<T>(self, work: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        self.store.write_logged(Touches::Changes, |connection| work(connection).map_err(|halt| self.fail(halt)))
    }

    fn read<T>(self, work: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        self.store.read_together(|connection| work(connection).map_err(|halt| self.fail(halt)))
    }

    fn fail(self, halt: Halt) -> Error {
        match halt {
            Halt::Sqlite(fault) => self.store.fail(&fault),
            Halt::Rule(error) => error,
        }
    }
}

/// A row of a plan's history.
struct History<'a> {
    plan: i64,
    change: &'a str,
    reason: Option<&'a str>,
    by: &'a str,
    host: Option<&'a str>,
}

/// Writes a row of history with the plan's next version. The versions of one plan are one series, whether its rows
/// name it by number or by project and name.
fn write_history(connection: &Connection, row: &History<'_>, now: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO plan_versions (plan_id, project_id, plan_name, version, change_type, change_reason, changed_by, changed_host, created_at) \
         SELECT p.id, p.project_id, p.name, 1 + COALESCE((SELECT MAX(v.version) FROM plan_versions v \
           WHERE v.plan_id = p.id OR (v.plan_id IS NULL AND v.project_id = p.project_id AND v.plan_name = p.name)), 0), ?2, ?3, ?4, ?5, ?6 \
         FROM plans p WHERE p.id = ?1",
        params![row.plan, row.change, row.reason, row.by, row.host, now],
    )?;
    Ok(())
}

/// The values of a plan that its waves and tasks take over.
struct PlanHead {
    project: String,
    name: String,
    status: String,
    host: Option<String>,
}

/// The plan `plan`, or the refusal that names it. An empty host is nobody.
fn plan_head(connection: &Connection, plan: i64) -> Step<PlanHead> {
    let sql = "SELECT project_id, name, status, NULLIF(execution_host, '') FROM plans WHERE id = ?1";
    let found = connection
        .query_row(sql, [plan], |row| {
            Ok(PlanHead { project: row.get(0)?, name: row.get(1)?, status: row.get(2)?, host: row.get(3)? })
        })
        .optional()?;
    Ok(found.ok_or_else(|| Error::not_found("plan", plan))?)
}

/// Stamps a change of the plan.
fn touch_plan(connection: &Connection, plan: i64, now: &str) -> rusqlite::Result<()> {
    connection.execute("UPDATE plans SET updated_at = ?2 WHERE id = ?1", params![plan, now])?;
    Ok(())
}

/// Takes the plan's validation back: there is work in it that was not validated.
fn unvalidate_plan(connection: &Connection, plan: i64, now: &str) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE plans SET validated_at = NULL, validated_by = NULL, updated_at = ?2 WHERE id = ?1",
        params![plan, now],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
