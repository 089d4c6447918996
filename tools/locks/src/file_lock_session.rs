//! file-lock-session: the session locks of file-lock under a name of their own, for callers of the old part.

use std::ffi::OsString;

use crewkit_tool::{Answer, Context, Kind, Tool};

use crate::file_lock;

/// file-lock-session.
pub const TOOL: Tool = Tool {
    name: "file-lock-session",
    summary: "takes and gives back file locks for a session (part of file-lock)",
    kind: Kind::Tool,
    command,
    run,
};

const COMMANDS: &[&str] = &["acquire-session", "release-session"];

fn command() -> clap::Command {
    file_lock::part(TOOL.name, TOOL.summary, COMMANDS)
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    file_lock::run_part(context, arguments, command(), COMMANDS)
}
