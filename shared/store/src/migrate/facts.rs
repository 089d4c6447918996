//! What SQLite says of a database's tables.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _};

use super::ddl;

/// A column as `PRAGMA table_xinfo` shows it.
#[derive(Debug, Clone)]
pub(super) struct ColumnInfo {
    /// The name.
    pub(super) name: String,
    /// The declared type.
    pub(super) kind: String,
    /// Whether null is refused.
    pub(super) not_null: bool,
    /// The default as SQL.
    pub(super) default: Option<String>,
    /// Whether it is (part of) the primary key.
    pub(super) key: bool,
    /// Whether it is computed from others.
    pub(super) computed: bool,
}

/// The names of all ordinary tables but SQLite's own, each with its columns' names.
pub(super) type Tables = BTreeMap<String, Vec<String>>;

/// All ordinary tables (no views, no virtual tables, not SQLite's own) and their columns.
pub(super) fn tables(connection: &Connection) -> rusqlite::Result<Tables> {
    let sql = "SELECT m.name, x.name FROM sqlite_master m LEFT JOIN pragma_table_xinfo(m.name) x WHERE m.type = 'table' \
        AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY m.name, x.cid";
    let mut found = Tables::new();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let columns = found.entry(row.get(0)?).or_default();
        columns.extend(row.get::<_, Option<String>>(1)?);
    }
    Ok(found)
}

/// Whether `table` is there and has `column`.
pub(super) fn has(tables: &Tables, table: &str, column: &str) -> bool {
    tables.get(table).is_some_and(|columns| columns.iter().any(|name| name.eq_ignore_ascii_case(column)))
}

/// The columns of `table`; none when it is not there.
pub(super) fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<ColumnInfo>> {
    let mut statement =
        connection.prepare("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)")?;
    let found = statement.query_map([table], |row| {
        Ok(ColumnInfo {
            name: row.get(0)?,
            kind: row.get(1)?,
            not_null: row.get(2)?,
            default: row.get(3)?,
            key: row.get::<_, i64>(4)? > 0,
            computed: row.get::<_, i64>(5)? > 1,
        })
    })?;
    found.collect()
}

/// A text of a row as people may see it: what is no UTF-8 is replaced, null is nothing.
pub(super) fn lossy(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<String> {
    let bytes = row.get_ref(at)?.as_bytes_or_null()?.unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// The number of rows of `table`.
pub(super) fn count(connection: &Connection, table: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("SELECT count(*) FROM {}", ddl::quoted(table)), [], |row| row.get(0))
}

/// The statement that made `table`; `None` when it is not there.
pub(super) fn table_sql(connection: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
    connection.query_row(sql, [table], |row| row.get(0)).optional()
}

/// Whether tasks name their wave by its row id in `wave_id`, as the third and fourth generation did.
pub(super) fn tasks_by_row(connection: &Connection) -> rusqlite::Result<bool> {
    let wave = columns(connection, "tasks")?.into_iter().find(|column| column.name.eq_ignore_ascii_case("wave_id"));
    Ok(wave.is_some_and(|column| column.kind.to_ascii_uppercase().contains("INT")))
}

/// Whether the checks on `column` of `table` refuse `value`. Checks that need other columns don't count.
pub(super) fn refuses(connection: &Connection, table: &ddl::Table, column: &str, value: &str) -> bool {
    let own = table.column(column).map(|column| column.text.as_str());
    let parts = own.into_iter().chain(table.constraints.iter().map(String::as_str));
    let mut expressions = parts.flat_map(ddl::checks).filter(|check| ddl::mentions(check, column));
    expressions.any(|check| {
        let sql = format!("SELECT ({check}) FROM (SELECT ?1 AS {})", ddl::quoted(column));
        matches!(connection.query_row(&sql, [value], |row| row.get::<_, Option<i64>>(0)), Ok(Some(0)))
    })
}

/// The value of `version` in `schema_metadata`, as it stands there.
pub(super) fn written_version(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT CAST(value AS TEXT) FROM schema_metadata WHERE key = 'version'";
    connection.query_row(sql, [], |row| row.get::<_, Option<String>>(0)).optional().map(Option::flatten)
}
