//! release, release-task, release-session, heartbeat, cleanup.

use std::ffi::OsString;

use clap::Args;
use crewkit_store::locks::{Locks, Owner};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};
use serde_json::json;

use super::answers::Doomed;
use super::files;

/// Give a lock back: that of the owner given, else whoever holds it.
#[derive(Args, Debug)]
pub(super) struct Release {
    /// The file.
    file: OsString,
    /// Only if this task holds it.
    #[arg(value_parser = files::name())]
    task: Option<String>,
    /// Only if this session holds it.
    #[arg(long, value_name = "ID", value_parser = files::name())]
    session: Option<String>,
    /// The file is a pattern: *, ?, [a-z] and ** as in .gitignore. DIR/** is one without this.
    #[arg(long)]
    glob: bool,
}

/// Give back all locks of a task.
#[derive(Args, Debug)]
pub(super) struct ReleaseTask {
    /// The task's id.
    #[arg(value_parser = files::name())]
    task: String,
}

/// Give back all locks of a session.
#[derive(Args, Debug)]
pub(super) struct ReleaseSession {
    /// The session's id.
    #[arg(value_parser = files::name())]
    session: String,
}

/// Say that the owner of a lock is still at work.
#[derive(Args, Debug)]
pub(super) struct Heartbeat {
    /// The file.
    file: OsString,
    /// Only if this task holds it.
    #[arg(value_parser = files::name())]
    task: Option<String>,
    /// Only if this session holds it.
    #[arg(long, value_name = "ID", value_parser = files::name())]
    session: Option<String>,
    /// The file is a pattern: *, ?, [a-z] and ** as in .gitignore. DIR/** is one without this.
    #[arg(long)]
    glob: bool,
}

/// Remove locks, of any computer, whose heartbeat is old.
#[derive(Args, Debug)]
pub(super) struct Cleanup {
    /// How old, in minutes.
    #[arg(long, value_name = "MIN", allow_negative_numbers = true, default_value_t = 30)]
    max_age: u32,
    /// Only show what would be removed.
    #[arg(long)]
    dry_run: bool,
}

impl Release {
    pub(super) fn run(self, context: &Context) -> Answer {
        let file = files::plain_file(context, &self.file, self.glob)?;
        let owner = Owner { task: self.task, session: self.session };
        let mut count = 0;
        if let Some(store) = context.existing_store()? {
            count = store.locks().release(&file.path, &owner)?;
            if count == 0 {
                let locks = store.locks().on(&file, false, &context.now())?;
                if let Some(lock) = locks.iter().find(|lock| lock.glob && lock.file != file.path) {
                    context.note(format!("the lock on {} covers {} and stays", lock.file, file.path));
                }
            }
        }
        Ok(Outcome::json(&json!({ "released": file.path, "count": count })))
    }
}

impl ReleaseTask {
    pub(super) fn run(self, context: &Context) -> Answer {
        let count = released(context, |locks| locks.release_task(&self.task))?;
        Ok(Outcome::json(&json!({ "task_id": self.task, "released_count": count })))
    }
}

impl ReleaseSession {
    pub(super) fn run(self, context: &Context) -> Answer {
        let count = released(context, |locks| locks.release_session(&self.session))?;
        Ok(Outcome::json(&json!({ "session_id": self.session, "released_count": count })))
    }
}

/// How many locks `release` gave back; none where there is no database.
fn released(
    context: &Context,
    release: impl FnOnce(Locks<'_>) -> Result<usize, crewkit_store::Error>,
) -> Result<usize, Refusal> {
    match context.existing_store()? {
        Some(store) => Ok(release(store.locks())?),
        None => Ok(0),
    }
}

impl Heartbeat {
    pub(super) fn run(self, context: &Context) -> Answer {
        let file = files::plain_file(context, &self.file, self.glob)?;
        let owner = Owner { task: self.task, session: self.session };
        let held = match context.existing_store()? {
            Some(store) => store.locks().heartbeat(&file, &owner, &context.now())?,
            None => false,
        };
        Ok(if held {
            Outcome::json(&json!({ "heartbeat": "updated", "file": file.path }))
        } else {
            Outcome::json_error(&json!({ "heartbeat": "not_held", "file": file.path }), exit_code::REFUSED)
        })
    }
}

impl Cleanup {
    pub(super) fn run(self, context: &Context) -> Answer {
        let minutes = i64::from(self.max_age);
        let store = context.existing_store()?;
        if self.dry_run {
            let old = store.map(|store| store.locks().older_than(minutes, &context.now())).transpose()?;
            let rows = old.unwrap_or_default();
            return Ok(Outcome::json(&rows.iter().map(Doomed::from).collect::<Vec<_>>()));
        }
        let cleaned = match store {
            Some(store) => store.locks().cleanup(minutes, &context.now())?,
            None => 0,
        };
        Ok(Outcome::json(&json!({ "cleaned": cleaned })))
    }
}
