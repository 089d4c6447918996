//! How a hook begins: its arguments, the event, and which events are a command that is to run.

use std::ffi::OsString;

use clap::Parser;
use crewkit_hook::Event;
use crewkit_tool::{Answer, Context, args, exit_code};

/// Reads the arguments (none but `--help`) and the event on standard input, notes that the session lives, and answers.
pub(crate) fn run<A: Parser>(
    context: &Context,
    arguments: &[OsString],
    answer: fn(&Context, &Event) -> Answer,
) -> Answer {
    let hook = || {
        let event = Event::from_stdin(context)?;
        answer(context, &event)
    };
    if arguments.is_empty() { hook() } else { args::with::<A>(arguments, exit_code::REFUSED, |_| hook()) }
}

/// The shell command that `event` says is about to run.
pub(crate) fn command_to_run(event: &Event) -> Option<&str> {
    event.command().filter(|_| event.is_shell() && event.name().is_none_or(|name| name == "PreToolUse"))
}
