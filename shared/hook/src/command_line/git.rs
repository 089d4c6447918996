//! A command as git would read it.

use std::path::PathBuf;

use super::{Command, Places, Word, Words};

/// A call of git: its options before the subcommand, the subcommand and its arguments (git(1), "OPTIONS").
#[derive(Debug, Clone)]
pub struct Git<'l> {
    /// The subcommand (`worktree`, `commit`); empty where none is given.
    pub subcommand: &'l str,
    /// What stands behind the subcommand.
    pub arguments: Words<'l>,
    command: Command<'l>,
    changes: Vec<Word<'l>>,
    repository: Option<Word<'l>>,
    work_tree: Option<Word<'l>>,
}

/// Options before the subcommand whose value may be the next word.
const WITH_VALUE: [&str; 9] = [
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--super-prefix",
    "--config-env",
    "--exec-path",
    "--attr-source",
];

impl<'l> Command<'l> {
    /// The command as git reads it, or `None` when it is not git.
    pub fn git(self) -> Option<Git<'l>> {
        if self.program() != "git" {
            return None;
        }
        let mut rest = self.arguments();
        let mut git = Git {
            subcommand: "",
            arguments: rest.part(0..0),
            command: self,
            changes: Vec::new(),
            repository: self.variable("GIT_DIR"),
            work_tree: self.variable("GIT_WORK_TREE"),
        };
        while let Some((word, behind)) = rest.split_first() {
            rest = behind;
            if !word.starts_with('-') {
                (git.subcommand, git.arguments) = (word.text(), behind);
                break;
            }
            let (name, attached) = match word.find('=') {
                Some(at) if word.starts_with("--") => (&word.text()[..at], Some(word.part(at + 1..))),
                _ => (word.text(), None),
            };
            if !WITH_VALUE.contains(&name) || (name == "--exec-path" && attached.is_none()) {
                continue;
            }
            let Some(value) = attached.or_else(|| {
                let (value, behind) = rest.split_first()?;
                rest = behind;
                Some(value)
            }) else {
                break;
            };
            match name {
                "-C" if !value.is_empty() => git.changes.push(value),
                "--git-dir" => git.repository = Some(value),
                "--work-tree" => git.work_tree = Some(value),
                _ => {}
            }
        }
        Some(git)
    }
}

impl Git<'_> {
    /// The directory that git works in: the command's, changed by each `-C`.
    pub fn directory(&self, places: &Places<'_>) -> Option<PathBuf> {
        let mut changes = self.changes.iter();
        let start = match self.command.directory(places) {
            Some(start) => start,
            None => self.command.path(*changes.next()?, places)?,
        };
        changes.try_fold(start, |here, change| change.path(&here, places))
    }

    /// `word` as a path, made absolute against [`Git::directory`].
    pub fn path(&self, word: Word<'_>, places: &Places<'_>) -> Option<PathBuf> {
        match self.directory(places) {
            Some(here) => word.path(&here, places),
            None => self.command.path(word, places).filter(|_| word.is_absolute()),
        }
    }

    /// The git folder that the call names (`--git-dir`, `GIT_DIR`); `None` when git looks for it from
    /// [`Git::directory`] on.
    pub fn git_dir(&self, places: &Places<'_>) -> Option<PathBuf> {
        self.path(self.repository?, places)
    }

    /// The top of the work tree that the call names (`--work-tree`, `GIT_WORK_TREE`).
    pub fn work_tree(&self, places: &Places<'_>) -> Option<PathBuf> {
        self.path(self.work_tree?, places)
    }
}
