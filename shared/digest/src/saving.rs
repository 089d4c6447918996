//! What digests saved: a line a run, for statistics.
//!
//! `savings.tsv` lies in the crew's cache folder (see [`crate::log::cache_folder`]): time (UTC), tool, bytes of the raw
//! output, bytes of the answer, the command's exit code, the session, the repository, parted by tabs; the last three are
//! empty where unknown, and lines of four columns have none. A line is one write at the file's end, so that many processes
//! may add lines at once; it is not waited for that it reaches the disk. At [`MOST_BYTES`] the file becomes
//! `savings.1.tsv`.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crewkit_tool::{Context, Refusal};

use crate::log::{cache_folder, make_private};

/// Size at which a new file is begun.
pub const MOST_BYTES: u64 = 1 << 20;
/// Most bytes of a name that is written down.
const LONGEST_NAME: usize = 300;

/// One run of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saving {
    /// When, UTC, `YYYY-MM-DD HH:MM:SS`.
    pub time: String,
    /// The digest.
    pub tool: String,
    /// Bytes of the raw output.
    pub raw: u64,
    /// Bytes of the answer.
    pub shown: u64,
    /// Exit code of the command that was run.
    pub code: Option<i32>,
    /// The agent's session.
    pub session: Option<String>,
    /// The repository: its main work tree's top, or the folder outside of one.
    pub repository: Option<String>,
}

/// The file of the last savings, and the one before it.
///
/// # Errors
/// As [`cache_folder`].
pub fn files(context: &Context) -> Result<[PathBuf; 2], Refusal> {
    let folder = cache_folder(context)?;
    Ok([folder.join("savings.tsv"), folder.join("savings.1.tsv")])
}

/// As [`record_run`], where the command's exit code is unknown or there is none.
pub fn record_saving(context: &Context, tool: &str, raw: u64, shown: u64) {
    record_run(context, tool, raw, shown, None);
}

/// Writes down that `tool` answered with `shown` bytes in place of `raw`, which a command wrote that ended with `code`.
/// Faults are passed over: an answer does not depend on statistics.
pub fn record_run(context: &Context, tool: &str, raw: u64, shown: u64, code: Option<i32>) {
    let Ok([path, earlier]) = files(context) else { return };
    let session = context.variable("CLAUDE_SESSION_ID").or_else(|| context.variable("CLAUDE_CODE_SESSION_ID"));
    let repository = context.directory().map(repository).unwrap_or_default();
    let code = code.map(|code| code.to_string()).unwrap_or_default();
    let session = plain(&session.unwrap_or_default());
    let line = format!("{}\t{tool}\t{raw}\t{shown}\t{code}\t{session}\t{}\n", context.now(), plain(&repository));
    let open = || File::options().append(true).create(true).mode(0o600).open(&path);
    let opened = open().or_else(|_| path.parent().map_or(Ok(()), make_private).and_then(|()| open()));
    let Ok(mut file) = opened else { return };
    let _ = file.write_all(line.as_bytes());
    if file.metadata().is_ok_and(|metadata| metadata.len() > MOST_BYTES) {
        rotate(&file, &path, &earlier);
    }
}

/// Gives the full `file` its second name. Of several that find it full one does, and none a file that was begun since.
fn rotate(file: &File, path: &Path, earlier: &Path) {
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    if file.try_lock().is_ok() && fs::metadata(path).ok().map(id) == file.metadata().ok().map(id) {
        let _ = fs::rename(path, earlier);
    }
}

/// `text` as one column.
fn plain(text: &str) -> String {
    let mut end = text.len().min(LONGEST_NAME);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The top of the main work tree that `folder` belongs to; `folder` itself outside of a repository.
fn repository(folder: &Path) -> String {
    let top = folder.ancestors().find(|at| at.join(".git").symlink_metadata().is_ok()).unwrap_or(folder);
    // A further work tree has a file there that names its place in the main one's.
    let link = fs::read_to_string(top.join(".git")).unwrap_or_default();
    let main = link.trim().strip_prefix("gitdir: ").and_then(|place| place.split_once("/.git/worktrees/"));
    main.map_or_else(|| top.to_string_lossy().into_owned(), |(main, _)| main.to_owned())
}

/// All savings that are written down, the oldest first, and the number of lines that cannot be read.
///
/// # Errors
/// As [`cache_folder`], and when a file is there and cannot be read.
pub fn read(context: &Context) -> Result<(Vec<Saving>, usize), Refusal> {
    let [path, earlier] = files(context)?;
    let (mut found, mut unread) = (Vec::new(), 0);
    for path in [earlier, path] {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => continue,
            Err(fault) => return Err(Refusal::new(format!("{}: {fault}", path.display()))),
        };
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = lines.read_until(b'\n', &mut line);
            match count.map_err(|fault| Refusal::new(format!("{}: {fault}", path.display())))? {
                0 => break,
                _ => match saving(&line) {
                    Some(saving) => found.push(saving),
                    None => unread += 1,
                },
            }
        }
    }
    Ok((found, unread))
}

/// One line; `None` when it is torn.
fn saving(line: &[u8]) -> Option<Saving> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let columns: Vec<&str> = line.split('\t').collect();
    if !matches!(columns.len(), 4 | 7) || crewkit_tool::Clock::parse(columns[0]).is_none() || columns[1].is_empty() {
        return None;
    }
    let given = |at: usize| columns.get(at).filter(|text| !text.is_empty()).map(|text| (*text).to_owned());
    let code = match given(4) {
        None => None,
        Some(text) => Some(text.parse().ok()?),
    };
    Some(Saving {
        time: columns[0].to_owned(),
        tool: columns[1].to_owned(),
        raw: columns[2].parse().ok()?,
        shown: columns[3].parse().ok()?,
        code,
        session: given(5),
        repository: given(6),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn context(home: &Path, directory: &Path) -> Context {
        let session = ("CLAUDE_SESSION_ID".into(), "s\t1".into());
        Context::scripted(Script {
            environment: [("HOME".into(), home.into()), session].into(),
            directory: directory.to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        })
    }

    #[test]
    fn a_line_a_run_and_the_file_stays_small() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path(), home.path());
        record_saving(&context, "test-digest", 1000, 10);
        record_run(&context, "test-digest", 2000, 20, Some(3));
        let (found, unread) = read(&context).unwrap();
        let seen: Vec<_> = found.iter().map(|saving| (saving.raw, saving.shown, saving.code)).collect();
        assert_eq!((seen, unread), (vec![(1000, 10, None), (2000, 20, Some(3))], 0));
        assert_eq!(found[0].session.as_deref(), Some("s?1"));
        assert_eq!(found[0].repository.as_deref(), home.path().to_str());
        let [now, earlier] = files(&context).unwrap();
        fs::write(&now, vec![b'x'; usize::try_from(MOST_BYTES).unwrap()]).unwrap();
        record_saving(&context, "test-digest", 1, 1);
        assert!(!now.exists() && earlier.exists());
        // Somebody else who has the full file open finds a new one in its place.
        let full = File::open(&earlier).unwrap();
        record_saving(&context, "test-digest", 5, 5);
        rotate(&full, &now, &earlier);
        assert!(now.exists());
    }

    #[test]
    fn torn_lines_are_passed_over_and_old_ones_read() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path(), home.path());
        let [now, _] = files(&context).unwrap();
        fs::create_dir_all(now.parent().unwrap()).unwrap();
        let text = "2026-01-01 10:00:00\ta-digest\t100\t10\nnonsense\n2026-01-01 10:00:00\ta-digest\t1\n\
             2026-01-01 10:00:00\ta-digest\t50\t5\t0\ts\t/r\n2026-01-01 10:00:00\ta-digest\t50";
        fs::write(now, text).unwrap();
        let (found, unread) = read(&context).unwrap();
        assert_eq!((found.len(), unread, found[0].code, found[1].code), (2, 3, None, Some(0)));
    }

    #[test]
    fn a_further_work_tree_counts_as_its_repository() {
        let home = tempfile::tempdir().unwrap();
        let (main, tree) = (home.path().join("main"), home.path().join("tree"));
        fs::create_dir_all(main.join(".git/worktrees/tree")).unwrap();
        fs::create_dir_all(tree.join("src")).unwrap();
        fs::write(tree.join(".git"), format!("gitdir: {}/.git/worktrees/tree\n", main.display())).unwrap();
        assert_eq!(repository(&tree.join("src")), main.to_str().unwrap());
        assert_eq!(repository(&main), main.to_str().unwrap());
        assert_eq!(repository(home.path()), home.path().to_str().unwrap());
    }
}
