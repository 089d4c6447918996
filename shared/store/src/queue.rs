//! The writers' queue: an advisory lock (flock) on a file beside the database.
//!
//! The kernel serves waiters in order of arrival and frees the lock of a process that dies; SQLite's own busy
//! handling does neither, so of many writers at once some starve. A waiter costs no processor time.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// The place at the head of the queue; given up when dropped, or when the process ends however it ends. Children
/// don't inherit it.
#[derive(Debug)]
pub struct Turn {
    _lock: File,
}

/// The lock file of the database at `path`.
pub fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Waits for the turn of this process on the lock file `lock`, at most until `deadline`.
///
/// # Errors
/// [`Error::Busy`] past the deadline; [`Error::ReadOnly`] or [`Error::CannotOpen`] when the lock file cannot be made.
pub fn wait(lock: &Path, deadline: Instant) -> Result<Turn> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(lock).map_err(|fault| {
        let (path, reason) = (lock.to_owned(), fault.to_string());
        match fault.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Error::ReadOnly { path, reason },
            ErrorKind::StorageFull => Error::DiskFull(path),
            _ => Error::CannotOpen { path, reason },
        }
    })?;
    if file.try_lock().is_ok() {
        return Ok(Turn { _lock: file });
    }
    // The wait itself is a blocking call, for its order; it stands in a thread so that it can be given up. A thread
    // given up on gets the lock some time, finds nobody listening, and drops it.
    let started = Instant::now();
    let (told, turn) = mpsc::channel();
    thread::spawn(move || {
        if file.lock().is_ok() {
            let _ = told.send(Turn { _lock: file });
        }
    });
    turn.recv_timeout(deadline.saturating_duration_since(started).max(Duration::from_millis(1)))
        .map_err(|_| Error::Busy { path: lock.to_owned(), seconds: started.elapsed().as_secs() })
}
