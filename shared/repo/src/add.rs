//! Making a worktree: whole, or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tool::process::Ended;
use crewkit_tool::{Context, Refusal};
use gix::bstr::ByteSlice;

use crate::creation::{Creation, Record};
use crate::interrupted::finish;
use crate::status::reason;
use crate::{Git, Repository};

/// Where the branch of a new worktree comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Existing,
    /// It was made, from the branch of that name on `origin`, which it tracks.
    Remote,
    /// It was made, from a commit.
    New,
}

/// A worktree that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Where its branch comes from.
    pub origin: Origin,
    /// What git (and a hook of the repository's) said.
    pub chatter: Vec<String>,
    /// How the repository's hook `post-checkout` ended; 0 without one.
    pub hook_code: i32,
}

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewWorktree<'a> {
    /// The branch to check out.
    pub branch: &'a str,
    /// Its folder, absolute; missing, or empty.
    pub path: &'a Path,
    /// The commit that a branch which does not exist is made from; without one, that of the current work tree.
    pub from: Option<&'a str>,
}

/// Git's exit code where it refuses.
const GIT_REFUSES: u8 = 128;

impl NewWorktree<'_> {
    /// Makes it. Of several at once in one repository none fails for the others: git's own work on what they share is
    /// done in turn, the checkout side by side. When a step fails, folder, entry and new branch are taken away again. An
    /// earlier call that was killed is cleared up first, see [`NewWorktree::is_begun`].
    ///
    /// # Errors
    /// Git's reason with git's exit code; a name that cannot be a branch's, an unknown commit, a repository without
    /// commits.
    pub fn add(&self, context: &Context, repository: &Repository) -> Result<Added, Refusal> {
        if !is_branch_name(self.branch) {
            let message = format!("'{}' is not a valid branch name", self.branch);
            return Err(Refusal::new(message).with_code(GIT_REFUSES));
        }
        if let Some(record) = self.left(context, repository)? {
            finish(context, repository, &record.creation)?;
            let chatter = vec![format!("an earlier creation of {} was cut off: finished now", self.path.display())];
            return self.made(context, record, chatter);
        }
        let here = repository.top.as_deref().unwrap_or(&repository.git_dir);
        // A daemon that git starts for its own sake would hold the record for ever.
        let git = |directory: &Path| Git::at(context, directory).of_folder().args(["-c", "core.fsmonitor=false"]);

        let turn = repository.turn()?;
        let begin = self.begin(|| git(here))?;
        let creation = Creation {
            process: i64::from(std::process::id()),
            origin: begin.origin,
            branch: self.branch.to_owned(),
            commit: begin.commit.clone(),
            path: self.path.to_owned(),
            first_missing: self.first_missing(),
        };
        let record = Record::begin(repository, creation)?;
        let call = git(here).args(["worktree", "add", "--no-checkout"]);
        let call = match begin.origin {
            Origin::Existing => call.arg(self.path).arg(self.branch),
            Origin::Remote => call.args(["--track", "-b", self.branch]).arg(self.path).arg(self.remote()),
            Origin::New => call.args(["--no-track", "-b", self.branch]).arg(self.path).arg(&begin.commit),
        };
        let added = call.run().inspect_err(|_| record.remove())?;
        if !added.ok() {
            let refusal = refusal(&added);
            // A branch that somebody else made in this moment is not ours to undo.
            if !refusal.message.contains("a branch named") {
                record.creation.undo(context, repository, false);
            }
            record.remove();
            return Err(refusal);
        }
        drop(turn);

        let filled = git(self.path).args(["reset", "--hard", "--no-recurse-submodules"]).run();
        let filled = filled.and_then(|ended| if ended.ok() { Ok(ended) } else { Err(refusal(&ended)) });
        let filled = filled.inspect_err(|_| {
            let turn = repository.turn();
            record.creation.undo(context, repository, true);
            record.remove();
            drop(turn);
        })?;
        let chatter = [&added, &filled].into_iter().flat_map(lines).collect();
        self.made(context, record, chatter)
    }

    /// What is left to do once the folder is full: the repository's hook, as git itself would call it.
    fn made(&self, context: &Context, record: Record, mut chatter: Vec<String>) -> Result<Added, Refusal> {
        record.keep_from_children();
        let Creation { origin, commit, .. } = &record.creation;
        let before = "0".repeat(commit.len());
        let hook = Git::at(context, self.path)
            .of_folder()
            .args(["hook", "run", "--ignore-missing", "post-checkout", "--", &before, commit, "1"])
            .run()?;
        // `git hook` is younger than what worktrees need (2.36).
        let no_such_command = hook.stderr.windows(17).any(|part| part == b"not a git command");
        chatter.extend(lines(&hook));
        let hook_code = if no_such_command { 0 } else { hook.code };
        let origin = *origin;
        record.remove();
        Ok(Added { origin, chatter, hook_code })
    }

    /// The outermost folder that is not there yet.
    fn first_missing(&self) -> Option<PathBuf> {
        let missing = self.path.ancestors().take_while(|folder| fs::symlink_metadata(folder).is_err());
        missing.last().map(Path::to_owned)
    }

    /// What the branch begins from, as the references stand now.
    fn begin(&self, git: impl Fn() -> Git) -> Result<Begin, Refusal> {
        let (local, remote) = (self.local(), self.remote());
        let known = git()
            .args(["for-each-ref", "--format=%(objectname) %(refname)", &local, &remote])
            .must("the branches cannot be read")?
            .text();
        let at = |name: &str| {
            let mut rows = known.lines().filter_map(|line| line.split_once(' '));
            rows.find(|(_, refname)| *refname == name).map(|(id, _)| id.to_owned())
        };
        match (at(&local), self.from) {
            (Some(_), Some(_)) => {
                Err(Refusal::new(format!("branch '{}' exists: it cannot begin from another commit", self.branch)))
            }
            (Some(commit), None) => Ok(Begin { origin: Origin::Existing, commit }),
            (None, from) => {
                if let (None, Some(commit)) = (from, at(&remote)) {
                    return Ok(Begin { origin: Origin::Remote, commit });
                }
                let name = format!("{}^{{commit}}", from.unwrap_or("HEAD"));
                let ended = git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).run()?;
                match (ended.ok(), from) {
                    (true, _) => Ok(Begin { origin: Origin::New, commit: ended.text() }),
                    (false, Some(name)) => Err(Refusal::new(format!("no such commit: {name}"))),
                    (false, None) => {
                        let message = "the repository has no commit yet: make one, then a worktree can begin from it";
                        Err(Refusal::new(message).with_code(GIT_REFUSES))
                    }
                }
            }
        }
    }

    fn local(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    fn remote(&self) -> String {
        format!("refs/remotes/origin/{}", self.branch)
    }
}

/// What a new worktree begins from.
struct Begin {
    origin: Origin,
    /// The full id.
    commit: String,
}

/// Whether git takes `name` for a branch (git-check-ref-format(1), and the names that git-branch(1) refuses).
pub fn is_branch_name(name: &str) -> bool {
    let reference = format!("refs/heads/{name}");
    !name.starts_with('-') && name != "HEAD" && gix::validate::reference::name(reference.as_bytes().as_bstr()).is_ok()
}

fn refusal(ended: &Ended) -> Refusal {
    let code = u8::try_from(ended.code).unwrap_or(GIT_REFUSES).max(1);
    Refusal::new(format!("git refuses: {}", reason(&String::from_utf8_lossy(&ended.stderr), ended.code)))
        .with_code(code)
}

/// What git said, without the progress of a long checkout, which writes one line over and over.
fn lines(ended: &Ended) -> Vec<String> {
    let both = [&ended.stderr[..], &ended.stdout[..]].concat();
    let text = String::from_utf8_lossy(&both);
    let lines = text.lines().filter_map(|line| line.trim_end_matches('\r').rsplit('\r').next());
    lines.filter(|line| !line.starts_with("Updating files:")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_no_message() {
        let stderr = b"Preparing worktree\nUpdating files:  50% (1/2)\rUpdating files: 100% (2/2), done.\nfilter: \r\n";
        let ended = Ended { code: 0, stdout: b"HEAD is now at 1".to_vec(), stderr: stderr.to_vec(), timed_out: false };
        assert_eq!(lines(&ended), ["Preparing worktree", "filter: ", "HEAD is now at 1"]);
    }

    #[test]
    fn branch_names_are_those_of_git() {
        for name in ["main", "feat/x", "a.b", "ü", "origin/x", "@x"] {
            assert!(is_branch_name(name), "{name}");
        }
        for name in ["", "-x", "HEAD", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/", "a//b"]
        {
            assert!(!is_branch_name(name), "{name}");
        }
        for name in [".a", "a/.b", "a.lock", "a.", "a@{b", "a\u{7f}"] {
            assert!(!is_branch_name(name), "{name}");
        }
    }
}
