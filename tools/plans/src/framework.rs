//! What a checkout's tests are run with, told by its manifests.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Most bytes of a manifest that are looked at.
const MOST: u64 = 1 << 20;

/// `vitest`, `jest` or `playwright` where package.json names it, else `node`; `pytest` with a pyproject.toml; `cargo` with
/// a Cargo.toml; `unknown` without any of them or when `checkout` is empty.
pub(crate) fn of(checkout: &Path) -> &'static str {
    if checkout.as_os_str().is_empty() {
        return "unknown";
    }
    if let Some(manifest) = read(&checkout.join("package.json")) {
        let names = |name: &str| {
            let name = name.as_bytes();
            manifest.windows(name.len()).any(|window| window == name)
        };
        let known = [("\"vitest\"", "vitest"), ("\"jest\"", "jest"), ("\"playwright\"", "playwright")];
        let playwright = if names("\"@playwright/test\"") { "playwright" } else { "node" };
        return known.into_iter().find(|(quoted, _)| names(quoted)).map_or(playwright, |(_, name)| name);
    }
    if checkout.join("pyproject.toml").is_file() {
        return "pytest";
    }
    if checkout.join("Cargo.toml").is_file() { "cargo" } else { "unknown" }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    if !path.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fits() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        assert_eq!((of(at), of(Path::new("")), of(&at.join("gone"))), ("unknown", "unknown", "unknown"));
        std::fs::write(at.join("Cargo.toml"), "").unwrap();
        assert_eq!(of(at), "cargo");
        std::fs::write(at.join("pyproject.toml"), "").unwrap();
        assert_eq!(of(at), "pytest");
        for (manifest, wanted) in [
            ("{}", "node"),
            ("{\"dependencies\":{\"jest-dom\":\"1\"}}", "node"),
            ("{\"devDependencies\":{\"@playwright/test\":\"1\"}}", "playwright"),
            ("{\"devDependencies\":{\"playwright\":\"1\",\"jest\":\"1\"}}", "jest"),
            ("{\"devDependencies\":{\"jest\":\"1\",\"vitest\":\"1\"}}", "vitest"),
        ] {
            std::fs::write(at.join("package.json"), manifest).unwrap();
            assert_eq!(of(at), wanted, "{manifest}");
        }
    }
}
