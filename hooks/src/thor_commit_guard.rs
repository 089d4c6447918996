//! thor-commit-guard: before `git commit` runs, refuses it while finished tasks of the project's active plans are not
//! validated. Called by the agent (PreToolUse, Bash).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use crewkit_hook::command_line::{self, Command, Places};
use crewkit_hook::{Dialect, Event};
use crewkit_repo::Repository;
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool};

use crate::{entry, thor};

/// thor-commit-guard.
pub const TOOL: Tool = Tool {
    name: "thor-commit-guard",
    summary: "refuses an agent's commit while finished tasks are not validated",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// Reads a hook event from standard input. Blocks `git commit` while the project has tasks that are done and not
/// validated, in plans that are todo or doing.
///
/// `THOR_SKIP=REASON`, set for the command or in the agent's environment, lets a commit pass; who did it, where and why is
/// written to ~/.claude/logs/thor-skip.log.
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// Judges a shell command that is about to run; silent for anything but a commit.
///
/// # Errors
/// When the database cannot be read, or the way past the check cannot be written down.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let Some(command) = entry::command_to_run(event).filter(|command| command.contains("commit")) else {
        return Ok(Outcome::silent());
    };
    let line = command_line::read(command);
    if !line.is_complete() {
        return Ok(event.block(entry::UNREADABLE));
    }
    let mut commits = line.commands().filter(|command| is_commit(*command)).peekable();
    if commits.peek().is_none() {
        return Ok(Outcome::silent());
    }
    let (start, home) = (event.directory(context)?, context.home().ok());
    let places = Places { start: &start, home: home.as_deref(), top: &top };
    for commit in commits {
        let directory = commit.git().and_then(|git| git.git_dir(&places).or_else(|| git.directory(&places)));
        let directory = directory.as_deref().unwrap_or(&start);
        let tasks = thor::unvalidated(context, directory)?;
        if tasks.is_empty() {
            continue;
        }
        let given =
            commit.variable("THOR_SKIP").map(|word| word.to_string()).filter(|reason| !reason.trim().is_empty());
        let Some(reason) = given.or_else(|| context.variable("THOR_SKIP")) else {
            return Ok(event.block(&thor::reason(&tasks)));
        };
        if let Err(fault) = thor::log_skip(context, who(event), directory, tasks.len(), &reason) {
            return Ok(event.block(&format!("{}\n{fault}", thor::reason(&tasks))));
        }
    }
    Ok(Outcome::silent())
}

/// Whether a command is a `git commit` that commits.
fn is_commit(command: Command<'_>) -> bool {
    command.git().is_some_and(|git| {
        let idle = |word: &str| matches!(word, "-h" | "--help" | "--dry-run");
        git.subcommand == "commit" && !git.arguments.iter().take_while(|word| *word != "--").any(|word| idle(&word))
    })
}

fn who(event: &Event) -> &str {
    event.session_id().unwrap_or(if event.dialect() == Dialect::Copilot { "copilot" } else { "agent" })
}

fn top(directory: &Path) -> Option<PathBuf> {
    Repository::discover(directory)?.top
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_commit_is_a_commit() {
        let commits = |line: &str| command_line::read(line).commands().filter(|command| is_commit(*command)).count();
        for line in [
            "git commit -m x",
            "git  commit",
            "git -C ../shop commit --amend",
            "cd x && sudo git -c a.b=c commit -m 'y'",
            "THOR_SKIP=x git commit",
            "bash -c 'git commit'",
            "git add . ; git commit -- --help",
        ] {
            assert_eq!(commits(line), 1, "{line}");
        }
        for line in [
            "echo git commit",
            "git log --grep commit",
            "git commit --help",
            "git commit --dry-run",
            "git commit-tree x",
            "# git commit",
        ] {
            assert_eq!(commits(line), 0, "{line}");
        }
    }
}
