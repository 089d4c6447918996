//! The JSON of the answers.

use crewkit_store::locks::Lock;
use serde::Serialize;

/// A file was acquired or entered again.
#[derive(Serialize)]
pub(super) struct Acquired<'a> {
    pub(super) status: &'static str,
    pub(super) file: &'a str,
    #[serde(flatten)]
    pub(super) owner: OwnerKeys<'a>,
    pub(super) fence: i64,
    /// Where the owner holds the file through a pattern: the pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) covered_by: Option<&'a str>,
}

/// Several files were acquired or entered again.
#[derive(Serialize)]
pub(super) struct AcquiredAll<'a> {
    pub(super) status: &'static str,
    #[serde(flatten)]
    pub(super) owner: OwnerKeys<'a>,
    pub(super) files: Vec<AcquiredFile<'a>>,
}

/// One of several files.
#[derive(Serialize)]
pub(super) struct AcquiredFile<'a> {
    pub(super) file: &'a str,
    pub(super) status: &'static str,
    pub(super) fence: i64,
    /// Where the owner holds the file through a pattern: the pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) covered_by: Option<&'a str>,
}

/// Who acquired: the one or the other, or both.
#[derive(Serialize, Clone, Copy)]
pub(super) struct OwnerKeys<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_id: Option<&'a str>,
}

/// A file is another owner's.
#[derive(Serialize)]
pub(super) struct Blocked<'a> {
    pub(super) status: &'static str,
    pub(super) file: &'a str,
    pub(super) held_by: Holder<'a>,
}

/// The holder of a lock.
#[derive(Serialize)]
pub(super) struct Holder<'a> {
    task_id: Option<&'a str>,
    session_id: Option<&'a str>,
    agent: Option<&'a str>,
    pid: i64,
    host: &'a str,
    age_sec: Option<i64>,
    heartbeat_age: Option<i64>,
    fence: Option<i64>,
    /// Where it is a pattern, or the file's copy in another work tree, that is locked: the path of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    /// Whether the lock is one on a pattern.
    #[serde(skip_serializing_if = "is_false")]
    glob: bool,
}

impl<'a> Holder<'a> {
    /// The holder `lock` of the file that the caller called `asked`.
    pub(super) fn new(lock: &'a Lock, asked: &str) -> Self {
        Self {
            task_id: lock.task_id.as_deref(),
            session_id: lock.session_id.as_deref(),
            agent: lock.agent.as_deref(),
            pid: lock.pid,
            host: &lock.host,
            age_sec: lock.age,
            heartbeat_age: lock.heartbeat_age,
            fence: lock.fence,
            file: (lock.file != asked).then_some(&lock.file),
            glob: lock.glob,
        }
    }
}

/// The database stayed busy: nobody knows who holds the file.
#[derive(Serialize)]
pub(super) struct Failed<'a> {
    pub(super) status: &'static str,
    pub(super) file: &'a str,
    pub(super) error: String,
}

/// A locked file, for check.
#[derive(Serialize)]
pub(super) struct Checked<'a> {
    locked: bool,
    file: &'a str,
    task_id: Option<&'a str>,
    agent: Option<&'a str>,
    pid: i64,
    host: &'a str,
    age_sec: Option<i64>,
    heartbeat_age: Option<i64>,
    session_id: Option<&'a str>,
    plan_id: Option<i64>,
    fence: Option<i64>,
    stale: bool,
    /// Where it is a pattern, or the file's copy in another work tree, that is locked: the path of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_file: Option<&'a str>,
    /// Whether the lock is one on a pattern.
    #[serde(skip_serializing_if = "is_false")]
    glob: bool,
}

impl<'a> Checked<'a> {
    /// The lock on the file that the caller called `asked`.
    pub(super) fn new(lock: &'a Lock, asked: &'a str, stale: bool) -> Self {
        Self {
            locked: true,
            file: asked,
            task_id: lock.task_id.as_deref(),
            agent: lock.agent.as_deref(),
            pid: lock.pid,
            host: &lock.host,
            age_sec: lock.age,
            heartbeat_age: lock.heartbeat_age,
            session_id: lock.session_id.as_deref(),
            plan_id: lock.plan_id,
            fence: lock.fence,
            stale,
            locked_file: (lock.file != asked).then_some(&lock.file),
            glob: lock.glob,
        }
    }
}

/// A free file, for check.
#[derive(Serialize)]
pub(super) struct Free<'a> {
    pub(super) locked: bool,
    pub(super) file: &'a str,
}

/// A row of list.
#[derive(Serialize)]
pub(super) struct Listed<'a> {
    file: &'a str,
    task_id: Option<&'a str>,
    session_id: Option<&'a str>,
    agent: Option<&'a str>,
    pid: i64,
    host: &'a str,
    age_sec: Option<i64>,
    heartbeat_age: Option<i64>,
    plan_id: Option<i64>,
    fence: Option<i64>,
    stale: bool,
    /// Whether the lock is one on a pattern.
    #[serde(skip_serializing_if = "is_false")]
    glob: bool,
}

impl<'a> Listed<'a> {
    /// The row of `lock`.
    pub(super) fn new(lock: &'a Lock, stale: bool) -> Self {
        Self {
            file: &lock.file,
            task_id: lock.task_id.as_deref(),
            session_id: lock.session_id.as_deref(),
            agent: lock.agent.as_deref(),
            pid: lock.pid,
            host: &lock.host,
            age_sec: lock.age,
            heartbeat_age: lock.heartbeat_age,
            plan_id: lock.plan_id,
            fence: lock.fence,
            stale,
            glob: lock.glob,
        }
    }
}

/// A row of the preview of cleanup.
#[derive(Serialize)]
pub(super) struct Doomed<'a> {
    file: &'a str,
    task_id: Option<&'a str>,
    session_id: Option<&'a str>,
    age_sec: Option<i64>,
    heartbeat_age: Option<i64>,
    host: &'a str,
}

impl<'a> From<&'a Lock> for Doomed<'a> {
    fn from(lock: &'a Lock) -> Self {
        Self {
            file: &lock.file,
            task_id: lock.task_id.as_deref(),
            session_id: lock.session_id.as_deref(),
            age_sec: lock.age,
            heartbeat_age: lock.heartbeat_age,
            host: &lock.host,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !*value
}
