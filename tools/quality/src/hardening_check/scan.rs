//! Credentials and paths of home folders in a project's files.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_repo::{Git, Repository};
use crewkit_scan::{names, secrets};
use crewkit_tool::{Context, Refusal};
use serde::Serialize;

use crate::walk;

/// Most bytes read of a file.
const MOST_BYTES: u64 = 8 << 20;

/// Something that does not belong into a repository.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Exposed {
    file: String,
    /// From 1.
    line: usize,
    kind: String,
    /// Enough to find it again; never the whole of a secret.
    shown: String,
}

/// What the files of the project in `root` expose: those that git would keep, or without a repository all.
///
/// # Errors
/// When git cannot list them.
pub(super) fn exposed(context: &Context, root: &Path) -> Result<Vec<Exposed>, Refusal> {
    let mut found = Vec::new();
    for name in files(context, root)? {
        let path = root.join(&name);
        let readable = fs::metadata(&path).is_ok_and(|data| data.is_file() && data.len() <= MOST_BYTES);
        let lock = names::is_lock(name.file_name().unwrap_or_default().as_encoded_bytes());
        let Some(bytes) = (readable && !lock).then(|| fs::read(&path).ok()).flatten() else { continue };
        if bytes[..bytes.len().min(8000)].contains(&0) {
            continue;
        }
        let file = name.to_string_lossy().into_owned();
        found.extend(secrets::find(&bytes).into_iter().map(|secret| Exposed {
            file: file.clone(),
            line: secret.line,
            kind: secret.kind.name().to_owned(),
            shown: secret.masked,
        }));
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if let Some(home) = home_folder(line) {
                found.push(Exposed {
                    file: file.clone(),
                    line: at + 1,
                    kind: "path of a home folder".into(),
                    shown: home,
                });
            }
        }
    }
    Ok(found)
}

fn files(context: &Context, root: &Path) -> Result<Vec<PathBuf>, Refusal> {
    if Repository::discover(root).is_none_or(|repository| repository.top.is_none()) {
        return Ok(walk::files(root, usize::MAX, walk::NOT_OURS));
    }
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."];
    let told = Git::at(context, root).of_folder().args(list).must("the files cannot be listed")?.stdout;
    Ok(walk::split(&told))
}

/// The first path of a person's home folder in a line: `/Users/NAME/` or `/home/NAME/`.
fn home_folder(line: &[u8]) -> Option<String> {
    for (at, _) in line.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        let rest = &line[at..];
        let Some(behind) = rest.strip_prefix(b"/Users/").or_else(|| rest.strip_prefix(b"/home/")) else { continue };
        let before = at.checked_sub(1).map_or(b' ', |before| line[before]);
        let length = behind.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte)).count();
        let name = &behind[..length];
        let general: [&[u8]; 9] =
            [b"user", b"username", b"you", b"me", b"name", b"runner", b"node", b"vscode", b"Shared"];
        let is_path = !before.is_ascii_alphanumeric() && behind.get(length) == Some(&b'/');
        if is_path && length > 1 && !general.contains(&name) {
            return Some(String::from_utf8_lossy(&rest[..=(rest.len() - behind.len() + length)]).into_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::home_folder;

    #[test]
    fn only_a_persons_folder_is_one() {
        for (line, found) in [
            ("cd /Users/ann/src", Some("/Users/ann/")),
            ("p = '/home/bob.k/x'", Some("/home/bob.k/")),
            ("https://example.com/home/ann/x", None),
            ("/home/user/x", None),
            ("/home/ann", None),
            ("/home/", None),
            ("$HOME/x", None),
        ] {
            assert_eq!(home_folder(line.as_bytes()).as_deref(), found, "{line}");
        }
    }
}
