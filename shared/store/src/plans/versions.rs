//! The history of plans as it is told from outside: a numbered row for each change.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::complete::gates;
use super::counts::Counts;
use super::create::{is_master, parent};
use super::{Plans, Step};
use crate::Result;
use crate::plan_views::{optional_text, text};

/// A change of a plan that is to be written down.
#[derive(Debug, Clone, Copy)]
pub struct PlanChange<'a> {
    /// The id of the plan's project, which need not be registered.
    pub project: &'a str,
    /// The plan's name; the plan need not be in the database.
    pub plan: &'a str,
    /// `created`, `scope_add`, ...
    pub kind: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// The number of tasks before.
    pub tasks_before: Option<i64>,
    /// The number of tasks after.
    pub tasks_after: Option<i64>,
    /// What changed.
    pub diff: Option<&'a str>,
    /// The Markdown file that a plan made now gets, and its folder, as the database keeps paths.
    pub markdown: (&'a str, &'a str),
}

/// What writing a change down came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The row of the history.
    pub row: i64,
    /// The plan's version now.
    pub version: i64,
    /// The plan's row, when it has one.
    pub plan: Option<i64>,
    /// Why a plan that was said to be completed was left as it is.
    pub not_completed: Option<String>,
}

/// A row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The plan's row, when it has one.
    pub plan_id: Option<i64>,
    /// Its project.
    pub project_id: String,
    /// Its name.
    pub plan_name: String,
    /// Its number, from 1 on for each plan.
    pub version: i64,
    /// What kind of change.
    pub change_type: String,
    /// Why.
    pub reason: Option<String>,
    /// The number of tasks before.
    pub tasks_before: Option<i64>,
    /// The number of tasks after.
    pub tasks_after: Option<i64>,
    /// What changed.
    pub diff: Option<String>,
    /// The commit of the plan's files.
    pub git_commit: Option<String>,
    /// Who.
    pub changed_by: Option<String>,
    /// The computer.
    pub changed_host: Option<String>,
    /// When, UTC, in either form.
    pub created_at: Option<String>,
}

impl Plans<'_> {
    /// Writes a change down under the plan's next version. `created` makes the plan where the project has none of that
    /// name; `completed` completes it when nothing speaks against it. `iso`: now as `YYYY-MM-DDTHH:MM:SSZ`, for the row.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn record(self, change: &PlanChange<'_>, host: &str, now: &str, iso: &str) -> Result<Recorded> {
        self.write(|connection| {
            let find = "SELECT id FROM plans WHERE project_id = ?1 AND name = ?2";
            let mut plan: Option<i64> =
                connection.query_row(find, [change.project, change.plan], |row| row.get(0)).optional()?;
            if change.kind == "created" {
                plan = Some(created(connection, change, plan, now)?);
            }
            let sql = "SELECT 1 + COALESCE(MAX(version), 0) FROM plan_versions \
                       WHERE plan_id = ?1 OR (plan_id IS NULL AND project_id = ?2 AND plan_name = ?3)";
            let version = connection.query_row(sql, params![plan, change.project, change.plan], |row| row.get(0))?;
            connection.execute(
                "INSERT INTO plan_versions (plan_id, project_id, plan_name, version, change_type, change_reason, tasks_before, tasks_after, \
                 diff_summary, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    plan,
                    change.project,
                    change.plan,
                    version,
                    change.kind,
                    change.reason,
                    change.tasks_before,
                    change.tasks_after,
                    change.diff,
                    iso
                ],
            )?;
            let row = connection.last_insert_rowid();
            let not_completed = match (change.kind, plan) {
                ("completed", Some(plan)) => completed(connection, plan, host, now)?,
                ("completed", None) => Some(format!("project {} has no plan '{}'", change.project, change.plan)),
                _ => None,
            };
            Ok(Recorded { row, version, plan, not_completed })
        })
    }

    /// Notes the commit of a row of the history.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn set_commit(self, row: i64, commit: &str) -> Result<()> {
        self.write(|connection| {
            connection.execute("UPDATE plan_versions SET git_commit_hash = ?2 WHERE id = ?1", params![row, commit])?;
            Ok(())
        })
    }

    /// The history of a project's plans, or of one, or of all: by project, plan, version.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn versions(self, project: Option<&str>, plan: Option<&str>) -> Result<Vec<Version>> {
        let sql = "SELECT COALESCE(v.plan_id, p.id), COALESCE(v.project_id, p.project_id) AS project, COALESCE(p.name, v.plan_name) AS name, \
             v.version, v.change_type, v.change_reason, v.tasks_before, v.tasks_after, v.diff_summary, v.git_commit_hash, v.changed_by, \
             v.changed_host, v.created_at FROM plan_versions v \
             LEFT JOIN plans p ON p.id = v.plan_id OR (v.plan_id IS NULL AND p.project_id = v.project_id AND p.name = v.plan_name) \
             WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR name = ?2) ORDER BY project, name, v.version, v.id";
        self.store.read(|connection| connection.prepare(sql)?.query_map(params![project, plan], version)?.collect())
    }
}

fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    let number = |at: usize| row.get_ref(at).map(|value| value.as_i64().ok());
    Ok(Version {
        plan_id: number(0)?,
        project_id: text(row, 1)?,
        plan_name: text(row, 2)?,
        version: number(3)?.unwrap_or_default(),
        change_type: text(row, 4)?,
        reason: optional_text(row, 5)?,
        tasks_before: number(6)?,
        tasks_after: number(7)?,
        diff: optional_text(row, 8)?,
        git_commit: optional_text(row, 9)?,
        changed_by: optional_text(row, 10)?,
        changed_host: optional_text(row, 11)?,
        created_at: optional_text(row, 12)?,
    })
}

/// Makes the plan, or writes its number of tasks where it is given.
fn created(connection: &Connection, change: &PlanChange<'_>, plan: Option<i64>, now: &str) -> Step<i64> {
    if let Some(plan) = plan {
        if change.tasks_after.is_some() {
            let sql = "UPDATE plans SET tasks_total = ?2, updated_at = ?3 WHERE id = ?1";
            connection.execute(sql, params![plan, change.tasks_after, now])?;
        }
        return Ok(plan);
    }
    let is_master = is_master(change.plan);
    let parent = if is_master { None } else { parent(connection, change.project, change.plan)? };
    let (file, folder) = change.markdown;
    connection.execute(
        "INSERT INTO plans (project_id, name, is_master, parent_plan_id, status, markdown_path, markdown_dir, tasks_done, tasks_total, \
         created_at, updated_at) VALUES (?1, ?2, ?3, ?4, 'todo', ?5, ?6, 0, ?7, ?8, ?8)",
        params![change.project, change.plan, is_master, parent, file, folder, change.tasks_after.unwrap_or(0), now],
    )?;
    Ok(connection.last_insert_rowid())
}

/// Completes the plan, or gives the reason why not. A plan without rows of tasks is judged by its counters, which stay.
fn completed(connection: &Connection, plan: i64, host: &str, now: &str) -> Step<Option<String>> {
    let mut gates = gates(connection, plan)?;
    if gates.status == "done" {
        return Ok(None);
    }
    let by_rows = gates.counts.total > 0;
    if !by_rows {
        let sql = "SELECT COALESCE(tasks_total, 0), COALESCE(tasks_done, 0) FROM plans WHERE id = ?1";
        gates.counts = connection
            .query_row(sql, [plan], |row| Ok(Counts { total: row.get(0)?, done: row.get(1)?, skipped: 0 }))?;
    }
    if let Err(reason) = gates.check() {
        return Ok(Some(reason.to_string()));
    }
    connection.execute(
        "UPDATE plans SET status = 'done', completed_at = ?2, execution_host = ?3, updated_at = ?2, tasks_done = ?4, tasks_total = ?5 \
         WHERE id = ?1",
        params![plan, now, host, gates.counts.done, gates.counts.total],
    )?;
    Ok(None)
}
