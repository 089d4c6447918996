//! The whole output of wrapped commands, kept for a while: `crewkit log` reads it.
//!
//! A log lies in `CREWKIT_LOGS`, else `$XDG_CACHE_HOME/crewkit/logs`, else `~/.cache/crewkit/logs` (mode 700), as
//! `ID.log` (mode 600), where ID is the first 12 hexadecimal digits of the SHA-256 of its bytes: the same output twice
//! is one file. It is written under another name and renamed when it is whole. The oldest go when there are more than
//! [`MOST_LOGS`] or more than [`MOST_BYTES`]. A log that cannot be written is left out; the command's answer does not
//! depend on it.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use crewkit_tool::{Context, Refusal};
use sha2::{Digest as _, Sha256};

/// Most logs kept.
pub const MOST_LOGS: usize = 200;
/// Most bytes kept in all logs together.
pub const MOST_BYTES: u64 = 1 << 30;
/// Most bytes kept of one output; what comes after them is counted only.
pub const MOST_OF_ONE: u64 = 600 << 20;
/// Hexadecimal digits of an ID.
const ID_LENGTH: usize = 12;
/// Bytes gathered before they are written.
const GATHERED: usize = 256 << 10;
/// Age at which a file of a run that was killed goes.
const STALE: Duration = Duration::from_hours(24);

/// The folder of the crew's caches: logs and savings lie in it.
///
/// # Errors
/// When neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache_folder(context: &Context) -> Result<PathBuf, Refusal> {
    let cache = match context.variable_path("XDG_CACHE_HOME") {
        // The specification of base directories says to pass over a relative one.
        Some(path) if path.is_absolute() => path,
        _ => context.home()?.join(".cache"),
    };
    Ok(cache.join("crewkit"))
}

/// The folder that logs lie in.
///
/// # Errors
/// When none of `CREWKIT_LOGS`, `XDG_CACHE_HOME` and `HOME` is set.
pub fn folder(context: &Context) -> Result<PathBuf, Refusal> {
    match context.variable_path("CREWKIT_LOGS") {
        Some(path) => context.absolute(&path),
        None => Ok(cache_folder(context)?.join("logs")),
    }
}

/// Makes `folder`, its parents too, for this user alone.
///
/// # Errors
/// The system's; a folder that is there and that others may write to is one too.
pub fn make_private(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::symlink_metadata(folder)?;
    if !metadata.is_dir() {
        return Err(std::io::ErrorKind::NotADirectory.into());
    }
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(std::io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

/// A log that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
}

/// A log that is being written.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    /// The file under its first name; `None` when it could not be made, or a write failed.
    open: Option<(PathBuf, File)>,
    gathered: Vec<u8>,
    hash: Sha256,
    kept: u64,
    bytes: u64,
}

impl Writer {
    /// A log in the folder of `context`. Its file is made with the first bytes.
    pub fn new(context: &Context) -> Self {
        let folder = folder(context).unwrap_or_default();
        Self { folder, open: None, gathered: Vec::new(), hash: Sha256::new(), kept: 0, bytes: 0 }
    }

    /// The folder it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All bytes that came.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// More bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let room = usize::try_from(MOST_OF_ONE.saturating_sub(self.kept)).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(room)];
        if bytes.is_empty() || self.folder.as_os_str().is_empty() {
            return;
        }
        self.kept += bytes.len() as u64;
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHERED {
            self.write();
        }
    }

    fn write(&mut self) {
        self.hash.update(&self.gathered);
        if self.open.is_none() && self.kept == self.gathered.len() as u64 {
            self.open = begin(&self.folder);
        }
        let written = self.open.as_mut().is_some_and(|(_, file)| file.write_all(&self.gathered).is_ok());
        self.gathered.clear();
        if !written {
            self.give_up();
        }
    }

    /// No log: the folder is not to be written to, or the disk is full.
    fn give_up(&mut self) {
        if let Some((path, _)) = self.open.take() {
            let _ = fs::remove_file(path);
        }
        self.folder = PathBuf::new();
    }

    /// The end of the output: gives the log its name and removes old ones. `None` when there was no output, or it
    /// could not be kept.
    pub fn finish(mut self) -> Option<Log> {
        if !self.gathered.is_empty() {
            self.write();
        }
        let (written, file) = self.open.take()?;
        drop(file);
        let mut id: String = self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        id.truncate(ID_LENGTH);
        let path = self.folder.join(format!("{id}.log"));
        if fs::rename(&written, &path).is_err() {
            let _ = fs::remove_file(&written);
            return None;
        }
        // The same output as an earlier one counts as written now.
        prune(&self.folder, &path);
        Some(Log { path, bytes: self.kept })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// A new private file in `folder`.
fn begin(folder: &Path) -> Option<(PathBuf, File)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    make_private(folder).ok()?;
    let name = format!(".{}-{}.tmp", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = folder.join(name);
    let make = || File::options().write(true).create_new(true).mode(0o600).open(&path);
    // A file of an earlier process with our number is nobody's any more.
    let file = make().or_else(|_| fs::remove_file(&path).and_then(|()| make())).ok()?;
    Some((path, file))
}

/// A log in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its ID.
    pub id: String,
    /// Its file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// When it was written.
    pub written: SystemTime,
}

/// All logs in `folder`, newest first. A folder that is not there has none.
pub fn list(folder: &Path) -> Vec<Entry> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<Entry> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_suffix(".log").filter(|id| is_id(id))?.to_owned();
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some(Entry { id, path: entry.path(), bytes: metadata.len(), written: metadata.modified().ok()? })
        })
        .collect();
    found.sort_by(|one, other| other.written.cmp(&one.written).then_with(|| one.id.cmp(&other.id)));
    found
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The log that `named` means: an ID, the beginning of one (four digits or more), the path or file name of a log, or
/// `last` for the newest.
///
/// # Errors
/// When there is none, or more than one.
pub fn find(folder: &Path, named: &str) -> Result<Entry, Refusal> {
    let all = list(folder);
    let name = named.rsplit('/').next().unwrap_or(named);
    let name = name.strip_suffix(".log").unwrap_or(name);
    if name == "last" {
        return all.into_iter().next().ok_or_else(|| Refusal::new("there is no log"));
    }
    let fits = name.len() >= 4 && name.len() <= ID_LENGTH;
    let mut found = all.into_iter().filter(|entry| fits && entry.id.starts_with(name));
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry),
        (None, _) => {
            Err(Refusal::new(format!("no log '{named}': it went, or never was; 'crewkit log list' shows all")))
        }
        (Some(_), Some(_)) => Err(Refusal::new(format!("'{named}' is the beginning of more than one log"))),
    }
}

/// Removes the oldest logs beyond the limits, and files of runs that were killed; `keep` stays.
fn prune(folder: &Path, keep: &Path) {
    let mut total = 0;
    for (at, entry) in list(folder).into_iter().enumerate() {
        total += entry.bytes;
        if (at >= MOST_LOGS || total > MOST_BYTES) && entry.path != keep {
            // Another process may have been faster.
            let _ = fs::remove_file(entry.path);
        }
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = name.starts_with('.') && name.ends_with(".tmp");
        let old = || {
            let written = entry.metadata().and_then(|metadata| metadata.modified()).ok();
            written.and_then(|written| written.elapsed().ok()).is_some_and(|age| age > STALE)
        };
        if is_ours && old() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn context(folder: &Path) -> Context {
        Context::scripted(Script {
            environment: [("HOME".into(), folder.into())].into(),
            directory: folder.to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        })
    }

    fn keep(context: &Context, bytes: &[u8]) -> Option<Log> {
        let mut writer = Writer::new(context);
        writer.push(bytes);
        writer.finish()
    }

    #[test]
    fn a_log_is_private_and_the_same_output_is_kept_once() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path());
        let one = keep(&context, b"hello\n").unwrap();
        assert_eq!((keep(&context, b"hello\n").unwrap(), keep(&context, b"")), (one.clone(), None));
        // The first digits of `printf 'hello\n' | sha256sum`.
        assert_eq!(one.path, home.path().join(".cache/crewkit/logs/5891b5b522d5.log"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&one.path), mode(one.path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read(&one.path).unwrap(), b"hello\n");
        assert_eq!(fs::read_dir(one.path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn the_oldest_go() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path());
        let place = folder(&context).unwrap();
        make_private(&place).unwrap();
        for number in 0..MOST_LOGS + 5 {
            let path = place.join(format!("{number:012x}.log"));
            let file = File::create(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(number as u64)).unwrap();
        }
        fs::write(place.join(".1-1.tmp"), "").unwrap();
        let old = File::create(place.join(".2-1.tmp")).unwrap();
        old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let log = keep(&context, b"new").unwrap();
        let left = list(&place);
        assert_eq!((left.len(), &left[0].path), (MOST_LOGS, &log.path));
        assert!(!place.join("000000000000.log").exists() && place.join("0000000000cc.log").exists());
        assert!(place.join(".1-1.tmp").exists() && !place.join(".2-1.tmp").exists());
    }

    #[test]
    fn a_log_is_found_by_the_beginning_of_its_id() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path();
        for id in ["aaaa11112222", "aaaa11113333", "bbbb11112222"] {
            fs::write(place.join(format!("{id}.log")), "").unwrap();
        }
        let found = |named: &str| find(place, named).map(|entry| entry.id).map_err(|refusal| refusal.message);
        assert_eq!(found("bbbb").unwrap(), "bbbb11112222");
        assert_eq!(found("/any/where/aaaa11113333.log").unwrap(), "aaaa11113333");
        assert!(found("aaaa1111").unwrap_err().contains("more than one"));
        for named in ["bbb", "../bbbb", "cccc", ""] {
            let answer = found(named);
            assert!(named == "../bbbb" || answer.is_err(), "{named}: {answer:?}");
        }
        assert!(find(&place.join("none"), "last").is_err() && find(place, "last").is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_costs_the_log_alone() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".cache"), "a file").unwrap();
        let mut writer = Writer::new(&context(home.path()));
        writer.push(&vec![b'x'; GATHERED * 2]);
        writer.push(b"more");
        assert_eq!((writer.bytes(), writer.finish()), (GATHERED as u64 * 2 + 4, None));
    }
}
