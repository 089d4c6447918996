//! Opening the shared database.

use std::cell::{Cell, OnceCell};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::change_log::Touches;
use crate::{Error, Result, Signature, change_log, copies, migrate, queue};

/// The `user_version` of a database at the current schema. The scripts that came before never set it; their last
/// schema called itself version 8 in a table, so ours begins at 9.
pub const SCHEMA_VERSION: i64 = 9;

/// How long a writer waits for its turn and for writers that don't queue.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// The size at which the log is folded back, in bytes: some 100 pages. Each process that finds nobody else at the database
/// reads the whole log.
const LOG_BYTES: u64 = 100 * 4120;

/// Whether a database holds no table but SQLite's own.
pub(crate) const IS_EMPTY: &str =
    "SELECT NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\')";

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
    signature: OnceCell<Signature>,
    /// How many groups of the log's triggers the connection has.
    triggers: Cell<usize>,
}

impl Store {
    /// Opens the database; makes folder and file when missing, brings an older one to the current schema.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open_or_create(settings: &Settings) -> Result<Self> {
        Self::open_or_create_within(settings, PATIENCE)
    }

    /// The same; what is read or written waits at most `patience` for others. Making it or bringing it to the current
    /// schema may take longer.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open_or_create_within(settings: &Settings, patience: Duration) -> Result<Self> {
        if let Some(store) = Self::open_existing_within(settings, patience)? {
            return Ok(store);
        }
        migrate::upgrade(settings)?;
        Self::open_existing_within(settings, patience)?
            .ok_or_else(|| Error::CannotOpen { path: settings.path.clone(), reason: "it vanished".to_owned() })
    }

    /// Opens the database, or gives `None` when it is missing: no file, or one that holds no table. An older one is brought
    /// to the current schema; where that cannot be written, in memory.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open_existing(settings: &Settings) -> Result<Option<Self>> {
        Self::open_existing_within(settings, PATIENCE)
    }

    /// The same; what is read or written waits at most `patience` for others. Bringing it to the current schema may take
    /// longer.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open_existing_within(settings: &Settings, patience: Duration) -> Result<Option<Self>> {
        match Self::connect_existing_within(&settings.path, patience)? {
            Some(store) if store.found < SCHEMA_VERSION => {
                if store.read(|connection| connection.query_row(IS_EMPTY, [], |row| row.get(0)))? {
                    return Ok(None);
                }
                store.upgraded(settings).map(Some)
            }
            other => Ok(other),
        }
    }

    /// The same database at the current schema.
    fn upgraded(mut self, settings: &Settings) -> Result<Self> {
        let reason = match self.read_only.take() {
            Some(reason) => reason,
            None => match migrate::upgrade(settings) {
                Ok(report) => {
                    let mut store = Self::connect_within(&settings.path, self.patience.get())?;
                    store.notices = report.map(|report| report.notices()).unwrap_or_default();
                    return Ok(store);
                }
                Err(Error::ReadOnly { reason, .. }) => reason,
                Err(Error::DiskFull(_)) => "the disk is full".to_owned(),
                Err(error) => return Err(error),
            },
        };
        let (connection, report) = migrate::in_memory(&self.connection, settings)?;
        self.notices.push(format!(
            "{} is {} and cannot be upgraded ({reason}): it is read, not written",
            self.path.display(),
            report.from
        ));
        self.connection = connection;
        self.found = SCHEMA_VERSION;
        self.read_only = Some(reason);
        Ok(self)
    }

    /// A connection to the database whatever its shape, or `None` when there is no file or an empty one.
    pub(crate) fn connect_existing(path: &Path) -> Result<Option<Self>> {
        Self::connect_existing_within(path, PATIENCE)
    }

    fn connect_existing_within(path: &Path, patience: Duration) -> Result<Option<Self>> {
        match fs::metadata(path) {
            Err(fault) if matches!(fault.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Ok(data) if data.is_file() && data.len() == 0 => Ok(None),
            Ok(data) if !data.is_file() => Err(Error::NotADatabase(path.to_owned())),
            _ => Self::connect_within(path, patience).map(Some),
        }
    }

    /// A connection with our settings, whatever the shape of the database is.
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        Self::connect_within(path, PATIENCE)
    }

    fn connect_within(path: &Path, patience: Duration) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let fail = |fault: &rusqlite::Error| Error::from_sqlite(path, patience.as_secs(), fault);
        crewkit_memory::prepare_sqlite();
        let ready = |flags: OpenFlags, uri: &Path| -> rusqlite::Result<(Connection, i64)> {
            #[expect(clippy::disallowed_methods, reason = "the one place that opens databases")]
            let connection = Connection::open_with_flags(uri, flags)?;
            prepare(&connection)?;
            connection.busy_timeout(patience)?;
            let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok((connection, found))
        };
        let mut notices = Vec::new();
        let (connection, found, read_only) = match ready(flags | OpenFlags::SQLITE_OPEN_READ_WRITE, path) {
            Ok((connection, found)) => {
                let frozen = connection.is_readonly("main").map_err(|fault| fail(&fault))?;
                let read_only = frozen.then(|| "the file is read-only".to_owned());
                (connection, found, read_only)
            }
            Err(fault) => match fail(&fault) {
                // A folder that may not be written has no place for the log's index: the file is read as it stands.
                error @ (Error::ReadOnly { .. } | Error::CannotOpen { .. }) if path.is_file() => {
                    let frozen = PathBuf::from(format!("file:{}?immutable=1", uri_path(path)));
                    if log_size(path) > 0 {
                        notices.push(format!("what stands in {}-wal cannot be read and is not seen", path.display()));
                    }
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
            patience: Cell::new(patience),
            read_only,
            notices,
            signature: OnceCell::new(),
            triggers: Cell::new(0),
        })
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

    /// Why it is read and not written; `None` when it may be written.
    pub fn read_only(&self) -> Option<&str> {
        self.read_only.as_deref()
    }

    /// Sets how long a writer waits, instead of 15 s.
    pub fn set_patience(&self, patience: Duration) {
        self.patience.set(patience);
    }

    /// Says who makes the changes from now on, for the log of changes. The first to say so counts.
    pub fn sign_as(&self, signature: Signature) {
        let _ = self.signature.set(signature);
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
        let _turn = queue::turn(&self.path, deadline)?;
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.connection.busy_timeout(left).map_err(|fault| self.fail(&fault))?;
        self.keep_log().map_err(|fault| self.fail(&fault))?;
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .map_err(|fault| self.fail(&fault))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(|fault| self.fail(&fault))?;
        fold_log(&self.connection, &self.path);
        Ok(done)
    }

    /// The same for work on plans, waves and tasks: what it changes of them stands in the log of changes, signed.
    pub(crate) fn write_logged<T>(&self, touches: Touches, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let fail = |fault: rusqlite::Error| self.fail(&fault);
        // Outside the transaction, so that they stay when that is undone.
        change_log::attach(&self.connection, touches, &self.triggers).map_err(fail)?;
        self.write(|connection| {
            let mark = change_log::mark(connection).map_err(fail)?;
            let done = work(connection)?;
            change_log::sign(connection, mark, self.signature.get()).map_err(fail)?;
            Ok(done)
        })
    }

    /// Gives a database its log (back) that another program took away.
    fn keep_log(&self) -> rusqlite::Result<()> {
        let mode = |row: &rusqlite::Row<'_>| {
            row.get_ref(0).map(|mode| mode.as_str() == Ok("wal") || mode.as_str() == Ok("memory"))
        };
        if !self.connection.query_row("PRAGMA journal_mode", [], mode)? {
            // Refused while another program has the database open; it can be written without.
            let _ = migrate::keep_log(&self.connection);
        }
        Ok(())
    }

    /// What SQLite's integrity check complains of; empty when all is well.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn integrity(&self) -> Result<Vec<String>> {
        self.read(migrate::complaints)
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
    // Triggers and views that users made with another SQLite may write texts in double quotes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, true)?;
    // The last connection to close would fold the log back and delete it, a millisecond in each call; the log is
    // folded back when it has grown instead (`fold_log`).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}

/// Folds the log back into the database and empties it once it has grown to [`LOG_BYTES`].
pub(crate) fn fold_log(connection: &Connection, path: &Path) {
    if log_size(path) >= LOG_BYTES {
        empty_log(connection);
    }
}

/// Folds the log back into the database and empties it. SQLite by itself folds it back, but the next process does not
/// know that and begins behind what is there: with short processes alone the log grows for ever, and each of them reads
/// all of it. Readers that still need the log put it off to the next write.
pub(crate) fn empty_log(connection: &Connection) {
    let _ = connection.busy_timeout(Duration::ZERO);
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    let _ = connection.busy_timeout(PATIENCE);
}

/// The size of the log beside the database, in bytes; 0 when there is none.
fn log_size(path: &Path) -> u64 {
    fs::metadata(copies::beside(path, "-wal")).map_or(0, |data| data.len())
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
