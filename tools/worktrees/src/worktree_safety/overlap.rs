//! notify-merge: files that two worktrees both change.

use std::collections::BTreeMap;

use clap::Args;
use crewkit_repo::{Git, Head, MainBranch, Repository, Worktree};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};
use serde::Serialize;

use super::{main_branch, repository};

/// Warn of files that two worktrees both change: in commits since they left the main branch, or uncommitted.
#[derive(Args, Debug)]
pub(super) struct NotifyMerge {
    /// A JSON array on standard output
    #[arg(long)]
    json: bool,
}

/// A file that two worktrees change.
#[derive(Debug, Serialize)]
struct Overlap {
    file: String,
    worktrees: [String; 2],
}

impl NotifyMerge {
    pub(super) fn run(self, context: &Context) -> Answer {
        let repository = repository(context)?;
        let main = main_branch(context, &repository)?;
        let trees = repository.known_worktrees(context)?;
        let trees: Vec<&Worktree> = trees.iter().filter(|tree| !tree.bare).collect();
        let mut by_file: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        let mut faults = Vec::new();
        for (at, tree) in trees.iter().enumerate() {
            match changed(context, &repository, &main, tree) {
                Ok(files) => {
                    for file in files {
                        let holders = by_file.entry(file).or_default();
                        if holders.last() != Some(&at) {
                            holders.push(at);
                        }
                    }
                }
                Err(refusal) => faults.push(format!("{}: {refusal}", tree.path.display())),
            }
        }
        let path = |at: usize| trees[at].path.to_string_lossy().into_owned();
        let mut overlaps = Vec::new();
        for (file, holders) in &by_file {
            for (number, one) in holders.iter().enumerate() {
                for other in &holders[number + 1..] {
                    let worktrees = [path(*one), path(*other)];
                    overlaps.push(Overlap { file: String::from_utf8_lossy(file).into_owned(), worktrees });
                }
            }
        }
        let code = if faults.is_empty() { exit_code::DONE } else { exit_code::REFUSED };
        let outcome = if self.json {
            Outcome::json(&overlaps)
        } else if overlaps.is_empty() && faults.is_empty() {
            Outcome::text("No overlaps detected\nnotify-merge done\n")
        } else {
            Outcome::text("notify-merge done\n")
        };
        let warning = |Overlap { file, worktrees: [one, other] }: &Overlap| {
            format!("WARNING: Overlapping file {file} in {one} and {other}")
        };
        let notes = overlaps.iter().map(warning).chain(faults);
        Ok(notes.fold(outcome.with_code(code), Outcome::with_note))
    }
}

/// The files that a worktree changes, by their paths from the top.
fn changed(
    context: &Context,
    repository: &Repository,
    main: &MainBranch,
    tree: &Worktree,
) -> Result<Vec<Vec<u8>>, Refusal> {
    const DIFF: [&str; 6] = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv"];
    let names = |call: Git| -> Result<Vec<Vec<u8>>, Refusal> {
        let told = call.must("its changes cannot be read")?.stdout;
        Ok(told.split(|&byte| byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
    };
    let name = match &tree.head {
        Head::Branch(branch) => format!("refs/heads/{branch}^{{commit}}"),
        Head::Detached(id) => id.clone(),
        Head::Unknown => return Err(Refusal::new("what it has checked out cannot be read")),
    };
    let git = || repository.git(context);
    let found = git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).run()?;
    let commit = found.ok().then(|| found.text());
    let mut files = Vec::new();
    if let Some(commit) = commit.as_ref().filter(|commit| **commit != main.commit) {
        let base = git().args(["merge-base", &main.commit, commit]).run()?;
        files = match base.code {
            0 => names(git().args(DIFF).args([&base.text(), commit, "--"]))?,
            // Without a common commit every file is the branch's own.
            1 => names(git().args(["ls-tree", "-r", "-z", "--name-only", commit]))?,
            _ => return Err(Refusal::new(format!("its changes cannot be read: {}", base.complaint()))),
        };
    }
    if !tree.missing {
        let here = || Git::at(context, &tree.path).of_folder();
        files.extend(match &commit {
            Some(_) => names(here().args(DIFF).args(["HEAD", "--"]))?,
            None => names(here().args(["ls-files", "-z"]))?,
        });
        files.extend(names(here().args(["ls-files", "-z", "--others", "--exclude-standard"]))?);
    }
    Ok(files)
}
