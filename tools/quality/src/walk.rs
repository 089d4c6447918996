//! Walking a folder to a certain depth, in the order of names.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// Folders whose files are not the project's own.
pub(crate) const NOT_OURS: &[&str] =
    &["node_modules", ".git", "dist", "coverage", "__pycache__", "vendor", ".venv", "venv", "target", ".next"];

/// The regular files below `top`, as paths from it, at most `depth` levels deep (1: those in `top` itself), without what
/// lies in folders called one of `without`. Symbolic links to folders are not followed. A folder that cannot be read counts
/// as empty.
pub(crate) fn files(top: &Path, depth: usize, without: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![(PathBuf::new(), depth)];
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(top.join(&folder)) else { continue };
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                let left_out = without.iter().any(|name| entry.file_name() == *name);
                if depth > 1 && !left_out {
                    open.push((path, depth - 1));
                }
            } else if kind.is_file() || kind.is_symlink() && top.join(&path).is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The names of a list that git ends with NUL bytes.
pub(crate) fn split(list: &[u8]) -> Vec<PathBuf> {
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| PathBuf::from(OsString::from_vec(name.to_vec()))).collect()
}
