//! file-lock: one writer per file among agents. Agents take the lock before they edit, the edit hook takes it for the
//! session, plan-db passes `lock ...` on, and a task's end releases its locks.
//!
//! The rules (who owns, what is stale, who waits) stand in [`crewkit_store::locks`]; here are arguments and answers.

mod acquire;
mod answers;
mod files;
mod hold;
mod look;
mod release;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser, Subcommand};
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, args, exit_code};

/// file-lock.
pub const TOOL: Tool = Tool {
    name: "file-lock",
    summary: "keeps agents from writing one file at the same time",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// Keeps agents from writing one file at the same time.
///
/// A lock belongs to a task or a session, not to a process. The owner may take it again at any time. It is stale, and
/// the next who wants it may break it, when its heartbeat is older than 5 minutes and its process is dead, or older
/// than 30 minutes; locks of other computers are removed by `cleanup` alone.
#[derive(Parser, Debug)]
#[command(
    name = "file-lock",
    disable_version_flag = true,
    after_help = "Exit codes: 0 done; 1 blocked, not held, refused, or the database stayed busy (\"status\":\"error\"); \
                  hold: the command's own."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Acquire(acquire::Acquire),
    AcquireSession(acquire::AcquireSession),
    Release(release::Release),
    ReleaseTask(release::ReleaseTask),
    ReleaseSession(release::ReleaseSession),
    Check(look::Check),
    Heartbeat(release::Heartbeat),
    List(look::List),
    Who(look::Who),
    Wait(acquire::Wait),
    Verify(look::Verify),
    Hold(hold::Hold),
    Cleanup(release::Cleanup),
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    if arguments.is_empty() {
        return Ok(Outcome::text(Args::command().render_long_help().to_string()));
    }
    args::with::<Args>(arguments, exit_code::REFUSED, |args| match args.command {
        Command::Acquire(command) => command.run(context),
        Command::AcquireSession(command) => command.run(context),
        Command::Release(command) => command.run(context),
        Command::ReleaseTask(command) => command.run(context),
        Command::ReleaseSession(command) => command.run(context),
        Command::Check(command) => command.run(context),
        Command::Heartbeat(command) => command.run(context),
        Command::List(command) => command.run(context),
        Command::Who(command) => command.run(context),
        Command::Wait(command) => command.run(context),
        Command::Verify(command) => command.run(context),
        Command::Hold(command) => command.run(context),
        Command::Cleanup(command) => command.run(context),
    })
}

/// Runs file-lock with `arguments` if its command is one of `commands`: the tools that are parts of it.
pub(crate) fn run_part(context: &Context, arguments: &[OsString], part: clap::Command, commands: &[&str]) -> Answer {
    let Some(first) = arguments.first() else {
        return Ok(Outcome::text(part.clone().render_long_help().to_string()));
    };
    if commands.iter().any(|command| first == command) {
        return run(context, arguments);
    }
    match part.try_get_matches_from(std::iter::once(&OsString::from("part")).chain(arguments)) {
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            Ok(Outcome::text(error.render().to_string()))
        }
        _ => Err(crewkit_tool::Refusal::new(format!("unknown command '{}'", first.to_string_lossy()))),
    }
}

/// The subcommands `commands` of file-lock as a program of their own.
pub(crate) fn part(name: &'static str, summary: &'static str, commands: &[&str]) -> clap::Command {
    let whole = Args::command();
    let chosen = commands.iter().filter_map(|command| whole.find_subcommand(command)).cloned();
    clap::Command::new(name).about(summary).subcommand_required(true).subcommands(chosen)
}

#[cfg(test)]
mod tests;
