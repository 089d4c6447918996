//! worktree-cleanup: removes worktrees whose branch is merged, with their branch and their entry in the database. People
//! call it, and plan-db when a plan is completed.
//!
//! Git itself removes a worktree, never with force: what git refuses to remove stays.

mod aside;
mod cleanup;
mod database;
mod in_use;
mod report;
mod site;
mod size;

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Kind, Refusal, Tool};

use cleanup::Cleanup;
pub(crate) use database::Database;
use report::Report;
pub(crate) use site::{Site, Verdict};

/// worktree-cleanup.
pub const TOOL: Tool = Tool {
    name: "worktree-cleanup",
    summary: "removes worktrees whose branch is merged, with branch and database entry",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Removes worktrees whose branch is merged, with their branch and their entry in the database.
///
/// Merged is a branch whose commits, or the same changes after a squash, are in the main branch (here, or as last
/// fetched from origin). A worktree stays (in brackets the word for it with --json) when it is the main one (main-tree),
/// locked (locked), on the main branch (main-branch), when its branch is not there (no-branch) or not merged
/// (not-merged), when it has uncommitted or untracked files (uncommitted) or is in the middle of a merge, rebase...
/// (operation), when the current directory (here) or that of another process (in-use, seen on Linux only) lies in it,
/// when it cannot be read (unreadable), and when git refuses (git-refused).
///
/// Ends with 0; 1 when a worktree stays that was asked for by name, plan or wave.
#[derive(Parser, Debug)]
#[command(name = "worktree-cleanup", disable_version_flag = true)]
#[command(group = clap::ArgGroup::new("which").required(true))]
struct Arguments {
    /// The worktree of this plan, and those of its waves
    #[arg(long, value_name = "ID", group = "which", allow_negative_numbers = true)]
    plan: Option<RowId>,
    /// The worktree of this wave (row id)
    #[arg(long, value_name = "ID", group = "which", allow_negative_numbers = true)]
    wave: Option<RowId>,
    /// The worktree of this branch; without one, the branch if it is merged
    #[arg(long, value_name = "BRANCH", group = "which")]
    branch: Option<String>,
    /// Every worktree with work that is merged; those without commits of their own (fresh), with files that agents lock
    /// (file-locks), or of a plan or wave in progress (in-progress) stay
    #[arg(long, group = "which")]
    all_merged: bool,
    /// Forget every worktree whose folder is gone; its branch stays
    #[arg(long, group = "which")]
    prune: bool,
    /// Only those in which nothing happened for so many days (else: recent)
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,
    /// Only say what would be removed, and how much of the disk it takes
    #[arg(long)]
    dry_run: bool,
    /// Leave files that git ignores (real .env files, data) in the folder
    #[arg(long)]
    keep_ignored: bool,
    /// One JSON object: dry_run, cleaned, kept, freed_bytes, pruned, deleted_branches, released, errors
    #[arg(long)]
    json: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let read = match args::parse::<Arguments>(arguments) {
        Ok(read) => read,
        Err(args::Instead::Help(help)) => return Ok(help),
        Err(args::Instead::Wrong(refusal)) => {
            return Err(refusal.with_help(Arguments::command().render_usage().to_string()));
        }
    };
    let directory = context.directory()?;
    let site = Site::at(context, directory, read.older_than)?
        .ok_or_else(|| Refusal::new(format!("Not in a git repository: {}", directory.display())))?;
    if in_use::workers(directory).is_none() {
        context.note("this system does not tell which processes work in a worktree: not checked");
    }
    let report = Report { dry_run: read.dry_run, ..Report::default() };
    let mut cleanup = Cleanup { context, arguments: &read, site, report };
    let done = match (&read.branch, read.plan, read.wave) {
        (Some(branch), ..) => cleanup.branch(branch),
        (_, Some(RowId(id)), _) => cleanup.plan(id),
        (.., Some(RowId(id))) => cleanup.wave(id),
        _ if read.prune => cleanup.prune(),
        _ => cleanup.all_merged(),
    };
    let mut report = cleanup.report;
    if let Err(refusal) = done {
        // What was done before it is told all the same.
        report.refuse(refusal.message);
    }
    Ok(report.outcome(read.json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_mode_is_asked_for() {
        let scratch = tempfile::tempdir().unwrap();
        let context = crate::scripted(scratch.path());
        for arguments in [
            &[][..],
            &["--plan", "0"],
            &["--plan", "1", "--wave", "2"],
            &["--dry-run"],
            &["--branch"],
            &["--prune", "--older-than", "-1"],
        ] {
            let refusal = run(&context, &arguments.iter().map(OsString::from).collect::<Vec<_>>()).unwrap_err();
            assert!(refusal.code == 1 && refusal.help.contains("Usage"), "{refusal:?}");
        }
        let refusal = run(&context, &["--all-merged".into()]).unwrap_err();
        assert!(refusal.message.starts_with("Not in a git repository"), "{refusal}");
    }
}
