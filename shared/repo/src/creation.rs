//! The record of a worktree in the making: what a later call needs to clear up after one that was killed.
//!
//! A file in the folder `crewkit-worktrees` of the common git folder, locked (flock) by the call that makes the worktree
//! and by the git processes it starts. A record that nobody has locked belongs to a call that came to a sudden end.
//!
//! # Format
//! Fields, each ended by NUL: `1`, process, origin (`existing`, `remote`, `new`), branch, commit, path, and the outermost
//! folder that was not there before (empty when the path's own folder was).

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crewkit_tool::{Context, Refusal};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::{Git, Origin, Repository};

/// What is being made, and all that it takes to undo it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Creation {
    /// The process that makes it.
    pub(crate) process: i64,
    /// Where its branch comes from.
    pub(crate) origin: Origin,
    /// Its branch, by its short name.
    pub(crate) branch: String,
    /// The full id of the commit that it begins at.
    pub(crate) commit: String,
    /// Its folder.
    pub(crate) path: PathBuf,
    /// The outermost folder that has to be made for it.
    pub(crate) first_missing: Option<PathBuf>,
}

impl Creation {
    fn written(&self) -> Vec<u8> {
        let origin = match self.origin {
            Origin::Existing => "existing",
            Origin::Remote => "remote",
            Origin::New => "new",
        };
        let first = self.first_missing.as_deref().map_or(&b""[..], |path| path.as_os_str().as_bytes());
        let process = self.process.to_string();
        let path = self.path.as_os_str().as_bytes();
        let texts = [&b"1"[..], process.as_bytes(), origin.as_bytes(), self.branch.as_bytes(), self.commit.as_bytes()];
        texts.into_iter().chain([path, first]).flat_map(|field| [field, b"\0"].concat()).collect()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let fields: Vec<&[u8]> = bytes.strip_suffix(b"\0")?.split(|&byte| byte == 0).collect();
        let [b"1", process, origin, branch, commit, path, first] = fields[..] else { return None };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let place = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        Some(Self {
            process: text(process)?.parse().ok()?,
            origin: match origin {
                b"existing" => Origin::Existing,
                b"remote" => Origin::Remote,
                b"new" => Origin::New,
                _ => return None,
            },
            branch: text(branch)?,
            commit: text(commit)?,
            path: place(path),
            first_missing: (!first.is_empty()).then(|| place(first)),
        })
    }

    /// Takes away what was made of it: entry and folder when it is `registered`, the branch while it is where it began,
    /// the folders that were made for it while they are empty. To be called in the process's turn.
    pub(crate) fn undo(&self, context: &Context, repository: &Repository, registered: bool) {
        let git = || repository.git(context);
        if registered {
            let _ = git().args(["worktree", "remove", "--force", "--force"]).arg(&self.path).run();
        }
        if self.origin != Origin::Existing {
            let reference = format!("refs/heads/{}", self.branch);
            let _ = git().args(["update-ref", "-d", &reference, &self.commit]).run();
        }
        if self.origin == Origin::Remote {
            let section = format!("branch.{}", self.branch);
            let _ = git().args(["config", "--remove-section", &section]).run();
        }
        if let Some(first) = &self.first_missing {
            for folder in self.path.ancestors().take_while(|folder| folder.starts_with(first)) {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

/// A record that this process has locked.
#[derive(Debug)]
pub(crate) struct Record {
    lock: File,
    place: PathBuf,
    pub(crate) creation: Creation,
}

/// A record as it was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// The call that wrote it is gone, and so is the git that it started.
    Left(Record),
    /// Somebody works on it.
    Held(Creation),
}

impl Record {
    /// Writes the record of `creation` and locks it. To be called in the process's turn.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn begin(repository: &Repository, creation: Creation) -> Result<Self, Refusal> {
        let folder = folder(repository);
        let cannot = |fault: std::io::Error| Refusal::new(format!("{} cannot be written: {fault}", folder.display()));
        fs::create_dir_all(&folder).map_err(cannot)?;
        let (mut lock, place) = (0_u32..1000)
            .map(|number| folder.join(format!("{}-{number}", creation.process)))
            .map(|place| (OpenOptions::new().read(true).write(true).create_new(true).open(&place), place))
            .find(|(made, _)| !made.as_ref().is_err_and(|fault| fault.kind() == std::io::ErrorKind::AlreadyExists))
            .map_or_else(|| Err(std::io::Error::other("no free name")), |(made, place)| made.map(|file| (file, place)))
            .map_err(cannot)?;
        let locked = lock.try_lock().map_err(std::io::Error::from);
        let written = locked.and_then(|()| lock.write_all(&creation.written()));
        let shared = written.and_then(|()| Ok(fcntl_setfd(&lock, FdFlags::empty())?));
        shared.inspect_err(|_| drop(fs::remove_file(&place))).map_err(cannot)?;
        Ok(Self { lock, place, creation })
    }

    /// Every record of the repository; those that hold nothing are removed. To be called in the process's turn, in which
    /// no record is half written.
    pub(crate) fn all(repository: &Repository) -> Vec<Found> {
        let mut found = Vec::new();
        for place in places(repository) {
            let Ok(mut lock) = OpenOptions::new().read(true).write(true).open(&place) else { continue };
            let free = lock.try_lock().is_ok();
            let mut bytes = Vec::new();
            let read = lock.read_to_end(&mut bytes).ok().and_then(|_| Creation::read(&bytes));
            match read {
                // Its owner may have ended it since it was opened.
                Some(creation) if free && place.exists() => found.push(Found::Left(Self { lock, place, creation })),
                Some(creation) if !free => found.push(Found::Held(creation)),
                None if free => drop(fs::remove_file(&place)),
                _ => {}
            }
        }
        found
    }

    /// Whether there is any record, without a look into it.
    pub(crate) fn any(repository: &Repository) -> bool {
        !places(repository).is_empty()
    }

    /// Lets programs that are started from now on be nobody's concern.
    pub(crate) fn keep_from_children(&self) {
        let _ = fcntl_setfd(&self.lock, FdFlags::CLOEXEC);
    }

    /// When it was begun.
    pub(crate) fn begun(&self) -> Option<std::time::SystemTime> {
        self.lock.metadata().ok()?.modified().ok()
    }

    /// Removes the record: the worktree is made, or nothing is left of it.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.place);
    }
}

fn folder(repository: &Repository) -> PathBuf {
    repository.common_dir.join("crewkit-worktrees")
}

fn places(repository: &Repository) -> Vec<PathBuf> {
    fs::read_dir(folder(repository)).map_or_else(|_| Vec::new(), |all| all.flatten().map(|one| one.path()).collect())
}

/// The folder in which git keeps what it knows of the worktree at `path`, by the file that names the worktree.
pub(crate) fn admin_folder(repository: &Repository, path: &Path) -> Option<PathBuf> {
    let wanted = path.join(".git");
    let named = |admin: &Path| {
        let bytes = fs::read(admin.join("gitdir")).ok()?;
        let named = PathBuf::from(OsStr::from_bytes(bytes.strip_suffix(b"\n").unwrap_or(&bytes)));
        Some(crate::real_path(&if named.is_absolute() { named } else { admin.join(named) }))
    };
    let all = fs::read_dir(repository.common_dir.join("worktrees")).ok()?;
    all.flatten().map(|entry| entry.path()).find(|admin| named(admin).is_some_and(|named| named == wanted))
}

/// A call of git in the worktree at `path`, with `index` in place of its own.
pub(crate) fn git_with_index(context: &Context, path: &Path, index: &Path) -> Git {
    Git::at(context, path).of_folder().variable("GIT_INDEX_FILE", index).args(["-c", "core.fsmonitor=false"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_nothing_else_is_taken_for_one() {
        let creation = Creation {
            process: 7,
            origin: Origin::Remote,
            branch: "feat/ü".to_owned(),
            commit: "0123".to_owned(),
            path: PathBuf::from(OsStr::from_bytes(b"/w/a \xff\n")),
            first_missing: None,
        };
        assert_eq!(Creation::read(&creation.written()), Some(creation.clone()));
        let deep = Creation { first_missing: Some("/w".into()), ..creation };
        let bytes = deep.written();
        assert_eq!(Creation::read(&bytes), Some(deep));
        for length in 0..bytes.len() {
            assert_eq!(Creation::read(&bytes[..length]), None, "{length}");
        }
    }
}
