//! What digests saved: a line a run, for statistics.
//!
//! `savings.tsv` lies in the crew's cache folder (see [`crate::log::cache_folder`]): time (UTC), tool, bytes of the raw
//! output, bytes of the answer, parted by tabs. A line is one write at the file's end, so that many processes may add
//! lines at once; it is not waited for that it reaches the disk. At [`MOST_BYTES`] the file becomes `savings.1.tsv`.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use crewkit_tool::{Context, Refusal};

use crate::log::{cache_folder, make_private};

/// Size at which a new file is begun.
pub const MOST_BYTES: u64 = 1 << 20;

/// The file of the last savings, and the one before it.
///
/// # Errors
/// As [`cache_folder`].
pub fn files(context: &Context) -> Result<[PathBuf; 2], Refusal> {
    let folder = cache_folder(context)?;
    Ok([folder.join("savings.tsv"), folder.join("savings.1.tsv")])
}

/// Writes down that `tool` answered with `shown` bytes in place of `raw`. Faults are passed over: an answer does not
/// depend on statistics.
pub fn record_saving(context: &Context, tool: &str, raw: u64, shown: u64) {
    let Ok([path, earlier]) = files(context) else { return };
    let line = format!("{}\t{tool}\t{raw}\t{shown}\n", context.now());
    let open = || File::options().append(true).create(true).mode(0o600).open(&path);
    let opened = open().or_else(|_| path.parent().map_or(Ok(()), make_private).and_then(|()| open()));
    let Ok(mut file) = opened else { return };
    let _ = file.write_all(line.as_bytes());
    if file.metadata().is_ok_and(|metadata| metadata.len() > MOST_BYTES) {
        let _ = std::fs::rename(&path, earlier);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    #[test]
    fn a_line_a_run_and_the_file_stays_small() {
        let home = tempfile::tempdir().unwrap();
        let context = Context::scripted(Script {
            environment: [("HOME".into(), home.path().into())].into(),
            directory: home.path().to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        record_saving(&context, "test-digest", 1000, 10);
        record_saving(&context, "test-digest", 2000, 20);
        let [now, earlier] = files(&context).unwrap();
        let text = std::fs::read_to_string(&now).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.ends_with("\ttest-digest\t2000\t20\n"), "{text}");
        std::fs::write(&now, vec![b'x'; usize::try_from(MOST_BYTES).unwrap()]).unwrap();
        record_saving(&context, "test-digest", 1, 1);
        assert!(!now.exists() && earlier.exists());
    }
}
