//! Worktrees whose making was cut off (a kill, a power cut): taken away where nothing would be lost, else finished.
//!
//! Git registers a worktree, then fills its folder, then writes its index. So without an index the folder holds what git
//! has written of the commit so far, its last file perhaps in part; whatever else is there came from somebody else.

use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crewkit_tool::{Context, Refusal, lineage};

use crate::creation::{Creation, Found, Record, admin_folder, git_with_index};
use crate::{Git, Head, NewWorktree, Repository};

/// How long git, outliving the call that started it, is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a lock file of git's must stand unchanged before it counts as left behind by a call that was killed.
const LEFT_BEHIND: Duration = Duration::from_millis(300);

impl NewWorktree<'_> {
    /// Looks for an earlier call for this branch or this path that came to a sudden end. What it left is taken away,
    /// unless something would be lost by that. Whether [`NewWorktree::add`] has a worktree to finish rather than to make.
    ///
    /// # Errors
    /// When git still works on what the earlier call began, or fails now.
    pub fn is_begun(&self, context: &Context, repository: &Repository) -> Result<bool, Refusal> {
        Ok(self.left(context, repository)?.is_some())
    }

    /// The same; the record of the one to finish.
    pub(crate) fn left(&self, context: &Context, repository: &Repository) -> Result<Option<Record>, Refusal> {
        if !Record::any(repository) {
            return Ok(None);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let turn = repository.turn()?;
            let mut at_work = false;
            for found in Record::all(repository) {
                match found {
                    Found::Left(record) if self.concerns(&record.creation) => {
                        if let Some(record) = self.settle(context, repository, record)? {
                            return Ok(Some(record));
                        }
                    }
                    Found::Held(creation) if self.concerns(&creation) => at_work |= !lineage::alive(creation.process),
                    _ => {}
                }
            }
            drop(turn);
            if !at_work {
                return Ok(None);
            }
            if Instant::now() > deadline {
                let line =
                    format!("git still works on an earlier creation of {}: try again later", self.path.display());
                return Err(Refusal::new(line));
            }
            sleep(Duration::from_millis(20));
        }
    }

    fn concerns(&self, creation: &Creation) -> bool {
        creation.branch == self.branch || creation.path == self.path
    }

    /// Decides on what an earlier call left; its record when this call is to finish it.
    fn settle(&self, context: &Context, repository: &Repository, record: Record) -> Result<Option<Record>, Refusal> {
        let creation = &record.creation;
        unlock(repository, &record);
        let same = creation.branch == self.branch && creation.path == self.path;
        let admin = admin_folder(repository, &creation.path);
        let link = creation.path.join(".git");
        if let Some(admin) = &admin
            && creation.path.is_dir()
            && fs::symlink_metadata(&link).is_err()
        {
            // Its removal was cut off too.
            let target = [b"gitdir: ", admin.as_os_str().as_bytes(), b"\n"].concat();
            let _ = fs::write(&link, target);
        }
        let Some(admin) = admin.filter(|admin| is_registered(repository, creation, admin)) else {
            unregister(repository, &record);
            creation.undo(context, repository, false);
            record.remove();
            return Ok(None);
        };
        if admin.join("index").exists() {
            if same {
                return Ok(Some(record));
            }
            record.remove();
            return Ok(None);
        }
        if Contents::of(context, creation, &admin)?.others {
            return Ok(same.then_some(record));
        }
        creation.undo(context, repository, true);
        record.remove();
        Ok(None)
    }
}

/// Whether git finished the registration of the worktree.
fn is_registered(repository: &Repository, creation: &Creation, admin: &Path) -> bool {
    // git-worktree(1) locks an entry with this reason while it makes it.
    let initializing = fs::read(admin.join("locked")).is_ok_and(|why| why.trim_ascii() == b"initializing");
    let on_branch = repository.worktrees().iter().any(|tree| {
        tree.path == creation.path && (tree.head.branch() == Some(&creation.branch) || tree.head == Head::Unknown)
    });
    !initializing && on_branch && creation.path.join(".git").is_file()
}

/// Takes away the halves of a registration that was cut off, none of which holds anything of anybody's.
fn unregister(repository: &Repository, record: &Record) {
    let creation = &record.creation;
    let new = |path: &Path| is_since(path, record.begun());
    if let Some(admin) = admin_folder(repository, &creation.path).filter(|admin| !admin.join("index").exists()) {
        let _ = fs::remove_dir_all(admin);
    }
    // One that does not yet say whose it is bears the name of the folder, and perhaps a number.
    let name = creation.path.file_name().unwrap_or_default().as_bytes();
    for entry in fs::read_dir(repository.common_dir.join("worktrees")).into_iter().flatten().flatten() {
        let admin = entry.path();
        let named =
            entry.file_name().as_bytes().strip_prefix(name).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit));
        let nobodys = fs::read(admin.join("gitdir")).map_or(true, |text| text.is_empty());
        if named && nobodys && new(&admin) {
            let _ = fs::remove_dir_all(admin);
        }
    }
    let link = creation.path.join(".git");
    let ours = fs::read(&link).is_ok_and(|text| {
        let target = text.strip_prefix(b"gitdir: ").map(<[u8]>::trim_ascii);
        text.is_empty() || target.is_some_and(|target| target.starts_with(repository.common_dir.as_os_str().as_bytes()))
    });
    if ours && new(&link) {
        let _ = fs::remove_file(link);
    }
}

/// Removes the lock files that git left when it was killed: each would keep others from their work for ever.
fn unlock(repository: &Repository, record: &Record) {
    let creation = &record.creation;
    let mut locks: Vec<PathBuf> = ["packed-refs.lock", "config.lock", &format!("refs/heads/{}.lock", creation.branch)]
        .iter()
        .map(|name| repository.common_dir.join(name))
        .collect();
    locks.extend(admin_folder(repository, &creation.path).map(|admin| admin.join("HEAD.lock")));
    let since = record.begun();
    locks.retain(|lock| is_since(lock, since));
    drop_left_behind(&locks);
}

fn is_since(path: &Path, since: Option<SystemTime>) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|data| data.modified()).ok();
    changed.is_some() && changed >= since
}

/// Removes lock files that nobody has, by the look of it: git holds one for milliseconds.
fn drop_left_behind(locks: &[PathBuf]) {
    let changed = |lock: &PathBuf| fs::symlink_metadata(lock).and_then(|data| data.modified()).ok();
    let before: Vec<(&PathBuf, SystemTime)> = locks.iter().filter_map(|lock| Some((lock, changed(lock)?))).collect();
    if before.is_empty() {
        return;
    }
    sleep(LEFT_BEHIND);
    for (lock, then) in before {
        if changed(lock) == Some(then) {
            let _ = fs::remove_file(lock);
        }
    }
}

/// What the folder of a worktree without an index holds, compared with its commit.
#[derive(Debug, Default)]
struct Contents {
    /// Files of the commit that are not there, or only in part; paths from the top.
    missing: Vec<PathBuf>,
    /// Those of them that are there in part.
    partial: Vec<PathBuf>,
    /// Whether there is anything that git did not write.
    others: bool,
}

/// An index of our own, beside the one that git has yet to write.
fn own_index(admin: &Path) -> PathBuf {
    admin.join("crewkit-index")
}

impl Contents {
    fn of(context: &Context, creation: &Creation, admin: &Path) -> Result<Self, Refusal> {
        let index = own_index(admin);
        let _ = fs::remove_file(index.with_extension("lock"));
        let git = || git_with_index(context, &creation.path, &index);
        let doing = "the interrupted worktree cannot be read";
        git().args(["read-tree", &creation.commit]).must(doing)?;
        // Its code only tells that there are differences.
        git().args(["update-index", "-q", "--refresh"]).run()?;
        let told = git().args(["diff-files", "-z", "--name-status", "--ignore-submodules=none"]).must(doing)?;
        let mut contents = Self::default();
        let mut fields = told.stdout.split(|&byte| byte == 0).filter(|field| !field.is_empty());
        while let (Some(letter), Some(path)) = (fields.next(), fields.next()) {
            let path = PathBuf::from(std::ffi::OsStr::from_bytes(path));
            match letter {
                b"D" => contents.missing.push(path),
                b"M" if is_beginning(git(), creation, &path)? => {
                    contents.missing.push(path.clone());
                    contents.partial.push(path);
                }
                _ => contents.others = true,
            }
        }
        // Ignored files too.
        contents.others |= !git().args(["ls-files", "-z", "--others"]).must(doing)?.stdout.is_empty();
        Ok(contents)
    }
}

/// Whether the file at `path` in the worktree holds the first part of what the commit has there, as git would write it.
fn is_beginning(git: Git, creation: &Creation, path: &Path) -> Result<bool, Refusal> {
    let place = creation.path.join(path);
    if !fs::symlink_metadata(&place).is_ok_and(|data| data.is_file()) {
        return Ok(false);
    }
    let mut object = std::ffi::OsString::from(format!("{}:", creation.commit));
    object.push(path);
    let whole = git.args(["cat-file", "--filters"]).arg(object).run()?;
    let unreadable = |fault| Refusal::new(format!("{} cannot be read: {fault}", place.display()));
    let mut there = Vec::new();
    let most = whole.stdout.len() as u64 + 1;
    fs::File::open(&place).and_then(|file| file.take(most).read_to_end(&mut there)).map_err(unreadable)?;
    Ok(whole.ok() && there.len() < whole.stdout.len() && whole.stdout.starts_with(&there))
}

/// Writes what is missing in the folder of a worktree that is registered; what is there stays as it is.
pub(crate) fn finish(context: &Context, repository: &Repository, creation: &Creation) -> Result<(), Refusal> {
    let Some(admin) = admin_folder(repository, &creation.path).filter(|admin| !admin.join("index").exists()) else {
        return Ok(());
    };
    let _ = fs::remove_file(admin.join("index.lock"));
    let contents = Contents::of(context, creation, &admin)?;
    for partial in &contents.partial {
        let _ = fs::remove_file(creation.path.join(partial));
    }
    let names = contents.missing.iter().flat_map(|path| [path.as_os_str().as_bytes(), b"\0"].concat()).collect();
    let doing = "the interrupted worktree cannot be finished";
    let index = own_index(&admin);
    git_with_index(context, &creation.path, &index)
        .args(["checkout-index", "-q", "-z", "--stdin"])
        .stdin(names)
        .must(doing)?;
    let _ = fs::remove_file(index);
    Git::at(context, &creation.path).of_folder().args(["reset", "--mixed", "--quiet"]).must(doing)?;
    Ok(())
}
