//! Whether a work tree's branch can go into the main branch as it is.

use std::path::Path;

use crewkit_tool::{Context, Refusal};

use crate::Git;

/// What stands between a work tree and the main branch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergeState {
    /// Paths with changes that are not committed, untracked ones among them.
    pub dirty: usize,
    /// Commits of the main branch that HEAD lacks.
    pub behind: u64,
    /// Commits of HEAD that the main branch lacks.
    pub ahead: u64,
    /// Whether merging the two conflicts.
    pub conflict: bool,
}

impl MergeState {
    /// The state of the work tree at `directory` against the branch `main`.
    ///
    /// # Errors
    /// When git cannot tell, with its own reason.
    pub fn of(context: &Context, directory: &Path, main: &str) -> Result<Self, Refusal> {
        let git = || Git::at(context, directory);
        let doing = format!("{}: git cannot compare it with {main}", directory.display());
        let status = git().args(["status", "--porcelain", "-z", "--untracked-files=normal", "--no-renames"]);
        let status = status.must(&doing)?.stdout;
        let dirty = status.split(|&byte| byte == 0).filter(|entry| !entry.is_empty()).count();
        let main = format!("refs/heads/{main}");
        let range = format!("{main}...HEAD");
        let counted = git().args(["rev-list", "--left-right", "--count", &range, "--"]).must(&doing)?.text();
        let mut counts = counted.split_whitespace().map(str::parse);
        let (Some(Ok(behind)), Some(Ok(ahead))) = (counts.next(), counts.next()) else {
            return Err(Refusal::new(format!("{doing}: it answered '{counted}'")));
        };
        let conflict = behind > 0 && ahead > 0 && {
            let merged = git().args(["merge-tree", "--write-tree", "--no-messages", &main, "HEAD"]).run()?;
            match merged.code {
                0 => false,
                1 => true,
                _ => return Err(Refusal::new(format!("{doing}: {}", merged.complaint()))),
            }
        };
        Ok(Self { dirty, behind, ahead, conflict })
    }

    /// The words for what is in the way, separated by blanks; empty when nothing is.
    pub fn hindrances(&self) -> String {
        let mut words = Vec::new();
        if self.dirty > 0 {
            words.push(format!("DIRTY({})", self.dirty));
        }
        if self.behind > 0 {
            words.push(format!("BEHIND({})", self.behind));
        }
        if self.conflict {
            words.push("CONFLICT".to_owned());
        }
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn each_hindrance_is_seen() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path();
        let context = Context::process();
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
            Git::at(&context, top).args(identity).args(arguments).must("git").unwrap();
        };
        let commit = |text: &str| {
            fs::write(top.join("a"), text).unwrap();
            git(&["add", "-A"]);
            git(&["commit", "-q", "-m", text]);
        };
        let state = || MergeState::of(&context, top, "trunk").unwrap();
        git(&["init", "-q", "-b", "trunk"]);
        commit("one");
        git(&["checkout", "-q", "-b", "side"]);
        assert_eq!((state(), state().hindrances().as_str()), (MergeState::default(), ""));
        commit("two");
        assert_eq!((state().ahead, state().hindrances().as_str()), (1, ""));
        git(&["checkout", "-q", "trunk"]);
        commit("three");
        git(&["checkout", "-q", "side"]);
        fs::write(top.join("new file"), "").unwrap();
        fs::write(top.join("a"), "four").unwrap();
        assert_eq!(state().hindrances(), "DIRTY(2) BEHIND(1) CONFLICT");
        assert!(MergeState::of(&context, top, "nowhere").is_err());
    }
}
