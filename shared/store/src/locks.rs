//! File locks: one row of `file_locks` a locked file. One writer per file among agents.
//!
//! # Ownership
//! A lock belongs to a task, a session, or both; never to a process or an agent's name. See [`Owner::holds`].
//!
//! # Staleness
//! A heartbeat of at most [`FRESH_SECONDS`] keeps a lock whatever happened to its process. Up to [`OLD_SECONDS`] a lock
//! of this computer is stale when its process is dead; beyond that it is stale in any case, for the number may be
//! another process's by then. A lock of another computer is never stale: only [`Locks::cleanup`] removes it, by age.
//!
//! # Fences
//! Every grant gets a number larger than all before it, counted in `schema_metadata` under `file_lock_fence`. Who
//! writes under a lock can have the number verified first: a holder that slept through the loss of its lock finds out.
//!
//! # Other programs
//! Rows made by others have no fence and no place in a repository; they count as locks all the same.

mod claim;
mod release;
mod wait;

use rusqlite::{Connection, Params, Row};

use crate::{Result, Store};

pub use claim::{Claim, Claimed, Grant};

/// The heartbeat's age, in seconds, up to which a lock is never stale.
pub const FRESH_SECONDS: i64 = 300;

/// The heartbeat's age, in seconds, beyond which a lock of this computer is stale whatever its process does.
pub const OLD_SECONDS: i64 = 1800;

/// A file as locks know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedFile {
    /// Absolute, links resolved.
    pub path: String,
    /// The repository that holds it, when there is one.
    pub origin: Option<Origin>,
}

/// A file's place in a repository: the same for its copies in all work trees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The git folder that all work trees share.
    pub repository: String,
    /// The path from the top of the work tree.
    pub path: String,
}

/// Who owns a lock, or wants to. One of both is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// A task's id.
    pub task: Option<String>,
    /// A session's id.
    pub session: Option<String>,
}

impl Owner {
    /// Whether `lock` is this owner's. Where both name a task the tasks decide, so that two tasks that run in one
    /// session keep each other out; else the sessions do.
    pub fn holds(&self, lock: &Lock) -> bool {
        match (&self.task, &lock.task_id) {
            (Some(own), Some(other)) => own == other,
            _ => self.session.is_some() && self.session == lock.session_id,
        }
    }
}

/// One lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The file's absolute path.
    pub file: String,
    /// The task that owns it.
    pub task_id: Option<String>,
    /// The session that owns it.
    pub session_id: Option<String>,
    /// The plan it was taken for.
    pub plan_id: Option<i64>,
    /// The agent's name.
    pub agent: Option<String>,
    /// A process that lives as long as the owner's work.
    pub pid: i64,
    /// The computer of that process.
    pub host: String,
    /// Seconds since it was acquired; `None` when the row holds no time.
    pub age: Option<i64>,
    /// Seconds since the last sign of life; `None` when the row holds no time.
    pub heartbeat_age: Option<i64>,
    /// The number of the grant; `None` when something else than crewkit made the row.
    pub fence: Option<i64>,
    /// The file's place in its repository.
    pub origin: Option<Origin>,
}

impl Lock {
    /// Whether an acquirer on this computer may break it; see the module's text.
    pub fn stale(&self, here: &Here<'_>) -> bool {
        let local = self.host.strip_suffix(".local").unwrap_or(&self.host) == here.host;
        local
            && match self.heartbeat_age {
                Some(age) if age <= FRESH_SECONDS => false,
                Some(age) if age > OLD_SECONDS => true,
                _ => !(here.alive)(self.pid),
            }
    }
}

/// The computer and the moment at which locks are looked at.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// The name of this computer.
    pub host: &'a str,
    /// The present time, UTC, `YYYY-MM-DD HH:MM:SS`.
    pub now: &'a dyn Fn() -> String,
    /// Whether a process lives on this computer.
    pub alive: &'a dyn Fn(i64) -> bool,
}

impl std::fmt::Debug for Here<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Here").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Which locks to list; all conditions that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those taken for this plan.
    pub plan_id: Option<i64>,
    /// Those of this task.
    pub task_id: Option<String>,
    /// Those of this session.
    pub session_id: Option<String>,
}

/// The locks of a [`Store`].
#[derive(Debug, Clone, Copy)]
pub struct Locks<'a> {
    store: &'a Store,
}

impl Store {
    /// The file locks.
    pub fn locks(&self) -> Locks<'_> {
        Locks { store: self }
    }
}

impl Locks<'_> {
    /// The lock on the file at `path`.
    pub fn get(self, path: &str, now: &str) -> Result<Option<Lock>> {
        Ok(self.store.read(|connection| select(connection, "file_path = ?2", (now, path)))?.pop())
    }

    /// The locks on other work trees' copies of `file`, in order of acquisition.
    pub fn of_copies(self, file: &LockedFile, now: &str) -> Result<Vec<Lock>> {
        let Some(origin) = &file.origin else { return Ok(Vec::new()) };
        self.store.read(|connection| {
            let sql = "repository = ?2 AND repository_path = ?3 AND file_path <> ?4";
            select(connection, sql, (now, &origin.repository, &origin.path, &file.path))
        })
    }

    /// Locks in order of acquisition.
    pub fn list(self, filter: &Filter, now: &str) -> Result<Vec<Lock>> {
        self.store.read(|connection| {
            let sql =
                "(?2 IS NULL OR plan_id = ?2) AND (?3 IS NULL OR task_id = ?3) AND (?4 IS NULL OR session_id = ?4)";
            select(connection, sql, (now, filter.plan_id, &filter.task_id, &filter.session_id))
        })
    }

    /// Locks whose heartbeat is older than `minutes`, in order of acquisition: what [`Locks::cleanup`] would remove.
    pub fn older_than(self, minutes: i64, now: &str) -> Result<Vec<Lock>> {
        self.store.read(|connection| select(connection, release::OLDER, (now, minutes)))
    }
}

/// The locks for which `condition` holds; `?1` of it is the present time.
fn select(connection: &Connection, condition: &str, values: impl Params) -> rusqlite::Result<Vec<Lock>> {
    let sql = format!(
        "SELECT file_path, task_id, session_id, plan_id, agent_name, pid, host, \
         max(0, unixepoch(?1) - unixepoch(acquired_at)), \
         max(0, unixepoch(?1) - unixepoch(coalesce(heartbeat_at, acquired_at))), \
         fence, repository, repository_path FROM file_locks WHERE {condition} ORDER BY acquired_at, id"
    );
    connection.prepare(&sql)?.query_map(values, lock)?.collect()
}

fn lock(row: &Row<'_>) -> rusqlite::Result<Lock> {
    let origin = row.get::<_, Option<String>>(10)?.zip(row.get::<_, Option<String>>(11)?);
    Ok(Lock {
        file: row.get(0)?,
        task_id: row.get(1)?,
        session_id: row.get(2)?,
        plan_id: row.get(3)?,
        agent: row.get(4)?,
        pid: row.get(5)?,
        host: row.get(6)?,
        age: row.get(7)?,
        heartbeat_age: row.get(8)?,
        fence: row.get(9)?,
        origin: origin.map(|(repository, path)| Origin { repository, path }),
    })
}
