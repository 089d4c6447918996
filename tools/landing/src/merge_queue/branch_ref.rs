//! The main branch's reference, moved by compare-and-swap.
//!
//! Git's files are written here as git writes them (gitrepository-layout(5), and `refs/files-backend.c` for the order:
//! lock, look, reflog, rename), but for one thing: `git update-ref` makes its lock empty and fills it afterwards, and
//! locks `HEAD` too; one that is killed leaves locks that nobody can tell from those of a git at work, and the branch
//! is stuck. Ours holds the new commit's id from its first moment, and no one else would land that commit.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crewkit_tool::Refusal;

use super::ground::Ground;
use super::lock_file;

/// What became of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Swap {
    /// The branch is at the new commit.
    Done,
    /// It is somewhere else by now.
    Raced,
    /// Somebody else's git holds it; one line.
    Busy(String),
}

/// The file of the main branch's reference.
struct Reference<'a> {
    ground: &'a Ground<'a>,
    path: PathBuf,
    lock: PathBuf,
}

impl<'a> Reference<'a> {
    fn of(ground: &'a Ground<'a>) -> Self {
        let path = ground.repository.common_dir.join(ground.target_ref());
        let mut lock = path.clone().into_os_string();
        lock.push(".lock");
        Self { ground, path, lock: lock.into() }
    }

    /// The commit in the lock, when it can be one of ours.
    fn locked_for(lock: &Path) -> Option<String> {
        let text = fs::read(lock).ok()?;
        let id = text.strip_suffix(b"\n")?;
        let is_id = matches!(id.len(), 40 | 64) && id.iter().all(u8::is_ascii_hexdigit);
        is_id.then(|| String::from_utf8_lossy(id).into_owned())
    }

    fn is_symbolic(&self) -> bool {
        fs::read(&self.path).is_ok_and(|text| text.starts_with(b"ref:"))
    }
}

/// Moves the main branch from `old` to `new`, and writes that into its reflog and into those of `heads`: git folders of
/// work trees that have it checked out. The same move, left half done by a killed processor, is finished.
///
/// # Errors
/// When git cannot be started, or the reference cannot be written.
pub(super) fn swap(ground: &Ground<'_>, old: &str, new: &str, heads: &[&Path]) -> Result<Swap, Refusal> {
    let reference = Reference::of(ground);
    let cannot = |fault: std::io::Error| Refusal::new(format!("branch '{}' cannot be written: {fault}", ground.target));
    if reference.is_symbolic() {
        return Ok(Swap::Busy(format!("branch '{}' is a symbolic reference to another", ground.target)));
    }
    if let Some(folder) = reference.path.parent() {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    let place = format!("branch '{}'", ground.target);
    let ours = |lock: &Path| Reference::locked_for(lock).as_deref() == Some(new);
    let text = format!("{new}\n");
    if let Err(busy) = lock_file::take(&ground.repository.common_dir, &reference.lock, text.as_bytes(), &place, ours) {
        return Ok(Swap::Busy(busy));
    }
    let moved = locked(&reference, old, new, heads, cannot);
    if !matches!(moved, Ok(Swap::Done)) {
        let _ = fs::remove_file(&reference.lock);
    }
    moved
}

/// The move itself, the lock being ours.
fn locked(
    reference: &Reference<'_>,
    old: &str,
    new: &str,
    heads: &[&Path],
    cannot: impl Fn(std::io::Error) -> Refusal,
) -> Result<Swap, Refusal> {
    let ground = reference.ground;
    match ground.tip(&ground.target)? {
        Some(tip) if tip == new => {
            fs::remove_file(&reference.lock).map_err(cannot)?;
            return Ok(Swap::Done);
        }
        Some(tip) if tip == old => {}
        _ => return Ok(Swap::Raced),
    }
    if let Ok(before) = fs::metadata(&reference.path) {
        fs::set_permissions(&reference.lock, before.permissions()).map_err(&cannot)?;
    }
    let format = "--format=%cn <%ce> %cd\tmerge-queue: landed";
    let who = ground.git().args(["show", "-s", "--date=raw", format, new]).must("git show")?;
    let mut line = format!("{old} {new} ").into_bytes();
    line.extend_from_slice(who.stdout.trim_ascii_end());
    line.push(b'\n');
    let logs = ground.repository.common_dir.join("logs");
    let heads = heads.iter().map(|git_dir| git_dir.join("logs/HEAD"));
    for log in std::iter::once(logs.join(ground.target_ref())).chain(heads) {
        // A reflog is a convenience: the branch moves without it as well.
        if let Err(fault) = append(&log, &line, logs.is_dir()) {
            ground.context.note(format!("{} cannot be written: {fault}", log.display()));
        }
    }
    fs::rename(&reference.lock, &reference.path).map_err(cannot)?;
    Ok(Swap::Done)
}

/// Adds `line` to a reflog, unless it is the last one there; a log that is not there is begun only if `begin`.
fn append(log: &Path, line: &[u8], begin: bool) -> std::io::Result<()> {
    match fs::read(log) {
        Ok(text) if text.ends_with(line) => return Ok(()),
        Ok(_) => {}
        Err(fault) if fault.kind() == ErrorKind::NotFound => {
            let Some(folder) = log.parent().filter(|_| begin) else { return Ok(()) };
            fs::create_dir_all(folder)?;
        }
        Err(fault) => return Err(fault),
    }
    OpenOptions::new().append(true).create(true).open(log)?.write_all(line)
}

/// Takes away the lock that a killed processor left for landing one of `candidates`.
pub(super) fn unlock(ground: &Ground<'_>, candidates: &[&str]) {
    let reference = Reference::of(ground);
    if Reference::locked_for(&reference.lock).is_some_and(|id| candidates.contains(&id.as_str())) {
        let _ = fs::remove_file(&reference.lock);
    }
}
