//! file-lock-utils: list and cleanup of file-lock under a name of their own, for callers of the old part.

use std::ffi::OsString;

use crewkit_tool::{Answer, Context, Kind, Tool};

use crate::file_lock;

/// file-lock-utils.
pub const TOOL: Tool = Tool {
    name: "file-lock-utils",
    summary: "lists file locks and removes old ones (part of file-lock)",
    kind: Kind::Tool,
    command,
    run,
};

const COMMANDS: &[&str] = &["list", "cleanup"];

fn command() -> clap::Command {
    file_lock::part(TOOL.name, TOOL.summary, COMMANDS)
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    file_lock::run_part(context, arguments, command(), COMMANDS)
}
