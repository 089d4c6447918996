//! The crew's chat: a small database of its own, or three tables in the shared one.
//!
//! # Compatibility
//! The chat carries no version of its own, for it may be the shared database. A call opens the file and prepares its
//! statement; only when SQLite then misses a table, a column or an index is the schema looked at and extended in place.
//! All rows are kept.
//!
//! # Locking
//! As in the shared database: readers never wait, writers queue beside the file and then write in one immediate
//! transaction.

mod agents;
mod messages;
mod schema;
#[cfg(test)]
mod tests;
mod unread;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, Transaction, TransactionBehavior};

use crate::{Error, Result, queue};

pub use agents::{Assigned, Identity, Speaker};
pub use messages::{Activity, Filter, Message, NewMessage};
pub use unread::{FIRST_CHECK, Reader, Unread};

/// The project of those who have none; what is posted to it reaches all.
pub const GENERAL: &str = "general";

/// How long a writer waits for its turn.
const PATIENCE: Duration = Duration::from_secs(15);

/// An open chat.
#[derive(Debug)]
pub struct Chat {
    connection: Connection,
    path: PathBuf,
    patience: Duration,
}

impl Chat {
    /// Opens the chat at `path` (absolute); makes folder and file when missing. Its writers wait at most 15 s.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(path: &Path) -> Result<Self> {
        let fail = |fault: rusqlite::Error| Error::from_sqlite(path, PATIENCE.as_secs(), &fault);
        let connection = match connect(path, OpenFlags::empty()) {
            Ok(connection) => connection,
            // Missing; or made by another process since.
            Err(fault) if fault.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) => {
                make_folder(path)?;
                connect(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(fail)?
            }
            Err(fault) => return Err(fail(fault)),
        };
        Ok(Self { connection, path: path.to_owned(), patience: PATIENCE })
    }

    /// The same chat whose readers and writers wait at most `patience`.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        // It fails for a closed connection alone.
        let _ = self.connection.busy_timeout(patience);
        self
    }

    /// The file that every writer of crewkit opens for its turn and closes when it has written.
    pub fn writers_lock(&self) -> PathBuf {
        queue::lock_path(&self.path)
    }

    /// A number that changes when another connection has changed the file, and else stays.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn data_version(&self) -> Result<i64> {
        self.read(|connection| connection.query_row("PRAGMA data_version", [], |row| row.get(0)))
    }

    /// Runs a read; extends the schema and runs it again when something is missing.
    fn read<T>(&self, work: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        match work(&self.connection) {
            Err(fault) if schema::is_missing(&fault) => {
                self.extend()?;
                work(&self.connection).map_err(|fault| self.fail(&fault))
            }
            done => done.map_err(|fault| self.fail(&fault)),
        }
    }

    /// Runs `work` in one immediate transaction after this process's turn has come; an error undoes everything. Extends
    /// the schema and runs it again when something is missing or an older rule stands in the way.
    fn write<T>(&self, work: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let once = |deadline: Instant| -> rusqlite::Result<T> {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.connection.busy_timeout(left)?;
            let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            crate::open::fold_log(&self.connection, &self.path);
            Ok(done)
        };
        let (deadline, _turn) = self.turn()?;
        match once(deadline) {
            Err(fault) if schema::is_missing(&fault) || schema::is_older_rule(&fault) => {
                schema::extend(&self.connection, deadline).and_then(|()| once(deadline))
            }
            done => done,
        }
        .map_err(|fault| self.fail(&fault))
    }

    /// As [`Chat::write`], for what need not outlive the computer's next start: it is not waited for the disk.
    fn write_lightly<T>(&self, work: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let synchronous =
            |how: &str| self.connection.pragma_update(None, "synchronous", how).map_err(|fault| self.fail(&fault));
        synchronous("NORMAL")?;
        let done = self.write(work);
        synchronous("FULL")?;
        done
    }

    /// Brings the schema to the current shape.
    fn extend(&self) -> Result<()> {
        let (deadline, _turn) = self.turn()?;
        schema::extend(&self.connection, deadline).map_err(|fault| self.fail(&fault))
    }

    fn turn(&self) -> Result<(Instant, queue::Turn)> {
        let deadline = Instant::now() + self.patience;
        let turn = queue::wait(&queue::lock_path(&self.path), deadline).map_err(|error| match error {
            Error::Busy { seconds, .. } => Error::Busy { path: self.path.clone(), seconds },
            other => other,
        })?;
        Ok((deadline, turn))
    }

    fn fail(&self, fault: &rusqlite::Error) -> Error {
        Error::from_sqlite(&self.path, self.patience.as_secs(), fault)
    }
}

fn connect(path: &Path, more: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    crewkit_memory::prepare_sqlite();
    #[expect(clippy::disallowed_methods, reason = "the one place that opens the chat")]
    let connection = Connection::open_with_flags(path, flags)?;
    crate::open::prepare(&connection)?;
    Ok(connection)
}

fn make_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|fault| {
        let (path, reason) = (folder.to_owned(), fault.to_string());
        match fault.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Error::ReadOnly { path, reason }
            }
            std::io::ErrorKind::StorageFull => Error::DiskFull(path),
            _ => Error::CannotOpen { path, reason },
        }
    })
}

/// A column as text, whatever was stored there by hand: NULL is empty, bytes that are not UTF-8 are replaced.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    })
}
