//! A machine's report, kept whole: in memory while it is small, then in a file without a name.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Most bytes kept in memory.
const IN_MEMORY: usize = 4 << 20;
/// Most bytes kept at all; a longer report cannot be read.
const MOST: u64 = 1 << 30;

/// Bytes that will be read again.
#[derive(Debug, Default)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    length: u64,
    lost: bool,
}

impl Spool {
    /// More bytes. `folder` is where the file is made when they no longer fit into memory.
    pub fn push(&mut self, bytes: &[u8], folder: &Path) {
        self.length += bytes.len() as u64;
        if self.lost {
            return;
        }
        if self.length > MOST {
            *self = Self { lost: true, length: self.length, ..Self::default() };
            return;
        }
        if self.file.is_none() {
            if self.memory.len() + bytes.len() <= IN_MEMORY {
                self.memory.extend_from_slice(bytes);
                return;
            }
            self.file = without_name(folder);
            let memory = std::mem::take(&mut self.memory);
            self.write(&memory);
        }
        self.write(bytes);
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.file.as_mut().is_none_or(|file| file.write_all(bytes).is_err()) {
            self.lost = true;
        }
    }

    /// Whether everything is still there.
    pub fn is_whole(&self) -> bool {
        !self.lost
    }

    /// Everything from the byte `from` on, as a stream.
    ///
    /// # Errors
    /// The system's.
    pub fn reader(&self, from: u64) -> std::io::Result<Box<dyn Read + '_>> {
        match &self.file {
            Some(file) => {
                let mut file = file;
                file.seek(SeekFrom::Start(from))?;
                Ok(Box::new(std::io::BufReader::with_capacity(64 << 10, file)))
            }
            None => Ok(Box::new(&self.memory[usize::try_from(from).unwrap_or(usize::MAX).min(self.memory.len())..])),
        }
    }
}

/// A private file that goes when it is closed.
fn without_name(folder: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    crate::log::make_private(folder).ok()?;
    let path = folder.join(format!(".spool-{}-{:?}.tmp", std::process::id(), std::thread::current().id()));
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path).ok()?;
    std::fs::remove_file(&path).ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_reports_are_read_alike() {
        let folder = tempfile::tempdir().unwrap();
        for times in [1_usize, 90_000] {
            let mut spool = Spool::default();
            for _ in 0..times {
                spool.push(b"0123456789012345678901234567890123456789012345678901234567890123456789", folder.path());
            }
            let mut all = Vec::new();
            spool.reader(10).unwrap().read_to_end(&mut all).unwrap();
            assert_eq!((all.len(), spool.is_whole()), (times * 70 - 10, true));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_loses_only_large_ones() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut spool = Spool::default();
        spool.push(b"small", &file);
        assert!(spool.is_whole());
        spool.push(&vec![b'x'; IN_MEMORY], &file);
        assert!(!spool.is_whole());
    }
}
