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
//! # Patterns
//! A row with `is_glob` locks every path that its `file_path`, a pattern (see [`glob`]), means: whether there is such a
//! file or not. It and a lock on a file it covers, or on a pattern that it meets, exclude each other, unless they are of
//! one owner: who holds a pattern holds the files that it covers.
//!
//! # Other programs
//! Rows made by others have no fence and no place in a repository; they count as locks all the same.

mod claim;
pub mod glob;
mod release;
mod wait;

use rusqlite::{Connection, Params, Row};

use crate::{Result, Store};
use glob::Pattern;

pub use claim::{Claim, Claimed, Grant};

/// The heartbeat's age, in seconds, up to which a lock is never stale.
pub const FRESH_SECONDS: i64 = 300;

/// The heartbeat's age, in seconds, beyond which a lock of this computer is stale whatever its process does.
pub const OLD_SECONDS: i64 = 1800;

/// A file as locks know it, or a pattern of files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedFile {
    /// Absolute, links resolved; of a pattern those of the folders before its first wildcard.
    pub path: String,
    /// The repository that holds it, when there is one.
    pub origin: Option<Origin>,
    /// Whether it is a pattern (see [`glob`]).
    pub glob: bool,
}

impl LockedFile {
    /// Whether `lock` is a lock on this file, or on one that both may mean; with `across_worktrees` also when it is on
    /// the copy in another work tree.
    fn meets(&self, lock: &Lock, across_worktrees: bool) -> bool {
        if meet((&self.path, self.glob), (&lock.file, lock.glob)) {
            return true;
        }
        match (&self.origin, &lock.origin) {
            (Some(own), Some(other)) if across_worktrees && own.repository == other.repository => {
                meet((&own.path, self.glob), (&other.path, lock.glob))
            }
            _ => false,
        }
    }

    /// Whether who holds `lock` holds this file, or every file that this pattern means.
    pub fn is_covered_by(&self, lock: &Lock) -> bool {
        if self.path == lock.file && self.glob == lock.glob {
            return true;
        }
        lock.glob
            && if self.glob {
                // Below a folder lies whatever a pattern below it means.
                lock.file.strip_suffix("**").is_some_and(|folder| {
                    folder.ends_with('/')
                        && Pattern::parse(folder).is_ok_and(|pattern| pattern.is_one_path())
                        && self.path.starts_with(folder)
                })
            } else {
                meet((&self.path, false), (&lock.file, true))
            }
    }
}

/// Whether two paths, or patterns of paths, may mean the same file.
fn meet((one, one_glob): (&str, bool), (two, two_glob): (&str, bool)) -> bool {
    if one == two && one_glob == two_glob {
        return true;
    }
    // A pattern that cannot be read is nothing that this program wrote: it is taken for a path.
    let pattern = |text: &str, glob: bool| {
        if glob { Pattern::parse(text).ok() } else { None }.unwrap_or_else(|| Pattern::of_path(text))
    };
    (one_glob || two_glob) && pattern(one, one_glob).meets(&pattern(two, two_glob))
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
    /// Whether `file` is a pattern of files.
    pub glob: bool,
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
    /// The lock whose path is `path`: a file's, or a pattern.
    pub fn get(self, path: &str, now: &str) -> Result<Option<Lock>> {
        Ok(self.store.read(|connection| select(connection, "file_path = ?2", (now, path)))?.pop())
    }

    /// The locks on `file`: that on the file itself first, then those on patterns that cover it (or, for a pattern, on
    /// all that it meets) in order of acquisition; with `across_worktrees` those on its copies in other work trees last.
    pub fn on(self, file: &LockedFile, across_worktrees: bool, now: &str) -> Result<Vec<Lock>> {
        let mut locks = self.store.read(|connection| meeting(connection, file, across_worktrees, now))?;
        locks.sort_by_key(|lock| (lock.file != file.path, !file.meets(lock, false)));
        Ok(locks)
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

/// The locks on `file`, in order of acquisition; see [`LockedFile::meets`].
fn meeting(
    connection: &Connection,
    file: &LockedFile,
    across_worktrees: bool,
    now: &str,
) -> rusqlite::Result<Vec<Lock>> {
    let mut locks = match &file.origin {
        _ if file.glob => select(connection, "true", [now])?,
        Some(origin) if across_worktrees => {
            let sql = "file_path = ?2 OR is_glob OR (repository = ?3 AND repository_path = ?4)";
            select(connection, sql, (now, &file.path, &origin.repository, &origin.path))?
        }
        _ => select(connection, "file_path = ?2 OR is_glob", (now, &file.path))?,
    };
    locks.retain(|lock| lock.file == file.path || file.meets(lock, across_worktrees));
    Ok(locks)
}

/// The locks for which `condition` holds; `?1` of it is the present time.
fn select(connection: &Connection, condition: &str, values: impl Params) -> rusqlite::Result<Vec<Lock>> {
    let sql = format!(
        "SELECT file_path, task_id, session_id, plan_id, agent_name, pid, host, \
         max(0, unixepoch(?1) - unixepoch(acquired_at)), \
         max(0, unixepoch(?1) - unixepoch(coalesce(heartbeat_at, acquired_at))), \
         fence, repository, repository_path, coalesce(is_glob, 0) FROM file_locks WHERE {condition} ORDER BY acquired_at, id"
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
        glob: row.get(12)?,
    })
}
