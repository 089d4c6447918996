//! thor-git-hook: the check of thor-commit-guard as git's own pre-commit hook, so that people and other programs are held
//! to it too. `check` is called by git; a person installs it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, args, exit_code};

use crate::pre_commit::{self, HookFile, Inserted};
use crate::thor;

/// thor-git-hook.
pub const TOOL: Tool = Tool {
    name: "thor-git-hook",
    summary: "a pre-commit hook of git that refuses while finished tasks are not validated",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// The check of thor-commit-guard as git's pre-commit hook.
///
/// `THOR_SKIP=REASON git commit` lets a commit pass; it is written to ~/.claude/logs/thor-skip.log.
#[derive(Debug, Parser)]
#[command(name = TOOL.name, disable_version_flag = true, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, or nothing stands in the way; 1 refused.")]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Refuses (exit code 1) while the project has tasks that are done and not validated. The default; git calls it.
    Check,
    /// Makes git call the check before every commit: a line straight after the first of the pre-commit hook, which is
    /// made where there is none. Worktrees share it; core.hooksPath is followed.
    Install {
        /// The repository.
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
    },
    /// Takes the line out again, and the hook where nothing else is in it.
    Uninstall {
        /// The repository.
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
    },
    /// Says whether git calls the check: exit code 0, else 1.
    Status {
        /// The repository.
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
    },
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |arguments| match arguments.command {
        None | Some(Command::Check) => check(context),
        Some(Command::Install { repo }) => {
            let file = HookFile::of(context, &repo)?;
            let done = file.insert(&pre_commit::call_of_tool(TOOL.name, "check")?, TOOL.name)?;
            let word = match done {
                Inserted::Created => "Created",
                Inserted::Added => "Appended",
                Inserted::Already => "Already installed",
            };
            Ok(Outcome::text(format!("{word}: {}", file.path.display())))
        }
        Some(Command::Uninstall { repo }) => {
            let file = HookFile::of(context, &repo)?;
            let word = if file.remove(TOOL.name)? { "Removed" } else { "Not installed" };
            Ok(Outcome::text(format!("{word}: {}", file.path.display())))
        }
        Some(Command::Status { repo }) => {
            let file = HookFile::of(context, &repo)?;
            let (word, code) = match file.state(TOOL.name)? {
                pre_commit::State::Called => ("Installed", exit_code::DONE),
                pre_commit::State::NotExecutable => ("Installed, but not executable", exit_code::REFUSED),
                pre_commit::State::NotThere => ("Not installed", exit_code::REFUSED),
            };
            Ok(Outcome::text(format!("{word}: {}", file.path.display())).with_code(code))
        }
    })
}

/// The check, as git calls it in the top folder of the work tree.
///
/// # Errors
/// When the database is there and cannot be read: git's commit is then refused, for nothing was checked.
pub fn check(context: &Context) -> Answer {
    let directory = context.directory()?;
    let tasks = thor::unvalidated(context, directory)?;
    if tasks.is_empty() {
        return Ok(Outcome::silent());
    }
    if let Some(reason) = context.variable("THOR_SKIP") {
        let who = context.variable("USER").unwrap_or_else(|| "git".to_owned());
        thor::log_skip(context, &who, directory, tasks.len(), &reason)?;
        return Ok(Outcome::silent());
    }
    Ok(Outcome::silent().with_stderr(thor::reason(&tasks)).with_code(exit_code::REFUSED))
}
