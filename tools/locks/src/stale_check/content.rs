//! What a file holds, as a hash.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crewkit_tool::Refusal;
use sha2::{Digest, Sha256};

/// SHA-256 of the content of the file at `path`, 64 hexadecimal digits; `None` when there is no such file.
///
/// # Errors
/// A folder or another thing that holds no content of its own, and a file that cannot be read, each by name.
pub(super) fn hash(path: &Path) -> Result<Option<String>, Refusal> {
    let cannot = |fault: &std::io::Error| Refusal::new(format!("{} cannot be read: {fault}", path.display()));
    let kind = match std::fs::metadata(path) {
        Ok(data) => data.file_type(),
        Err(fault) if matches!(fault.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(fault) => return Err(cannot(&fault)),
    };
    if kind.is_dir() {
        return Err(Refusal::new(format!("{} is a folder, not a file", path.display())));
    }
    if !kind.is_file() {
        return Err(Refusal::new(format!("{} is no regular file", path.display())));
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(cannot(&fault)),
    };
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hasher.update(&buffer[..read]),
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault) => return Err(cannot(&fault)),
        }
    }
    Ok(Some(hex(&hasher.finalize())))
}

/// The same for a file that was a file when it was read: something else in its place means that the file is gone.
///
/// # Errors
/// When it cannot be read.
pub(super) fn hash_now(path: &Path) -> Result<Option<String>, Refusal> {
    if std::fs::metadata(path).is_ok_and(|data| !data.is_file()) { Ok(None) } else { hash(path) }
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
        assert_eq!(hash(&odd).unwrap().as_deref(), Some(known));
        std::fs::write(&odd, vec![b'x'; 200_000]).unwrap();
        assert_eq!(hash(&odd).unwrap(), Some(hash_bytes(&vec![b'x'; 200_000])));
        assert_eq!(hash(&odd.join("below")).unwrap(), None);
        assert!(hash(folder.path()).unwrap_err().to_string().contains("folder"));
        assert_eq!(hash_now(folder.path()).unwrap(), None);
    }
}
