//! Snapshots of files: what each one's content was when a task read it.

use rusqlite::{Connection, params};

use crate::{Result, Store};

/// The hash of a file that was not there.
const MISSING: &str = "MISSING";

/// What a file held when a task read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its absolute path.
    pub path: String,
    /// SHA-256 of its content, 64 hexadecimal digits; `None` when there was no such file.
    pub hash: Option<String>,
}

impl Store {
    /// Snapshots of files.
    pub fn snapshots(&self) -> Snapshots<'_> {
        Snapshots { store: self }
    }
}

/// The functions of file snapshots.
#[derive(Debug, Clone, Copy)]
pub struct Snapshots<'a> {
    store: &'a Store,
}

impl Snapshots<'_> {
    /// Keeps what the files of `task` hold, all or none; earlier snapshots of the same files give way, with `replace`
    /// all earlier ones of the task.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn keep(self, task: &str, files: &[Snapshot], branch: &str, replace: bool, now: &str) -> Result<()> {
        self.change(|connection| {
            if replace {
                connection.execute("DELETE FROM file_snapshots WHERE task_id = ?1", [task])?;
            }
            let mut insert = connection.prepare(
                "INSERT OR REPLACE INTO file_snapshots (task_id, file_path, file_hash, branch, snapshot_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for file in files {
                let hash = file.hash.as_deref().unwrap_or(MISSING);
                insert.execute(params![task, file.path, hash, branch, now])?;
            }
            Ok(())
        })
    }

    /// The snapshots of `task`, in the order they were taken.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn of_task(self, task: &str) -> Result<Vec<Snapshot>> {
        self.store.read(|connection| {
            let sql = "SELECT file_path, file_hash FROM file_snapshots WHERE task_id = ?1 ORDER BY id";
            let read = |row: &rusqlite::Row<'_>| {
                let hash: String = row.get(1)?;
                Ok(Snapshot { path: row.get(0)?, hash: Some(hash).filter(|hash| hash != MISSING) })
            };
            connection.prepare(sql)?.query_map([task], read)?.collect()
        })
    }

    /// Forgets the snapshots of `task`; how many.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn forget(self, task: &str) -> Result<usize> {
        self.change(|connection| connection.execute("DELETE FROM file_snapshots WHERE task_id = ?1", [task]))
    }

    /// Forgets every snapshot that is older than `hours` at `now`; how many.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn forget_older(self, hours: u32, now: &str) -> Result<usize> {
        let sql = "DELETE FROM file_snapshots WHERE datetime(snapshot_at) < datetime(?1, ?2)";
        self.change(|connection| connection.execute(sql, params![now, format!("-{hours} hours")]))
    }

    fn change<T>(self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.store.write(|connection| work(connection).map_err(|fault| self.store.fail(&fault)))
    }
}
