//! The line itself: putting branches in, taking them out, looking at it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crewkit_repo::{Git, Repository};
use crewkit_store::{NewEntry, QueueEntry, QueueState};
use crewkit_tool::{Answer, Clock, Context, Outcome, Refusal, exit_code, text};
use serde::Serialize;
use serde_json::json;

use super::{has_branch, here, name_of, processor, repository, target, validation};

/// How often a waiting caller looks at its entry.
const POLL: Duration = Duration::from_millis(200);

/// Arguments of `enqueue`.
#[derive(Debug, clap::Args)]
pub(super) struct EnqueueArguments {
    /// The branch.
    #[arg(value_name = "BRANCH")]
    branch: String,
    /// The plan it belongs to.
    #[arg(long, value_name = "N")]
    plan_id: Option<crewkit_tool::args::RowId>,
    /// Higher goes first; may be negative.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    priority: i64,
    /// The worktree it was made in; refused while something is not committed there.
    #[arg(long, value_name = "PATH")]
    worktree: Option<PathBuf>,
    /// Waits up to so many seconds for a processor to land it, and tells how that went.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
}

#[derive(Serialize)]
struct Queued<'a> {
    status: &'static str,
    branch: &'a str,
    priority: i64,
    id: i64,
}

#[derive(Serialize)]
struct Status {
    queued: usize,
    processing: usize,
    done: usize,
    failed: usize,
    cancelled: usize,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    id: i64,
    branch: String,
    status: &'static str,
    priority: i64,
    /// Seconds since it was queued, or taken into processing.
    age: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
}

/// A refusal as JSON on standard error.
fn no(error: &str, branch: &str) -> Outcome {
    Outcome::json_error(&json!({"error": error, "branch": branch}), exit_code::REFUSED)
}

pub(super) fn enqueue(context: &Context, arguments: &EnqueueArguments) -> Answer {
    let repository = repository(context)?;
    let branch = arguments.branch.as_str();
    let name = name_of(&repository)?;
    if let Some(refused) = unfit(context, &repository, branch)? {
        return Ok(refused);
    }
    let worktree = arguments.worktree.as_deref().map(|path| context.absolute(path)).transpose()?;
    let worktree_text = match &worktree {
        None => None,
        Some(path) => {
            let text = path.to_str();
            Some(text.ok_or_else(|| Refusal::new(format!("--worktree {}: the path is not UTF-8", path.display())))?)
        }
    };
    if let Some(path) = worktree.as_deref().filter(|path| path.is_dir()) {
        let count = validation::uncommitted(Git::at(context, path).of_folder())?;
        if count > 0 {
            let error = json!({"error": "worktree has uncommitted changes", "count": count});
            return Ok(Outcome::json_error(&error, exit_code::REFUSED));
        }
    }
    let entry = NewEntry {
        repository: name,
        branch,
        worktree_path: worktree_text,
        plan_id: arguments.plan_id.map(|id| id.0),
        priority: arguments.priority,
    };
    let Some(id) = context.store()?.merge_queue().enqueue(entry, &context.now())? else {
        return Ok(no("branch already in queue", branch));
    };
    match arguments.wait {
        None => Ok(Outcome::json(&Queued { status: "queued", branch, priority: arguments.priority, id })),
        Some(seconds) => wait_for(context, id, branch, Duration::from_secs(seconds)),
    }
}

/// Why `branch` cannot be queued, if it cannot.
fn unfit(context: &Context, repository: &Repository, branch: &str) -> Result<Option<Outcome>, Refusal> {
    if !has_branch(repository, branch)? {
        return Ok(Some(no("branch not found", branch)));
    }
    if target(context, repository).as_deref() == Some(branch) {
        return Ok(Some(no("branch is the one that is landed on", branch)));
    }
    Ok(None)
}

/// Waits until the entry has ended, and tells how.
fn wait_for(context: &Context, id: i64, branch: &str, limit: Duration) -> Answer {
    let deadline = Instant::now() + limit;
    loop {
        let entry = context.store()?.merge_queue().entry(id)?.filter(|entry| entry.branch == branch);
        let Some(entry) = entry else {
            return Ok(no("the entry is gone: cleaned, or queued again", branch));
        };
        match entry.state {
            QueueState::Done => {
                let commit = entry.result.unwrap_or_default();
                let sha: String = commit.chars().take(12).collect();
                return Ok(Outcome::json(&json!({"status": "merged", "branch": branch, "sha": sha, "commit": commit})));
            }
            QueueState::Failed => {
                let answer = json!({"status": "failed", "branch": branch, "error": entry.error});
                return Ok(Outcome::json(&answer).with_code(exit_code::REFUSED));
            }
            QueueState::Cancelled => {
                let answer = json!({"status": "cancelled", "branch": branch});
                return Ok(Outcome::json(&answer).with_code(exit_code::REFUSED));
            }
            QueueState::Queued | QueueState::Processing => {}
        }
        if Instant::now() >= deadline {
            let answer = json!({"status": entry.state.word(), "branch": branch, "timed_out": true});
            return Ok(Outcome::json(&answer).with_code(exit_code::REFUSED));
        }
        std::thread::sleep(POLL);
    }
}

pub(super) fn retry(context: &Context, branch: &str) -> Answer {
    let repository = repository(context)?;
    let name = name_of(&repository)?;
    if let Some(refused) = unfit(context, &repository, branch)? {
        return Ok(refused);
    }
    let queue = match context.existing_store()? {
        Some(store) => store.merge_queue(),
        None => return Ok(no("branch was never queued", branch)),
    };
    let Some(last) = queue.entries(Some(name))?.into_iter().find(|entry| entry.branch == branch) else {
        return Ok(no("branch was never queued", branch));
    };
    match last.state {
        QueueState::Queued | QueueState::Processing => return Ok(no("branch already in queue", branch)),
        QueueState::Done => return Ok(no("branch is landed already", branch)),
        QueueState::Failed | QueueState::Cancelled => {}
    }
    let entry = NewEntry {
        repository: name,
        branch,
        worktree_path: last.worktree_path.as_deref(),
        plan_id: last.plan_id,
        priority: last.priority,
    };
    Ok(match queue.enqueue(entry, &context.now())? {
        None => no("branch already in queue", branch),
        Some(id) => Outcome::json(&Queued { status: "queued", branch, priority: last.priority, id }),
    })
}

pub(super) fn cancel(context: &Context, branch: &str) -> Answer {
    let repository = repository(context)?;
    let count = match context.existing_store()? {
        None => 0,
        Some(store) => store.merge_queue().cancel(Some(name_of(&repository)?), branch, &context.now())?,
    };
    Ok(Outcome::json(&json!({"cancelled": branch, "count": count})))
}

pub(super) fn clean(context: &Context, hours: u32) -> Answer {
    let repository = here(context)?;
    let name = repository.as_ref().map(name_of).transpose()?;
    let cleaned = match context.existing_store()? {
        None => 0,
        Some(store) => store.merge_queue().clean(name, hours, &context.now())?,
    };
    Ok(Outcome::json(&json!({"cleaned": cleaned, "older_than_hours": hours})))
}

pub(super) fn status(context: &Context, human: bool) -> Answer {
    let repository = here(context)?;
    let entries = match (context.existing_store()?, &repository) {
        (None, _) => Vec::new(),
        (Some(store), None) => store.merge_queue().entries(None)?,
        (Some(store), Some(repository)) => {
            let has = |branch: &str| has_branch(repository, branch);
            processor::own(store.merge_queue(), name_of(repository)?, has)?
        }
    };
    let count = |state| entries.iter().filter(|entry| entry.state == state).count();
    let status = Status {
        queued: count(QueueState::Queued),
        processing: count(QueueState::Processing),
        done: count(QueueState::Done),
        failed: count(QueueState::Failed),
        cancelled: count(QueueState::Cancelled),
        items: entries
            .iter()
            .filter(|entry| entry.state.is_live())
            .map(|entry| item(context.clock, entry, repository.is_none()))
            .collect(),
    };
    Ok(if human { Outcome::text(table(&status)) } else { Outcome::json(&status) })
}

fn item(clock: Clock, entry: &QueueEntry, everywhere: bool) -> Item {
    let since = if entry.state == QueueState::Queued { Some(&entry.queued_at) } else { entry.started_at.as_ref() };
    let age = since.and_then(|at| Clock::parse(at)).map(|at| format!("{}s", (clock.seconds() - at).max(0)));
    Item {
        id: entry.id,
        branch: entry.branch.clone(),
        status: entry.state.word(),
        priority: entry.priority,
        age,
        step: entry.step.clone(),
        plan_id: entry.plan_id,
        repository: entry.repository.clone().filter(|_| everywhere),
    }
}

fn table(status: &Status) -> String {
    let mut out = format!(
        "{} queued, {} processing, {} done, {} failed, {} cancelled\n",
        status.queued, status.processing, status.done, status.failed, status.cancelled
    );
    if status.items.is_empty() {
        return out;
    }
    let mut rows = vec![["ID", "BRANCH", "STATUS", "PRIORITY", "AGE", "REPOSITORY"].map(str::to_owned).to_vec()];
    rows.extend(status.items.iter().map(|item| {
        let state = item.step.as_ref().map_or(item.status.to_owned(), |step| format!("{} ({step})", item.status));
        let repository = item.repository.as_deref().map(|path| Path::new(path).display().to_string());
        vec![
            item.id.to_string(),
            item.branch.clone(),
            state,
            item.priority.to_string(),
            item.age.clone().unwrap_or_default(),
            repository.unwrap_or_default(),
        ]
    }));
    if status.items.iter().all(|item| item.repository.is_none()) {
        for row in &mut rows {
            row.truncate(5);
        }
    }
    out.push('\n');
    out.push_str(&text::columns(&rows));
    out
}
