//! Giving locks back, keeping them alive, clearing old ones away.

use rusqlite::params;

use super::{LockedFile, Locks, Owner, select};
use crate::Result;

/// Locks whose heartbeat is older than `?2` minutes at the time `?1`.
pub(super) const OLDER: &str = "unixepoch(?1) - unixepoch(coalesce(heartbeat_at, acquired_at)) > ?2 * 60";

/// The lock on `?1` if it is that of the task `?2` and the session `?3`, where they are given.
const OF_OWNER: &str = "file_path = ?1 AND (?2 IS NULL OR task_id = ?2) AND (?3 IS NULL OR session_id = ?3)";

impl Locks<'_> {
    /// Releases the lock on the file at `path`: whoever holds it, or only if `owner` does where that names somebody.
    /// The number of locks that were released, 0 or 1.
    pub fn release(self, path: &str, owner: &Owner) -> Result<usize> {
        self.change(&format!("DELETE FROM file_locks WHERE {OF_OWNER}"), params![path, owner.task, owner.session])
    }

    /// Releases the lock on the file at `path` if it is still the grant `fence`.
    pub fn release_grant(self, path: &str, fence: i64) -> Result<usize> {
        self.change("DELETE FROM file_locks WHERE file_path = ?1 AND fence = ?2", params![path, fence])
    }

    /// Releases all locks of a task; how many there were.
    pub fn release_task(self, task: &str) -> Result<usize> {
        self.change("DELETE FROM file_locks WHERE task_id = ?1", [task])
    }

    /// Releases all locks of a session; how many there were.
    pub fn release_session(self, session: &str) -> Result<usize> {
        self.change("DELETE FROM file_locks WHERE session_id = ?1", [session])
    }

    /// Notes a sign of life of the lock on `file` (without one, of those on patterns that cover it), whoever holds it, or
    /// only if `owner` does. Whether there was such a lock.
    pub fn heartbeat(self, file: &LockedFile, owner: &Owner, now: &str) -> Result<bool> {
        let sql = format!("UPDATE file_locks SET heartbeat_at = ?4 WHERE {OF_OWNER}");
        self.store.write(|connection| {
            let beat = |path: &str| connection.execute(&sql, params![path, owner.task, owner.session, now]);
            let all = || -> rusqlite::Result<usize> {
                let own = beat(&file.path)?;
                if own > 0 {
                    return Ok(own);
                }
                let patterns = select(connection, "is_glob", [now])?;
                patterns.iter().filter(|lock| file.is_covered_by(lock)).map(|lock| beat(&lock.file)).sum()
            };
            Ok(all().map_err(|fault| self.store.fail(&fault))? > 0)
        })
    }

    /// Notes a sign of life of the grant `fence` on the file at `path`; whether that still stands.
    pub fn heartbeat_grant(self, path: &str, fence: i64, now: &str) -> Result<bool> {
        let sql = "UPDATE file_locks SET heartbeat_at = ?3 WHERE file_path = ?1 AND fence = ?2";
        Ok(self.change(sql, params![path, fence, now])? > 0)
    }

    /// Notes a sign of life of all locks of a session; how many there were.
    pub fn heartbeat_session(self, session: &str, now: &str) -> Result<usize> {
        self.change("UPDATE file_locks SET heartbeat_at = ?2 WHERE session_id = ?1", params![session, now])
    }

    /// Removes locks of any computer whose heartbeat is older than `minutes`; how many there were.
    pub fn cleanup(self, minutes: i64, now: &str) -> Result<usize> {
        let removed = self.change(&format!("DELETE FROM file_locks WHERE {OLDER}"), params![now, minutes])?;
        self.forget_waiting_places();
        Ok(removed)
    }

    fn change(self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.store.write(|connection| connection.execute(sql, values).map_err(|fault| self.store.fail(&fault)))
    }
}
