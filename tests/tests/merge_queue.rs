//! merge-queue: branches landed in real repositories, by real processes, some of them killed.

mod histories;
mod kills;
mod landing;
mod line;
mod validation;

use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Ended, Value};

/// A crew with a repository `work/shop` on `main`.
fn shop() -> (Crew, PathBuf) {
    let crew = Crew::new();
    let top = crew.repository("shop");
    (crew, top)
}

/// A branch from main with one file, committed; the work tree stays on what it was.
fn branch(crew: &Crew, top: &Path, name: &str, file: &str, text: &str) {
    let was = crew.git(top, &["symbolic-ref", "--short", "HEAD"]);
    crew.git(top, &["checkout", "-q", "-b", name, "main"]);
    crew.write(&top.join(file), text);
    crew.git(top, &["add", "-A"]);
    crew.git(top, &["commit", "-q", "-m", &format!("add {file}")]);
    crew.git(top, &["checkout", "-q", &was]);
}

#[track_caller]
fn queue(crew: &Crew, top: &Path, arguments: &[&str]) -> Ended {
    crew.run_in(top, "merge-queue", arguments)
}

#[track_caller]
fn enqueue(crew: &Crew, top: &Path, name: &str) {
    queue(crew, top, &["enqueue", name]).code(0);
}

/// Runs `process` with these arguments, which must end with `code`, and gives its answer.
#[track_caller]
fn process(crew: &Crew, top: &Path, arguments: &[&str], code: i32) -> Value {
    let mut all = vec!["process"];
    all.extend(arguments);
    queue(crew, top, &all).code(code).json()
}

/// The state of a branch's entry, and what it says of its end.
fn entry(crew: &Crew, name: &str) -> (String, String) {
    let row = crew.sql(&format!("SELECT status, COALESCE(result, error, '') FROM merge_queue WHERE branch = '{name}'"));
    let text = |at: usize| row[0][at].as_str().unwrap().to_owned();
    (text(0), text(1))
}

fn subjects(crew: &Crew, top: &Path) -> String {
    crew.git(top, &["log", "--first-parent", "--format=%s", "main"])
}

/// Nothing of a landing is left in the repository: no lock, no draft, no work tree.
#[track_caller]
fn no_leftovers(crew: &Crew, top: &Path) {
    let left: Vec<_> = std::fs::read_dir(top.join(".git"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".lock") || name.starts_with("merge-queue"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!top.join(".git/refs/heads/main.lock").exists());
    let trees = crew.git(top, &["worktree", "list", "--porcelain"]);
    assert!(!trees.contains("merge-queue"), "{trees}");
}
