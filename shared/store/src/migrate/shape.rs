//! Which shape a database has. None of the older ones says so reliably: they are known by their tables and columns.

use std::fmt;

use rusqlite::Connection;
use serde::Serialize;

use super::ddl;
use super::facts::{self, Tables, has};
use crate::SCHEMA_VERSION;

/// The shapes that databases have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// No file, an empty one, or one without a table.
    #[default]
    Missing,
    /// The two logs of delegation, no plans.
    DelegationOnly,
    /// Plans of the first generation without projects, waves and tasks.
    FiveTables,
    /// The first generation: plans have `plan_name`.
    V1,
    /// The third generation: waves and tasks have no project.
    V3,
    /// The third generation with hosts and counters.
    V4,
    /// The first generation grown by hand, as the reference describes it.
    Documented,
    /// Waves have branches and may be merging.
    V8,
    /// The same with parts of later public versions.
    Newer,
    /// Some of the tables, but no plans.
    Partial,
    /// Made or upgraded by this crewkit.
    Current,
    /// Made or upgraded by a later crewkit.
    Later,
    /// A SQLite database of something else.
    Foreign,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::DelegationOnly => "delegation logs only",
            Self::FiveTables => "five tables of version 1",
            Self::V1 => "version 1",
            Self::V3 => "version 3",
            Self::V4 => "version 4",
            Self::Documented => "version 5 to 7",
            Self::V8 => "version 8",
            Self::Newer => "a later public version",
            Self::Partial => "without plans",
            Self::Current => "current",
            Self::Later => "of a later crewkit",
            Self::Foreign => "a database of something else",
        })
    }
}

/// A state on top of a shape that an older migration left when it failed or was not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HalfWay {
    /// The waves stand in `waves_new`; `waves` is missing or empty.
    WavesInCopy,
    /// The waves are gone, the tasks are there.
    WavesLost,
    /// An empty copy of a table stands beside it.
    CopyLeftBehind,
    /// Tasks have the columns for links, but not all are filled.
    LinksHalfMade,
    /// Tasks whose wave belongs to another plan than they do.
    WrongLinks,
    /// Hosts but no token counts.
    NoTokens,
    /// Branches of waves, but none may be merging.
    NoMerging,
    /// The version that is written down says more than there is.
    VersionWithoutColumns,
    /// Tables of more than one generation.
    SeveralKinds,
}

/// The shape of a database without its rows' content.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) half_way: Vec<HalfWay>,
}

const LATER_TABLES: &[&str] = &["agent_runs", "mesh_events"];
const LATER_COLUMNS: &[&str] =
    &["cancelled_at", "cancelled_reason", "merge_mode", "theme", "privacy_required", "constraints_json"];

/// Recognises the shape of an open database.
pub(super) fn recognise(connection: &Connection) -> rusqlite::Result<Shape> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables = facts::tables(connection)?;
    let kind = if tables.is_empty() {
        Kind::Missing
    } else if version > SCHEMA_VERSION {
        Kind::Later
    } else if version == SCHEMA_VERSION {
        Kind::Current
    } else {
        older(connection, &tables)?
    };
    let settled = matches!(kind, Kind::Missing | Kind::Later | Kind::Current | Kind::Foreign);
    let half_way = if settled { Vec::new() } else { half_way(connection, &tables, kind)? };
    Ok(Shape { kind, half_way })
}

fn older(connection: &Connection, tables: &Tables) -> rusqlite::Result<Kind> {
    let there = |table: &str| tables.contains_key(table);
    if !is_ours(tables) {
        return Ok(Kind::Foreign);
    }
    if !there("plans") {
        let only = |name: &String| matches!(name.as_str(), "delegation_log" | "env_vault_log");
        return Ok(if tables.keys().any(only) { Kind::DelegationOnly } else { Kind::Partial });
    }
    if has(tables, "plans", "plan_name") && !has(tables, "plans", "name") {
        let whole = there("projects") || there("waves") || there("tasks");
        return Ok(if whole { Kind::V1 } else { Kind::FiveTables });
    }
    let waves_by_plan = there("waves") && !has(tables, "waves", "project_id");
    if facts::tasks_by_row(connection)? || waves_by_plan {
        let hosts = there("host_heartbeats") && has(tables, "plans", "execution_host");
        return Ok(if hosts { Kind::V4 } else { Kind::V3 });
    }
    if !has(tables, "waves", "branch_name") || !may_be(connection, "waves", "status", "merging")? {
        return Ok(Kind::Documented);
    }
    Ok(if is_later(connection, tables)? { Kind::Newer } else { Kind::V8 })
}

/// Whether any table is one of this schema: by a name that others hardly use, else by a column too.
fn is_ours(tables: &Tables) -> bool {
    let names = [
        "waves",
        "waves_new",
        "plan_versions",
        "token_usage",
        "file_locks",
        "file_snapshots",
        "merge_queue",
        "host_heartbeats",
        "delegation_log",
        "env_vault_log",
        "schema_metadata",
        "metrics_history",
        "debt_items",
        "collector_runs",
    ];
    let columns = [
        ("projects", "path"),
        ("plans", "project_id"),
        ("tasks", "task_id"),
        ("snapshots", "plan_json"),
        ("notifications", "is_read"),
        ("conversation_logs", "session_id"),
        // The chat may live in the shared database, and may have come first.
        ("last_read", "message_id"),
    ];
    names.iter().any(|name| tables.contains_key(*name))
        || columns.iter().any(|(table, column)| has(tables, table, column))
}

/// Whether the checks of `table` let `column` be `value`.
fn may_be(connection: &Connection, table: &str, column: &str, value: &str) -> rusqlite::Result<bool> {
    let ddl = facts::table_sql(connection, table)?.as_deref().and_then(ddl::parse);
    Ok(ddl.is_some_and(|ddl| !facts::refuses(connection, &ddl, column, value)))
}

/// Whether a database has parts of public versions after 8.
pub(super) fn is_later(connection: &Connection, tables: &Tables) -> rusqlite::Result<bool> {
    if LATER_TABLES.iter().any(|table| tables.contains_key(*table)) {
        return Ok(true);
    }
    let plan_tables = ["plans", "waves", "tasks"];
    if plan_tables.iter().any(|table| LATER_COLUMNS.iter().any(|column| has(tables, table, column))) {
        return Ok(true);
    }
    for table in plan_tables {
        let Some(ddl) = facts::table_sql(connection, table)?.as_deref().and_then(ddl::parse) else { continue };
        let Some(status) = ddl.column("status") else { continue };
        let values: Vec<String> = ddl::checks(&status.text).iter().flat_map(|check| ddl::literals(check)).collect();
        if values.iter().any(|value| value == "cancelled" || value == "submitted") {
            return Ok(true);
        }
    }
    Ok(has(tables, "schema_metadata", "value") && number(facts::written_version(connection)?) > 8)
}

/// A version as it is written down, as a number; 0 for what is none.
pub(super) fn number(version: Option<String>) -> i64 {
    version.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn half_way(connection: &Connection, tables: &Tables, kind: Kind) -> rusqlite::Result<Vec<HalfWay>> {
    let rows = |table: &str| if tables.contains_key(table) { facts::count(connection, table) } else { Ok(0) };
    let mut found = Vec::new();
    let no_waves = rows("waves")? == 0;
    if no_waves && rows("waves_new")? > 0 {
        found.push(HalfWay::WavesInCopy);
    } else if super::waves::are_lost(connection, tables)? {
        found.push(HalfWay::WavesLost);
    }
    for copy in ["waves_new", "tasks_new"] {
        if tables.contains_key(copy) && rows(copy)? == 0 && !found.contains(&HalfWay::CopyLeftBehind) {
            found.push(HalfWay::CopyLeftBehind);
        }
    }
    let links = |column: &str| has(tables, "tasks", column);
    if links("wave_id_fk") || links("plan_id") {
        let sql = match (links("wave_id_fk"), links("plan_id")) {
            (true, true) => "SELECT EXISTS (SELECT 1 FROM tasks WHERE wave_id_fk IS NULL OR plan_id IS NULL)",
            _ => "SELECT EXISTS (SELECT 1 FROM tasks)",
        };
        if connection.query_row(sql, [], |row| row.get(0))? {
            found.push(HalfWay::LinksHalfMade);
        }
        if links("wave_id_fk") && links("plan_id") && has(tables, "waves", "plan_id") {
            let sql = "SELECT EXISTS (SELECT 1 FROM tasks t JOIN waves w ON w.id = t.wave_id_fk WHERE t.plan_id <> w.plan_id)";
            if connection.query_row(sql, [], |row| row.get(0))? {
                found.push(HalfWay::WrongLinks);
            }
        }
    }
    if tables.contains_key("host_heartbeats")
        && has(tables, "plans", "description")
        && !tables.contains_key("token_usage")
    {
        found.push(HalfWay::NoTokens);
    }
    if has(tables, "waves", "branch_name") && !may_be(connection, "waves", "status", "merging")? {
        found.push(HalfWay::NoMerging);
    }
    if has(tables, "schema_metadata", "value")
        && number(facts::written_version(connection)?) >= 4
        && [("tasks", "output_data"), ("waves", "precondition")]
            .iter()
            .any(|(table, column)| tables.contains_key(*table) && !has(tables, table, column))
    {
        found.push(HalfWay::VersionWithoutColumns);
    }
    if matches!(kind, Kind::V3 | Kind::V4) && has(tables, "token_usage", "tokens_input") {
        found.push(HalfWay::SeveralKinds);
    }
    Ok(found)
}
