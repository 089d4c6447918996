//! Which computer works on what, and what that cost.

use super::{PlanViews, count, filled_text, optional_text, text};
use crate::Result;

/// All plans and the running tasks as one JSON object, for both ends: `plans[]` {id, project, name, status,
/// tasks_done, tasks_total, host, activity (seconds since 1970 of the row's latest time)}, `tasks[]` {plan, code,
/// title, wave, host}. One query without parameters, so that a computer that has only the sqlite3 program can be asked
/// the same.
pub const CLUSTER_SQL: &str = "SELECT json_object(\
'plans', json((SELECT json_group_array(json_object('id', id, 'project', project_id, 'name', name, 'status', status, \
'tasks_done', COALESCE(tasks_done, 0), 'tasks_total', COALESCE(tasks_total, 0), 'host', NULLIF(execution_host, ''), \
'activity', max(COALESCE(CAST(strftime('%s', updated_at) AS INTEGER), 0), \
COALESCE(CAST(strftime('%s', created_at) AS INTEGER), 0), COALESCE(CAST(strftime('%s', started_at) AS INTEGER), 0), \
COALESCE(CAST(strftime('%s', completed_at) AS INTEGER), 0), \
COALESCE(CAST(strftime('%s', validated_at) AS INTEGER), 0)))) \
FROM (SELECT * FROM plans ORDER BY id))), \
'tasks', json((SELECT json_group_array(json_object('plan', plan_id, 'code', task_id, 'title', title, 'wave', wave, \
'host', NULLIF(executor_host, ''))) FROM (SELECT t.plan_id, t.task_id, t.title, \
COALESCE(w.wave_id, t.wave_id) AS wave, t.executor_host FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk \
WHERE t.status = 'in_progress' ORDER BY t.plan_id, w.position, t.task_id, t.id))));";

/// A plan and the computer that has claimed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanHost {
    /// The row's number.
    pub id: i64,
    /// The name.
    pub name: String,
    /// `todo`, `doing`, `done`, `archived`.
    pub status: String,
    /// The computer; `None` when nobody has claimed it.
    pub host: Option<String>,
}

/// A plan with its tasks that are under way or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedPlan {
    /// The plan.
    pub plan: PlanHost,
    /// Its tasks in progress or done, by the wave's position, then code.
    pub tasks: Vec<HostedTask>,
}

/// A task and the computer that works or worked on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedTask {
    /// Its code.
    pub code: String,
    /// `in_progress` or `done`.
    pub status: String,
    /// The computer, when known.
    pub host: Option<String>,
}

/// A computer's sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// When it was last seen, UTC.
    pub last_seen: Option<String>,
}

/// What a project used on a computer.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenUse {
    /// The project's id.
    pub project: String,
    /// The computer, `unknown` when not recorded.
    pub host: String,
    /// Tokens read.
    pub input: i64,
    /// Tokens written.
    pub output: i64,
    /// In US dollars; calls whose cost was not recorded count nothing.
    pub cost: f64,
    /// Recorded calls.
    pub calls: i64,
}

impl PlanViews<'_> {
    /// The answer to [`CLUSTER_SQL`].
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn cluster(&self) -> Result<String> {
        Ok(self.one(CLUSTER_SQL, [], |row| text(row, 0))?.unwrap_or_default())
    }

    /// The plans todo and doing, by status, then id.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn open_plan_hosts(&self) -> Result<Vec<PlanHost>> {
        let sql = "SELECT id, name, status, execution_host FROM plans WHERE status IN ('todo', 'doing') \
             ORDER BY status, id";
        self.all(sql, [], plan_host)
    }

    /// The plan `id` and its tasks in progress or done; `None` when there is no such plan.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn hosted_plan(&self, id: i64) -> Result<Option<HostedPlan>> {
        let sql = "SELECT id, name, status, execution_host FROM plans WHERE id = ?1";
        let Some(plan) = self.one(sql, [id], plan_host)? else { return Ok(None) };
        let sql = "SELECT t.task_id, t.status, t.executor_host FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk \
             WHERE t.plan_id = ?1 AND t.status IN ('in_progress', 'done') \
             ORDER BY w.id IS NULL, w.position, t.task_id, t.id";
        let tasks = self.all(sql, [id], |row| {
            Ok(HostedTask { code: text(row, 0)?, status: text(row, 1)?, host: filled_text(row, 2)? })
        })?;
        Ok(Some(HostedPlan { plan, tasks }))
    }

    /// The sign of life of `host`, or `None` when it never gave one.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn heartbeat(&self, host: &str) -> Result<Option<Heartbeat>> {
        let sql = "SELECT last_seen FROM host_heartbeats WHERE host = ?1";
        self.one(sql, [host], |row| Ok(Heartbeat { last_seen: optional_text(row, 0)? }))
    }

    /// What each project used on each computer, the dearest first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn token_use(&self) -> Result<Vec<TokenUse>> {
        let sql = "SELECT project_id, COALESCE(NULLIF(execution_host, ''), 'unknown') AS host, \
             SUM(COALESCE(input_tokens, 0)), SUM(COALESCE(output_tokens, 0)), TOTAL(cost_usd) AS cost, COUNT(*) \
             FROM token_usage GROUP BY project_id, host ORDER BY cost DESC, project_id, host";
        self.all(sql, [], |row| {
            Ok(TokenUse {
                project: text(row, 0)?,
                host: text(row, 1)?,
                input: count(row, 2)?,
                output: count(row, 3)?,
                cost: row.get(4)?,
                calls: count(row, 5)?,
            })
        })
    }
}

fn plan_host(row: &rusqlite::Row<'_>) -> rusqlite::Result<PlanHost> {
    Ok(PlanHost { id: row.get(0)?, name: text(row, 1)?, status: text(row, 2)?, host: filled_text(row, 3)? })
}
