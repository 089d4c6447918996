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

use crate::{Error, Result, copies};

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

/// Waits for the turn of this process to write the database at `path`, at most until `deadline`.
///
/// # Errors
/// As [`wait`], with the database's name.
pub fn turn(path: &Path, deadline: Instant) -> Result<Turn> {
    wait(&lock_path(path), deadline).map_err(|error| match error {
        Error::Busy { seconds, .. } => Error::Busy { path: path.to_owned(), seconds },
        Error::ReadOnly { reason, .. } => Error::ReadOnly { path: path.to_owned(), reason },
        other => other,
    })
}

/// Waits for the turn of this process on the lock file `lock`, at most until `deadline`.
///
/// # Errors
/// [`Error::Busy`] past the deadline; [`Error::ReadOnly`] or [`Error::CannotOpen`] when the lock file cannot be made.
pub fn wait(lock: &Path, deadline: Instant) -> Result<Turn> {
    let made = OpenOptions::new().create(true).truncate(false).write(true).open(lock);
    // Another user's lock file can be waited on without a right to write it.
    let file = made.or_else(|fault| match fault.kind() {
        ErrorKind::PermissionDenied => File::open(lock).map_err(|_| fault),
        _ => Err(fault),
    });
    let file = file.map_err(|fault| copies::cannot(lock, &fault))?;
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
