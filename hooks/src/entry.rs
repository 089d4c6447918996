//! How a hook begins: its arguments, the event, and which events are a command that is to run.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;
use crewkit_hook::Event;
use crewkit_tool::{Answer, Context, Refusal, args, exit_code};

use crate::session_file_lock;

/// Reads the arguments (none but `--help`) and the event on standard input, notes that the session lives, and answers.
pub(crate) fn run<A: Parser>(
    context: &Context,
    arguments: &[OsString],
    answer: fn(&Context, &Event) -> Answer,
) -> Answer {
    let hook = || {
        let event = Event::from_stdin(context)?;
        session_file_lock::renew(context, &event);
        answer(context, &event)
    };
    if arguments.is_empty() { hook() } else { args::with::<A>(arguments, exit_code::REFUSED, |_| hook()) }
}

/// The shell command that `event` says is about to run.
pub(crate) fn command_to_run(event: &Event) -> Option<&str> {
    event.command().filter(|_| event.is_shell() && event.name().is_none_or(|name| name == "PreToolUse"))
}

/// What a guard says that forbids by what it reads to a command line that cannot be read to its end.
pub(crate) const UNREADABLE: &str = "BLOCKED: this command line cannot be checked: it is nested too deeply, or has too \
                                     much text that is read again (eval, sh -c, variables). Write it as several \
                                     commands, or as a script's file.";

/// Whether `event` says that a session has ended. Where it is not named it is one without a tool.
pub(crate) fn is_session_end(event: &Event) -> bool {
    event.name().map_or_else(|| event.tool().is_none(), |name| name == "SessionEnd")
}

/// The files that `event` says were edited, absolute: those of its tool, else the one that the agent's variable
/// `CLAUDE_FILE_PATH` names. None for a tool that does not edit.
///
/// # Errors
/// When the directory that they start from cannot be told.
pub(crate) fn edited_files(context: &Context, event: &Event) -> Result<Vec<PathBuf>, Refusal> {
    if event.tool().is_some_and(|tool| !matches!(tool, "Edit" | "MultiEdit" | "Write")) {
        return Ok(Vec::new());
    }
    let mut given: Vec<PathBuf> = event.file_paths().into_iter().map(PathBuf::from).collect();
    if given.is_empty() && event.command().is_none() {
        given.extend(context.variable_path("CLAUDE_FILE_PATH"));
    }
    if given.iter().all(|path| path.is_absolute()) {
        return Ok(given);
    }
    let directory = event.directory(context)?;
    Ok(given.into_iter().map(|path| directory.join(path)).collect())
}
