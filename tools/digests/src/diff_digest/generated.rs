//! Files that a program wrote: worth knowing of, not worth reading.

/// Names of lock files of package managers.
const LOCKS: [&str; 16] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "Cargo.lock",
    "poetry.lock",
    "uv.lock",
    "Pipfile.lock",
    "composer.lock",
    "Gemfile.lock",
    "go.sum",
    "flake.lock",
    "Package.resolved",
    "gradle.lockfile",
];

/// Whether the file at `path` is a lock file, a snapshot of a test, or minified.
pub(super) fn is_generated(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    LOCKS.contains(&name)
        || ends(&[".snap", ".min.js", ".min.css", ".js.map", ".css.map", ".pb.go", "_pb2.py"])
        || path.split('/').any(|folder| folder == "__snapshots__")
}

#[cfg(test)]
mod tests {
    use super::is_generated;

    #[test]
    fn lock_files_snapshots_and_minified_ones_are() {
        for path in ["Cargo.lock", "web/yarn.lock", "a/__snapshots__/b.txt", "x.snap", "dist/a.min.js", "a_pb2.py"] {
            assert!(is_generated(path), "{path}");
        }
        for path in ["lock.rs", "Cargo.toml", "src/locks/mod.rs", "min.js", "snap"] {
            assert!(!is_generated(path), "{path}");
        }
    }
}
