//! A repository whose worktrees are to be cleaned up: what may go, and how it goes.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crewkit_repo::{
    Git, Head, MainBranch, Operation, Relation, Repository, Status, Worktree, branch_or_detached, real_path,
    worktree_at,
};
use crewkit_tool::{Context, Refusal};

use super::aside::Aside;
use super::in_use;
use super::report::Why;
use super::size::Size;

/// The repository and its state as it was when the tool began, or after its last change.
pub(crate) struct Site<'a> {
    context: &'a Context,
    repository: Repository,
    pub(crate) main: MainBranch,
    pub(crate) trees: Vec<Worktree>,
    /// Only worktrees in which nothing happened for so many days may go.
    older_than: Option<u32>,
}

/// What became of a worktree that was removed.
pub(crate) struct Removed {
    pub(crate) lines: Vec<String>,
    pub(crate) branch_deleted: bool,
    /// Bytes that are left where it was.
    pub(crate) left: u64,
}

/// What is to be done with a worktree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It stays, for this reason.
    Keep(Why),
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
    pub(crate) fn at(context: &'a Context, directory: &Path, older_than: Option<u32>) -> Result<Option<Self>, Refusal> {
        let Some(repository) = Repository::discover(directory) else { return Ok(None) };
        let main = repository.find_main(context)?.ok_or_else(|| {
            Refusal::new("no main branch: neither main nor master nor origin/HEAD (MAIN_BRANCH names it)")
        })?;
        let trees = repository.known_worktrees(context)?;
        Ok(Some(Self { context, repository, main, trees, older_than }))
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
        let keep = |word, why: String| Ok(Verdict::Keep(Why::new(word, why)));
        if tree.main || tree.bare {
            return keep("main-tree", format!("{name} is in the main working tree, {path}, which is never removed"));
        }
        if let Some(reason) = &tree.locked {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            return keep("locked", format!("{name} is in a locked worktree, {path}{reason}"));
        }
        let commit = match &tree.head {
            Head::Branch(branch) if *branch == self.main.name => {
                return keep("main-branch", format!("{branch} is the main branch"));
            }
            Head::Branch(branch) => self.tip(&format!("refs/heads/{branch}"))?,
            Head::Detached(id) => Some(id.clone()),
            Head::Unknown => None,
        };
        let Some(commit) = commit else { return keep("no-branch", format!("Branch {name} not found")) };
        if !self.is_merged(&commit)? {
            return keep("not-merged", format!("{name} not merged into {}", self.main.name));
        }
        if tree.missing {
            return Ok(Verdict::Go(Leaving { commit, ignored: Vec::new() }));
        }
        let changes = Status::by_git(Git::at(self.context, &tree.path).of_folder())?.entries.len();
        if changes > 0 {
            return keep("uncommitted", format!("{name} has {changes} uncommitted changes"));
        }
        let git_dir = Repository::discover(&tree.path).map(|at| at.git_dir);
        if let Some(operation) = git_dir.as_deref().and_then(Operation::under_way) {
            return keep("operation", format!("{name} is in the middle of a {}", operation.name()));
        }
        if let Some(days) = self.older_than
            && let Some(age) = git_dir.and_then(|git_dir| self.quiet_days(tree, &git_dir))
            && age < u64::from(days)
        {
            return keep("recent", format!("{name} was used {age} days ago"));
        }
        if let Some(why) = self.in_use(tree, &name)? {
            return Ok(Verdict::Keep(why));
        }
        // Git lists a folder of nothing but ignored files, and what in it is ignored by name.
        let all = self.ignored(tree)?;
        let within = |path: &PathBuf| all.iter().any(|other| other != path && path.starts_with(other));
        let ignored = all.iter().filter(|path| !within(path)).cloned().collect();
        Ok(Verdict::Go(Leaving { commit, ignored }))
    }

    /// Whole days since git changed anything in the worktree, or a name at its top came or went; `None` when no file tells.
    fn quiet_days(&self, tree: &Worktree, git_dir: &Path) -> Option<u64> {
        let files = ["HEAD", "index", "logs/HEAD"].map(|name| git_dir.join(name));
        let times =
            files.iter().chain([&tree.path]).filter_map(|file| file.metadata().and_then(|at| at.modified()).ok());
        let seconds = u64::try_from(self.context.clock.seconds()).ok()?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Some(now.duration_since(times.max()?).unwrap_or_default().as_secs() / 86_400)
    }

    /// Who works in `tree` at this moment.
    fn in_use(&self, tree: &Worktree, name: &str) -> Result<Option<Why>, Refusal> {
        let path = tree.path.display();
        if real_path(self.context.directory()?).starts_with(&tree.path) {
            let line = format!("{name} has the current directory in its worktree, {path}: change to another one first");
            return Ok(Some(Why::new("here", line)));
        }
        let Some(workers) = in_use::workers(&tree.path) else { return Ok(None) };
        Ok(workers.first().map(|first| {
            let more = if workers.len() > 1 { format!(" and {} more", workers.len() - 1) } else { String::new() };
            let line = format!("{name} is in use: process {} ({}){more} works in {path}", first.process, first.name);
            Why::new("in-use", line)
        }))
    }

    /// What `tree` takes on the disk.
    pub(crate) fn size(&self, tree: &Worktree) -> Result<Size, Refusal> {
        if tree.missing {
            return Ok(Size { complete: true, ..Size::default() });
        }
        Ok(Size::of(&tree.path, &self.ignored(tree)?))
    }

    /// Forgets a worktree whose folder is gone. Its branch stays; a commit that is on no branch keeps it: the reason.
    pub(crate) fn prune(&mut self, tree: &Worktree) -> Result<Option<Why>, Refusal> {
        let path = tree.path.display();
        if tree.locked.is_some() {
            return Ok(Some(Why::new("locked", format!("{path} is locked"))));
        }
        if let Head::Detached(commit) = &tree.head {
            let asked = self.git().args(["for-each-ref", "--count=1", "--contains", commit]).run()?;
            if !asked.ok() || asked.text().is_empty() {
                return Ok(Some(Why::new("not-merged", format!("{path} is all that keeps the commit {commit}"))));
            }
        }
        let _turn = self.repository.turn()?;
        if tree.path.join(".git").exists() {
            return Ok(Some(Why::new("in-use", format!("{path} is there again"))));
        }
        let removed = self.git().args(["worktree", "remove"]).arg(&tree.path).run()?;
        if !removed.ok() {
            return Ok(Some(Why::new("git-refused", format!("git does not forget {path}: {}", removed.complaint()))));
        }
        Ok(None)
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

    /// Removes the worktree and its branch. The reason where git refuses.
    pub(crate) fn remove(
        &mut self,
        tree: &Worktree,
        leaving: &Leaving,
        keep_ignored: bool,
    ) -> Result<Removed, Refusal> {
        let path = tree.path.display();
        let mut done = Removed { lines: vec![format!("  Removing worktree: {path}")], branch_deleted: false, left: 0 };
        let turn = self.repository.turn()?;
        let kept = if keep_ignored { Aside::put(&tree.path, &leaving.ignored)? } else { None };
        let removed = self.git().args(["worktree", "remove"]).arg(&tree.path).run();
        let removed = removed.and_then(|ended| {
            let refused = || Refusal::new(format!("git does not remove {path}: {}", ended.complaint()));
            if ended.ok() { Ok(()) } else { Err(refused()) }
        });
        if let Some(kept) = kept {
            kept.back()?;
            done.lines.push(format!("  Kept ignored files: {path}"));
            done.left = Size::of(&tree.path, &[]).bytes;
        }
        removed?;
        if let Some(branch) = tree.head.branch() {
            let stays = self.delete_branch(branch, &leaving.commit)?;
            done.branch_deleted = stays.is_none();
            done.lines.push(match stays {
                None => format!("  Deleting branch: {branch}"),
                Some(reason) => format!("  Branch {branch} kept: {reason}"),
            });
        }
        drop(turn);
        self.trees = self.repository.known_worktrees(self.context)?;
        Ok(done)
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
