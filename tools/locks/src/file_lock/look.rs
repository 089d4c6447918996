//! check, list, who, verify.

use std::ffi::OsString;

use clap::Args;
use crewkit_store::locks::{Filter, Lock};
use crewkit_tool::args::RowId;
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use serde::Serialize;
use serde_json::json;

use super::answers::{Checked, Free, Holder, Listed};
use super::files;

/// Say whether a file is locked, itself or by a pattern that covers it, and by whom.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// The file.
    file: OsString,
    /// Look at locks on the same file in other work trees of the repository too.
    #[arg(long)]
    across_worktrees: bool,
    /// The file is a pattern: *, ?, [a-z] and ** as in .gitignore. DIR/** is one without this.
    #[arg(long)]
    glob: bool,
}

/// List locks in the order in which they were taken.
#[derive(Args, Debug)]
pub(super) struct List {
    /// Those of this plan.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    plan_id: Option<RowId>,
    /// Those of this task.
    #[arg(long, value_name = "ID", value_parser = files::name())]
    task_id: Option<String>,
    /// Those of this session.
    #[arg(long, value_name = "ID", value_parser = files::name())]
    session_id: Option<String>,
    /// Those that the next who wants the file may break.
    #[arg(long)]
    stale: bool,
    /// As a JSON array, which it is without this too.
    #[arg(long, conflicts_with = "human")]
    json: bool,
    /// As a table for people.
    #[arg(long)]
    human: bool,
}

/// List the owners of locks with their files.
#[derive(Args, Debug)]
pub(super) struct Who {}

/// Say whether a grant still stands: 0 if it does, 1 if the file was released or granted again since.
#[derive(Args, Debug)]
pub(super) struct Verify {
    /// The file.
    file: OsString,
    /// The number that acquire gave.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    fence: RowId,
    /// The file is a pattern: *, ?, [a-z] and ** as in .gitignore. DIR/** is one without this.
    #[arg(long)]
    glob: bool,
}

/// Locks, each with whether it is stale.
fn locks(context: &Context, filter: &Filter) -> Result<Vec<(Lock, bool)>, Refusal> {
    let Some(store) = context.existing_store()? else { return Ok(Vec::new()) };
    let found = store.locks().list(filter, &context.now())?;
    Ok(files::here(context, |here| {
        found.into_iter().map(|lock| (lock.stale(here), lock)).map(|(stale, lock)| (lock, stale)).collect()
    }))
}

impl Check {
    pub(super) fn run(self, context: &Context) -> Answer {
        let file = if self.across_worktrees { files::file } else { files::plain_file }(context, &self.file, self.glob)?;
        let now = context.now();
        let lock = match context.existing_store()? {
            None => None,
            Some(store) => store.locks().on(&file, self.across_worktrees, &now)?.into_iter().next(),
        };
        Ok(match lock {
            None => Outcome::json(&Free { locked: false, file: &file.path }),
            Some(lock) => {
                let stale = files::here(context, |here| lock.stale(here));
                Outcome::json(&Checked::new(&lock, &file.path, stale))
            }
        })
    }
}

impl List {
    pub(super) fn run(self, context: &Context) -> Answer {
        let plan_id = self.plan_id.map(|plan| plan.0);
        let filter = Filter { plan_id, task_id: self.task_id, session_id: self.session_id };
        let found = locks(context, &filter)?;
        let rows = found.iter().filter(|(_, stale)| *stale || !self.stale);
        if self.human {
            return Ok(Outcome::text(table(rows)));
        }
        Ok(Outcome::json(&rows.map(|(lock, stale)| Listed::new(lock, *stale)).collect::<Vec<_>>()))
    }
}

/// Locks as aligned columns, each with whether it is stale.
fn table<'a>(rows: impl Iterator<Item = &'a (Lock, bool)>) -> String {
    let seconds = |age: Option<i64>| age.map_or_else(|| "?".to_owned(), |age| format!("{age}s"));
    let mut lines = vec![["FILE", "OWNER", "AGENT", "HOST", "PID", "AGE", "HEARTBEAT", ""].map(str::to_owned).to_vec()];
    lines.extend(rows.map(|(lock, stale)| {
        let owner = lock.task_id.as_deref().or(lock.session_id.as_deref()).unwrap_or("-");
        vec![
            lock.file.clone(),
            owner.to_owned(),
            lock.agent.clone().unwrap_or_else(|| "-".to_owned()),
            lock.host.clone(),
            lock.pid.to_string(),
            seconds(lock.age),
            seconds(lock.heartbeat_age),
            if *stale { "stale" } else { "" }.to_owned(),
        ]
    }));
    if lines.len() == 1 { "no locks".to_owned() } else { text::columns(&lines) }
}

/// An owner and what it holds.
#[derive(Serialize)]
struct Holding<'a> {
    task_id: Option<&'a str>,
    session_id: Option<&'a str>,
    agent: Option<&'a str>,
    host: &'a str,
    pid: i64,
    /// Since the oldest of its locks was taken.
    age_sec: Option<i64>,
    /// Since the last sign of life of any of its locks.
    heartbeat_age: Option<i64>,
    stale: bool,
    files: Vec<&'a str>,
}

impl Who {
    #[expect(clippy::unused_self, reason = "a command like the others")]
    pub(super) fn run(self, context: &Context) -> Answer {
        let found = locks(context, &Filter::default())?;
        let mut holdings: Vec<Holding<'_>> = Vec::new();
        for (lock, stale) in &found {
            let owner = (lock.task_id.as_deref(), lock.session_id.as_deref());
            let known = holdings.iter_mut().find(|holding| (holding.task_id, holding.session_id) == owner);
            match known {
                Some(holding) => {
                    holding.files.push(&lock.file);
                    holding.age_sec = holding.age_sec.max(lock.age);
                    let ages = [holding.heartbeat_age, lock.heartbeat_age];
                    holding.heartbeat_age = ages.into_iter().flatten().min();
                    holding.stale &= stale;
                    (holding.pid, holding.host, holding.agent) = (lock.pid, &lock.host, lock.agent.as_deref());
                }
                None => holdings.push(Holding {
                    task_id: owner.0,
                    session_id: owner.1,
                    agent: lock.agent.as_deref(),
                    host: &lock.host,
                    pid: lock.pid,
                    age_sec: lock.age,
                    heartbeat_age: lock.heartbeat_age,
                    stale: *stale,
                    files: vec![&lock.file],
                }),
            }
        }
        Ok(Outcome::json(&holdings))
    }
}

impl Verify {
    pub(super) fn run(self, context: &Context) -> Answer {
        let file = files::plain_file(context, &self.file, self.glob)?;
        let fence = self.fence.0;
        let locks = match context.existing_store()? {
            Some(store) => store.locks().on(&file, false, &context.now())?,
            None => Vec::new(),
        };
        // The number of a file that its owner's pattern covers is the pattern's.
        if locks.iter().any(|lock| lock.fence == Some(fence) && file.is_covered_by(lock)) {
            return Ok(Outcome::json(&json!({ "valid": true, "file": file.path, "fence": fence })));
        }
        let held_by = locks.first().map(|lock| Holder::new(lock, &file.path));
        let answer = json!({ "valid": false, "file": file.path, "fence": fence, "held_by": held_by });
        Ok(Outcome::json_error(&answer, exit_code::REFUSED))
    }
}
