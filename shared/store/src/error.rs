//! What can go wrong with a database, each in one line that names the file.

use std::path::{Path, PathBuf};

/// Short for a result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the database could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file holds something else.
    #[error("{} is not a SQLite database; it was left as it is", .0.display())]
    NotADatabase(PathBuf),
    /// The file is a SQLite database without any of our tables.
    #[error("{} is a database of something else; it was left as it is", .0.display())]
    Foreign(PathBuf),
    /// An older database could not be brought to the current schema.
    #[error("{} cannot be upgraded ({reason}); it was left as it is", .path.display())]
    Upgrade {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        reason: String,
    },
    /// The database was written by a later crewkit.
    #[error("{} has schema version {found}, this crewkit knows up to {known}: it is read, not written; upgrade crewkit", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its `user_version`.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The file or its folder may not be written.
    #[error("{} cannot be written: {reason}", .path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
        /// The system's word for it.
        reason: String,
    },
    /// The file cannot be opened or made.
    #[error("{} cannot be opened: {reason}", .path.display())]
    CannotOpen {
        /// The file or folder.
        path: PathBuf,
        /// The system's word for it.
        reason: String,
    },
    /// Another program kept the database locked for longer than we wait.
    #[error("{} is locked by another program; gave up after {seconds} s", .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long we waited.
        seconds: u64,
    },
    /// The disk is full.
    #[error("the disk that holds {} is full; nothing was written", .0.display())]
    DiskFull(PathBuf),
    /// The database's content is broken.
    #[error("{} is damaged ({reason}); nothing was written", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// A row, by its kind and number or name, that is not there.
    #[error("{kind} {id} not found")]
    NotFound {
        /// `plan`, `wave`, `task`...
        kind: &'static str,
        /// As the caller gave it.
        id: String,
    },
    /// A write that the rules of the data forbid; the text is the whole reason.
    #[error("{0}")]
    Refused(String),
    /// A value that a check of the table refuses; the text is SQLite's reason, which names the table.
    #[error("the database refuses this: {0}")]
    Constraint(String),
    /// Any other answer of SQLite.
    #[error("{}: {reason}", .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
}

impl Error {
    /// A row that is not there.
    pub fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    /// A refusal with its reason.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }

    /// SQLite's error on `path`, sorted into the kinds above.
    pub(crate) fn from_sqlite(path: &Path, seconds: u64, error: &rusqlite::Error) -> Self {
        use rusqlite::{ErrorCode as Code, ffi};
        let path = path.to_owned();
        let reason = match error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            other => other.to_string(),
        };
        match error.sqlite_error().map(|error| error.extended_code) {
            // The log's index could not grow.
            Some(ffi::SQLITE_IOERR_SHMSIZE) => return Self::DiskFull(path),
            Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_TRUNCATE) => {
                return Self::ReadOnly { path, reason };
            }
            _ => {}
        }
        match error.sqlite_error_code() {
            Some(Code::NotADatabase) => Self::NotADatabase(path),
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy { path, seconds },
            Some(Code::DiskFull) => Self::DiskFull(path),
            Some(Code::DatabaseCorrupt) => Self::Damaged { path, reason },
            Some(Code::ReadOnly | Code::PermissionDenied) => Self::ReadOnly { path, reason },
            Some(Code::CannotOpen) => Self::CannotOpen { path, reason },
            Some(Code::ConstraintViolation) => Self::Constraint(reason),
            _ => Self::Sqlite { path, reason },
        }
    }
}
