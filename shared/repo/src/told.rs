//! What git itself has to be asked: the list of worktrees in storages that only it reads, and the main branch.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crewkit_tool::{Context, Refusal};

use crate::{Git, Head, Repository, Worktree};

/// The branch that work is merged into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MainBranch {
    /// Its short name.
    pub name: String,
    /// Its full name: a local branch, or one of `origin` where there is no local one.
    pub reference: String,
    /// The full id of its newest commit.
    pub commit: String,
}

impl Repository {
    /// A folder of this repository that stays when a worktree goes: the main work tree, else the git folder.
    pub fn base(&self) -> PathBuf {
        self.main_worktree().filter(|top| top.is_dir()).unwrap_or_else(|| self.common_dir.clone())
    }

    /// A call of git in [`Repository::base`].
    pub fn git(&self, context: &Context) -> Git {
        Git::at(context, &self.base()).of_folder()
    }

    /// Every work tree as [`Repository::worktrees`] gives it; where a file does not tell what is checked out, git is
    /// asked.
    ///
    /// # Errors
    /// When git has to be asked and fails.
    pub fn known_worktrees(&self, context: &Context) -> Result<Vec<Worktree>, Refusal> {
        let list = self.worktrees();
        if !list.iter().any(|tree| tree.head == Head::Unknown) {
            return Ok(list);
        }
        let told =
            self.git(context).args(["worktree", "list", "--porcelain", "-z"]).must("git cannot list worktrees")?;
        Ok(read_list(&told.stdout))
    }

    /// The main branch: `MAIN_BRANCH` of the environment, else `main`, else `master`, else the branch that
    /// `origin/HEAD` points to. `None` when there is none of them.
    ///
    /// # Errors
    /// When git fails, and when there is no branch of the name in `MAIN_BRANCH`.
    pub fn find_main(&self, context: &Context) -> Result<Option<MainBranch>, Refusal> {
        const ORIGIN: &str = "refs/remotes/origin/";
        let wanted = context.variable("MAIN_BRANCH");
        let names: Vec<&str> = wanted.as_deref().map_or_else(|| vec!["main", "master"], |name| vec![name]);
        let look = |references: &[String]| -> Result<Vec<[String; 3]>, Refusal> {
            let format = "--format=%(objectname) %(refname) %(symref)";
            let call = self.git(context).args(["for-each-ref", format]).args(references);
            let told = call.must("the branches cannot be read")?.text();
            let row = |line: &str| {
                let mut fields = line.splitn(3, ' ').map(str::to_owned);
                [(); 3].map(|()| fields.next().unwrap_or_default())
            };
            Ok(told.lines().map(row).collect())
        };
        let mut references: Vec<String> = names.iter().map(|name| format!("refs/heads/{name}")).collect();
        references.push(format!("{ORIGIN}HEAD"));
        let found = look(&references)?;
        let at = |found: &[[String; 3]], reference: &str| {
            found.iter().find(|[_, name, _]| name == reference).map(|[id, ..]| id.clone())
        };
        for name in names {
            let reference = format!("refs/heads/{name}");
            if let Some(commit) = at(&found, &reference) {
                return Ok(Some(MainBranch { name: name.to_owned(), reference, commit }));
            }
        }
        if let Some(name) = wanted {
            return Err(Refusal::new(format!("MAIN_BRANCH: there is no branch '{name}'")));
        }
        let Some([commit, _, target]) = found.into_iter().find(|[.., target]| target.starts_with(ORIGIN)) else {
            return Ok(None);
        };
        let name = target[ORIGIN.len()..].to_owned();
        let local = format!("refs/heads/{name}");
        let (reference, commit) = match at(&look(std::slice::from_ref(&local))?, &local) {
            Some(own) => (local, own),
            None => (target, commit),
        };
        Ok(Some(MainBranch { name, reference, commit }))
    }
}

/// Reads `git worktree list --porcelain -z` (git-worktree(1), "Porcelain Format").
fn read_list(told: &[u8]) -> Vec<Worktree> {
    let mut list: Vec<Worktree> = Vec::new();
    for line in told.split(|&byte| byte == 0) {
        let (key, value) = match line.iter().position(|&byte| byte == b' ') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &[][..]),
        };
        let text = || String::from_utf8_lossy(value).into_owned();
        if key == b"worktree" {
            let path = PathBuf::from(OsString::from_vec(value.to_vec()));
            let missing = !path.join(".git").exists();
            let (head, main) = (Head::Unknown, list.is_empty());
            list.push(Worktree { path, head, main, locked: None, missing, bare: false });
            continue;
        }
        let Some(tree) = list.last_mut() else { continue };
        match key {
            b"HEAD" => tree.head = Head::Detached(text()),
            b"branch" => tree.head = Head::Branch(text().trim_start_matches("refs/heads/").to_owned()),
            b"locked" => tree.locked = Some(text()),
            b"bare" => (tree.bare, tree.missing) = (true, false),
            _ => {}
        }
    }
    list
}

/// The entry of `list` for the folder `path`.
pub fn worktree_at<'a>(list: &'a [Worktree], path: &Path) -> Option<&'a Worktree> {
    list.iter().find(|tree| tree.path == path && !tree.bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gits_list_is_read_whole() {
        let told = b"worktree /w/a shop\0HEAD 01\0branch refs/heads/feat/x\0\0worktree /w/b\0HEAD 02\0detached\0locked my\nreason\0\0worktree /w/c\0bare\0\0";
        let list = read_list(told);
        let seen: Vec<_> = list.iter().map(|tree| (tree.path.to_str().unwrap(), tree.head.clone())).collect();
        let branch = Head::Branch("feat/x".to_owned());
        let detached = Head::Detached("02".to_owned());
        assert_eq!(seen, [("/w/a shop", branch), ("/w/b", detached), ("/w/c", Head::Unknown)]);
        assert_eq!((list[0].main, list[1].main, list[2].bare), (true, false, true));
        assert_eq!(list[1].locked.as_deref(), Some("my\nreason"));
    }
}
