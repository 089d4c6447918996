//! The database as a whole: how much is in it, starting over, putting a copy in its place.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior};

use crate::migrate::{self, Kind};
use crate::{Error, Result, SCHEMA_VERSION, Settings, Store, copies, queue};

/// How long starting over and restoring wait for other writers.
const PATIENCE: Duration = Duration::from_mins(1);

/// Access to the database as a whole.
#[derive(Debug)]
pub struct State<'a> {
    store: &'a Store,
}

/// Numbers of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Projects.
    pub projects: i64,
    /// Snapshots of plans.
    pub snapshots: i64,
    /// Measured values.
    pub metrics: i64,
}

impl Store {
    /// Access to the database as a whole.
    pub fn state(&self) -> State<'_> {
        State { store: self }
    }

    /// Makes the database new: a copy first, then everything in it dropped and the current schema made, in one
    /// transaction, so that programs that have it open see the old content or the new. Gives the copy's path.
    ///
    /// # Errors
    /// See [`Error`]; the database is then as it was.
    pub fn start_over(settings: &Settings) -> Result<PathBuf> {
        let path = &settings.path;
        let fail = |fault: rusqlite::Error| Error::from_sqlite(path, crate::open::PATIENCE.as_secs(), &fault);
        let _turn = queue::turn(path, Instant::now() + PATIENCE)?;
        let store = Self::writable(path)?;
        let transaction =
            Transaction::new_unchecked(&store.connection, TransactionBehavior::Immediate).map_err(fail)?;
        let copy = migrate::copy(settings, &transaction)?;
        let made = drop_everything(&transaction)
            .and_then(|()| migrate::make(&transaction))
            .and_then(|()| transaction.commit())
            .map_err(fail);
        if let Err(error) = made {
            let _ = std::fs::remove_file(&copy);
            return Err(error);
        }
        crate::open::empty_log(&store.connection);
        copies::prune(path);
        Ok(copy)
    }

    /// Puts the content of the database at `from`, of whatever shape, in place of the present content, at the current
    /// schema. Gives the path of the copy of the present content, or `None` when there was none.
    ///
    /// # Errors
    /// See [`Error`]; both databases are then as they were.
    pub fn restore(settings: &Settings, from: &Path) -> Result<Option<PathBuf>> {
        let (path, missing) =
            (&settings.path, || Error::CannotOpen { path: from.to_owned(), reason: "there is no database".to_owned() });
        let fail = |fault: rusqlite::Error| Error::from_sqlite(path, crate::open::PATIENCE.as_secs(), &fault);
        let found = migrate::inspect(from)?;
        match found.kind {
            Kind::Missing => return Err(missing()),
            Kind::Foreign => return Err(Error::Foreign(from.to_owned())),
            Kind::Later => {
                let known = SCHEMA_VERSION;
                return Err(Error::Newer { path: from.to_owned(), found: found.version, known });
            }
            _ => {}
        }
        if let Some(complaint) = found.complaints.into_iter().next() {
            return Err(Error::Damaged { path: from.to_owned(), reason: complaint });
        }
        let mut source = Self::connect_existing(from)?.ok_or_else(missing)?.connection;
        if found.kind != Kind::Current {
            (source, _) = migrate::in_memory(&source, settings)?;
        }
        let _turn = queue::turn(path, Instant::now() + PATIENCE)?;
        let mut copy = None;
        let mut target = if let Some(store) = Self::connect_existing(path)? {
            drop(store);
            let store = Self::writable(path)?;
            let size = |connection: &Connection| {
                connection.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0)).map_err(fail)
            };
            if size(&store.connection)? != size(&source)? {
                let reason = "its pages have another size than those of the copy".to_owned();
                return Err(Error::Upgrade { path: path.clone(), reason });
            }
            let transaction =
                Transaction::new_unchecked(&store.connection, TransactionBehavior::Immediate).map_err(fail)?;
            copy = Some(migrate::copy(settings, &transaction)?);
            drop(transaction);
            store.connection
        } else {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            #[expect(clippy::disallowed_methods, reason = "a database that is being made")]
            let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
            crate::open::prepare(&connection).map_err(fail)?;
            connection
        };
        copies::all_pages(&source, &mut target).map_err(fail)?;
        let _ = migrate::keep_log(&target);
        crate::open::empty_log(&target);
        copies::prune(path);
        Ok(copy)
    }

    /// A connection to a database of ours, of any shape, that may be written.
    fn writable(path: &Path) -> Result<Self> {
        let store = Self::connect(path)?;
        if let Some(reason) = store.read_only() {
            return Err(Error::ReadOnly { path: path.to_owned(), reason: reason.to_owned() });
        }
        match store.read(migrate::kind)? {
            Kind::Foreign => Err(Error::Foreign(path.to_owned())),
            Kind::Later => Err(Error::Newer { path: path.to_owned(), found: store.version(), known: SCHEMA_VERSION }),
            _ => Ok(store),
        }
    }
}

fn drop_everything(connection: &Connection) -> rusqlite::Result<()> {
    for kind in ["trigger", "view", "table"] {
        // A virtual table takes others with it, so the next one is asked for anew.
        let sql = "SELECT name FROM sqlite_master WHERE type = ?1 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
            ORDER BY sql LIKE 'CREATE VIRTUAL%' DESC LIMIT 1";
        let next = || connection.query_row(sql, [kind], |row| row.get::<_, String>(0)).optional();
        while let Some(name) = next()? {
            connection.execute_batch(&format!("DROP {kind} {}", migrate::quoted(&name)))?;
        }
    }
    // Row ids begin at 1 again.
    let counted = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence')";
    if connection.query_row(counted, [], |row| row.get(0))? {
        connection.execute_batch("DELETE FROM sqlite_sequence")?;
    }
    Ok(())
}

impl State<'_> {
    /// How much is in the database.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn counts(&self) -> Result<Counts> {
        let sql = "SELECT (SELECT count(*) FROM projects), (SELECT count(*) FROM snapshots), (SELECT count(*) FROM metrics_history)";
        self.store.read(|connection| {
            connection.query_row(sql, [], |row| {
                Ok(Counts { projects: row.get(0)?, snapshots: row.get(1)?, metrics: row.get(2)? })
            })
        })
    }

    /// Enters a project unless one of that id is there.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn enter_project(&self, id: &str, name: &str, path: &str, now: &str) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO projects (id, name, path, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)";
        self.store.write(|connection| {
            connection.execute(sql, (id, name, path, now)).map(drop).map_err(|fault| self.store.fail(&fault))
        })
    }
}
