//! The packages of a new worktree.

use std::path::Path;

use crewkit_repo::without_repository;
use crewkit_tool::process::Run;
use crewkit_tool::{Context, exit_code};

/// Package managers by their lock files, and how each installs what the lock file says.
const BY_LOCK_FILE: &[(&str, &[&str])] = &[
    ("pnpm-lock.yaml", &["pnpm", "install", "--frozen-lockfile"]),
    ("yarn.lock", &["yarn", "install"]),
    ("bun.lock", &["bun", "install", "--frozen-lockfile"]),
    ("bun.lockb", &["bun", "install", "--frozen-lockfile"]),
    ("package-lock.json", &["npm", "ci"]),
    ("npm-shrinkwrap.json", &["npm", "ci"]),
];

/// The command that installs the packages of `folder`; `None` when it has no `package.json`.
pub(super) fn command(folder: &Path) -> Option<&'static [&'static str]> {
    let has = |name: &str| folder.join(name).is_file();
    has("package.json").then(|| {
        let found = BY_LOCK_FILE.iter().find(|(lock_file, _)| has(lock_file));
        found.map_or(&["npm", "install"][..], |(_, command)| command)
    })
}

/// Runs `command` in `folder`, its output going to standard error as it comes: its exit code, or why it could not be
/// started.
pub(super) fn run(context: &Context, command: &[&str], folder: &Path) -> (i32, Option<String>) {
    let run = Run::new(context, command[0]).args(&command[1..]).directory(folder).chatter();
    match without_repository(run).run() {
        Ok(ended) => (ended.code, None),
        Err(refusal) => (i32::from(refusal.code.max(exit_code::REFUSED)), Some(refusal.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_tells_the_package_manager() {
        let scratch = tempfile::tempdir().unwrap();
        let put = |name: &str| std::fs::write(scratch.path().join(name), "").unwrap();
        assert_eq!(command(scratch.path()), None);
        put("package.json");
        assert_eq!(command(scratch.path()).unwrap(), ["npm", "install"]);
        put("package-lock.json");
        assert_eq!(command(scratch.path()).unwrap(), ["npm", "ci"]);
        put("pnpm-lock.yaml");
        assert_eq!(command(scratch.path()).unwrap()[0], "pnpm");
    }
}
