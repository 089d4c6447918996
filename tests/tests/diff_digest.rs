//! diff-digest against real repositories.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Value, json};

fn digest(crew: &Crew, top: &Path, arguments: &[&str]) -> Value {
    crew.run_in(top, "diff-digest", arguments).code(0).json()
}

fn commit(crew: &Crew, top: &Path, name: &str) {
    crew.git(top, &["add", "-A"]);
    crew.git(top, &["commit", "-q", "-m", name]);
}

/// A repository whose branch `feat` is two commits ahead of `main`, and `main` one ahead of where they parted.
fn parted() -> (Crew, PathBuf) {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&top.join("a.rs"), "1\n2\n3\n");
    commit(&crew, &top, "base");
    crew.git(&top, &["checkout", "-q", "-b", "feat"]);
    crew.write(&top.join("a.rs"), "1\n2\nthree\n");
    commit(&crew, &top, "one");
    crew.write(&top.join("src/b.rs"), "x\n");
    commit(&crew, &top, "two");
    crew.git(&top, &["checkout", "-q", "main"]);
    crew.write(&top.join("main.txt"), "m\n");
    commit(&crew, &top, "main goes on");
    crew.git(&top, &["checkout", "-q", "feat"]);
    (crew, top)
}

#[test]
fn what_a_branch_adds_is_counted_from_where_it_parted() {
    let (crew, top) = parted();
    let seen = digest(&crew, &top, &[]);
    assert_eq!((&seen["base"], &seen["head"]), (&json!("main"), &json!("HEAD")));
    assert_eq!((&seen["files_changed"], &seen["insertions"], &seen["deletions"]), (&json!(2), &json!(2), &json!(1)));
    assert_eq!(seen["commits"], 2, "main's own commit is not counted");
    // From a folder below, and by a range.
    assert_eq!(digest(&crew, &top.join("src"), &["main", "feat"])["files_changed"], 2);
    assert_eq!(digest(&crew, &top, &["main...feat"])["files_changed"], 2);
    let direct = digest(&crew, &top, &["main..feat"]);
    assert_eq!((&direct["base"], &direct["files_changed"]), (&json!("main..feat"), &json!(3)));
    // A base told from HEAD, with a head, is compared directly.
    let direct = digest(&crew, &top, &["HEAD", "main"]);
    assert_eq!((&direct["files_changed"], &direct["commits"]), (&json!(3), &json!(1)));
    let some = digest(&crew, &top, &["--files", "src"]);
    assert_eq!((&some["files_changed"], &some["commits"]), (&json!(1), &json!(1)));
}

#[test]
fn the_work_tree_counts_with_what_git_does_not_know() {
    let (crew, top) = parted();
    crew.write(&top.join("a.rs"), "");
    crew.write(&top.join("new.txt"), "n");
    let seen = digest(&crew, &top, &["HEAD"]);
    assert_eq!((&seen["head"], &seen["commits"], &seen["untracked"]), (&json!(""), &json!(0), &json!(1)));
    assert_eq!((&seen["files_changed"], &seen["deletions"]), (&json!(1), &json!(3)));
    crew.git(&top, &["stash", "-q", "-u"]);
    let seen = digest(&crew, &top, &["HEAD"]);
    let empty = json!({
        "base": "HEAD", "head": "", "files_changed": 0, "insertions": 0, "deletions": 0, "commits": 0, "by_type": [],
        "top_files": [], "untracked": 0, "files": []
    });
    assert_eq!(seen, empty, "one shape, also when nothing changed");
}

#[test]
fn names_of_every_kind_come_whole() {
    let (crew, top) = parted();
    crew.git(&top, &["mv", "src/b.rs", "ü \"x\".rs"]);
    fs::write(top.join(OsStr::from_bytes(b"bad\xff\nname")), "1\n").unwrap();
    fs::write(top.join("pic.png"), b"\0\x01").unwrap();
    crew.write(&top.join("-n"), "dash\n");
    commit(&crew, &top, "names");
    let seen = digest(&crew, &top, &["HEAD~1", "HEAD"]);
    let files: Vec<&str> =
        seen["top_files"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["-n", "bad\u{fffd}\nname", "pic.png", "ü \"x\".rs"]);
    assert_eq!(seen["top_files"][2]["binary"], true);
    assert_eq!(seen["top_files"][3]["from"], "src/b.rs");
}

#[test]
fn settings_of_the_user_change_nothing() {
    let (crew, top) = parted();
    let before = digest(&crew, &top, &[]);
    for (name, value) in [
        ("diff.external", "false"),
        ("diff.renames", "false"),
        ("diff.noprefix", "true"),
        ("diff.relative", "true"),
        ("color.ui", "always"),
        ("diff.orderFile", "/nonexistent"),
    ] {
        crew.git(&top, &["config", name, value]);
        if name != "diff.orderFile" {
            assert_eq!(digest(&crew, &top.join("src"), &[]), before, "{name}");
        }
    }
}

#[test]
fn what_cannot_be_compared_is_said() {
    let (crew, top) = parted();
    let plain = crew.work().join("plain");
    fs::create_dir(&plain).unwrap();
    crew.git(&top, &["checkout", "-q", "--orphan", "alone"]);
    crew.git(&top, &["commit", "-q", "-m", "alone"]);
    crew.git(&top, &["checkout", "-q", "feat"]);
    let cases: [(&Path, &[&str], &str); 8] = [
        (&top, &["nosuch"], "nosuch"),
        (&top, &["main", "nohead"], "nohead"),
        (&top, &["alone"], "no merge base"),
        (&top, &["main..feat", "x"], "'x'"),
        (&top, &["--patch", "none.rs"], "none.rs"),
        (&top, &[""], "empty"),
        (&top, &["--upload-pack=x"], "--upload-pack"),
        (&plain, &[], "not a git repository"),
    ];
    for (place, arguments, word) in cases {
        let ended = crew.run_in(place, "diff-digest", arguments).code(1);
        assert!(ended.stderr.contains(word), "{arguments:?}: {ended:?}");
        if !arguments.iter().any(|argument| argument.starts_with("--upload")) {
            let object = ended.json();
            assert_eq!(object["status"], "error");
            assert!(object["msg"].as_str().unwrap().contains(word), "{object}");
        }
    }
}

#[test]
fn without_main_the_remotes_default_branch_is_the_base() {
    let (crew, top) = parted();
    crew.git(&top, &["checkout", "-q", "main"]);
    crew.git(&top, &["branch", "-m", "trunk"]);
    let clone = crew.work().join("clone");
    crew.git(&crew.work(), &["clone", "-q", top.to_str().unwrap(), "clone"]);
    crew.git(&clone, &["checkout", "-q", "-b", "mine"]);
    crew.write(&clone.join("n.txt"), "n\n");
    commit(&crew, &clone, "mine");
    let seen = digest(&crew, &clone, &[]);
    assert_eq!((&seen["base"], &seen["commits"]), (&json!("origin/trunk"), &json!(1)));
    let ended = crew.run_in(&top, "diff-digest", [""; 0]).code(1);
    assert!(ended.json()["msg"].as_str().unwrap().contains("name a base"), "{ended:?}");
}

#[test]
fn a_main_in_packed_references_is_found() {
    let (crew, top) = parted();
    crew.git(&top, &["pack-refs", "--all"]);
    assert_eq!(digest(&crew, &top, &[])["base"], "main");
}

#[test]
fn every_path_in_full_and_the_lines_of_one() {
    let (crew, top) = parted();
    let seen = digest(&crew, &top, &["--full"]);
    assert_eq!(seen["paths"], json!(["1 1 a.rs", "1 0 src/b.rs"]));
    assert!(seen.get("top_files").is_none() && seen.get("more").is_none());
    let seen = digest(&crew, &top.join("src"), &["--patch", "a.rs"]);
    let patch = seen["patch"].as_str().unwrap();
    assert!(patch.starts_with("@@ ") && patch.contains("\n-3\n+three\n"), "{patch}");
    let cut = digest(&crew, &top, &["--patch", "a.rs", "--max-tokens", "1"]);
    assert!(cut["more"].as_u64().unwrap() > 1, "{cut}");
}
