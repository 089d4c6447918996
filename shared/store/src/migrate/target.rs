//! The current schema in its parts, and the checks that older tables have narrower.

use rusqlite::Connection;

use super::ddl;
use super::facts::{self, ColumnInfo};

/// The whole current schema.
pub(super) const SCHEMA: &str = include_str!("../schema.sql");

/// A table of the current schema.
#[derive(Debug)]
pub(super) struct TargetTable {
    /// The name.
    pub(super) name: String,
    /// The statement that makes it.
    pub(super) sql: String,
    /// Its parts.
    pub(super) ddl: ddl::Table,
    /// Its columns as SQLite sees them.
    pub(super) columns: Vec<ColumnInfo>,
}

/// A view, trigger or index: its kind, name, table, and the statement that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// `view`, `trigger` or `index`.
    pub(super) kind: String,
    /// The name.
    pub(super) name: String,
    /// The table or view it belongs to.
    pub(super) table: String,
    /// The statement.
    pub(super) sql: String,
}

/// The current schema.
#[derive(Debug)]
pub(super) struct Target {
    /// The tables, in the order that a table comes after those its rows are computed from.
    pub(super) tables: Vec<TargetTable>,
    /// Views, triggers and indexes.
    pub(super) objects: Vec<Object>,
    /// Views with their columns' names.
    pub(super) view_columns: Vec<(String, Vec<String>)>,
}

impl Target {
    /// Reads the schema by making it in memory.
    pub(super) fn read() -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        crate::open::prepare(&connection)?;
        connection.execute_batch(SCHEMA)?;
        let mut tables = Vec::new();
        let sql = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid";
        let names: Vec<(String, String)> =
            connection.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        for (name, sql) in names {
            let columns = facts::columns(&connection, &name)?;
            if let Some(ddl) = ddl::parse(&sql) {
                tables.push(TargetTable { name, sql, ddl, columns });
            }
        }
        let objects = objects(&connection)?;
        let mut view_columns = Vec::new();
        for view in objects.iter().filter(|object| object.kind == "view") {
            let names = facts::columns(&connection, &view.name)?.into_iter().map(|column| column.name).collect();
            view_columns.push((view.name.clone(), names));
        }
        Ok(Self { tables, objects, view_columns })
    }

    /// The table `name`.
    pub(super) fn table(&self, name: &str) -> Option<&TargetTable> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// All views, triggers and indexes that were made by a statement, in the order they were made.
pub(super) fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('view', 'trigger', 'index') AND sql IS NOT NULL ORDER BY rowid";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([], |row| {
        Ok(Object { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)?, sql: row.get(3)? })
    })?;
    found.collect()
}

/// A column whose check has to let these values pass; `None` where the current schema has no check at all.
pub(super) struct Checked {
    /// The table.
    pub(super) table: &'static str,
    /// The column.
    pub(super) column: &'static str,
    /// The values, or `None` for any.
    pub(super) values: Option<&'static [&'static str]>,
}

const fn checked(table: &'static str, column: &'static str, values: Option<&'static [&'static str]>) -> Checked {
    Checked { table, column, values }
}

/// Columns that some older table checks more narrowly.
pub(super) const CHECKED: &[Checked] = &[
    checked("plans", "status", Some(&["todo", "doing", "done", "archived"])),
    checked("waves", "status", Some(&["pending", "in_progress", "done", "blocked", "merging"])),
    checked("tasks", "status", Some(&["pending", "in_progress", "done", "blocked", "skipped"])),
    checked("tasks", "priority", Some(&["P0", "P1", "P2", "P3"])),
    checked("tasks", "type", None),
    checked("plan_versions", "change_type", None),
    checked("merge_queue", "status", Some(&["queued", "processing", "done", "failed", "cancelled"])),
];

/// Columns that some older table wants filled and the current one does not.
pub(super) const RELAXED: &[(&str, &str)] = &[
    ("plans", "source_file"),
    ("waves", "plan_id"),
    ("plan_versions", "plan_id"),
    ("plan_versions", "project_id"),
    ("plan_versions", "plan_name"),
    ("metrics_history", "project_id"),
    ("metrics_history", "plan_id"),
];

/// Columns that some older table wants unique and the current one does not: a branch may wait in several repositories.
pub(super) const UNIQUE_NO_MORE: &[(&str, &str)] = &[("merge_queue", "branch")];

/// Columns of the first generation under another name: table, old name, new name.
pub(super) const RENAMED: &[(&str, &str, &str)] = &[
    ("plans", "plan_name", "name"),
    ("plans", "plan_file", "source_file"),
    ("token_usage", "tokens_input", "input_tokens"),
    ("token_usage", "tokens_output", "output_tokens"),
    ("token_usage", "recorded_at", "created_at"),
    ("conversation_logs", "timestamp", "created_at"),
];
