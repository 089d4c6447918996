//! Taking locks: reading, deciding and writing in one transaction.

use rusqlite::{Connection, params};

use super::{Here, Lock, LockedFile, Locks, Owner, meeting};
use crate::Result;

/// What an owner wants: some files, all of them or none.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The files, each once; taken in this order.
    pub files: Vec<LockedFile>,
    /// For whom.
    pub owner: Owner,
    /// For which plan.
    pub plan_id: Option<i64>,
    /// The agent's name.
    pub agent: String,
    /// A process that lives as long as the owner's work; see [`Lock::stale`].
    pub pid: i64,
    /// Whether locks on the same files in other work trees of the repository count too.
    pub across_worktrees: bool,
}

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// All files are the owner's, one grant a file in the order of the claim.
    Granted(Vec<Grant>),
    /// Nothing was taken: a file is another owner's.
    Held {
        /// The file that was wanted.
        file: String,
        /// The lock on it, or on its copy in another work tree.
        by: Box<Lock>,
    },
}

/// A file that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The file's path.
    pub file: String,
    /// The path of the lock that holds it: the same, or the pattern that the owner had already and that covers it.
    pub held_by: String,
    /// Whether the owner had it already.
    pub reentrant: bool,
    /// The grant's number; that of the first time where the owner had it already.
    pub fence: i64,
    /// Stale locks of others that were broken for it.
    pub broken: Vec<Lock>,
}

impl Locks<'_> {
    /// Takes all files of `claim` or none: one try.
    pub fn claim(self, claim: &Claim, here: &Here<'_>) -> Result<Claimed> {
        self.store.write(|connection| {
            let now = (here.now)();
            let fail = |fault: rusqlite::Error| self.store.fail(&fault);
            let found = match survey(connection, claim, here, &now).map_err(fail)? {
                Survey::Free(found) => found,
                Survey::Held { file, by } => return Ok(Claimed::Held { file, by }),
            };
            let mut gone = Vec::new();
            let grants = claim.files.iter().zip(found);
            let grants = grants.map(|(file, found)| take(connection, claim, file, found, &mut gone, (here, &now)));
            grants.collect::<rusqlite::Result<_>>().map(Claimed::Granted).map_err(fail)
        })
    }

    /// What a claim would meet now, without a transaction: for waiters.
    pub(super) fn peek(self, claim: &Claim, here: &Here<'_>) -> Result<Survey> {
        let now = (here.now)();
        self.store.read(|connection| survey(connection, claim, here, &now))
    }
}

/// What stands in the way of a claim.
pub(super) enum Survey {
    /// Nothing: for each file the locks on it, all of them the owner's or stale.
    Free(Vec<Vec<Lock>>),
    /// Another owner's lock.
    Held { file: String, by: Box<Lock> },
}

fn survey(connection: &Connection, claim: &Claim, here: &Here<'_>, now: &str) -> rusqlite::Result<Survey> {
    let mut found = Vec::with_capacity(claim.files.len());
    for file in &claim.files {
        let locks = meeting(connection, file, claim.across_worktrees, now)?;
        // A file whose name is a pattern's text and that pattern cannot both be locked, not even by one owner.
        let other_kind = |lock: &Lock| lock.file == file.path && lock.glob != file.glob;
        let stands = |lock: &&Lock| other_kind(lock) || !claim.owner.holds(lock);
        if let Some(by) = locks.iter().filter(stands).find(|lock| !lock.stale(here)) {
            return Ok(Survey::Held { file: file.path.clone(), by: Box::new(by.clone()) });
        }
        found.push(locks);
    }
    Ok(Survey::Free(found))
}

/// Takes one file whose locks, `found`, are all the owner's or stale. `gone`: those that the claim has broken so far.
fn take(
    connection: &Connection,
    claim: &Claim,
    file: &LockedFile,
    found: Vec<Lock>,
    gone: &mut Vec<String>,
    (here, now): (&Here<'_>, &str),
) -> rusqlite::Result<Grant> {
    let Owner { task, session } = &claim.owner;
    let is_own = |lock: &Lock| claim.owner.holds(lock) && (lock.file != file.path || lock.glob == file.glob);
    let (own, mut broken): (Vec<Lock>, Vec<Lock>) = found.into_iter().partition(is_own);
    // One that is in the way of several files of the claim is broken once: its place may be the owner's by now.
    broken.retain(|lock| !gone.contains(&lock.file));
    for lock in &broken {
        connection.execute("DELETE FROM file_locks WHERE file_path = ?1", [&lock.file])?;
        gone.push(lock.file.clone());
    }
    // A task that works under its session's pattern gets locks of its own, or it would keep the session's other tasks
    // out of all of it.
    let covers = |lock: &&Lock| file.is_covered_by(lock) && (task.is_none() || *task == lock.task_id);
    let exact = own.iter().find(|lock| lock.file == file.path);
    let own = exact.or_else(|| own.iter().find(covers));
    let reentrant = own.is_some();
    let held_by = own.map_or(&file.path, |lock| &lock.file).clone();
    let fence = match own.and_then(|lock| lock.fence) {
        Some(fence) => fence,
        None => next_fence(connection)?,
    };
    if reentrant {
        // The owner may come back as another process, and a task's session may be a new one; what it does not say stays.
        connection.execute(
            "UPDATE file_locks SET heartbeat_at = ?2, pid = ?3, host = ?4, task_id = coalesce(?5, task_id), \
             session_id = coalesce(?6, session_id), plan_id = coalesce(plan_id, ?7), fence = ?8 WHERE file_path = ?1",
            params![held_by, now, claim.pid, here.host, task, session, claim.plan_id, fence],
        )?;
    } else {
        let origin = file.origin.as_ref();
        connection.execute(
            "INSERT INTO file_locks (file_path, task_id, session_id, plan_id, agent_name, pid, host, acquired_at, \
             heartbeat_at, repository, repository_path, fence, is_glob) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12)",
            params![
                file.path,
                task,
                session,
                claim.plan_id,
                claim.agent,
                claim.pid,
                here.host,
                now,
                origin.map(|origin| &origin.repository),
                origin.map(|origin| &origin.path),
                fence,
                file.glob
            ],
        )?;
    }
    Ok(Grant { file: file.path.clone(), held_by, reentrant, fence, broken })
}

/// The number of a new grant. It never falls back, not even when the counter's row was lost.
fn next_fence(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(
        "INSERT INTO schema_metadata (key, value) \
         VALUES ('file_lock_fence', (SELECT coalesce(max(fence), 0) + 1 FROM file_locks)) \
         ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER) + 1, CAST(excluded.value AS INTEGER)) \
         RETURNING CAST(value AS INTEGER)",
        [],
        |row| row.get(0),
    )
}
