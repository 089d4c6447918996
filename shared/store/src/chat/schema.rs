//! The tables, and how older shapes become them.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, ffi};

/// The index is what keeps a check short in a long chat: it finds the next message of one's own project without
/// reading those of the others. `comms_shown` holds, for a reader, messages above the cursor: with a process, that it is
/// showing all up to this one; without, that this one was shown apart. `messages.reply_to` is the message that one answers.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS agents (
  session_id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT, project TEXT DEFAULT 'general', UNIQUE (project, name));
CREATE TABLE IF NOT EXISTS last_read (session_id TEXT PRIMARY KEY, message_id INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, sender TEXT NOT NULL, channel TEXT DEFAULT 'general',
  message TEXT NOT NULL, project TEXT DEFAULT 'general', reply_to INTEGER);
CREATE TABLE IF NOT EXISTS comms_shown (
  session_id TEXT NOT NULL, message_id INTEGER NOT NULL, process TEXT, PRIMARY KEY (session_id, message_id)) WITHOUT ROWID;";

const INDEX: &str = "CREATE INDEX IF NOT EXISTS comms_messages_project ON messages(project)";

/// Names were once unique over all projects. SQLite cannot drop a constraint, so the table is made anew.
const NAMES_PER_PROJECT: &str = "
CREATE TABLE agents_per_project (
  session_id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT, project TEXT DEFAULT 'general', UNIQUE (project, name));
INSERT INTO agents_per_project (session_id, name, created, project) SELECT session_id, name, created, project FROM agents;
DROP TABLE agents;
ALTER TABLE agents_per_project RENAME TO agents;";

/// Whether SQLite misses a table, a column or an index, as in a new file or an older one.
pub(super) fn is_missing(fault: &rusqlite::Error) -> bool {
    let message = match fault {
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        _ => return false,
    };
    message.starts_with("no such ") || message.contains(" has no column named ")
}

/// Whether a row was refused for being there twice, which the current tables never do to our statements.
pub(super) fn is_older_rule(fault: &rusqlite::Error) -> bool {
    matches!(fault, rusqlite::Error::SqliteFailure(ffi::Error { code: ErrorCode::ConstraintViolation, .. }, _))
}

/// Makes what is missing and changes what is older, in one transaction; the log is switched on first.
pub(super) fn extend(connection: &Connection, deadline: Instant) -> rusqlite::Result<()> {
    write_ahead(connection, deadline)?;
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    for table in ["agents", "messages"] {
        if !has_column(&transaction, table, "project")? {
            transaction.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN project TEXT DEFAULT 'general'"))?;
        }
    }
    if !has_column(&transaction, "messages", "reply_to")? {
        transaction.execute_batch("ALTER TABLE messages ADD COLUMN reply_to INTEGER")?;
    }
    transaction.execute("UPDATE messages SET project = 'general' WHERE project IS NULL", [])?;
    transaction.execute("UPDATE agents SET project = 'general' WHERE project IS NULL", [])?;
    transaction.execute_batch(INDEX)?;
    if has_names_unique_over_all(&transaction)? {
        transaction.execute_batch(NAMES_PER_PROJECT)?;
    }
    transaction.commit()
}

/// Readers that are just looking at the file keep it from changing to the write-ahead log, and SQLite does not wait
/// for them here.
fn write_ahead(connection: &Connection, deadline: Instant) -> rusqlite::Result<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(fault) if fault.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

fn has_column(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2)";
    connection.query_row(sql, [table, column], |row| row.get(0))
}

/// Whether agents has a unique index over the name alone, and no column that the new table would lose.
fn has_names_unique_over_all(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "
        SELECT EXISTS (
            SELECT 1 FROM pragma_index_list('agents') AS list WHERE list.\"unique\" AND list.partial = 0
            AND (SELECT group_concat(name) FROM pragma_index_info(list.name)) = 'name')
        AND NOT EXISTS (
            SELECT 1 FROM pragma_table_info('agents') WHERE name NOT IN ('session_id', 'name', 'created', 'project'))";
    connection.query_row(sql, [], |row| row.get(0))
}
