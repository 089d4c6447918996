//! merge-queue: lands finished branches on the main branch, one at a time or a few together. Agents call it, and
//! plan-db for them; it is their only road to the main branch.
//!
//! A landing is made without anybody's work tree: `git merge-tree` merges in memory, the merge commit is validated in a
//! work tree of its own, and the main branch moves by compare-and-swap to exactly that commit. A work tree that has the
//! main branch checked out is brought forward with it; where that would touch uncommitted work, the landing waits.
//!
//! `processor` is the procedure, `recovery` what it does about a killed one, `ground` the repository, `mover` and
//! `checkout` the main branch and the work trees that show it, `validation` the trial, `line` the commands on the
//! queue itself.

mod branch_ref;
mod checkout;
mod ground;
mod line;
mod lock_file;
mod mover;
mod processor;
mod recovery;
mod report;
mod serve;
mod validation;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};
use crewkit_repo::Repository;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};

/// merge-queue.
pub const TOOL: Tool = Tool {
    name: "merge-queue",
    summary: "lands finished branches on the main branch, validated, one at a time",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Lands finished branches on the main branch: merged in memory, validated in a work tree of its own, and the main
/// branch moved to exactly the commit that was validated. No rebase, no push unless asked for; branches are kept.
#[derive(Debug, Parser)]
#[command(name = "merge-queue", disable_version_flag = true)]
#[command(after_help = "Order: priority, then age. A repository sees its own entries only.\n\
    A work tree that has the main branch checked out is brought forward by each landing, keeping uncommitted changes\n\
    that the landing does not touch; when it would touch one, or a merge or rebase is under way there, process answers\n\
    blocked (main_busy) and the entry stays queued.\n\
    Environment: MAIN_BRANCH (else main, master, origin's); MERGE_QUEUE_VALIDATE, or git config crewkit.validate: a\n\
    command line that every candidate has to pass; MERGE_QUEUE_TIMEOUT: its seconds.\n\
    Exit codes: 0 done; 1 refused, failed, blocked, wrong usage.")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Puts a local branch at the end of the line of its priority.
    Enqueue(line::EnqueueArguments),
    /// Lands the next entry.
    Process(serve::ProcessArguments),
    /// Counts, and the entries that wait.
    Status {
        /// A table instead of JSON.
        #[arg(long)]
        human: bool,
    },
    /// Takes a queued branch out of the line.
    Cancel {
        /// The branch.
        #[arg(value_name = "BRANCH")]
        branch: String,
    },
    /// Puts a failed or cancelled branch into the line again, as it was queued before.
    Retry {
        /// The branch.
        #[arg(value_name = "BRANCH")]
        branch: String,
    },
    /// Deletes entries that ended some time ago.
    Clean {
        /// How long ago, at least.
        #[arg(long, value_name = "HOURS", default_value_t = 24, allow_negative_numbers = true)]
        age: u32,
    },
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| match arguments.command {
        None => Ok(Outcome::text(Arguments::command().render_long_help().to_string())),
        Some(Command::Enqueue(arguments)) => line::enqueue(context, &arguments),
        Some(Command::Process(arguments)) => serve::process(context, &arguments),
        Some(Command::Status { human }) => line::status(context, human),
        Some(Command::Cancel { branch }) => line::cancel(context, &branch),
        Some(Command::Retry { branch }) => line::retry(context, &branch),
        Some(Command::Clean { age }) => line::clean(context, age),
    })
}

/// The repository that the working directory lies in; `None` outside any.
fn here(context: &Context) -> Result<Option<Repository>, Refusal> {
    Ok(Repository::discover(context.directory()?))
}

/// The same, or a refusal.
fn repository(context: &Context) -> Result<Repository, Refusal> {
    let repository = here(context)?.ok_or_else(|| Refusal::new("not inside a git repository"))?;
    if repository.common_dir.join("reftable").is_dir() {
        // What is checked out where could not be read, and a work tree of the main branch would be left behind.
        let place = repository.common_dir.display();
        return Err(Refusal::new(format!("{place}: branches kept as a reftable are not supported")));
    }
    Ok(repository)
}

/// The repository's name in the queue: its common git folder.
fn name_of(repository: &Repository) -> Result<&str, Refusal> {
    let path = &repository.common_dir;
    path.to_str().ok_or_else(|| Refusal::new(format!("{}: the repository's path is not UTF-8", path.display())))
}

/// The branch that is landed on, by its short name.
fn target(context: &Context, repository: &Repository) -> Option<String> {
    context.variable("MAIN_BRANCH").or_else(|| repository.main_branch())
}

/// Whether the repository has a local branch of this name.
fn has_branch(repository: &Repository, branch: &str) -> Result<bool, Refusal> {
    let place = repository.common_dir.display();
    let opened = repository.open().map_err(|reason| Refusal::new(format!("{place}: {reason}")))?;
    // A name that no branch can have is not found, either.
    Ok(opened.try_find_reference(&format!("refs/heads/{branch}")).is_ok_and(|found| found.is_some()))
}

/// The folder of the database, links resolved where it exists.
fn data_folder(context: &Context) -> Result<PathBuf, Refusal> {
    let path = context.database_path()?;
    let folder = path.parent().unwrap_or(&path);
    Ok(folder.canonicalize().unwrap_or_else(|_| folder.to_owned()))
}
