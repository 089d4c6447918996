//! Worktrees: made, looked at, cleaned up.

mod cleanup;
mod create;
mod interrupted;
mod looks;

use std::path::{Path, PathBuf};

use crewkit_tests::Crew;

/// The paths in git's own list of worktrees, the main one left out, as names.
fn linked(crew: &Crew, top: &Path) -> Vec<String> {
    let list = crew.git(top, &["worktree", "list", "--porcelain"]);
    let paths = list.lines().filter_map(|line| line.strip_prefix("worktree "));
    paths.skip(1).map(|path| Path::new(path).file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

fn branches(crew: &Crew, top: &Path) -> Vec<String> {
    crew.git(top, &["branch", "--format=%(refname:short)"]).lines().map(str::to_owned).collect()
}

fn commit(crew: &Crew, top: &Path, file: &str, text: &str) {
    crew.write(&top.join(file), text);
    crew.git(top, &["add", "-A"]);
    crew.git(top, &["commit", "-q", "-m", &format!("{file}: {text}")]);
}

/// A worktree `work/NAME` of `top` on the new branch NAME.
fn tree(crew: &Crew, top: &Path, name: &str) -> PathBuf {
    crew.git(top, &["worktree", "add", "-q", "-b", name, &format!("../{name}")]);
    crew.work().join(name)
}

/// A worktree of `top` on the branch NAME with one commit, merged into main when `merged`.
fn worked(crew: &Crew, top: &Path, name: &str, merged: bool) -> PathBuf {
    let side = tree(crew, top, name);
    commit(crew, &side, name, "work");
    if merged {
        crew.git(top, &["merge", "-q", "--no-ff", name, "-m", "merge"]);
    }
    side
}
