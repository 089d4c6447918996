//! A repository whose worktrees are to be cleaned up: what may go, and how it goes.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crewkit_repo::{
    Git, Head, MainBranch, Operation, Relation, Repository, Status, Worktree, branch_or_detached, worktree_at,
};
use crewkit_tool::{Context, Refusal};

/// The repository and its state as it was when the tool began, or after its last change.
pub(crate) struct Site<'a> {
    context: &'a Context,
    repository: Repository,
    pub(crate) main: MainBranch,
    pub(crate) trees: Vec<Worktree>,
}

/// What is to be done with a worktree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It stays, for this reason.
    Keep(String),
    /// It can go.
    Go(Leaving),
}

/// A worktree that can go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Leaving {
    /// The full id of what it has checked out.
    commit: String,
    /// What git ignores in it, links apart: it would be lost.
    pub(crate) ignored: Vec<PathBuf>,
}

impl<'a> Site<'a> {
    /// The repository that holds `directory`; `None` outside any.
    pub(crate) fn at(context: &'a Context, directory: &Path) -> Result<Option<Self>, Refusal> {
        let Some(repository) = Repository::discover(directory) else { return Ok(None) };
        let main = repository.find_main(context)?.ok_or_else(|| {
            Refusal::new("no main branch: neither main nor master nor origin/HEAD (MAIN_BRANCH names it)")
        })?;
        let trees = repository.known_worktrees(context)?;
        Ok(Some(Self { context, repository, main, trees }))
    }

    /// The worktree at `path`.
    pub(crate) fn tree(&self, path: &Path) -> Option<&Worktree> {
        worktree_at(&self.trees, path)
    }

    /// The worktree that has `branch` checked out.
    pub(crate) fn tree_of(&self, branch: &str) -> Option<&Worktree> {
        self.trees.iter().find(|tree| !tree.bare && tree.head.branch() == Some(branch))
    }

    fn git(&self) -> Git {
        self.repository.git(self.context)
    }

    /// The full id of a branch's newest commit; `None` when there is no such branch.
    pub(crate) fn tip(&self, reference: &str) -> Result<Option<String>, Refusal> {
        let name = format!("{reference}^{{commit}}");
        let ended = self.git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).run()?;
        Ok(ended.ok().then(|| ended.text()))
    }

    /// Whether nothing is lost with `commit`: the main branch has its content, here or (as last fetched) on origin.
    pub(crate) fn is_merged(&self, commit: &str) -> Result<bool, Refusal> {
        let contained = |main: &MainBranch| {
            let relation = Relation::of(self.context, &self.repository, main, commit)?;
            relation.is_contained(self.context, &self.repository, main, commit)
        };
        if contained(&self.main)? {
            return Ok(true);
        }
        let reference = format!("refs/remotes/origin/{}", self.main.name);
        match self.tip(&reference)? {
            Some(commit) if commit != self.main.commit => {
                contained(&MainBranch { name: self.main.name.clone(), reference, commit })
            }
            _ => Ok(false),
        }
    }

    /// Whether the main branch itself has `commit`.
    pub(crate) fn is_ancestor(&self, commit: &str) -> Result<bool, Refusal> {
        let ended = self.git().args(["merge-base", "--is-ancestor", commit, &self.main.commit]).run()?;
        match ended.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(Refusal::new(format!("the commits cannot be compared: {}", ended.complaint()))),
        }
    }

    /// Whether `tree` may go.
    pub(crate) fn judge(&self, tree: &Worktree) -> Result<Verdict, Refusal> {
        let path = tree.path.display();
        let name = match &tree.head {
            Head::Branch(name) => name.clone(),
            _ => format!("{} at {path}", branch_or_detached(&tree.head)),
        };
        let keep = |why: String| Ok(Verdict::Keep(why));
        if tree.main || tree.bare {
            return keep(format!("{name} is in the main working tree, {path}, which is never removed"));
        }
        if let Some(reason) = &tree.locked {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            return keep(format!("{name} is in a locked worktree, {path}{reason}"));
        }
        let commit = match &tree.head {
            Head::Branch(branch) if *branch == self.main.name => return keep(format!("{branch} is the main branch")),
            Head::Branch(branch) => self.tip(&format!("refs/heads/{branch}"))?,
            Head::Detached(id) => Some(id.clone()),
            Head::Unknown => None,
        };
        let Some(commit) = commit else { return keep(format!("Branch {name} not found")) };
        if !self.is_merged(&commit)? {
            return keep(format!("{name} not merged into {}", self.main.name));
        }
        if tree.missing {
            return Ok(Verdict::Go(Leaving { commit, ignored: Vec::new() }));
        }
        let changes = Status::by_git(Git::at(self.context, &tree.path).of_folder())?.entries.len();
        if changes > 0 {
            return keep(format!("{name} has {changes} uncommitted changes"));
        }
        if let Some(operation) = Repository::discover(&tree.path).and_then(|at| Operation::under_way(&at.git_dir)) {
            return keep(format!("{name} is in the middle of a {}", operation.name()));
        }
        Ok(Verdict::Go(Leaving { commit, ignored: self.ignored(tree)? }))
    }

    fn ignored(&self, tree: &Worktree) -> Result<Vec<PathBuf>, Refusal> {
        let listed = Git::at(self.context, &tree.path)
            .of_folder()
            .args(["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"])
            .must("the ignored files cannot be listed")?;
        let names = listed.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        let paths = names.map(|name| PathBuf::from(std::ffi::OsStr::from_bytes(name)));
        Ok(paths.filter(|path| !tree.path.join(path).is_symlink()).collect())
    }

    /// Whether work was done on the branch of `tree`, whose commits are all in the main branch: told from a fresh
    /// branch by the branch's log, or by a merge in the main branch.
    pub(crate) fn has_own_commits(&self, tree: &Worktree) -> Result<bool, Refusal> {
        let Some(branch) = tree.head.branch() else { return Ok(false) };
        let reference = format!("refs/heads/{branch}");
        let Some(tip) = self.tip(&reference)? else { return Ok(false) };
        let log = self.git().args(["log", "--walk-reflogs", "--format=%gs", &reference, "--"]).run()?;
        let made = ["commit", "cherry-pick", "revert", "am"];
        let worked = |line: &str| made.iter().any(|word| line.split([':', ' ']).next() == Some(word));
        if log.ok() && log.text().lines().any(worked) {
            return Ok(true);
        }
        // A branch that was merged hangs beside the main branch's own line; a fresh one is a point on it.
        let range = format!("{tip}..{}", self.main.commit);
        let line = self.git().args(["rev-list", "--first-parent", "--parents", &range, "--"]);
        let line = line.must("the main branch cannot be read")?.text();
        let first = line.lines().last().map(|row| row.split(' ').nth(1) == Some(tip.as_str()));
        Ok(!first.unwrap_or(true))
    }

    /// Removes the worktree and its branch. What was done, as lines; the reason where git refuses.
    pub(crate) fn remove(
        &mut self,
        tree: &Worktree,
        leaving: &Leaving,
        keep_ignored: bool,
    ) -> Result<Vec<String>, Refusal> {
        let path = tree.path.display();
        let mut lines = vec![format!("  Removing worktree: {path}")];
        let turn = self.repository.turn()?;
        let kept = if keep_ignored { Kept::aside(&tree.path, &leaving.ignored)? } else { None };
        let removed = self.git().args(["worktree", "remove"]).arg(&tree.path).run();
        let removed = removed.and_then(|ended| {
            let refused = || Refusal::new(format!("git does not remove {path}: {}", ended.complaint()));
            if ended.ok() { Ok(()) } else { Err(refused()) }
        });
        if let Some(kept) = kept {
            kept.back()?;
            lines.push(format!("  Kept ignored files: {path}"));
        }
        removed?;
        if let Some(branch) = tree.head.branch() {
            lines.push(match self.delete_branch(branch, &leaving.commit)? {
                None => format!("  Deleting branch: {branch}"),
                Some(reason) => format!("  Branch {branch} kept: {reason}"),
            });
        }
        drop(turn);
        self.trees = self.repository.known_worktrees(self.context)?;
        Ok(lines)
    }

    /// Deletes a branch that no worktree has, if it still is at `commit`; else the reason why not.
    pub(crate) fn delete_branch(&self, branch: &str, commit: &str) -> Result<Option<String>, Refusal> {
        if self.tip(&format!("refs/heads/{branch}"))?.as_deref() != Some(commit) {
            return Ok(Some("it has new commits".to_owned()));
        }
        let ended = self.git().args(["branch", "--quiet", "-D", "--end-of-options", branch]).run()?;
        Ok((!ended.ok()).then(|| ended.complaint()))
    }
}

/// Ignored files on their way round a removal: beside the worktree, then in its place.
struct Kept {
    place: PathBuf,
    aside: PathBuf,
}

impl Kept {
    fn aside(place: &Path, files: &[PathBuf]) -> Result<Option<Self>, Refusal> {
        if files.is_empty() {
            return Ok(None);
        }
        let mut name = place.as_os_str().to_owned();
        name.push(format!(".kept-{}", std::process::id()));
        let kept = Self { place: place.to_owned(), aside: PathBuf::from(name) };
        for file in files {
            let target = kept.aside.join(file);
            let moved = fs::create_dir_all(target.parent().unwrap_or(&kept.aside))
                .and_then(|()| fs::rename(place.join(file), &target));
            if let Err(fault) = moved {
                kept.back()?;
                return Err(Refusal::new(format!("{} cannot be kept: {fault}", file.display())));
            }
        }
        Ok(Some(kept))
    }

    fn back(&self) -> Result<(), Refusal> {
        if !self.aside.exists() {
            return Ok(());
        }
        put_back(&self.aside, &self.place)
            .map_err(|fault| Refusal::new(format!("the ignored files are in {}: {fault}", self.aside.display())))
    }
}

/// Moves what lies in `from` to `to`, whether or not that still is there.
fn put_back(from: &Path, to: &Path) -> std::io::Result<()> {
    if fs::symlink_metadata(to).is_err() {
        return fs::rename(from, to);
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        put_back(&entry.path(), &to.join(entry.file_name()))?;
    }
    fs::remove_dir(from)
}
