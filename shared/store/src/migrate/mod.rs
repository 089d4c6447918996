//! Making the current schema, and bringing every older shape to it.
//!
//! Under the writers' turn and one immediate transaction: a copy of the database as it is, through SQLite; columns of the
//! first generation renamed; views and triggers taken away; lost waves put back; each table made, widened or made anew by
//! the names of its columns; rows linked; views and triggers made again; all rows counted and the whole checked. Any fault
//! undoes all of it. What a user added (columns, tables, indexes, views, triggers, rows) stays.

mod ddl;
mod facts;
mod links;
mod objects;
mod report;
mod shape;
mod tables;
mod target;
mod traits;
mod waves;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{Error, Result, SCHEMA_VERSION, Settings, Store, copies, queue};
pub(crate) use ddl::quoted;
pub use report::Report;
pub use shape::{HalfWay, Kind};
use target::{RENAMED, Target};
use traits::Traits;

/// How long an upgrade waits for its turn; another may be at it.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is known of a database before anything is done to it.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// The shape.
    pub kind: Kind,
    /// States that older migrations left.
    pub half_way: Vec<HalfWay>,
    /// `PRAGMA user_version`: ours, 0 in every older shape.
    pub version: i64,
    /// The version that older tools wrote into `schema_metadata`, as it stands there.
    pub written_version: Option<String>,
    /// The tables and the columns of each.
    pub tables: BTreeMap<String, Vec<String>>,
    /// What SQLite's integrity check complains of; empty when all is well.
    pub complaints: Vec<String>,
}

/// Looks at the database at `path` and changes nothing. A missing one is [`Kind::Missing`].
///
/// # Errors
/// [`Error::NotADatabase`], and what keeps it from being read.
pub fn inspect(path: &Path) -> Result<Inspection> {
    let Some(store) = Store::connect_existing(path)? else { return Ok(Inspection::default()) };
    let complaints = store.integrity()?;
    store.read_together(|connection| {
        let shape = shape::recognise(connection).map_err(|fault| store.fail(&fault))?;
        let tables = facts::tables(connection).map_err(|fault| store.fail(&fault))?;
        let written_version = if facts::has(&tables, "schema_metadata", "value") {
            facts::written_version(connection).map_err(|fault| store.fail(&fault))?
        } else {
            None
        };
        Ok(Inspection {
            kind: shape.kind,
            half_way: shape.half_way,
            version: store.version(),
            written_version,
            tables,
            complaints,
        })
    })
}

/// Whether there is a database at `path`: a file that holds a table.
///
/// # Errors
/// As [`inspect`].
pub fn is_there(path: &Path) -> Result<bool> {
    match Store::connect_existing(path)? {
        Some(store) => Ok(!store.read(is_empty)?),
        None => Ok(false),
    }
}

/// Brings the database to the current schema; a missing one is made, its folder too. `None` when there was nothing to do.
///
/// # Errors
/// See [`Error`]; the database is then as it was.
pub fn upgrade(settings: &Settings) -> Result<Option<Report>> {
    let path = &settings.path;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|fault| copies::cannot(folder, &fault))?;
    }
    let _turn = queue::turn(path, Instant::now() + PATIENCE)?;
    let fail = |fault: rusqlite::Error| Error::from_sqlite(path, crate::open::PATIENCE.as_secs(), &fault);
    crewkit_memory::prepare_sqlite();
    #[expect(clippy::disallowed_methods, reason = "a database that is being made or upgraded")]
    let connection = Connection::open(path).map_err(fail)?;
    crate::open::prepare(&connection).map_err(fail)?;
    if is_empty(&connection).map_err(fail)? {
        // A log from the beginning spares the journal of the first transaction.
        keep_log(&connection).map_err(fail)?;
    }
    let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate).map_err(fail)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
    if found >= SCHEMA_VERSION {
        return Ok(None);
    }
    if is_empty(&transaction).map_err(fail)? {
        make(&transaction).map_err(fail)?;
        transaction.commit().map_err(fail)?;
        crate::open::empty_log(&connection);
        return Ok(Some(Report::default()));
    }
    if kind(&transaction).map_err(fail)? == Kind::Foreign {
        return Err(Error::Foreign(path.clone()));
    }
    let copy = copy(settings, &transaction)?;
    let done = bring(&transaction, settings).map_err(|stop| stop.on(path));
    let done = done.and_then(|report| transaction.commit().map_err(fail).map(|()| report));
    match done {
        Err(error) => {
            // Nothing was changed, so there is nothing to go back to.
            let _ = std::fs::remove_file(&copy);
            Err(error)
        }
        Ok(report) => {
            // A program that has the database open without a log keeps it from getting one, until a later write.
            let _ = keep_log(&connection);
            crate::open::empty_log(&connection);
            copies::prune(path);
            Ok(Some(Report { copy: Some(copy), ..report }))
        }
    }
}

/// Makes the current schema in a database without tables.
pub(crate) fn make(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(target::SCHEMA)?;
    connection.pragma_update(None, "user_version", SCHEMA_VERSION)
}

/// The shape of an open database.
pub(crate) fn kind(connection: &Connection) -> rusqlite::Result<Kind> {
    shape::recognise(connection).map(|shape| shape.kind)
}

/// Copies the database, whose writers' turn the caller has, as it is before the caller's transaction `held`.
pub(crate) fn copy(settings: &Settings, held: &Connection) -> Result<std::path::PathBuf> {
    let path = &settings.path;
    let fail = |fault: rusqlite::Error| Error::from_sqlite(path, crate::open::PATIENCE.as_secs(), &fault);
    let epoch = held
        .query_row("SELECT COALESCE(unixepoch(?1), unixepoch())", [&settings.now], |row| row.get(0))
        .map_err(fail)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    #[expect(clippy::disallowed_methods, reason = "a second look at a database that is being upgraded")]
    let source = Connection::open_with_flags(path, flags).map_err(fail)?;
    crate::open::prepare(&source).map_err(fail)?;
    copies::make(&source, path, epoch)
}

/// Sets the write-ahead log.
pub(crate) fn keep_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(crate::open::IS_EMPTY, [], |row| row.get(0))
}

/// A copy of an older database in memory, at the current schema: for a file that may not be written.
pub(crate) fn in_memory(old: &Connection, settings: &Settings) -> Result<(Connection, Report)> {
    let fail = |fault: rusqlite::Error| Error::from_sqlite(&settings.path, crate::open::PATIENCE.as_secs(), &fault);
    let mut memory = Connection::open_in_memory().map_err(fail)?;
    crate::open::prepare(&memory).map_err(fail)?;
    copies::all_pages(old, &mut memory).map_err(fail)?;
    let transaction = Transaction::new_unchecked(&memory, TransactionBehavior::Immediate).map_err(fail)?;
    if kind(&transaction).map_err(fail)? == Kind::Foreign {
        return Err(Error::Foreign(settings.path.clone()));
    }
    let report = bring(&transaction, settings).map_err(|stop| stop.on(&settings.path))?;
    transaction.commit().map_err(fail)?;
    Ok((memory, report))
}

/// What [`upgrade`] would do, found by doing it in memory; `None` when there is nothing to do or no database.
///
/// # Errors
/// What would keep it from being done.
pub fn rehearse(settings: &Settings) -> Result<Option<Report>> {
    let Some(store) = Store::connect_existing(&settings.path)? else { return Ok(None) };
    if store.version() >= SCHEMA_VERSION || store.read(is_empty)? {
        return Ok(None);
    }
    in_memory(&store.connection, settings).map(|(_, report)| Some(report))
}

/// Why an upgrade is undone.
enum Stop {
    Sqlite(rusqlite::Error),
    Check(String),
}

impl From<rusqlite::Error> for Stop {
    fn from(fault: rusqlite::Error) -> Self {
        Self::Sqlite(fault)
    }
}

impl Stop {
    fn on(self, path: &Path) -> Error {
        let cause = match self {
            Self::Check(cause) => cause,
            Self::Sqlite(fault) => match Error::from_sqlite(path, crate::open::PATIENCE.as_secs(), &fault) {
                Error::Constraint(reason) | Error::Sqlite { reason, .. } => reason,
                known => return known,
            },
        };
        Error::Upgrade { path: path.to_owned(), reason: cause }
    }
}

/// Brings an older database to the current schema, inside the caller's transaction.
fn bring(connection: &Connection, settings: &Settings) -> std::result::Result<Report, Stop> {
    let target = Target::read()?;
    let before = facts::tables(connection)?;
    let counts: BTreeMap<&String, i64> =
        before.keys().map(|table| Ok((table, facts::count(connection, table)?))).collect::<rusqlite::Result<_>>()?;
    let mut report = Report { from: kind(connection)?, ..Report::default() };
    let later = shape::is_later(connection, &before)?;
    let first_plans = facts::has(&before, "plans", "plan_name") && !facts::has(&before, "plans", "name");

    let old_names = RENAMED.iter().any(|(table, old, _)| facts::has(&before, table, old));
    let broken = if old_names { Some(objects::take_broken(connection)?) } else { None };
    rename_columns(connection)?;
    let taken = objects::take(connection)?;
    let taken = broken.into_iter().fold(taken, objects::Taken::and);
    let indexes = target::objects(connection)?.into_iter().filter(|object| object.kind == "index");
    let indexes: Vec<target::Object> = indexes.collect();
    let recovered = waves::recover(connection, Some(&settings.path), &target, &mut report)?;
    let tables = facts::tables(connection)?;
    let traits = Traits { waves_remade: recovered.remade, ..Traits::read(connection, &tables, first_plans)? };
    for table in &target.tables {
        tables::bring(connection, table, &traits, &mut report)?;
    }
    links::fill(connection, settings, &traits, &mut report)?;
    objects::put_indexes_back(connection, &indexes, &mut report)?;
    taken.put_back(connection, &target, later, traits.tasks_by_row, &mut report)?;
    write_version(connection, settings)?;
    connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;

    for (table, &rows) in &counts {
        // An empty copy is gone; an empty table gave way to its copy.
        if recovered.dropped.iter().any(|old| old == table) || recovered.renamed.iter().any(|(_, new)| new == table) {
            continue;
        }
        let renamed = recovered.renamed.iter().find(|(old, _)| old == table);
        let name = renamed.map_or(table.as_str(), |(_, new)| new);
        let now = facts::count(connection, name)?;
        let more = match name {
            "waves" => recovered.waves,
            "schema_metadata" => (now - rows).clamp(0, 1),
            _ => 0,
        };
        if now != rows + more {
            return Err(Stop::Check(format!("table {name} would have {now} rows instead of {rows}")));
        }
    }
    let complaints = complaints(connection)?;
    // What rows hold in spite of a check or against null is as it was.
    let content =
        |line: &&String| !line.starts_with("NULL value in ") && !line.starts_with("CHECK constraint failed in ");
    if let Some(complaint) = complaints.iter().find(content) {
        return Err(Stop::Check(complaint.clone()));
    }
    Ok(report)
}

/// What SQLite's integrity check complains of.
pub(crate) fn complaints(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Gives columns of the first generation their present names; SQLite changes the views, triggers and indexes that name
/// them too.
fn rename_columns(connection: &Connection) -> rusqlite::Result<()> {
    let tables = facts::tables(connection)?;
    for (table, old, new) in RENAMED {
        if !facts::has(&tables, table, old) {
            continue;
        }
        if facts::has(&tables, table, new) {
            // Two generations in one table: what the older one says fills what the younger one does not.
            connection.execute_batch(&format!(
                "UPDATE {table} SET {new} = {old} WHERE {new} IS NULL AND {old} IS NOT NULL"
            ))?;
            continue;
        }
        connection.execute_batch(&format!("ALTER TABLE {table} RENAME COLUMN {old} TO {new}"))?;
    }
    Ok(())
}

/// Writes version 8 where older tools look for it, unless something higher stands there.
fn write_version(connection: &Connection, settings: &Settings) -> rusqlite::Result<()> {
    let written = facts::written_version(connection)?;
    if shape::number(written.clone()) >= 8 {
        return Ok(());
    }
    let changed = match written {
        Some(_) => connection.execute(
            "UPDATE schema_metadata SET value = '8', updated_at = ?1 WHERE key = 'version'",
            [&settings.now],
        )?,
        None => 0,
    };
    if changed == 0 {
        let sql = "INSERT OR REPLACE INTO schema_metadata (key, value, updated_at) VALUES ('version', '8', ?1)";
        connection.execute(sql, [&settings.now])?;
    }
    Ok(())
}
