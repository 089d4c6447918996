//! Writing small files that several processes read.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crewkit_tool::Refusal;

/// Puts a file that only the user can read, with `bytes`, in the place of `path`, whole or not at all; makes its folder.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    replace_with_mode(path, bytes, 0o600)
}

/// The same with the permissions `mode`, from which the user's mask takes away.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn replace_with_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Refusal> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        file.write_all(bytes)?;
        fs::rename(&beside, path)
    };
    write().map_err(|fault| {
        let _ = fs::remove_file(&beside);
        Refusal::new(format!("{} cannot be written: {fault}", path.display()))
    })
}
