//! hook-preserve-context: keeps what an agent must not forget when its context is compacted: the plan, the task, the
//! requirements. Called by the agent before the compaction (PreCompact) and when the session goes on after it
//! (SessionStart, source compact), since nothing can be added to the context before.

mod transcript;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{CommandFactory as _, Parser};
use crewkit_hook::{Dialect, Event};
use crewkit_store::plan_views::Checkpoint;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, text};

use crate::{entry, files};
use transcript::Transcript;

/// hook-preserve-context.
pub const TOOL: Tool = Tool {
    name: "hook-preserve-context",
    summary: "keeps plan, task and requirements over a compaction of the context",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// How long what was kept stays.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Most tasks that are named as next.
const MOST_NEXT: usize = 3;

/// Reads a hook event from standard input. At PreCompact it finds the plan that the person spoke of last (`plan 12`),
/// where the work on it stands and all requirements (F-01) of the conversation, keeps them in `data/preserved/` of the
/// agent's folder and shows them to the user; at SessionStart after a compaction it gives them back as context.
#[derive(Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// The answer to `event`; silent for anything but PreCompact, SessionStart after a compaction, and a call by hand.
///
/// # Errors
/// When the transcript is there and cannot be read.
pub fn answer(context: &Context, event: &Event) -> Answer {
    match event.name() {
        Some("PreCompact") => {
            let Some(found) = found(context, event)? else { return Ok(Outcome::silent()) };
            if let Some(place) = place(context, event)
                && let Err(refusal) = keep(&place, &found)
            {
                context.note(refusal.to_string());
            }
            Ok(event.add_context(&found))
        }
        Some("SessionStart") if event.source() == Some("compact") => {
            let kept = place(context, event).and_then(|place| fs::read_to_string(place).ok());
            let found = match kept.filter(|kept| !kept.trim().is_empty()) {
                Some(kept) => Some(kept),
                None => found(context, event)?,
            };
            Ok(found.map_or_else(Outcome::silent, |found| event.add_context(found.trim_end())))
        }
        None if event.dialect() == Dialect::Bare && event.tool().is_none() => {
            Ok(found(context, event)?.map_or_else(Outcome::silent, |found| event.add_context(&found)))
        }
        _ => Ok(Outcome::silent()),
    }
}

/// What is to be kept, as text; `None` when there is nothing.
fn found(context: &Context, event: &Event) -> Result<Option<String>, Refusal> {
    let Some(path) = event.transcript_path() else { return Ok(None) };
    let path = context.expand_home(Path::new(path));
    let path = if path.is_absolute() { path } else { event.directory(context)?.join(path) };
    let Some(transcript) = Transcript::read(&path)? else { return Ok(None) };
    let requirements = transcript.requirements();
    if transcript.plan.is_none() && requirements.is_empty() {
        return Ok(None);
    }
    let mut out = String::from("# Context kept over the compaction\n");
    if let Some(plan) = transcript.plan {
        let checkpoint = checkpoint(context, plan);
        let _ = writeln!(out, "Active Plan: {plan}");
        stand(&checkpoint, &mut out);
    }
    if !requirements.is_empty() {
        let _ = writeln!(out, "F-xx Requirements: {}", requirements.join(","));
    }
    out.truncate(out.trim_end().len());
    Ok(Some(out))
}

/// Where the work on the plan stands; nothing when the database cannot tell.
fn checkpoint(context: &Context, plan: i64) -> Checkpoint {
    let read = || -> Result<Option<Checkpoint>, Refusal> {
        let Some(store) = context.existing_store()? else { return Ok(None) };
        Ok(Some(store.plan_views().checkpoint(plan)?))
    };
    match read() {
        Ok(checkpoint) => checkpoint.unwrap_or_default(),
        Err(refusal) => {
            context.note(refusal.to_string());
            Checkpoint::default()
        }
    }
}

fn stand(checkpoint: &Checkpoint, out: &mut String) {
    if let Some(name) = &checkpoint.name {
        let _ = writeln!(out, "Plan Name: {}", text::one_line(name));
    }
    let mut tasks = checkpoint.running.iter();
    if let Some(task) = tasks.next() {
        let _ = writeln!(out, "Current Task: {}: {}", text::one_line(&task.code), text::one_line(&task.title));
    }
    let named = |task: &crewkit_store::plan_views::TaskTitle| {
        format!("{}: {}", text::one_line(&task.code), text::one_line(&task.title))
    };
    let also: Vec<String> = tasks.take(MOST_NEXT).map(named).collect();
    if !also.is_empty() {
        let _ = writeln!(out, "Also in progress: {}", also.join("; "));
    }
    if checkpoint.total > 0 {
        let _ = writeln!(out, "Tasks done: {} of {}", checkpoint.done, checkpoint.total);
    }
    let next: Vec<String> = checkpoint.pending.iter().take(MOST_NEXT).map(named).collect();
    if !next.is_empty() {
        let _ = writeln!(out, "Next Tasks: {}", next.join("; "));
    }
    if let Some(worktree) = &checkpoint.worktree {
        let _ = writeln!(out, "Worktree: {}", text::one_line(&worktree.to_string_lossy()));
    }
    if let Some(branch) = &checkpoint.branch {
        let _ = writeln!(out, "Branch: {}", text::one_line(branch));
    }
}

/// The file that the session's text is kept in; `None` for an id that is no plain file name.
fn place(context: &Context, event: &Event) -> Option<PathBuf> {
    let session = event.session_id()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let named = session.len() <= 128 && !session.starts_with('.') && session.bytes().all(plain);
    named.then_some(())?;
    Some(context.claude_home().ok()?.join("data/preserved").join(format!("{session}.md")))
}

fn keep(place: &Path, found: &str) -> Result<(), Refusal> {
    files::replace(place, format!("{found}\n").as_bytes())?;
    let Some(entries) = place.parent().and_then(|folder| fs::read_dir(folder).ok()) else { return Ok(()) };
    let now = SystemTime::now();
    for entry in entries.flatten() {
        let old = entry
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > KEPT));
        if old && entry.path().extension().is_some_and(|ending| ending == "md") {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}
