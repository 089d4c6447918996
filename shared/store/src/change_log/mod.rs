//! Who changed what of plans, waves and tasks, and when.
//!
//! Triggers write the log, so that no function of this crate can forget it, in the transaction of the change itself. They
//! are the connection's own, not the database's (see `changed.sql`): a change that another program makes past this crate
//! is not logged, and shows only as a difference between two [`Snapshot`]s. The ids grow, and what was read stays: who
//! keeps the last id that was seen misses nothing.

use std::cell::Cell;
use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use crate::plan_views::{filled_text, optional_text, text};
use crate::{Result, Store};

/// The triggers that log changes of rows, and those that log rows that come and go.
const TRIGGERS: [&str; 2] = [include_str!("changed.sql"), include_str!("added.sql")];
/// The table, which databases of the first days of this schema lack.
const TABLE: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS change_log (\
     id INTEGER PRIMARY KEY, at DATETIME DEFAULT CURRENT_TIMESTAMP, kind TEXT NOT NULL, row_id INTEGER NOT NULL, plan_id INTEGER, \
     change TEXT NOT NULL, field TEXT, before TEXT, after TEXT, host TEXT, agent TEXT)",
    "CREATE INDEX IF NOT EXISTS idx_change_log_row ON change_log(row_id, kind)",
];

/// Who writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    /// The computer.
    pub host: String,
    /// The agent or person, where one is known.
    pub agent: Option<String>,
}

/// One change of one field, or a row that was added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number: later changes have higher ones.
    pub id: i64,
    /// When, UTC, `YYYY-MM-DD HH:MM:SS`.
    pub at: String,
    /// `plan`, `wave` or `task`.
    pub kind: String,
    /// The row's number.
    pub row_id: i64,
    /// The plan's number, when the row belongs to one.
    pub plan_id: Option<i64>,
    /// The code of the task or wave, the name of the plan, where the row is still there.
    pub code: Option<String>,
    /// The code of the task's wave, where the task is still there.
    pub wave: Option<String>,
    /// `added`, `changed` or `removed`.
    pub change: String,
    /// The column, of a change.
    pub field: Option<String>,
    /// The value before; of a removed row its code.
    pub before: Option<String>,
    /// The value after; of an added row its code.
    pub after: Option<String>,
    /// The computer, where it is known.
    pub host: Option<String>,
    /// The agent or person, where one is known.
    pub agent: Option<String>,
}

/// What a write does to plans, waves and tasks. Triggers cost time to make, so only those are made that are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touches {
    /// Changes rows that are there.
    Changes,
    /// Adds or removes rows, and may change others.
    Rows,
}

/// What the log tells of a kind of row.
#[derive(Debug, Clone, Copy)]
pub struct Logged {
    /// `plan`, `wave` or `task`.
    pub kind: &'static str,
    /// Its columns that are looked at. The log has those of them that a tool changes.
    pub fields: &'static [&'static str],
    table: &'static str,
    code: &'static str,
    plan: &'static str,
}

/// The kinds of row that are logged.
pub const LOGGED: [Logged; 3] = [
    Logged {
        kind: "plan",
        table: "plans",
        code: "name",
        plan: "id",
        fields: &["status", "name", "description", "human_summary", "execution_host", "worktree_path", "validated_at"],
    },
    Logged {
        kind: "wave",
        table: "waves",
        code: "wave_id",
        plan: "plan_id",
        fields: &[
            "status",
            "name",
            "wave_id",
            "depends_on",
            "precondition",
            "assignee",
            "worktree_path",
            "branch_name",
            "pr_number",
        ],
    },
    Logged {
        kind: "task",
        table: "tasks",
        code: "task_id",
        plan: "plan_id",
        fields: &[
            "status",
            "title",
            "task_id",
            "description",
            "notes",
            "assignee",
            "priority",
            "model",
            "output_data",
            "test_criteria",
            "executor_agent",
            "executor_host",
            "validated_at",
            "wave_id",
        ],
    },
];

/// A plan with its waves and tasks: the logged fields of each row by its place in [`LOGGED`] and its number.
pub type Snapshot = BTreeMap<(usize, i64), Vec<Option<String>>>;

/// The log of changes.
#[derive(Debug, Clone, Copy)]
pub struct ChangeLog<'a> {
    store: &'a Store,
}

impl Store {
    /// The log of changes.
    pub fn change_log(&self) -> ChangeLog<'_> {
        ChangeLog { store: self }
    }
}

const COLUMNS: &str = "c.id, c.at, c.kind, c.row_id, c.plan_id, \
    CASE c.kind WHEN 'task' THEN t.task_id WHEN 'wave' THEN w.wave_id ELSE p.name END, \
    t.wave_id, c.change, c.field, c.before, c.after, c.host, c.agent \
    FROM change_log c LEFT JOIN tasks t ON c.kind = 'task' AND t.id = c.row_id LEFT JOIN waves w ON c.kind = 'wave' AND w.id = c.row_id \
    LEFT JOIN plans p ON c.kind = 'plan' AND p.id = c.row_id";

fn change(row: &Row<'_>) -> rusqlite::Result<Change> {
    Ok(Change {
        id: row.get(0)?,
        at: text(row, 1)?,
        kind: text(row, 2)?,
        row_id: row.get(3)?,
        plan_id: row.get(4)?,
        code: filled_text(row, 5)?,
        wave: filled_text(row, 6)?,
        change: text(row, 7)?,
        field: filled_text(row, 8)?,
        before: optional_text(row, 9)?,
        after: optional_text(row, 10)?,
        host: filled_text(row, 11)?,
        agent: filled_text(row, 12)?,
    })
}

impl ChangeLog<'_> {
    /// Makes sure that there is a log.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn begin(self) -> Result<()> {
        if self.store.read(is_kept)? { Ok(()) } else { self.store.write_logged(Touches::Changes, |_| Ok(())) }
    }

    /// The number of the last change; 0 before the first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn last(self) -> Result<i64> {
        self.store.read(last)
    }

    /// The plan `plan`, its waves and tasks as they are, and its changes after the change `after` in their order, all from
    /// one state of the database.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn of_plan(self, plan: i64, after: i64) -> Result<(Vec<Change>, Snapshot)> {
        let sql = format!("SELECT {COLUMNS} WHERE c.id > ?2 AND c.plan_id = ?1 ORDER BY c.id");
        self.store.read_together(|connection| {
            let read = || -> rusqlite::Result<(Vec<Change>, Snapshot)> {
                let changes =
                    connection.prepare(&sql)?.query_map([plan, after], change)?.collect::<rusqlite::Result<_>>()?;
                Ok((changes, snapshot(connection, plan)?))
            };
            read().map_err(|fault| self.store.fail(&fault))
        })
    }

    /// All changes of the task `task`, in their order.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn of_task(self, task: i64) -> Result<Vec<Change>> {
        if !self.store.read(is_kept)? {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT {COLUMNS} WHERE c.row_id = ?1 AND c.kind = 'task' ORDER BY c.id");
        self.store.read(|connection| connection.prepare(&sql)?.query_map([task], change)?.collect())
    }

    /// A number that changes when another connection has changed the file, and else stays.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn data_version(self) -> Result<i64> {
        self.store.read(|connection| connection.query_row("PRAGMA data_version", [], |row| row.get(0)))
    }
}

fn snapshot(connection: &Connection, plan: i64) -> rusqlite::Result<Snapshot> {
    let mut rows = Snapshot::new();
    for (place, logged) in LOGGED.iter().enumerate() {
        let (fields, table, plan_column) = (logged.fields.join(", "), logged.table, logged.plan);
        let sql = format!("SELECT id, {fields} FROM {table} WHERE {plan_column} = ?1");
        let mut select = connection.prepare(&sql)?;
        let mut found = select.query([plan])?;
        while let Some(row) = found.next()? {
            let values = (1..=logged.fields.len()).map(|at| optional_text(row, at)).collect::<rusqlite::Result<_>>()?;
            rows.insert((place, row.get(0)?), values);
        }
    }
    Ok(rows)
}

impl Logged {
    /// The code (of a plan the name) among the values of a row.
    pub fn code<'v>(&self, values: &'v [Option<String>]) -> Option<&'v str> {
        let place = self.fields.iter().position(|field| *field == self.code)?;
        values.get(place)?.as_deref()
    }
}

fn is_kept(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'change_log')";
    connection.query_row(sql, [], |row| row.get(0))
}

fn last(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT COALESCE(MAX(id), 0) FROM change_log", [], |row| row.get(0))
}

/// Gives the connection the triggers that log what `touches` says; `made` are those that it has already.
pub(crate) fn attach(connection: &Connection, touches: Touches, made: &Cell<usize>) -> rusqlite::Result<()> {
    let wanted = if touches == Touches::Rows { TRIGGERS.len() } else { 1 };
    while made.get() < wanted {
        connection.execute_batch(TRIGGERS[made.get()])?;
        made.set(made.get() + 1);
    }
    Ok(())
}

/// The last change before the work of a transaction; makes the log where there is none yet.
pub(crate) fn mark(connection: &Connection) -> rusqlite::Result<i64> {
    match last(connection) {
        Err(_) if !is_kept(connection)? => {
            TABLE.iter().try_for_each(|sql| connection.execute_batch(sql))?;
            Ok(0)
        }
        other => other,
    }
}

/// Signs the changes after `mark`.
pub(crate) fn sign(connection: &Connection, mark: i64, by: Option<&Signature>) -> rusqlite::Result<()> {
    if let Some(by) = by {
        let sql = "UPDATE change_log SET host = ?2, agent = ?3 WHERE id > ?1";
        connection.execute(sql, params![mark, by.host, by.agent])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::plans::{NewPlan, TaskChange, TaskStatus};

    const NOW: &str = "2026-01-02 03:04:05";

    fn store(folder: &tempfile::TempDir) -> Store {
        let path = folder.path().join("d.db");
        let store = Store::open_or_create(&Settings { path, host: "h".to_owned(), now: NOW.to_owned() }).unwrap();
        let rows = "INSERT INTO plans (id, project_id, name, status) VALUES (1, 'p', 'a', 'doing'); \
                    INSERT INTO waves (id, project_id, plan_id, wave_id, name, status, position) VALUES (5, 'p', 1, 'W1', 'one', 'pending', 1); \
                    INSERT INTO tasks (id, project_id, plan_id, wave_id_fk, wave_id, task_id, title, status) VALUES (7, 'p', 1, 5, 'W1', 'T1', 't', 'pending')";
        store.connection.execute_batch(rows).unwrap();
        store
    }

    fn block(notes: Option<&str>) -> TaskChange<'_> {
        TaskChange { task: 7, to: TaskStatus::Blocked, notes, tokens: None, output_data: None, host: "h" }
    }

    #[test]
    fn the_triggers_log_the_fields_that_are_told() {
        for logged in LOGGED {
            let begin = "AFTER UPDATE OF ";
            let end = format!(" ON main.{} ", logged.table);
            let of = TRIGGERS[0].split(begin).find_map(|part| part.split_once(&end)).unwrap();
            for field in of.0.split(", ") {
                assert!(logged.fields.contains(&field), "{field} is not looked at");
                let compared = format!("'{field}', OLD.{field}, NEW.{field}");
                let first = format!("'{field}' AS field, OLD.{field} AS was, NEW.{field} AS got");
                assert!(of.1.contains(&compared) || of.1.contains(&first), "{compared}");
            }
        }
    }

    #[test]
    fn a_change_is_logged_with_its_fields_and_signed() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        store.sign_as(Signature { host: "desk".to_owned(), agent: Some("ann".to_owned()) });
        store.plans().change_task(&block(Some("it's | waiting")), NOW).unwrap();
        let changes = store.change_log().of_task(7).unwrap();
        let told: Vec<_> =
            changes.iter().map(|c| (c.field.as_deref(), c.before.as_deref(), c.after.as_deref())).collect();
        assert_eq!(
            told,
            [
                (Some("status"), Some("pending"), Some("blocked")),
                (Some("notes"), None, Some("it's | waiting")),
                (Some("executor_host"), None, Some("h")),
            ]
        );
        for change in &changes {
            assert_eq!((change.host.as_deref(), change.agent.as_deref()), (Some("desk"), Some("ann")));
            assert_eq!(
                (change.code.as_deref(), change.wave.as_deref(), change.plan_id),
                (Some("T1"), Some("W1"), Some(1))
            );
        }
        let (of_plan, rows) = store.change_log().of_plan(1, changes[0].id).unwrap();
        assert_eq!(of_plan.len(), 3, "two fields of the task, the plan's host: {of_plan:?}");
        assert_eq!((rows.len(), LOGGED[2].code(&rows[&(2, 7)])), (3, Some("T1")));
        // The same values again are no change.
        store.plans().change_task(&block(Some("it's | waiting")), NOW).unwrap();
        assert_eq!(store.change_log().of_task(7).unwrap().len(), 3);
    }

    #[test]
    fn what_is_undone_is_not_logged() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let done = TaskChange { to: TaskStatus::Done, ..block(None) };
        store.plans().change_task(&done, NOW).unwrap_err();
        assert_eq!(store.change_log().last().unwrap(), 0);
        store.plans().change_task(&block(None), NOW).unwrap();
        assert!(store.change_log().last().unwrap() > 0, "an undone transaction leaves the triggers");
    }

    #[test]
    fn a_database_without_a_log_gets_one_with_the_first_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        store.connection.execute_batch("DROP TABLE change_log").unwrap();
        assert_eq!(store.change_log().of_task(7).unwrap(), []);
        store.plans().change_task(&block(None), NOW).unwrap();
        let new = NewPlan { project: "p", name: "b", ..NewPlan::default() };
        let plan = store.plans().create(&new, NOW).unwrap();
        let (changes, _) = store.change_log().of_plan(plan, 0).unwrap();
        assert_eq!((changes.len(), changes[0].change.as_str(), changes[0].after.as_deref()), (1, "added", Some("b")));
        let shape = "SELECT sql FROM sqlite_master WHERE name LIKE '%change_log%' ORDER BY name";
        let made = |connection: &Connection| -> Vec<String> {
            let squeeze = |sql: String| sql.split_whitespace().collect::<String>().replace("IFNOTEXISTS", "");
            let mut select = connection.prepare(shape).unwrap();
            select.query_map([], |row| row.get(0).map(squeeze)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
        };
        let fresh = self::store(&tempfile::tempdir().unwrap());
        assert_eq!(made(&store.connection), made(&fresh.connection));
    }
}
