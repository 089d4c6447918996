//! worktree-safety: is a worktree fresh enough to begin a task in, do worktrees change the same files, what became of
//! changes that were put aside, which worktrees are left over. A delegated task begins with `pre-check` and stops on its
//! exit code; `notify-merge` follows a merge; orchestrators read `audit`.

mod audit;
mod overlap;
mod pre_check;
mod recover;
mod stash;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};
use crewkit_repo::{Git, MainBranch, Operation, Repository, Status};
use crewkit_store::queue::{self, Turn};
use crewkit_tool::{Answer, Context, Kind, Refusal, Tool, args, text};

/// worktree-safety.
pub const TOOL: Tool = Tool {
    name: "worktree-safety",
    summary: "freshness before a task, overlaps after a merge, changes put aside, worktrees left over",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// The exit code without a command, or with one that does not exist.
const NO_COMMAND: u8 = 2;

/// Looks after the crew's worktrees, and loses nothing in them.
///
/// Changes that are put aside go to git's stash, named after branch and worktree, for all worktrees of a repository
/// share one list; `recover --apply` gives them back.
#[derive(Parser, Debug)]
#[command(
    name = "worktree-safety",
    disable_version_flag = true,
    after_help = "Exit codes: 0 done; 1 refused, wrong usage of a command, or it could not be found out; 2 no such \
                  command. pre-check: 2 too far behind for an automatic rebase, 3 so far behind that it blocks, 4 the \
                  rebase failed and was undone."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    PreCheck(pre_check::PreCheck),
    NotifyMerge(overlap::NotifyMerge),
    Recover(recover::Recover),
    Audit(audit::Audit),
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let read = match args::parse::<Arguments>(arguments) {
        Ok(read) => read,
        Err(args::Instead::Help(help)) => return Ok(help),
        Err(args::Instead::Wrong(refusal)) => {
            let command = arguments.first().and_then(|first| first.to_str()).unwrap_or_default();
            return Err(if Arguments::command().find_subcommand(command).is_some() {
                refusal
            } else {
                let usage = "Usage: worktree-safety {pre-check|notify-merge|recover|audit} [OPTIONS]";
                refusal.with_code(NO_COMMAND).with_help(usage)
            });
        }
    };
    match read.command {
        Command::PreCheck(command) => command.run(context),
        Command::NotifyMerge(command) => command.run(context),
        Command::Recover(command) => command.run(context),
        Command::Audit(command) => command.run(context),
    }
}

/// The repository that the working directory lies in.
fn repository(context: &Context) -> Result<Repository, Refusal> {
    let directory = context.directory()?;
    Repository::discover(directory)
        .ok_or_else(|| Refusal::new(format!("not in a git repository: {}", directory.display())))
}

/// The main branch; that there is none is no freshness.
fn main_branch(context: &Context, repository: &Repository) -> Result<MainBranch, Refusal> {
    repository
        .find_main(context)?
        .ok_or_else(|| Refusal::new("no main branch: neither main nor master nor origin/HEAD (MAIN_BRANCH names it)"))
}

/// The worktree that the working directory lies in, this process being the only one of the crew that changes it.
struct Tree<'a> {
    context: &'a Context,
    repository: Repository,
    /// Its top folder.
    top: PathBuf,
    _turn: Turn,
}

impl<'a> Tree<'a> {
    /// # Errors
    /// Outside a worktree; when another process of the crew does not come to an end with it.
    fn here(context: &'a Context) -> Result<Self, Refusal> {
        const PATIENCE: std::time::Duration = std::time::Duration::from_mins(2);
        let repository = repository(context)?;
        let top = repository.top.clone().ok_or_else(|| {
            Refusal::new(format!("not in a work tree: {} is a repository's own folder", repository.git_dir.display()))
        })?;
        let lock = repository.git_dir.join("crewkit-safety.lock");
        let turn = queue::wait(&lock, std::time::Instant::now() + PATIENCE)?;
        Ok(Self { context, repository, top, _turn: turn })
    }

    /// Git in it; what a submodule has checked out is left alone, whatever the user's settings are.
    fn git(&self) -> Git {
        Git::at(self.context, &self.top).of_folder().args(["-c", "submodule.recurse=false"])
    }

    fn status(&self) -> Result<Status, Refusal> {
        Status::by_git(self.git())
    }

    /// Refuses in the middle of a merge, a rebase...: what git has begun there is somebody's to end.
    fn must_be_at_rest(&self) -> Result<(), Refusal> {
        match Operation::under_way(&self.repository.git_dir) {
            Some(operation) => Err(Refusal::new(format!(
                "{} is in the middle of a {}: end or abort that first",
                self.top.display(),
                operation.name()
            ))),
            None => Ok(()),
        }
    }
}

/// The branch of a status, for people.
fn branch_of(status: &Status) -> &str {
    status.branch.as_deref().unwrap_or("DETACHED")
}

/// Most files that are named in one line.
const NAMED: usize = 5;

/// Names in one line, the first few of them.
fn some(names: &[String]) -> String {
    let mut line = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        let _ = write!(line, " and {} more", names.len() - NAMED);
    }
    line
}

/// Lines for standard output.
fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| text::one_line(line) + "\n").collect()
}

/// A limit: the flag's value, else the variable's, else `usual`.
fn limit(context: &Context, flag: Option<u32>, variable: &str, usual: u32) -> Result<u32, Refusal> {
    match (flag, context.variable(variable)) {
        (Some(given), _) => Ok(given),
        (None, None) => Ok(usual),
        (None, Some(text)) => {
            text.trim().parse().map_err(|_| Refusal::new(format!("{variable}: '{text}' is no whole number")))
        }
    }
}
