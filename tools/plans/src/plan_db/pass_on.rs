//! lock, stale-check, wave-overlap, merge-queue, autosync: other tools, reached through plan-db as well.

use std::ffi::OsString;

use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, exit_code};

use super::Subcommand;

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand {
        name: "lock",
        command: || command("lock", "Locks on files: file-lock with the same arguments"),
        run: |context, arguments| pass_on(context, "file-lock", arguments),
    },
    Subcommand {
        name: "stale-check",
        command: || command("stale-check", "Has a file changed since it was read: stale-check with the same arguments"),
        run: |context, arguments| pass_on(context, "stale-check", arguments),
    },
    Subcommand {
        name: "wave-overlap",
        command: || {
            command("wave-overlap", "Tasks of a wave that touch one file: wave-overlap with the same arguments")
        },
        run: |context, arguments| pass_on(context, "wave-overlap", arguments),
    },
    Subcommand {
        name: "merge-queue",
        command: || command("merge-queue", "Branches that wait to be merged: merge-queue with the same arguments"),
        run: |context, arguments| pass_on(context, "merge-queue", arguments),
    },
    Subcommand {
        name: "autosync",
        command: || command("autosync", "Background sync: plan-db-autosync with the same arguments"),
        run: |context, arguments| pass_on(context, "plan-db-autosync", arguments),
    },
];

fn command(name: &'static str, about: &'static str) -> clap::Command {
    let arguments = clap::Arg::new("arguments").value_name("ARGUMENTS").num_args(0..).allow_hyphen_values(true);
    clap::Command::new(name).about(about).disable_help_flag(true).arg(arguments)
}

/// Puts the tool `name` in the place of this process: its exit code and its streams are the answer.
fn pass_on(context: &Context, name: &str, arguments: &[OsString]) -> Answer {
    Err(Run::tool(context, name)?.args(arguments).replace().with_code(exit_code::REFUSED))
}
