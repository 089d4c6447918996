//! Git's own lock files (`NAME.lock`), taken by us: whole from their first moment, so that whoever finds one after a
//! crash knows whose it is and what it stands for.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crewkit_tool::lineage;

/// How long somebody else's lock is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the name of a lock's text begins with before it is a lock; the number of its process follows.
const MARK: &str = "merge-queue.mark.";

/// Makes `lock` with `text` in it; a lock that is there already and `is_ours` is taken over. `folder` lies on the same
/// file system. `place` names what is locked.
///
/// # Errors
/// One line: somebody else holds it, or it cannot be made.
pub(super) fn take(
    folder: &Path,
    lock: &Path,
    text: &[u8],
    place: &str,
    is_ours: impl Fn(&Path) -> bool,
) -> Result<(), String> {
    let cannot = |fault: std::io::Error| format!("{place} cannot be held: {fault}");
    // The text is written elsewhere first; a link makes it appear in one step, or not at all.
    let written = folder.join(format!("{MARK}{}", std::process::id()));
    // One left by a killed process of the same number may be a second name of a file that is in use by now.
    let _ = fs::remove_file(&written);
    let mut file = File::create_new(&written).map_err(cannot)?;
    let done = file.write_all(text).and_then(|()| file.sync_all());
    let taken = done.map_err(cannot).and_then(|()| link(&written, lock, is_ours, place));
    let _ = fs::remove_file(&written);
    taken
}

fn link(written: &Path, lock: &Path, is_ours: impl Fn(&Path) -> bool, place: &str) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match fs::hard_link(written, lock) {
            Ok(()) => return Ok(()),
            Err(fault) if fault.kind() == ErrorKind::AlreadyExists => {
                if is_ours(lock) {
                    return Ok(());
                }
                if Instant::now() >= deadline {
                    return Err(format!("git is at work in {place}: {} is there", lock.display()));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(fault) => return Err(format!("{place} cannot be held: {fault}")),
        }
    }
}

/// Takes away what killed processes left in `folder` while they took a lock.
pub(super) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(MARK)?.parse().ok());
        if process.is_some_and(|process| !lineage::alive(process)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
