//! Where a repository lies, what is checked out where: read from the files that gitrepository-layout(5) and
//! git-worktree(1) describe.

use std::fs;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice;

/// A repository as seen from one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The top of the work tree that holds the folder, links resolved; `None` in a bare repository or inside `.git`.
    pub top: Option<PathBuf>,
    /// The git folder of this work tree.
    pub git_dir: PathBuf,
    /// The git folder that all work trees of the repository share: the repository's identity.
    pub common_dir: PathBuf,
}

/// What a work tree has checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A branch, by its short name; it may have no commit yet.
    Branch(String),
    /// A commit, by its id.
    Detached(String),
    /// Neither could be read.
    Unknown,
}

impl Head {
    /// The branch's name, or `None`.
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::Branch(name) => Some(name),
            Self::Detached(_) | Self::Unknown => None,
        }
    }
}

/// One entry of the list of work trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// Its top folder, absolute.
    pub path: PathBuf,
    /// What it has checked out.
    pub head: Head,
    /// Whether it is the main work tree.
    pub main: bool,
    /// Whether somebody locked it, with the reason (may be empty).
    pub locked: Option<String>,
    /// Whether its folder is gone.
    pub missing: bool,
    /// Whether it is the bare repository itself, which has no work tree.
    pub bare: bool,
}

impl Repository {
    /// The repository that holds `directory`, or, when that does not exist, its nearest folder that does. `None`
    /// outside any.
    pub fn discover(directory: &Path) -> Option<Self> {
        let directory = directory.ancestors().find(|folder| folder.is_dir())?;
        let directory = directory.canonicalize().ok()?;
        let (found, _trust) = gix::discover::upwards(&directory).ok()?;
        let (git_dir, top) = found.into_repository_and_work_tree_directories();
        let git_dir = git_dir.canonicalize().ok()?;
        let common_dir = common_dir(&git_dir);
        let top = top.and_then(|top| top.canonicalize().ok());
        Some(Self { top, git_dir, common_dir })
    }

    /// What this work tree has checked out.
    pub fn head(&self) -> Head {
        read_head(&self.git_dir)
    }

    /// The top of the main work tree: the first entry of git's list of work trees. `None` when the repository is bare.
    pub fn main_worktree(&self) -> Option<PathBuf> {
        if let (Some(top), true) = (&self.top, self.git_dir == self.common_dir) {
            return Some(top.clone());
        }
        if self.common_dir.file_name().is_some_and(|name| name == ".git") {
            return self.common_dir.parent().map(Path::to_owned);
        }
        // A submodule, or `git init --separate-git-dir`: the place is in the configuration.
        let opened = gix::open(&self.common_dir).ok()?;
        opened.workdir().and_then(|top| top.canonicalize().ok())
    }

    /// Whether this is the main work tree (or the bare repository itself).
    pub fn is_main(&self) -> bool {
        self.git_dir == self.common_dir
    }

    /// Every work tree, the main one first, the others in the order of git's list (by path).
    pub fn worktrees(&self) -> Vec<Worktree> {
        let head = read_head(&self.common_dir);
        let mut list = vec![match self.main_worktree() {
            Some(path) => Worktree { missing: !path.is_dir(), path, head, main: true, locked: None, bare: false },
            None => {
                Worktree { path: self.common_dir.clone(), head, main: true, locked: None, missing: false, bare: true }
            }
        }];
        let Ok(entries) = fs::read_dir(self.common_dir.join("worktrees")) else { return list };
        let mut linked: Vec<Worktree> = entries.flatten().filter_map(|entry| linked(&entry.path())).collect();
        linked.sort_by(|one, other| one.path.cmp(&other.path));
        list.append(&mut linked);
        list
    }

    /// The number of work trees, without reading them one by one.
    pub fn worktree_count(&self) -> usize {
        let linked = fs::read_dir(self.common_dir.join("worktrees"))
            .map_or(0, |entries| entries.flatten().filter(|entry| entry.path().join("gitdir").is_file()).count());
        linked + 1
    }

    /// The path of `file` (absolute, links resolved) from the top of this work tree; `None` when it lies elsewhere.
    pub fn relative<'a>(&self, file: &'a Path) -> Option<&'a Path> {
        file.strip_prefix(self.top.as_ref()?).ok()
    }

    /// The repository opened by gix, for objects, references and configuration.
    ///
    /// # Errors
    /// gix's reason, in one line.
    pub fn open(&self) -> Result<gix::Repository, String> {
        gix::open(&self.git_dir).map_err(|fault| fault.to_string())
    }

    /// The main branch: `main`, else `master`, else the branch that `origin/HEAD` points to; `None` when there is none.
    pub fn main_branch(&self) -> Option<String> {
        let opened = self.open().ok()?;
        let exists =
            |name: &str| opened.try_find_reference(&format!("refs/heads/{name}")).is_ok_and(|found| found.is_some());
        if let Some(name) = ["main", "master"].into_iter().find(|name| exists(name)) {
            return Some(name.to_owned());
        }
        let head = opened.try_find_reference("refs/remotes/origin/HEAD").ok()??;
        let target = head.target().try_name()?.as_bstr().to_str().ok()?.to_owned();
        target.strip_prefix("refs/remotes/origin/").map(str::to_owned)
    }
}

/// The folder that all work trees share: named by the file `commondir`, else the git folder itself.
fn common_dir(git_dir: &Path) -> PathBuf {
    read_path(&git_dir.join("commondir"))
        .and_then(|common| git_dir.join(common).canonicalize().ok())
        .unwrap_or_else(|| git_dir.to_owned())
}

fn linked(admin: &Path) -> Option<Worktree> {
    let dot_git = admin.join(read_path(&admin.join("gitdir"))?);
    let path = dot_git.parent()?.to_owned();
    let path = path.canonicalize().unwrap_or(path);
    let locked = fs::read_to_string(admin.join("locked")).ok().map(|reason| reason.trim().to_owned());
    Some(Worktree { head: read_head(admin), main: false, locked, missing: !dot_git.exists(), bare: false, path })
}

fn read_head(git_dir: &Path) -> Head {
    let Ok(text) = fs::read(git_dir.join("HEAD")) else { return Head::Unknown };
    let line = text.trim();
    if let Some(name) = line.strip_prefix(b"ref: refs/heads/") {
        // What stands here where references are kept as tables (gitformat-reftable): not the branch.
        if name == b".invalid" {
            return Head::Unknown;
        }
        return Head::Branch(name.to_str_lossy().into_owned());
    }
    match line.to_str() {
        Ok(id) if id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => Head::Detached(id.to_owned()),
        _ => Head::Unknown,
    }
}

/// The path that a file of one line holds.
fn read_path(file: &Path) -> Option<PathBuf> {
    let text = fs::read(file).ok()?;
    let line = text.strip_suffix(b"\n").unwrap_or(&text);
    let path = gix::path::from_bstr(line.as_bstr()).ok()?.into_owned();
    (!line.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::Context;

    fn git(directory: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
        let ended = crate::Git::at(&Context::process(), directory).args(identity).args(arguments).run().unwrap();
        assert!(ended.ok(), "git {arguments:?}: {}", ended.complaint());
    }

    fn repository() -> (tempfile::TempDir, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap().join("shop");
        fs::create_dir(&top).unwrap();
        git(&top, &["init", "-q"]);
        git(&top, &["commit", "-q", "--allow-empty", "-m", "first"]);
        (scratch, top)
    }

    #[test]
    fn a_linked_worktree_knows_its_repository() {
        let (scratch, top) = repository();
        let side = scratch.path().canonicalize().unwrap().join("a shop");
        git(&top, &["worktree", "add", "-q", "-b", "agent/web", side.to_str().unwrap()]);
        fs::create_dir(side.join("sub")).unwrap();
        let seen = Repository::discover(&side.join("sub/not/there")).unwrap();
        assert_eq!(seen.top.as_deref(), Some(side.as_path()));
        assert_eq!(seen.common_dir, top.join(".git"));
        assert_eq!(seen.main_worktree(), Some(top.clone()));
        assert_eq!(seen.head().branch(), Some("agent/web"));
        assert!(!seen.is_main());
        let list = seen.worktrees();
        assert_eq!(list.iter().map(|tree| &tree.path).collect::<Vec<_>>(), [&top, &side]);
        assert_eq!(
            (list[0].main, list[0].head.branch(), list[1].head.branch()),
            (true, Some("main"), Some("agent/web"))
        );
        assert_eq!(seen.worktree_count(), 2);
        assert_eq!(seen.main_branch().as_deref(), Some("main"));

        git(&top, &["worktree", "lock", "--reason", "mine", side.to_str().unwrap()]);
        fs::remove_dir_all(&side).unwrap();
        let list = Repository::discover(&top).unwrap().worktrees();
        assert_eq!((list[1].locked.as_deref(), list[1].missing), (Some("mine"), true));
    }

    #[test]
    fn detached_bare_and_no_repository() {
        let (scratch, top) = repository();
        git(&top, &["checkout", "-q", "--detach"]);
        assert!(matches!(Repository::discover(&top).unwrap().head(), Head::Detached(id) if id.len() == 40));
        let bare = scratch.path().join("bare.git");
        git(scratch.path(), &["clone", "-q", "--bare", top.to_str().unwrap(), "bare.git"]);
        let seen = Repository::discover(&bare).unwrap();
        assert_eq!((seen.top.clone(), seen.main_worktree(), seen.worktrees()[0].bare), (None, None, true));
        assert_eq!(Repository::discover(scratch.path()), None);
    }

    #[test]
    fn a_submodule_is_its_own_main_worktree() {
        let (scratch, top) = repository();
        let outer = scratch.path().canonicalize().unwrap().join("outer");
        fs::create_dir(&outer).unwrap();
        git(&outer, &["init", "-q"]);
        git(
            &outer,
            &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", top.to_str().unwrap(), "inner"],
        );
        let seen = Repository::discover(&outer.join("inner")).unwrap();
        assert_eq!(seen.main_worktree(), Some(outer.join("inner")));
    }
}
