//! The tables and columns that databases of this version from before them lack: added by the first write that needs
//! them.

use rusqlite::Connection;

const COLUMNS: [(&str, &str); 4] = [
    ("cache_write_5m_tokens", "INTEGER DEFAULT 0"),
    ("cache_write_1h_tokens", "INTEGER DEFAULT 0"),
    ("cache_read_tokens", "INTEGER DEFAULT 0"),
    ("branch", "TEXT"),
];

const TABLES: &str = "\
CREATE TABLE IF NOT EXISTS counted_answers (
  key INTEGER PRIMARY KEY, day INTEGER, input INTEGER, output INTEGER, cache_write_5m INTEGER, cache_write_1h INTEGER, cache_read INTEGER);
CREATE TABLE IF NOT EXISTS read_transcripts (path TEXT PRIMARY KEY, read_to INTEGER NOT NULL, ending INTEGER NOT NULL) WITHOUT ROWID;";

/// Adds what is missing, inside the caller's transaction.
pub(super) fn complete(connection: &Connection) -> rusqlite::Result<()> {
    if !has_places(connection)? {
        connection.execute_batch(TABLES)?;
    }
    for (name, kind) in COLUMNS {
        if !has_column(connection, name)? {
            connection.execute_batch(&format!("ALTER TABLE token_usage ADD COLUMN {name} {kind}"))?;
        }
    }
    Ok(())
}

/// Whether there is a table of transcripts that were read.
pub(super) fn has_places(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'read_transcripts')";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Whether `token_usage` has the column `name`.
pub(super) fn has_column(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('token_usage') WHERE name = ?1)";
    connection.query_row(sql, [name], |row| row.get(0))
}
