//! Who works on a plan: claims, releases, heartbeats.

use rusqlite::params;

use super::{History, Plans, plan_head, write_history};
use crate::{Error, Result};

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The other computer that held the plan until now.
    pub taken_from: Option<String>,
    /// Whether the plan was done or archived until now.
    pub reopened: bool,
    /// Whether this computer held the plan, doing, already.
    pub held_already: bool,
}

impl Plans<'_> {
    /// Claims a plan for `host` and sets it doing; nobody and this host may be there before, with `force` anybody. The
    /// row of history is `claimed`, none when nothing changed; `start` asks for `started`, written unless the plan is
    /// doing on this host and its history says that it was started.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; [`Error::Refused`] when another host holds it or it is done or archived,
    /// without `force`; see [`Error`].
    pub fn claim(self, plan: i64, host: &str, force: bool, start: bool, now: &str) -> Result<Claimed> {
        self.write_changes(|connection| {
            let head = plan_head(connection, plan)?;
            let reopened = matches!(head.status.as_str(), "done" | "archived");
            if reopened && !force {
                let line = format!("plan {plan} ({}) is {}: --force opens it again", head.name, head.status);
                return Err(Error::refused(line).into());
            }
            let other = head.host.clone().filter(|holder| holder != host);
            if let Some(holder) = other.as_deref().filter(|_| !force) {
                let line = format!("plan {plan} ({}) is claimed by {holder}: --force takes it over", head.name);
                return Err(Error::refused(line).into());
            }
            let held_already = head.host.as_deref() == Some(host) && head.status == "doing";
            connection.execute(
                "UPDATE plans SET status = 'doing', execution_host = ?2, started_at = COALESCE(started_at, ?3), updated_at = ?3 WHERE id = ?1",
                params![plan, host, now],
            )?;
            if reopened {
                connection.execute(
                    "UPDATE plans SET completed_at = NULL, archived_at = NULL, validated_at = NULL, validated_by = NULL WHERE id = ?1",
                    [plan],
                )?;
            }
            let known = !start
                || connection.query_row(
                    "SELECT EXISTS (SELECT 1 FROM plan_versions WHERE plan_id = ?1 AND change_type = 'started')",
                    [plan],
                    |row| row.get(0),
                )?;
            if !held_already || !known {
                let reason = other.as_deref().map(|holder| format!("taken over from {holder}"));
                let (change, by) = if start { ("started", "planner") } else { ("claimed", "executor") };
                let row = History { plan, change, reason: reason.as_deref(), by, host: Some(host) };
                write_history(connection, &row, now)?;
            }
            Ok(Claimed { taken_from: other, reopened, held_already })
        })
    }

    /// Gives up the claim of `host`; `false` when nobody holds the plan.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan, [`Error::Refused`] when another host holds it; see [`Error`].
    pub fn release(self, plan: i64, host: &str, now: &str) -> Result<bool> {
        self.write_changes(|connection| {
            let head = plan_head(connection, plan)?;
            match head.host.as_deref() {
                None => Ok(false),
                Some(holder) if holder != host => {
                    let line = format!("plan {plan} ({}) is claimed by {holder}, not by {host}", head.name);
                    Err(Error::refused(line).into())
                }
                Some(_) => {
                    connection.execute(
                        "UPDATE plans SET execution_host = NULL, updated_at = ?2 WHERE id = ?1",
                        params![plan, now],
                    )?;
                    let row = History { plan, change: "released", reason: None, by: "executor", host: Some(host) };
                    write_history(connection, &row, now)?;
                    Ok(true)
                }
            }
        })
    }

    /// Writes that `host`, with this system, is alive, and the number of plans it is doing, which comes back.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn heartbeat(self, host: &str, system: &str, now: &str) -> Result<i64> {
        self.write_changes(|connection| {
            let sql = "SELECT COUNT(*) FROM plans WHERE status = 'doing' AND execution_host = ?1";
            let plans: i64 = connection.query_row(sql, [host], |row| row.get(0))?;
            connection.execute(
                "INSERT INTO host_heartbeats (host, last_seen, plan_count, os) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (host) DO UPDATE SET last_seen = ?2, plan_count = ?3, os = ?4",
                params![host, now, plans, system],
            )?;
            Ok(plans)
        })
    }
}
