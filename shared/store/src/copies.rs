//! Copies of the database beside it: made through SQLite, so that what the log holds belongs to them; the newest ten stay.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::{Error, Result};

/// How many copies stay.
const KEPT: usize = 10;

/// How long a copy waits for a program that holds the database without a log.
const PATIENCE: Duration = Duration::from_secs(10);

/// Copies what `source` sees of the database at `path` to `PATH.backup.EPOCH`, and gives that path. `epoch` is the present
/// time in seconds since 1970; where a copy of that second is there already, `-2`, `-3`... follows. Nobody else may be
/// making one: the caller holds the writers' turn. The copy is on the disk when this ends, or is not there at all.
pub(crate) fn make(source: &Connection, path: &Path, epoch: i64) -> Result<PathBuf> {
    let part = beside(path, &format!(".backup.{epoch}.part"));
    let made = write(source, path, &part).and_then(|()| {
        let mut copy = beside(path, &format!(".backup.{epoch}"));
        let mut number = 1;
        while copy.exists() {
            number += 1;
            copy = beside(path, &format!(".backup.{epoch}-{number}"));
        }
        fs::rename(&part, &copy).map_err(|fault| cannot(&copy, &fault))?;
        if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
            let _ = folder.sync_all();
        }
        Ok(copy)
    });
    made.map_err(|error| {
        let _ = fs::remove_file(&part);
        // The half of a copy is gone: what people know is the database.
        let path = path.to_owned();
        match error {
            Error::DiskFull(_) => Error::DiskFull(path),
            Error::ReadOnly { reason, .. } | Error::CannotOpen { reason, .. } => {
                Error::ReadOnly { path, reason: format!("no copy can be made beside it, {reason}") }
            }
            other => other,
        }
    })
}

fn write(source: &Connection, path: &Path, part: &Path) -> Result<()> {
    let _ = fs::remove_file(part);
    let mode = fs::metadata(path).map_or(0o600, |data| data.permissions().mode() & 0o777);
    OpenOptions::new().write(true).create_new(true).mode(mode).open(part).map_err(|fault| cannot(part, &fault))?;
    let fail = |fault: &rusqlite::Error| Error::from_sqlite(part, PATIENCE.as_secs(), fault);
    copy_into(source, part).map_err(|fault| fail(&fault))?;
    let file = File::open(part).map_err(|fault| cannot(part, &fault))?;
    file.sync_all().map_err(|fault| cannot(part, &fault))
}

fn copy_into(source: &Connection, part: &Path) -> rusqlite::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a copy that is being made")]
    let mut copy = Connection::open(part)?;
    // The file is written to the disk as a whole at the end, and dropped when it does not come to that.
    // Alone at it, SQLite needs no shared file for the log's index.
    copy.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE")?;
    all_pages(source, &mut copy)?;
    // The first page says that there is a log, as it does in the original; a copy is one file, so that is undone.
    copy.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    copy.close().map_err(|(_, fault)| fault)
}

/// Copies the whole database `source` over the database `to`, in one transaction of `to`.
pub(crate) fn all_pages(source: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(source, to)?;
    let started = Instant::now();
    loop {
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            StepResult::Busy | StepResult::Locked if started.elapsed() > PATIENCE => {
                let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(busy, None));
            }
            _ => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Removes all but the newest ten of the copies that [`make`] made, and what it left half made when it was killed. The
/// caller holds the writers' turn.
pub(crate) fn prune(path: &Path) {
    let mut found: Vec<((i64, i64), PathBuf)> = Vec::new();
    let Some(name) = path.file_name() else { return };
    let start = [name.as_bytes(), b".backup."].concat();
    for entry in entries(path.parent()) {
        let file = entry.file_name().unwrap_or_default().as_bytes().to_vec();
        let Some(rest) = file.strip_prefix(start.as_slice()).and_then(|rest| std::str::from_utf8(rest).ok()) else {
            continue;
        };
        if rest.split('.').nth(1).is_some_and(|end| end == "part" || end == "part-journal") {
            let _ = fs::remove_file(&entry);
        } else if let Some(key) = number_of(rest) {
            found.push((key, entry));
        }
    }
    found.sort();
    found.reverse();
    for (_, copy) in found.into_iter().skip(KEPT) {
        let _ = fs::remove_file(copy);
    }
}

/// `EPOCH` or `EPOCH-N` as numbers.
fn number_of(rest: &str) -> Option<(i64, i64)> {
    let (epoch, number) = rest.split_once('-').unwrap_or((rest, "1"));
    Some((epoch.parse().ok()?, number.parse().ok()?))
}

/// All copies of any database that lie beside `path` or in `backups/` there, whoever made them, newest first: by the time
/// in their name, else by that of their last change.
pub(crate) fn older(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let parts = ["-wal", "-shm", "-journal", ".part", ".lock"];
    let here = entries(Some(&folder)).into_iter().filter(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.contains(".bak-v8-") || name.contains(".backup.")
    });
    let below = entries(Some(&folder.join("backups")));
    let mut found: Vec<(i64, PathBuf)> = here
        .chain(below)
        .filter(|file| !parts.iter().any(|part| file.as_os_str().as_bytes().ends_with(part.as_bytes())))
        .filter(|file| file.is_file())
        .map(|file| (time_of(&file), file))
        .collect();
    found.sort();
    found.reverse();
    found.into_iter().map(|(_, file)| file).collect()
}

/// The time in a copy's name (`...EPOCH`, `...EPOCH-N`, `..._YYYYMMDD_HHMMSS.db`), else of its last change, in seconds
/// since 1970. Local and universal time are not told apart.
fn time_of(file: &Path) -> i64 {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let end = name.rsplit(['.', '-']).find(|part| part.len() >= 9 && part.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(epoch) = end.and_then(|digits| digits.parse().ok()) {
        return epoch;
    }
    let stem = name.strip_suffix(".db").unwrap_or(&name);
    let mut parts = stem.rsplitn(3, '_');
    if let (Some(time), Some(day)) = (parts.next(), parts.next())
        && let (6, 8, Ok(time), Ok(day)) = (time.len(), day.len(), time.parse::<i64>(), day.parse::<i64>())
    {
        let days = days_since_1970(day / 10_000, day / 100 % 100, day % 100);
        return days * 86_400 + time / 10_000 * 3_600 + time / 100 % 100 * 60 + time % 100;
    }
    let changed = fs::metadata(file).and_then(|data| data.modified()).ok();
    let since = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, years counted from March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn entries(folder: Option<&Path>) -> Vec<PathBuf> {
    let read = folder.and_then(|folder| fs::read_dir(folder).ok());
    read.into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}

/// `path` with `end` behind its name.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

/// The system's fault on `path`, sorted into ours.
pub(crate) fn cannot(path: &Path, fault: &std::io::Error) -> Error {
    let (path, reason) = (path.to_owned(), fault.to_string());
    match fault.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Error::ReadOnly { path, reason },
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull(path),
        _ => Error::CannotOpen { path, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_ordered_by_the_time_in_their_names() {
        assert_eq!(days_since_1970(1970, 1, 1), 0);
        assert_eq!(days_since_1970(2000, 3, 1), 11_017);
        assert_eq!(time_of(Path::new("/x/dashboard_local_20260102_030405.db")), 1_767_323_045);
        assert_eq!(time_of(Path::new("/x/dashboard.db.bak-v8-1767700000")), 1_767_700_000);
        assert_eq!(time_of(Path::new("/x/dashboard.db.backup.1767700000-2")), 1_767_700_000);
    }

    #[test]
    fn ten_copies_stay_and_what_others_made_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.db");
        for epoch in 100..113 {
            fs::write(beside(&path, &format!(".backup.{epoch}")), "").unwrap();
        }
        for name in [".backup.112-2", ".backup.mine", ".bak-v8-1", ".backup.99.part"] {
            fs::write(beside(&path, name), "").unwrap();
        }
        prune(&path);
        let mut left: Vec<_> = entries(Some(folder.path()))
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        left.sort();
        let ours: Vec<String> = (104..113).map(|epoch| format!("d.db.backup.{epoch}")).collect();
        let others = ["d.db.backup.112-2", "d.db.backup.mine", "d.db.bak-v8-1"];
        let mut wanted: Vec<String> = ours.into_iter().chain(others.map(str::to_owned)).collect();
        wanted.sort();
        assert_eq!(left, wanted);
    }
}
