//! Work trees that have the main branch checked out: held still while the branch moves, then brought forward.
//!
//! A work tree is held by its `index.lock`, which every command of git that would commit or change the index asks for.
//! Ours is made in one step with a text that says whose it is and which move it stands for, so that whoever finds it
//! after a crash can finish that move; until then the work tree is frozen rather than showing the landing as if
//! somebody had taken it back. Files are brought forward by git's two-tree merge, which keeps uncommitted changes that
//! the landing does not touch and refuses, before it writes anything, when it would touch one.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crewkit_repo::{Git, Operation, Repository};
use crewkit_tool::{Context, Refusal};

use super::lock_file;

/// How long a git that outlived its killed parent may take to finish its work on a file of ours.
const ORPHAN: Duration = Duration::from_secs(10);

/// The first line of a lock of ours.
const TITLE: &str = "held by crewkit merge-queue";

/// A work tree and its git folder.
#[derive(Debug, Clone)]
pub(super) struct Checkout {
    pub(super) path: PathBuf,
    git_dir: PathBuf,
}

/// A move of the main branch from one commit to another, for the queue kept in `database`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) old: String,
    pub(super) new: String,
    pub(super) database: PathBuf,
}

/// A work tree that nobody else's git can change.
#[derive(Debug)]
pub(super) struct Held<'a> {
    context: &'a Context,
    checkout: Checkout,
    order: Move,
}

/// Why the main branch cannot be moved now: one line.
pub(super) type Busy = String;

/// The work trees that have `target` checked out, or what keeps one of them from being brought forward.
pub(super) fn of_target(repository: &Repository, target: &str) -> Result<Vec<Checkout>, Busy> {
    let full = format!("refs/heads/{target}");
    let mut found = Vec::new();
    for (checkout, branch) in all(repository) {
        let place = checkout.path.display();
        let rebased = ["rebase-merge/head-name", "rebase-apply/head-name"]
            .iter()
            .any(|name| fs::read_to_string(checkout.git_dir.join(name)).is_ok_and(|text| text.trim() == full));
        if rebased {
            return Err(format!("'{target}' is being rebased in {place}"));
        }
        if branch.as_deref() != Some(target) {
            continue;
        }
        match Operation::under_way(&checkout.git_dir) {
            None | Some(Operation::Bisect) => found.push(checkout),
            Some(operation) => {
                let word = match operation {
                    Operation::CherryPick => "cherry-pick",
                    Operation::Revert => "revert",
                    Operation::Merge => "merge",
                    _ => "rebase",
                };
                return Err(format!("{place} is in the middle of a {word}"));
            }
        }
    }
    Ok(found)
}

/// The moves that a killed processor of the same queue left unfinished. What it left while it took a lock is taken away.
pub(super) fn unfinished<'a>(context: &'a Context, repository: &Repository, database: &Path) -> Vec<Held<'a>> {
    lock_file::sweep(&repository.common_dir);
    let held = |checkout: Checkout| {
        lock_file::sweep(&checkout.git_dir);
        let order = Move::read(&checkout.lock())?;
        (order.database == database).then_some(Held { context, checkout, order })
    };
    all(repository).into_iter().filter_map(|(checkout, _)| held(checkout)).collect()
}

/// Every work tree that is there, with the branch it has checked out.
fn all(repository: &Repository) -> Vec<(Checkout, Option<String>)> {
    let trees = repository.worktrees().into_iter().filter(|tree| !tree.bare && !tree.missing);
    trees
        .filter_map(|tree| {
            let git_dir = if tree.main {
                repository.common_dir.clone()
            } else {
                Repository::discover(&tree.path).filter(|seen| seen.common_dir == repository.common_dir)?.git_dir
            };
            let branch = tree.head.branch().map(str::to_owned);
            Some((Checkout { path: tree.path, git_dir }, branch))
        })
        .collect()
}

impl Checkout {
    fn index(&self) -> PathBuf {
        self.git_dir.join("index")
    }

    fn lock(&self) -> PathBuf {
        self.git_dir.join("index.lock")
    }

    /// The index that is being prepared; `suffix` tells it from a helper beside it.
    fn draft(&self, suffix: &str) -> PathBuf {
        self.git_dir.join(format!("merge-queue.index{suffix}"))
    }

    /// Holds the work tree still for `order`. A lock of ours for the same move, left by a killed processor, is taken over.
    pub(super) fn hold<'a>(&self, context: &'a Context, order: &Move) -> Result<Held<'a>, Busy> {
        let place = self.path.display().to_string();
        let ours = |lock: &Path| Move::read(lock).as_ref() == Some(order);
        lock_file::take(&self.git_dir, &self.lock(), &order.text(), &place, ours)?;
        Ok(Held { context, checkout: self.clone(), order: order.clone() })
    }
}

impl Move {
    fn text(&self) -> Vec<u8> {
        let mut text = format!("{TITLE}\n{}\n{}\n", self.old, self.new).into_bytes();
        text.extend_from_slice(self.database.as_os_str().as_bytes());
        text
    }

    /// The move that a lock stands for; `None` when it is not ours.
    fn read(lock: &Path) -> Option<Self> {
        let data = fs::metadata(lock).ok()?;
        if data.len() > 16384 {
            return None;
        }
        let text = fs::read(lock).ok()?;
        let mut parts = text.strip_prefix(TITLE.as_bytes())?.strip_prefix(b"\n")?.splitn(3, |&byte| byte == b'\n');
        let mut id = || parts.next().and_then(|id| String::from_utf8(id.to_vec()).ok());
        let (old, new) = (id()?, id()?);
        Some(Self { old, new, database: PathBuf::from(OsStr::from_bytes(parts.next()?)) })
    }
}

impl Held<'_> {
    pub(super) fn path(&self) -> &Path {
        &self.checkout.path
    }

    pub(super) fn git_dir(&self) -> &Path {
        &self.checkout.git_dir
    }

    pub(super) fn order(&self) -> &Move {
        &self.order
    }

    /// Whether the work tree still has `target` checked out.
    pub(super) fn is_at(&self, target: &str) -> bool {
        fs::read_to_string(self.checkout.git_dir.join("HEAD"))
            .is_ok_and(|head| head.trim().strip_prefix("ref: refs/heads/") == Some(target))
    }

    /// Checks that the files can be brought forward without touching anything that is not committed.
    pub(super) fn check(&self) -> Result<(), Busy> {
        self.draft()
            .and_then(|draft| self.two_trees(&draft, true))
            .map_err(|refusal| format!("uncommitted work in {} is in the way: {refusal}", self.checkout.path.display()))
    }

    /// Brings index and files forward. What a killed processor had written already counts as brought forward.
    ///
    /// # Errors
    /// When git refuses, having written nothing.
    pub(super) fn bring_forward(&self) -> Result<(), Refusal> {
        let draft = self.draft()?;
        self.two_trees_to_index(&draft)
    }

    /// The same after a crash: files that are at the new commit already are told from changes of somebody else.
    ///
    /// # Errors
    /// As [`Held::bring_forward`].
    pub(super) fn finish(&self) -> Result<(), Refusal> {
        let mut tries = 0;
        loop {
            let done = self.draft().and_then(|draft| self.take_in(&draft)?.two_trees_to_index(&draft));
            tries += 1;
            // A git that outlived the processor may be writing the same files.
            if done.is_ok() || tries == 5 {
                return done;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Lets go of the work tree.
    pub(super) fn release(self) {
        for leftover in [self.checkout.draft(""), self.checkout.draft(".new")] {
            let _ = fs::remove_file(leftover);
        }
        let _ = fs::remove_file(self.checkout.lock());
    }

    fn git(&self, index: &Path) -> Git {
        Git::at(self.context, &self.checkout.path).of_folder().variable("GIT_INDEX_FILE", index)
    }

    /// A copy of the index, its idea of the files' times brought up to date.
    fn draft(&self) -> Result<PathBuf, Refusal> {
        let draft = self.checkout.draft("");
        let cannot = |fault: std::io::Error| Refusal::new(format!("{} cannot be written: {fault}", draft.display()));
        let lock = self.checkout.draft(".lock");
        let deadline = Instant::now() + ORPHAN;
        while lock.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = fs::remove_file(lock);
        match fs::copy(self.checkout.index(), &draft) {
            Ok(_) => {}
            Err(fault) if fault.kind() == ErrorKind::NotFound => drop(fs::remove_file(&draft)),
            Err(fault) => return Err(cannot(fault)),
        }
        // Its exit code only tells whether something is changed.
        self.git(&draft).args(["update-index", "-q", "--refresh"]).run()?;
        Ok(draft)
    }

    fn two_trees_to_index(&self, draft: &Path) -> Result<(), Refusal> {
        self.two_trees(draft, false)?;
        let index = self.checkout.index();
        fs::rename(draft, &index)
            .map_err(|fault| Refusal::new(format!("{} cannot be written: {fault}", index.display())))
    }

    fn two_trees(&self, draft: &Path, only_check: bool) -> Result<(), Refusal> {
        let mode: &[&str] = if only_check { &["read-tree", "-n", "-m", "-u"] } else { &["read-tree", "-m", "-u"] };
        let ended = self.git(draft).args(mode).args([&self.order.old, &self.order.new]).run()?;
        if ended.ok() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        let line = text.lines().find(|line| line.starts_with("error: ")).unwrap_or(text.trim());
        Err(Refusal::new(line.trim_start_matches("error: ").to_owned()))
    }

    /// Enters into the draft the files that hold what the new commit holds.
    fn take_in(&self, draft: &Path) -> Result<&Self, Refusal> {
        let (old, new) = (self.order.old.as_str(), self.order.new.as_str());
        let place = self.checkout.path.display().to_string();
        let other = self.checkout.draft(".new");
        for leftover in [&other, &self.checkout.draft(".new.lock")] {
            let _ = fs::remove_file(leftover);
        }
        self.git(&other).args(["read-tree", new]).must(&place)?;
        self.git(&other).args(["update-index", "-q", "--refresh"]).run()?;
        let differing = self.git(&other).args(["diff-files", "-z", "--name-only", "--no-renames"]).must(&place)?.stdout;
        let differing: HashSet<&[u8]> = differing.split(|&byte| byte == 0).collect();
        let changed = ["diff-tree", "-r", "-z", "--raw", "--no-renames", old, new];
        let changed = self.git(draft).args(changed).must(&place)?.stdout;
        let mut lines = Vec::new();
        let mut fields = changed.split(|&byte| byte == 0);
        while let (Some(facts), Some(path)) = (fields.next(), fields.next()) {
            // ":old-mode new-mode old-id new-id status"
            let facts: Vec<&[u8]> = facts.split(|&byte| byte == b' ').collect();
            if let [_, mode, _, id, status] = facts[..]
                && status != b"D"
                && !differing.contains(path)
            {
                lines.extend_from_slice(&[mode, b" ", id, b"\t", path, b"\0"].concat());
            }
        }
        self.git(draft).args(["update-index", "-z", "--index-info"]).stdin(lines).must(&place)?;
        self.git(draft).args(["update-index", "-q", "--refresh"]).run()?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_of_ours_is_known_by_its_text_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("index.lock");
        let order = Move { old: "a1".into(), new: "b2".into(), database: "/x y\n/d.db".into() };
        fs::write(&lock, order.text()).unwrap();
        assert_eq!(Move::read(&lock), Some(order));
        for other in ["", "DIRC\0\0", "held by crewkit merge-queue", "held by crewkit merge-queue\na\n"] {
            fs::write(&lock, other).unwrap();
            assert_eq!(Move::read(&lock), None, "{other}");
        }
        assert_eq!(Move::read(&folder.path().join("none")), None);
    }
}
