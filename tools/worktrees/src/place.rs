//! Where a new worktree goes, and where it must not.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crewkit_repo::{Head, Repository};
use crewkit_tool::{Refusal, text};

/// A repository as a place for worktrees beside it.
#[derive(Debug)]
pub(crate) struct Home {
    /// The main work tree; the git folder itself of a bare repository.
    pub(crate) root: PathBuf,
    /// Whether there is no main work tree.
    pub(crate) bare: bool,
}

impl Home {
    pub(crate) fn of(repository: &Repository) -> Self {
        let bare = repository.open().is_ok_and(|opened| opened.is_bare());
        match repository.main_worktree() {
            // `clone --bare URL .git` (or `.bare`) in a folder that the worktrees are to lie in.
            root if bare => {
                let root = root.unwrap_or_else(|| repository.common_dir.clone());
                let hidden = root.file_name().is_some_and(|name| name == ".git" || name == ".bare");
                let outer = root.parent().filter(|_| hidden).map(Path::to_owned);
                Self { root: outer.unwrap_or(root), bare }
            }
            Some(root) => Self { root, bare },
            None => Self { root: repository.common_dir.clone(), bare: true },
        }
    }

    /// The path beside the repository that is named after it and `suffix`. `None` for a repository at the file
    /// system's root.
    pub(crate) fn sibling(&self, suffix: &str) -> Option<PathBuf> {
        let name = self.root.file_name()?;
        let name = match name.to_str().and_then(|name| name.strip_suffix(".git")) {
            Some(short) if self.bare => OsStr::new(short),
            _ => name,
        };
        let mut sibling = OsString::from(name);
        sibling.push("-");
        sibling.push(suffix);
        Some(self.root.parent()?.join(sibling))
    }

    /// The folder that `path` must not lie in, but does: the main work tree, another worktree, the git folder.
    pub(crate) fn around(&self, repository: &Repository, path: &Path) -> Option<PathBuf> {
        let linked = repository.worktrees().into_iter().filter(|tree| !tree.main && tree.path != path);
        let root = (!self.bare).then(|| self.root.clone());
        root.into_iter()
            .chain([repository.common_dir.clone()])
            .chain(linked.map(|tree| tree.path))
            .find(|folder| path.starts_with(folder))
    }

    /// A path for `branch` that is free: named after the whole branch, then numbered.
    fn free(&self, branch: &str) -> Option<PathBuf> {
        let whole = branch.replace('/', "-");
        let numbered = (2..100).map(|number| format!("{whole}-{number}"));
        std::iter::once(whole.clone())
            .chain(numbered)
            .filter_map(|suffix| self.sibling(&suffix))
            .find(|path| !path.exists())
    }

    /// Why nothing can be made at `path`, with another place to take; `None` when it is free.
    pub(crate) fn taken(&self, repository: &Repository, branch: &str, path: &Path) -> Option<Refusal> {
        let data = path.symlink_metadata().ok()?;
        if data.is_dir() && path.read_dir().is_ok_and(|mut entries| entries.next().is_none()) {
            return None;
        }
        let worktrees = repository.worktrees();
        let what = match worktrees.iter().find(|tree| tree.path == path).map(|tree| &tree.head) {
            Some(Head::Branch(other)) if other == branch => " as the worktree of this branch".to_owned(),
            Some(Head::Branch(other)) => format!(" as the worktree of branch '{other}'"),
            Some(_) => " as a worktree".to_owned(),
            None => String::new(),
        };
        let mut line = format!("{} already exists{what}", path.display());
        if let Some(free) = self.free(branch) {
            line.push_str("; another path, such as ");
            line.push_str(&free.display().to_string());
            line.push_str(", can be given after the branch");
        }
        Some(Refusal::new(line).with_code(128))
    }
}

/// The part of a branch's name after its last slash.
pub(crate) fn last_part(branch: &str) -> &str {
    branch.rsplit('/').next().unwrap_or(branch)
}

/// `path` as one word of a shell, for a line that people copy.
pub(crate) fn shell_word(path: &Path) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    let shown = path.display().to_string();
    if shown.chars().all(plain) { shown } else { text::one_line(&format!("'{}'", shown.replace('\'', r"'\''"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sibling_is_named_after_repository_and_branch() {
        let home = |root: &str, bare| Home { root: root.into(), bare };
        let sibling = |home: Home, branch| home.sibling(last_part(branch)).map(|path| path.display().to_string());
        assert_eq!(sibling(home("/w/shop", false), "feature/new-api").as_deref(), Some("/w/shop-new-api"));
        assert_eq!(sibling(home("/w/shop.git", true), "x").as_deref(), Some("/w/shop-x"));
        assert_eq!(sibling(home("/w/shop.git", false), "x").as_deref(), Some("/w/shop.git-x"));
        assert_eq!(sibling(home("/", false), "x"), None);
    }

    #[test]
    fn a_word_is_quoted_where_it_must_be() {
        assert_eq!(shell_word(Path::new("/w/shop-x")), "/w/shop-x");
        assert_eq!(shell_word(Path::new("/w/it's a $x\n")), r"'/w/it'\''s a $x\n'");
    }
}
