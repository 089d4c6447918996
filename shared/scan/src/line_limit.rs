//! The limit on a file's lines, and which files it is not for.

use std::path::Path;

use crate::names;

/// The most lines of a file where no setting says otherwise.
pub const DEFAULT: usize = 250;

/// Folders whose files nobody writes by hand.
const FOLDERS: [&str; 5] = ["node_modules", "vendor", ".git", "dist", "build"];

/// Whether the limit is not for the file at `path`: lock and checksum files, minified files, databases, and whatever
/// lies in a folder `node_modules`, `vendor`, `.git`, `dist` or `build`. Give a path from the top of its repository
/// where there is one: the folders above it count too.
pub fn exempt(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    names::is_lock(name)
        || [".min.js", ".min.css", ".db", ".sqlite", ".sqlite3"].iter().any(|end| name.ends_with(end.as_bytes()))
        || path
            .parent()
            .is_some_and(|folder| folder.components().any(|part| FOLDERS.iter().any(|name| part.as_os_str() == *name)))
}

/// The number of lines of `text`; a last one without a line end counts.
pub fn count(text: impl AsRef<[u8]>) -> usize {
    let text = text.as_ref();
    // Bytes are counted in blocks whose sum fits a byte, which compilers turn into vector instructions.
    let ends: usize = text
        .chunks(255)
        .map(|block| usize::from(block.iter().fold(0_u8, |sum, byte| sum + u8::from(*byte == b'\n'))))
        .sum();
    ends + usize::from(text.last().is_some_and(|byte| *byte != b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_line_without_an_end_counts() {
        for (text, lines) in [("", 0), ("\n", 1), ("a", 1), ("a\n", 1), ("a\nb", 2), ("a\n\n", 2), ("a\r\nb\r\n", 2)] {
            assert_eq!(count(text), lines, "{text:?}");
        }
        assert_eq!(count("x\n".repeat(100_000)), 100_000);
        assert_eq!(count("\n".repeat(1_000) + "x"), 1_001);
    }

    #[test]
    fn exempt_by_name_and_by_folder() {
        for path in [
            "Cargo.lock",
            "a/b/Cargo.lock",
            "go.sum",
            "/w/x/go.sum",
            "package-lock.json",
            "web/yarn.lock",
            "a.min.js",
            "x/a.min.css",
            "node_modules/x.js",
            "web/node_modules/x/y.js",
            "vendor/a.go",
            ".git/config",
            "dist/a.js",
            "/w/app/build/x.c",
            "a.db",
            "a.sqlite",
            "a.sqlite3",
        ] {
            assert!(exempt(path), "{path}");
        }
        for path in
            ["a.rs", "build.rs", "src/build", "lock.rs", "distant/a.js", "a.min.json", "vendors/a.go", "", "sum"]
        {
            assert!(!exempt(path), "{path}");
        }
    }
}
