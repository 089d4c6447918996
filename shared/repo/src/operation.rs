//! An operation of git that stopped half way and waits to be continued.

use std::path::Path;

use serde::Serialize;

/// What git is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A merge.
    Merge,
    /// A rebase, by either of git's ways.
    Rebase,
    /// Patches from mail (`git am`).
    Am,
    /// A cherry-pick, of one commit or several.
    CherryPick,
    /// A revert, of one commit or several.
    Revert,
    /// A bisection.
    Bisect,
}

impl Operation {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::Am => "am",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Bisect => "bisect",
        }
    }

    /// The operation under way in the work tree whose git folder is `git_dir`, by the files that git leaves there. In
    /// a rebase the stopped step may itself be a merge or a pick: the answer is the rebase.
    pub fn under_way(git_dir: &Path) -> Option<Self> {
        let has = |name: &str| git_dir.join(name).exists();
        if has("rebase-apply/applying") {
            return Some(Self::Am);
        }
        if has("rebase-merge") || has("rebase-apply") {
            return Some(Self::Rebase);
        }
        if has("MERGE_HEAD") {
            return Some(Self::Merge);
        }
        if has("CHERRY_PICK_HEAD") {
            return Some(Self::CherryPick);
        }
        if has("REVERT_HEAD") {
            return Some(Self::Revert);
        }
        // Between two of several commits there is no such head, only the list of what is left to do.
        let todo = std::fs::read(git_dir.join("sequencer/todo")).unwrap_or_default();
        if todo.starts_with(b"pick") {
            return Some(Self::CherryPick);
        }
        if todo.starts_with(b"revert") {
            return Some(Self::Revert);
        }
        has("BISECT_LOG").then_some(Self::Bisect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_outer_operation_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let at = scratch.path();
        assert_eq!(Operation::under_way(at), None);
        for (file, wanted) in [
            ("BISECT_LOG", Operation::Bisect),
            ("sequencer/todo", Operation::Revert),
            ("REVERT_HEAD", Operation::Revert),
            ("CHERRY_PICK_HEAD", Operation::CherryPick),
            ("MERGE_HEAD", Operation::Merge),
            ("rebase-merge/done", Operation::Rebase),
            ("rebase-apply/applying", Operation::Am),
        ] {
            fs::create_dir_all(at.join(file).parent().unwrap()).unwrap();
            fs::write(at.join(file), "revert 1234 x\n").unwrap();
            assert_eq!(Operation::under_way(at), Some(wanted), "{file}");
            assert_eq!(serde_json::to_value(wanted).unwrap(), wanted.name());
        }
    }
}
