//! What a file's name says of it.

use std::path::Path;

/// Endings of files that hold a program's source.
const SOURCE: [&str; 40] = [
    "rs", "py", "js", "jsx", "mjs", "cjs", "ts", "tsx", "vue", "svelte", "go", "java", "kt", "kts", "scala", "swift",
    "c", "h", "cc", "cpp", "cxx", "hpp", "m", "mm", "cs", "fs", "vb", "rb", "php", "pl", "lua", "dart", "ex", "exs",
    "erl", "clj", "hs", "ml", "zig", "sql",
];

/// Endings of files that hold a shell's commands, where an unquoted word may be a value.
const SHELL: [&str; 5] = ["sh", "bash", "zsh", "fish", "ksh"];

/// Whether `name` (a file's name without its folder) is that of a lock or checksum file.
pub fn is_lock(name: &[u8]) -> bool {
    [&b".lock"[..], b".sum", b".lockb"].iter().any(|end| name.ends_with(end))
        || [&b"package-lock.json"[..], b"yarn.lock", b"pnpm-lock.yaml", b"npm-shrinkwrap.json"].contains(&name)
}

/// Whether the file at `path` was written by a minifier: `*.min.*`.
pub fn is_minified(path: impl AsRef<Path>) -> bool {
    let name = path.as_ref().file_name().unwrap_or_default().as_encoded_bytes();
    name.windows(5).any(|part| part == b".min.")
}

/// Whether the file at `path` holds a program's source (a shell's among them), by its ending.
pub fn is_source(path: impl AsRef<Path>) -> bool {
    is_code(path.as_ref()) || has_ending(path.as_ref(), &SHELL)
}

/// Whether the file at `path` holds a program's source in a language where a text is always quoted, by its ending.
pub fn is_code(path: impl AsRef<Path>) -> bool {
    has_ending(path.as_ref(), &SOURCE)
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| endings.iter().any(|one| one.eq_ignore_ascii_case(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_files_by_name() {
        assert!(is_source("a/b.RS") && is_source("x.sh") && is_code("x.py") && !is_code("x.sh"));
        assert!(!is_source("README.md") && !is_source("a.yaml") && !is_source(".env") && !is_source("py"));
        assert!(is_minified("a/x.min.js") && is_minified("x.min.mjs.map") && !is_minified("min.js"));
        assert!(is_lock(b"Cargo.lock") && is_lock(b"pnpm-lock.yaml") && !is_lock(b"locks.rs"));
    }
}
