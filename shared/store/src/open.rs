//! Opening the shared database.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{Error, Result, migrate, queue};

/// The `user_version` of a database at the current schema. The scripts that came before never set it; their last
/// schema called itself version 8 in a table, so ours begins at 9.
pub const SCHEMA_VERSION: i64 = 9;

/// How long a writer waits for its turn and for writers that don't queue.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the database is, and what making or migrating it needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file.
    pub path: PathBuf,
    /// The name of this computer, for rows that get one.
    pub host: String,
    /// The present time, UTC, `YYYY-MM-DD HH:MM:SS`.
    pub now: String,
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    found: i64,
    patience: Cell<Duration>,
    read_only: Option<String>,
    notices: Vec<String>,
}

impl Store {
    /// Opens the database; makes folder and file when missing, brings an older one to the current schema.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open_or_create(settings: &Settings) -> Result<Self> {
        if let Some(store) = Self::open_existing(settings)? {
            return Ok(store);
        }
        let cannot = |path: &Path, fault: &std::io::Error| match fault.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Error::ReadOnly { path: path.to_owned(), reason: fault.to_string() }
            }
            std::io::ErrorKind::StorageFull => Error::DiskFull(path.to_owned()),
            _ => Error::CannotOpen { path: path.to_owned(), reason: fault.to_string() },
        };
        if let Some(folder) = settings.path.parent() {
            fs::create_dir_all(folder).map_err(|fault| cannot(folder, &fault))?;
        }
        let notices = migrate::to_current(settings)?;
        let mut store = Self::open_existing(settings)?
            .ok_or_else(|| Error::CannotOpen { path: settings.path.clone(), reason: "it vanished".to_owned() })?;
        store.notices.splice(0..0, notices);
        Ok(store)
    }

    /// Opens the database, or gives `None` when it is missing: no file, or one that holds no table.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open_existing(settings: &Settings) -> Result<Option<Self>> {
        match fs::metadata(&settings.path) {
            Err(fault) if matches!(fault.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Ok(data) if data.len() == 0 && !wal_path(&settings.path).exists() => return Ok(None),
            Ok(data) if data.is_dir() => return Err(Error::NotADatabase(settings.path.clone())),
            _ => {}
        }
        let mut store = Self::connect(&settings.path)?;
        if store.found < SCHEMA_VERSION {
            if store.is_empty()? {
                return Ok(None);
            }
            if store.read_only.is_some() {
                store.connection = migrate::in_memory(&store.connection, settings)?;
                store.found = SCHEMA_VERSION;
                return Ok(Some(store));
            }
            drop(store);
            let notices = migrate::to_current(settings)?;
            store = Self::connect(&settings.path)?;
            store.notices = notices;
        }
        Ok(Some(store))
    }

    /// A connection with our settings, whatever the shape of the database is.
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let fail = |fault: &rusqlite::Error| Error::from_sqlite(path, PATIENCE.as_secs(), fault);
        let ready = |flags: OpenFlags, uri: &Path| -> rusqlite::Result<(Connection, i64)> {
            #[expect(clippy::disallowed_methods, reason = "the one place that opens databases")]
            let connection = Connection::open_with_flags(uri, flags)?;
            prepare(&connection)?;
            let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok((connection, found))
        };
        let (connection, found, read_only) = match ready(flags | OpenFlags::SQLITE_OPEN_READ_WRITE, path) {
            Ok((connection, found)) => {
                let frozen = connection.is_readonly("main").map_err(|fault| fail(&fault))?;
                let read_only = frozen.then(|| "the file is read-only".to_owned());
                (connection, found, read_only)
            }
            Err(fault) => match Error::from_sqlite(path, PATIENCE.as_secs(), &fault) {
                // A folder that may not be written has no place for the log's index: the file is read as it stands.
                error @ (Error::ReadOnly { .. } | Error::CannotOpen { .. }) if path.is_file() => {
                    let frozen = PathBuf::from(format!("file:{}?immutable=1", uri_path(path)));
                    match ready(flags | OpenFlags::SQLITE_OPEN_READ_ONLY, &frozen) {
                        Ok((connection, found)) => (connection, found, Some("its folder is read-only".to_owned())),
                        Err(_) => return Err(error),
                    }
                }
                error => return Err(error),
            },
        };
        Ok(Self {
            connection,
            path: path.to_owned(),
            found,
            patience: Cell::new(PATIENCE),
            read_only,
            notices: Vec::new(),
        })
    }

    fn is_empty(&self) -> Result<bool> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\')";
        self.read(|connection| connection.query_row(sql, [], |row| row.get(0)))
    }

    /// What opening has to tell people: a migration and its copy.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The `user_version` that was found (after a migration: the current one).
    pub fn version(&self) -> i64 {
        self.found
    }

    /// Sets how long a writer waits, instead of 15 s.
    pub fn set_patience(&self, patience: Duration) {
        self.patience.set(patience);
    }

    /// Runs a read outside any transaction.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.connection).map_err(|fault| self.fail(&fault))
    }

    /// Runs several reads that see one state of the database.
    pub(crate) fn read_together<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)
            .map_err(|fault| self.fail(&fault))?;
        work(&transaction)
    }

    /// Runs `work` in one immediate transaction, after this process's turn in the writers' queue has come. An error
    /// of `work` undoes everything.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        if self.found > SCHEMA_VERSION {
            return Err(Error::Newer { path: self.path.clone(), found: self.found, known: SCHEMA_VERSION });
        }
        if let Some(reason) = &self.read_only {
            return Err(Error::ReadOnly { path: self.path.clone(), reason: reason.clone() });
        }
        let deadline = Instant::now() + self.patience.get();
        let _turn = queue::wait(&queue::lock_path(&self.path), deadline).map_err(|error| match error {
            Error::Busy { seconds, .. } => Error::Busy { path: self.path.clone(), seconds },
            other => other,
        })?;
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.connection.busy_timeout(left).map_err(|fault| self.fail(&fault))?;
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .map_err(|fault| self.fail(&fault))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(|fault| self.fail(&fault))?;
        Ok(done)
    }

    /// SQLite's error, sorted and with the file's name.
    pub(crate) fn fail(&self, fault: &rusqlite::Error) -> Error {
        Error::from_sqlite(&self.path, self.patience.get().as_secs(), fault)
    }
}

/// The settings that every connection of ours has.
pub(crate) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    // Existing data hold plans without a project and tasks without a wave.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    // The last connection to close would fold the log back and delete it, a millisecond in each call; the log is
    // folded back every 200 pages instead (.cargo/config.toml).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}

fn wal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// A path as it stands in a `file:` address (<https://www.sqlite.org/uri.html>, section 3.1).
fn uri_path(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut out = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
