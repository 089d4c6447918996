//! hook-session-file-unlock: when a session ends, gives back all of its locks. Called by the agent (SessionEnd).

use std::ffi::OsString;

use clap::CommandFactory as _;
use crewkit_hook::Event;
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool};

use crate::{entry, log, marks};

/// hook-session-file-unlock.
pub const TOOL: Tool = Tool {
    name: "hook-session-file-unlock",
    summary: "gives back the locks of a session that ends",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// Reads a hook event from standard input. Gives back all locks of the session that ends, and notes their number in
/// ~/.claude/logs/hooks.log.
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// The answer to `event`; nothing is done for anything but the end of a session.
///
/// # Errors
/// When the database cannot be written.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let Some(session) = event.session_id().filter(|_| entry::is_session_end(event)) else {
        return Ok(Outcome::silent());
    };
    marks::forget(context, event);
    if let Some(store) = context.existing_store()? {
        let count = store.locks().release_session(session)?;
        if count > 0 {
            log::add(context, "session-file-unlock", &format!("gave back {count} lock(s) of session {session}"));
        }
    }
    Ok(Outcome::silent())
}
