//! hook-session-file-lock: before a file is edited, takes its lock for the session; refuses the edit while another session
//! or task holds it. Called by the agent (PreToolUse, edit tools).
//!
//! Every call of a hook of the session is a sign of life: [`renew`] keeps its locks from going stale between edits. A mark
//! beside the database tells when that was done last, so that most calls cost one look at a file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::CommandFactory as _;
use crewkit_hook::{Dialect, Event, Plain};
use crewkit_repo::Repository;
use crewkit_scan::line_limit;
use crewkit_store::chat::{Chat, GENERAL, NewMessage};
use crewkit_store::locks::{Claim, Claimed, Here, Lock, LockedFile, Locks, Origin, Owner};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, lineage, remote, text};

use crate::entry;
use crate::marks::Mark;

/// hook-session-file-lock.
pub const TOOL: Tool = Tool {
    name: "hook-session-file-lock",
    summary: "one session a file: locks what is edited, refuses what another one edits",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The table of its settings.
const TABLE: &str = "session-file-lock";

/// How old a sign of life gets before the next call renews it: well below the age from which a lock can be stale
/// ([`crewkit_store::locks::FRESH_SECONDS`]).
const RENEW_AFTER: Duration = Duration::from_secs(30);

/// The same in the seconds of the database.
const RENEW_AFTER_SECONDS: i64 = 30;

/// Folders whose files nobody edits by hand.
const FOLDERS: [&str; 4] = ["node_modules", ".git", "dist", "build"];

/// Reads a hook event from standard input. Before an edit it takes the lock on the file for the session; while another
/// session or task holds it, the edit is a block that names the holder. Not locked are lock files, minified files,
/// databases, what lies in node_modules, .git, dist or build, and /tmp and /var.
///
/// `CLAUDE_FILE_LOCK=0` turns it off. `CLAUDE_AGENT_NAME` is the name the lock is taken under. Under [session-file-lock]
/// in crewkit.toml: `message_holder = true` (or `SESSION_FILE_LOCK_MESSAGE=1`) tells the holder in the chat that its file
/// is wanted; `tell_readers = true` tells an agent that reads a file who is editing it.
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// The answer to `event`; for anything but an edit that is to come it only notes that the session lives.
///
/// # Errors
/// When the database cannot be used.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let Some(session) = event.session_id().filter(|_| context.variable("CLAUDE_FILE_LOCK").as_deref() != Some("0"))
    else {
        return Ok(Outcome::silent());
    };
    renew(context, event);
    let is_before = event.name().is_none_or(|name| name == "PreToolUse");
    match event.tool() {
        Some("Edit" | "Write" | "MultiEdit" | "NotebookEdit") if is_before => lock(context, event, session),
        Some("Read") if is_before && event.settings(context).flag(TABLE, "tell_readers") == Some(true) => {
            tell_reader(context, event, session)
        }
        _ => Ok(Outcome::silent()),
    }
}

/// Notes a sign of life of all locks of the session, unless that was done a moment ago. A fault is noted in `context`:
/// no call of an agent fails because of it.
pub fn renew(context: &Context, event: &Event) {
    let Some(mark) = Mark::of(context, event, "locks") else { return };
    let Some(session) = event.session_id().filter(|_| mark.age().is_some_and(|age| age >= RENEW_AFTER)) else { return };
    if entry::is_session_end(event) {
        return;
    }
    let beat = || -> Result<usize, Refusal> {
        let Some(store) = context.existing_store()? else { return Ok(0) };
        Ok(store.locks().heartbeat_session(session, &context.now())?)
    };
    match beat() {
        Ok(0) => mark.remove(),
        Ok(_) => drop(mark.touch()),
        Err(fault) => context.note(format!("the session's locks were not renewed: {fault}")),
    }
}

fn lock(context: &Context, event: &Event, session: &str) -> Answer {
    let files = lockable(context, event)?;
    if files.is_empty() {
        return Ok(Outcome::silent());
    }
    let host = context.host();
    let now = || context.now();
    let here = Here { host: &host, now: &now, alive: &lineage::alive };
    let owner = Owner { task: None, session: Some(session.to_owned()) };
    let locks = context.store()?.locks();
    if holds_all(locks, &files, &owner, &context.now())? {
        return Ok(Outcome::silent());
    }
    let default = if event.dialect() == Dialect::Claude { "claude-code" } else { "copilot-cli" };
    let claim = Claim {
        files,
        owner,
        plan_id: None,
        agent: context.variable("CLAUDE_AGENT_NAME").unwrap_or_else(|| default.to_owned()),
        pid: lineage::caller(),
        across_worktrees: false,
    };
    match locks.acquire(&claim, &here, Duration::ZERO)? {
        Claimed::Granted(grants) => {
            for lock in grants.iter().flat_map(|grant| &grant.broken) {
                context.note(format!("broke the stale lock of {} on {}", holder(lock), lock.file));
            }
            if let Some(mark) = Mark::of(context, event, "locks") {
                // Without the mark nothing renews the lock between edits; it holds all the same.
                let _ = mark.touch();
            }
            Ok(Outcome::silent())
        }
        Claimed::Held { file, by } => {
            let told = message_holder(context, event, session, &file, &by);
            Ok(event.block(&reason(&file, &by, told)))
        }
    }
}

/// Whether the owner holds all `files` already, with a sign of life that need not be renewed.
fn holds_all(locks: Locks<'_>, files: &[LockedFile], owner: &Owner, now: &str) -> Result<bool, Refusal> {
    for file in files {
        let found = locks.get(&file.path, now)?;
        let fresh = |lock: &Lock| {
            !lock.glob && owner.holds(lock) && lock.heartbeat_age.is_some_and(|age| age < RENEW_AFTER_SECONDS)
        };
        if !found.as_ref().is_some_and(fresh) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The files of the edit that are to be locked, each once, in the order of their names.
fn lockable(context: &Context, event: &Event) -> Result<Vec<LockedFile>, Refusal> {
    let mut files = Vec::new();
    for given in event.file_paths() {
        let given = absolute(context, event, given)?;
        let path = context.identity(&given)?;
        if is_scratch(&given, &path) || line_limit::exempt(path.file_name().unwrap_or_default()) {
            continue;
        }
        let repository = path.parent().and_then(Repository::discover);
        let inside = repository.as_ref().and_then(|repository| repository.relative(&path));
        let parts = inside.unwrap_or(&path).components();
        if parts.into_iter().any(|part| FOLDERS.iter().any(|folder| part.as_os_str() == *folder)) {
            continue;
        }
        let origin = repository.as_ref().zip(inside).and_then(|(repository, inside)| {
            let repository = repository.common_dir.to_str()?.to_owned();
            Some(Origin { repository, path: inside.to_str()?.to_owned() })
        });
        let path = path.into_os_string().into_string().map_err(|path| {
            Refusal::new(format!("the path is not UTF-8 and cannot be locked: {}", path.to_string_lossy()))
        })?;
        files.push(LockedFile { path, origin, glob: false });
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn absolute(context: &Context, event: &Event, given: &str) -> Result<PathBuf, Refusal> {
    let given = Path::new(given);
    if given.is_absolute() {
        return Ok(given.to_owned());
    }
    // A working directory that is gone still says where a path was meant to lie.
    let cwd = event.cwd().map(Path::new).filter(|cwd| cwd.is_absolute());
    Ok(cwd.map_or_else(|| event.directory(context), |cwd| Ok(cwd.to_owned()))?.join(given))
}

/// Whether a file lies where scratch files do: by its real path, where those folders are links themselves too.
fn is_scratch(given: &Path, path: &Path) -> bool {
    ["/tmp", "/var"].iter().any(|scratch| {
        path.starts_with(scratch)
            || given.starts_with(scratch) && Path::new(scratch).canonicalize().is_ok_and(|real| path.starts_with(real))
    })
}

/// Who holds a lock, in a few words.
fn holder(lock: &Lock) -> String {
    let owner = match (&lock.task_id, &lock.session_id) {
        (Some(task), Some(session)) => format!("task {task} (session {session})"),
        (Some(task), None) => format!("task {task}"),
        (None, Some(session)) => format!("session {session}"),
        (None, None) => "an unknown owner".to_owned(),
    };
    let agent = lock.agent.as_deref().map(|agent| format!(", agent {agent}")).unwrap_or_default();
    text::one_line(&format!("{owner}{agent}, process {} on {}", lock.pid, lock.host))
}

/// Why the edit is refused, and the ways on. The command to give the lock back names its owner, so that it takes no
/// other's.
fn reason(file: &str, by: &Lock, told: bool) -> String {
    let ago = |seconds: Option<i64>| seconds.map_or_else(|| "an unknown time".to_owned(), |age| format!("{age} s"));
    let path = remote::quote(&by.file);
    let owner = match (&by.task_id, &by.session_id) {
        (Some(task), _) => format!(" {}", remote::quote(task)),
        (None, Some(session)) => format!(" --session {}", remote::quote(session)),
        (None, None) => String::new(),
    };
    let glob = if by.glob { " --glob" } else { "" };
    let under =
        if by.file == file { String::new() } else { format!("\n  under the lock on {}", text::one_line(&by.file)) };
    let told = if told { " It was told in the chat." } else { "" };
    format!(
        "BLOCKED: {} is being edited by another: {}.{under}\n  locked {} ago, last sign of life {} ago.{told}\n\
         Work on something else, or wait until it is free: file-lock wait {}\n\
         Its holder gives it back with: file-lock release {}{}{glob}",
        text::one_line(file),
        holder(by),
        ago(by.age),
        ago(by.heartbeat_age),
        text::one_line(&remote::quote(file)),
        text::one_line(&path),
        text::one_line(&owner),
    )
}

/// Tells the holder in the chat that its file is wanted, once a file and session, where people want that. Whether it was
/// told, now or before.
fn message_holder(context: &Context, event: &Event, session: &str, file: &str, by: &Lock) -> bool {
    let wanted = match context.variable("SESSION_FILE_LOCK_MESSAGE").as_deref() {
        Some(value) => value != "0",
        None => event.settings(context).flag(TABLE, "message_holder") == Some(true),
    };
    if !wanted {
        return false;
    }
    if Mark::of(context, event, "wanted").is_some_and(|mark| mark.has_or_add(&text::one_line(file))) {
        return true;
    }
    let post = || -> Result<(), Refusal> {
        let chat = Chat::open(&context.chat_path()?)?.with_patience(Duration::from_secs(1));
        let known = |session: &str| chat.identity(session).ok().flatten();
        let sender = known(session);
        let holder = by.session_id.as_deref().and_then(known);
        let name = holder.as_ref().map(|holder| &holder.name).or(by.session_id.as_ref()).or(by.task_id.as_ref());
        let message = format!(
            "@{}: {} is wanted by another session. Give it back when you are done: file-lock release {}",
            name.map_or("all", String::as_str),
            text::one_line(file),
            text::one_line(&remote::quote(&by.file)),
        );
        let project = holder.as_ref().map_or(GENERAL, |holder| holder.project.as_str());
        chat.post(&NewMessage {
            timestamp: &context.clock.local_millis(),
            sender: sender.as_ref().map_or(session, |sender| sender.name.as_str()),
            channel: "general",
            project: Some(project),
            nearest: project,
            reply_to: None,
            message: &message,
        })?;
        Ok(())
    };
    match post() {
        Ok(()) => true,
        Err(fault) => {
            context.note(format!("the holder was not told: {fault}"));
            false
        }
    }
}

/// Tells an agent that reads a file who is editing it.
fn tell_reader(context: &Context, event: &Event, session: &str) -> Answer {
    let Some(store) = context.existing_store()? else { return Ok(Outcome::silent()) };
    let owner = Owner { task: None, session: Some(session.to_owned()) };
    let mut lines = Vec::new();
    for file in lockable(context, event)? {
        let by = store.locks().on(&file, false, &context.now())?.into_iter().find(|lock| !owner.holds(lock));
        lines.extend(by.map(|by| format!("{} is being edited by {}", text::one_line(&file.path), holder(&by))));
    }
    Ok(if lines.is_empty() { Outcome::silent() } else { event.advise(&lines.join("\n"), Plain::Stderr) })
}

#[cfg(test)]
mod tests;
