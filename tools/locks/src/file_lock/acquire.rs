//! acquire, acquire-session, wait.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use crewkit_store::Error;
use crewkit_store::locks::{Claim, Claimed, Grant, Lock, LockedFile, Owner};
use crewkit_tool::args::RowId;
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, lineage, text};

use super::answers::{Acquired, AcquiredAll, AcquiredFile, Blocked, Failed, Holder, OwnerKeys};
use super::files;

/// What all ways to acquire have in common.
#[derive(Args, Debug)]
pub(super) struct Common {
    /// The plan it is for.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    plan_id: Option<RowId>,
    /// A process that lives as long as the owner's work [default: the caller].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pid: Option<ProcessId>,
    /// Respect locks on the same file in other work trees of the repository too.
    #[arg(long)]
    across_worktrees: bool,
    /// Files are patterns: *, ?, [a-z] and ** as in .gitignore. DIR/** is one without this.
    #[arg(long)]
    pub(super) glob: bool,
}

/// A process number: positive, as the system has them.
#[derive(Debug, Clone, Copy)]
struct ProcessId(i32);

impl std::str::FromStr for ProcessId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().filter(|pid| *pid > 0).map(Self).ok_or("not a process number")
    }
}

impl Common {
    /// The claim of `owner` on `files`: each once, in the order of their names.
    pub(super) fn claim(&self, mut files: Vec<LockedFile>, owner: Owner, agent: String) -> Claim {
        files.sort();
        files.dedup();
        Claim {
            files,
            owner,
            plan_id: self.plan_id.map(|plan| plan.0),
            agent,
            pid: self.pid.map_or_else(lineage::caller, |pid| i64::from(pid.0)),
            across_worktrees: self.across_worktrees,
        }
    }
}

/// Take the lock on a file for a task; on several with --task, all or none.
///
/// DIR/** locks all files below DIR, those to come too; a lock on a file below it and one on the folder exclude each
/// other. Who holds the folder holds its files.
#[derive(Args, Debug)]
#[command(
    override_usage = "file-lock acquire [OPTIONS] <FILE> <TASK>\n       file-lock acquire [OPTIONS] --task <TASK> <FILE>..."
)]
pub(super) struct Acquire {
    #[command(flatten)]
    wanted: Wanted,
}

/// What a task asks for: files, and how long it would wait for them.
#[derive(Args, Debug)]
pub(super) struct Wanted {
    /// The file and the task's id, or with --task files alone.
    #[arg(value_name = "FILE", required = true)]
    names: Vec<OsString>,
    /// The task's id.
    #[arg(long, value_name = "TASK", value_parser = files::name())]
    task: Option<String>,
    /// The session that may enter the lock too [default: $CLAUDE_SESSION_ID].
    #[arg(long, value_name = "ID", value_parser = files::name())]
    session: Option<String>,
    /// The agent's name.
    #[arg(long, value_name = "NAME", default_value = "unknown")]
    agent: String,
    /// How long to wait for a file that another holds; 0 is one try.
    #[arg(long, value_name = "SEC", allow_negative_numbers = true, default_value_t = 30)]
    timeout: u32,
    #[command(flatten)]
    common: Common,
}

impl Wanted {
    /// The claim, and the seconds to wait for it.
    pub(super) fn claim(self, context: &Context) -> Result<(Claim, u32), Refusal> {
        let (names, task) = names_and_task(self.names, self.task)?;
        let files =
            names.iter().map(|name| files::lockable(context, name, self.common.glob)).collect::<Result<_, _>>()?;
        let owner = Owner { task: Some(task), session: self.session.or_else(|| files::session(context)) };
        Ok((self.common.claim(files, owner, self.agent), self.timeout))
    }
}

/// Take the lock on a file for a session.
#[derive(Args, Debug)]
pub(super) struct AcquireSession {
    /// The file.
    file: OsString,
    /// The session's id.
    #[arg(value_parser = files::name())]
    session: String,
    /// The agent's name.
    #[arg(default_value = "session-agent")]
    agent: String,
    /// How long to wait, in seconds; 0 is one try.
    #[arg(allow_negative_numbers = true, default_value_t = 5)]
    timeout: u32,
    #[command(flatten)]
    common: Common,
}

/// Wait until nobody holds a file, and take nothing.
#[derive(Args, Debug)]
pub(super) struct Wait {
    /// The file.
    file: OsString,
    /// How long.
    #[arg(long, value_name = "SEC", allow_negative_numbers = true, default_value_t = 30)]
    timeout: u32,
    /// Wait for locks on the same file in other work trees of the repository too.
    #[arg(long)]
    across_worktrees: bool,
    /// The file is a pattern: *, ?, [a-z] and ** as in .gitignore. DIR/** is one without this.
    #[arg(long)]
    glob: bool,
}

impl Acquire {
    pub(super) fn run(self, context: &Context) -> Answer {
        let (claim, timeout) = self.wanted.claim(context)?;
        answer(context, &claim, timeout)
    }
}

/// The files, and the task that stands last where `--task` does not give it.
fn names_and_task(mut names: Vec<OsString>, task: Option<String>) -> Result<(Vec<OsString>, String), Refusal> {
    if let Some(task) = task {
        return Ok((names, task));
    }
    match names.pop().map(OsString::into_string) {
        Some(_) if names.is_empty() => Err(Refusal::new("missing argument: <TASK>")),
        Some(_) if names.len() > 1 => Err(Refusal::new("several files need their task as --task TASK")),
        Some(Ok(task)) if task.is_empty() => Err(Refusal::new("the task is empty")),
        Some(Ok(task)) => Ok((names, task)),
        Some(Err(task)) => Err(Refusal::new(format!("the task is not UTF-8: {}", task.to_string_lossy()))),
        None => Err(Refusal::new("missing argument: <FILE>")),
    }
}

impl AcquireSession {
    pub(super) fn run(self, context: &Context) -> Answer {
        let file = files::lockable(context, &self.file, self.common.glob)?;
        let owner = Owner { task: None, session: Some(self.session) };
        let claim = self.common.claim(vec![file], owner, self.agent);
        answer(context, &claim, self.timeout)
    }
}

impl Wait {
    pub(super) fn run(self, context: &Context) -> Answer {
        let file = if self.across_worktrees { files::file } else { files::plain_file }(context, &self.file, self.glob)?;
        let claim = Claim {
            files: vec![file],
            owner: Owner::default(),
            plan_id: None,
            agent: String::new(),
            pid: 0,
            across_worktrees: self.across_worktrees,
        };
        let timeout = Duration::from_secs(self.timeout.into());
        let held = match context.existing_store()? {
            None => None,
            Some(store) => files::here(context, |here| store.locks().wait(&claim, here, timeout))?,
        };
        Ok(match held {
            Some((file, by)) => blocked(&file, &by),
            None => Outcome::json(&serde_json::json!({ "status": "free", "file": claim.files[0].path })),
        })
    }
}

/// Tries `claim` for up to `timeout` seconds, and says how it ended.
fn answer(context: &Context, claim: &Claim, timeout: u32) -> Answer {
    match take(context, claim, timeout)? {
        Taken::Granted(grants) => Ok(granted(claim, &grants)),
        Taken::Not(outcome) => Ok(outcome),
    }
}

/// What trying came to.
pub(super) enum Taken {
    /// All files are the claim's.
    Granted(Vec<Grant>),
    /// They are not, and this is the answer.
    Not(Outcome),
}

/// Tries `claim` for up to `timeout` seconds; warns of the locks it broke.
pub(super) fn take(context: &Context, claim: &Claim, timeout: u32) -> Result<Taken, Refusal> {
    let timeout = Duration::from_secs(timeout.into());
    // A busy database can show itself already in opening: while an older one is brought to the current schema.
    let claimed = match crewkit_store::Store::open_or_create(&context.store_settings()?) {
        Ok(store) => {
            store.notices().iter().for_each(|notice| context.note(notice.clone()));
            files::here(context, |here| store.locks().acquire(claim, here, timeout))
        }
        Err(error) => Err(error),
    };
    match claimed {
        Ok(Claimed::Granted(grants)) => {
            for lock in grants.iter().flat_map(|grant| &grant.broken) {
                context.note(broken(lock));
            }
            Ok(Taken::Granted(grants))
        }
        Ok(Claimed::Held { file, by }) => Ok(Taken::Not(blocked(&file, &by))),
        Err(error @ Error::Busy { .. }) => {
            let file = claim.files.first().map(|file| file.path.as_str()).unwrap_or_default();
            let failed = Failed { status: "error", file, error: error.to_string() };
            Ok(Taken::Not(Outcome::json_error(&failed, exit_code::REFUSED)))
        }
        Err(error) => Err(error.into()),
    }
}

fn broken(lock: &Lock) -> String {
    let owner = match (&lock.task_id, &lock.session_id) {
        (Some(task), _) => format!("task {task}"),
        (None, Some(session)) => format!("session {session}"),
        (None, None) => "nobody".to_owned(),
    };
    let agent = lock.agent.as_deref().unwrap_or("unknown");
    let age = lock.heartbeat_age.map_or_else(|| "at an unknown time".to_owned(), |age| format!("{age} s ago"));
    text::one_line(&format!(
        "warning: broke the stale lock of {owner} (agent {agent}, process {}, last heartbeat {age}) on {}",
        lock.pid, lock.file
    ))
}

fn blocked(file: &str, by: &Lock) -> Outcome {
    let blocked = Blocked { status: "blocked", file, held_by: Holder::new(by, file) };
    Outcome::json_error(&blocked, exit_code::REFUSED)
}

fn granted(claim: &Claim, grants: &[Grant]) -> Outcome {
    let status = |reentrant| if reentrant { "reentrant" } else { "acquired" };
    let owner = OwnerKeys { task_id: claim.owner.task.as_deref(), session_id: claim.owner.session.as_deref() };
    if let [grant] = grants {
        let status = status(grant.reentrant);
        let covered_by = covered_by(grant);
        return Outcome::json(&Acquired { status, file: &grant.file, owner, fence: grant.fence, covered_by });
    }
    let files = grants.iter().map(|grant| AcquiredFile {
        file: &grant.file,
        status: status(grant.reentrant),
        fence: grant.fence,
        covered_by: covered_by(grant),
    });
    let all = AcquiredAll { status: status(grants.iter().all(|grant| grant.reentrant)), owner, files: files.collect() };
    Outcome::json(&all)
}

/// The pattern that the owner had already and that covers the file.
fn covered_by(grant: &Grant) -> Option<&str> {
    (grant.held_by != grant.file).then_some(&grant.held_by)
}
