//! Which plan or wave a worktree is assigned to: `worktree_path` of `plans` and `waves`, `branch_name` of `waves`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row, params};

use crate::change_log::Touches;
use crate::{Result, Store};

/// Who has a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The plan of this number.
    Plan(i64),
    /// The wave of this row number.
    Wave(i64),
}

/// A plan or wave and its worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Whose it is.
    pub holder: Holder,
    /// The status of the plan or wave.
    pub status: String,
    /// The worktree as stored (`~` for the home folder); `None` for none, or an empty one.
    pub path: Option<PathBuf>,
    /// The wave's branch; `None` for none, and for a plan.
    pub branch: Option<String>,
}

impl Assignment {
    /// Whether the work is going on.
    pub fn in_progress(&self) -> bool {
        match self.holder {
            Holder::Plan(_) => self.status == "doing",
            Holder::Wave(_) => matches!(self.status.as_str(), "in_progress" | "merging"),
        }
    }
}

/// The assignments of a [`Store`].
#[derive(Debug, Clone, Copy)]
pub struct Assignments<'a> {
    store: &'a Store,
}

impl Store {
    /// Which plan or wave a worktree is assigned to.
    pub fn assignments(&self) -> Assignments<'_> {
        Assignments { store: self }
    }
}

impl Assignments<'_> {
    /// The plan `id`, or `None` when there is no such plan.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn plan(self, id: i64) -> Result<Option<Assignment>> {
        self.store.read(|connection| Ok(plans(connection, "id = ?1", [id])?.pop()))
    }

    /// The wave with the row number `id`, or `None` when there is no such wave.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn wave(self, id: i64) -> Result<Option<Assignment>> {
        self.store.read(|connection| Ok(waves(connection, "id = ?1", [id])?.pop()))
    }

    /// The waves of a plan that have a worktree, in their order.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn waves_of(self, plan: i64) -> Result<Vec<Assignment>> {
        self.store.read(|connection| waves(connection, "plan_id = ?1 AND worktree_path <> ''", [plan]))
    }

    /// Every plan and wave that has a worktree.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn all(self) -> Result<Vec<Assignment>> {
        self.store.read_together(|connection| {
            let read = || -> rusqlite::Result<Vec<Assignment>> {
                let mut all = plans(connection, "worktree_path <> ''", [])?;
                all.append(&mut waves(connection, "worktree_path <> ''", [])?);
                Ok(all)
            };
            read().map_err(|fault| self.store.fail(&fault))
        })
    }

    /// Takes the worktrees (and the waves' branches) away from these plans and waves, where they still have what was
    /// read. `now`: UTC, `YYYY-MM-DD HH:MM:SS`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn release(self, assignments: &[Assignment], now: &str) -> Result<()> {
        self.store.write_logged(Touches::Changes, |connection| {
            for assignment in assignments {
                let path = assignment.path.as_ref().map(|path| path.as_os_str().as_bytes());
                let (sql, id) = match assignment.holder {
                    Holder::Plan(id) => {
                        let sql = "UPDATE plans SET worktree_path = NULL, updated_at = ?3 \
                                   WHERE id = ?1 AND CAST(worktree_path AS BLOB) IS ?2";
                        (sql, id)
                    }
                    Holder::Wave(id) => {
                        let sql = "UPDATE waves SET worktree_path = NULL, branch_name = NULL, updated_at = ?3 \
                                   WHERE id = ?1 AND CAST(worktree_path AS BLOB) IS ?2";
                        (sql, id)
                    }
                };
                connection.execute(sql, params![id, path, now]).map_err(|fault| self.store.fail(&fault))?;
            }
            Ok(())
        })
    }
}

fn plans(connection: &Connection, condition: &str, values: impl Params) -> rusqlite::Result<Vec<Assignment>> {
    let sql = format!("SELECT id, status, worktree_path, NULL FROM plans WHERE {condition} ORDER BY id");
    connection.prepare(&sql)?.query_map(values, |row| assignment(row, Holder::Plan))?.collect()
}

fn waves(connection: &Connection, condition: &str, values: impl Params) -> rusqlite::Result<Vec<Assignment>> {
    let sql = format!(
        "SELECT id, status, worktree_path, NULLIF(branch_name, '') FROM waves WHERE {condition} ORDER BY position, id"
    );
    connection.prepare(&sql)?.query_map(values, |row| assignment(row, Holder::Wave))?.collect()
}

fn assignment(row: &Row<'_>, holder: fn(i64) -> Holder) -> rusqlite::Result<Assignment> {
    let bytes = |at: usize| -> rusqlite::Result<Option<Vec<u8>>> {
        Ok(match row.get_ref(at)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) if !bytes.is_empty() => Some(bytes.to_vec()),
            _ => None,
        })
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Assignment {
        holder: holder(row.get(0)?),
        status: bytes(1)?.map(text).unwrap_or_default(),
        path: bytes(2)?.map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes))),
        branch: bytes(3)?.map(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn store(folder: &tempfile::TempDir) -> Store {
        let path = folder.path().join("d.db");
        let settings = Settings { path, host: "h".to_owned(), now: "2026-01-02 03:04:05".to_owned() };
        let store = Store::open_or_create(&settings).unwrap();
        store
            .connection
            .execute_batch(
                "INSERT INTO plans (id, project_id, name, status, worktree_path) VALUES \
                 (1, 'p', 'a', 'doing', '~/a'), (2, 'p', 'b', 'done', NULL), (3, 'p', 'c', 'todo', ''); \
                 INSERT INTO waves (id, project_id, plan_id, wave_id, name, status, position, worktree_path, branch_name) \
                 VALUES (5, 'p', 1, 'W2', 'w', 'merging', 2, '/w/2', 'plan/1-W2'), \
                 (6, 'p', 1, 'W1', 'w', 'done', 1, X'2FFF', NULL), (7, 'p', 1, 'W3', 'w', 'pending', 3, NULL, NULL)",
            )
            .unwrap();
        store
    }

    #[test]
    fn what_was_read_is_released_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let assignments = store.assignments();
        assert_eq!((assignments.plan(9).unwrap(), assignments.wave(9).unwrap()), (None, None));
        assert_eq!(assignments.plan(3).unwrap().unwrap().path, None);
        let waves = assignments.waves_of(1).unwrap();
        assert_eq!(waves.iter().map(|wave| wave.holder).collect::<Vec<_>>(), [Holder::Wave(6), Holder::Wave(5)]);
        let all = assignments.all().unwrap();
        let progress: Vec<_> = all.iter().map(|one| (one.holder, one.in_progress())).collect();
        assert_eq!(progress, [(Holder::Plan(1), true), (Holder::Wave(6), false), (Holder::Wave(5), true)]);

        let mut stale = assignments.plan(1).unwrap().unwrap();
        stale.path = Some(PathBuf::from("/elsewhere/a"));
        assignments.release(&[stale, waves[0].clone()], "2026-01-02 04:00:00").unwrap();
        assert_eq!(assignments.all().unwrap().len(), 2);
        assignments.release(&assignments.all().unwrap(), "2026-01-02 04:00:00").unwrap();
        assert_eq!(assignments.all().unwrap(), []);
        assert_eq!(assignments.wave(5).unwrap().unwrap().branch, None);
    }
}
