//! What a file holds, as a hash.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::num::NonZero;
use std::path::Path;
use std::thread;

use crewkit_tool::Refusal;
use sha2::{Digest, Sha256};

/// How many files are worth a thread of their own.
const FILES_A_THREAD: usize = 64;

/// What a folder, or anything else that holds no content of its own, in a file's place means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoFile {
    /// The caller named what is no file: an error.
    Refused,
    /// It was a file when it was read: the file is gone.
    Gone,
}

/// SHA-256 of the content of the file at `path`, 64 hexadecimal digits; `None` when there is no such file.
///
/// # Errors
/// A file that cannot be read, and with [`NoFile::Refused`] what is no file, each by name.
pub(super) fn hash(path: &Path, no_file: NoFile) -> Result<Option<String>, Refusal> {
    hash_with(path, no_file, &mut Vec::new())
}

/// The hash of each file, in order; many files are read side by side.
pub(super) fn hash_all<P: AsRef<Path> + Sync>(paths: &[P], no_file: NoFile) -> Vec<Result<Option<String>, Refusal>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = cores.min(paths.len() / FILES_A_THREAD).max(1);
    let part = |paths: &[P]| -> Vec<_> {
        let mut buffer = Vec::new();
        paths.iter().map(|path| hash_with(path.as_ref(), no_file, &mut buffer)).collect()
    };
    if workers == 1 {
        return part(paths);
    }
    thread::scope(|scope| {
        let parts: Vec<_> =
            paths.chunks(paths.len().div_ceil(workers)).map(|paths| scope.spawn(|| part(paths))).collect();
        let lost = || vec![Err(Refusal::new("the files could not be read: a thread failed"))];
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|_| lost())).collect()
    })
}

fn hash_with(path: &Path, no_file: NoFile, buffer: &mut Vec<u8>) -> Result<Option<String>, Refusal> {
    let cannot = |fault: &std::io::Error| Refusal::new(format!("{} cannot be read: {fault}", path.display()));
    // A pipe would be waited for when it is opened.
    let kind = match std::fs::metadata(path) {
        Ok(data) => data.file_type(),
        Err(fault) if matches!(fault.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(fault) => return Err(cannot(&fault)),
    };
    if !kind.is_file() {
        let what = if kind.is_dir() { "is a folder, not a file" } else { "is no regular file" };
        return match no_file {
            NoFile::Gone => Ok(None),
            NoFile::Refused => Err(Refusal::new(format!("{} {what}", path.display()))),
        };
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(cannot(&fault)),
    };
    let mut hasher = Sha256::new();
    buffer.resize(64 << 10, 0);
    loop {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => hasher.update(&buffer[..read]),
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault) => return Err(cannot(&fault)),
        }
    }
    Ok(Some(hex(&hasher.finalize())))
}

/// SHA-256 of bytes, 64 hexadecimal digits.
pub(super) fn hash_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-4's example of one block.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_bytes(b"abc"), known);
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("back\\slash");
        std::fs::write(&odd, "abc").unwrap();
        let hash = |path: &Path| super::hash(path, NoFile::Refused);
        assert_eq!(hash(&odd).unwrap().as_deref(), Some(known));
        std::fs::write(&odd, vec![b'x'; 200_000]).unwrap();
        assert_eq!(hash(&odd).unwrap(), Some(hash_bytes(&vec![b'x'; 200_000])));
        assert_eq!(hash(&odd.join("below")).unwrap(), None);
        assert!(hash(folder.path()).unwrap_err().to_string().contains("folder"));
        assert_eq!(super::hash(folder.path(), NoFile::Gone).unwrap(), None);
    }

    #[test]
    fn many_files_come_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..1000).map(|number| folder.path().join(format!("f{number}"))).collect();
        for (number, path) in paths.iter().enumerate().filter(|(number, _)| number % 7 != 0) {
            std::fs::write(path, number.to_string()).unwrap();
        }
        for (number, hash) in hash_all(&paths, NoFile::Gone).into_iter().enumerate() {
            let wanted = (number % 7 != 0).then(|| hash_bytes(number.to_string().as_bytes()));
            assert_eq!(hash.unwrap(), wanted, "{number}");
        }
    }
}
