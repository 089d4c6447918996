//! merge-digest against everything that stops git half way.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Value, finish, json};

fn digest(crew: &Crew, top: &Path) -> Value {
    crew.run_in(top, "merge-digest", [""; 0]).code(0).json()
}

fn commit(crew: &Crew, top: &Path, name: &str) {
    crew.git(top, &["add", "-A"]);
    crew.git(top, &["commit", "-q", "-m", name]);
}

/// `main` and `side` have changed the same line of `f.txt`, and `main` is checked out.
fn at_odds() -> (Crew, PathBuf) {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&top.join("f.txt"), "top\nbase\nend\n");
    commit(&crew, &top, "base");
    crew.git(&top, &["checkout", "-q", "-b", "side"]);
    crew.write(&top.join("f.txt"), "top\ntheirs\nend\n");
    commit(&crew, &top, "side");
    crew.git(&top, &["checkout", "-q", "main"]);
    crew.write(&top.join("f.txt"), "top\nours\nend\n");
    commit(&crew, &top, "main");
    (crew, top)
}

/// A command of git that is to stop with a conflict.
fn stops(crew: &Crew, top: &Path, arguments: &[&str]) {
    let ended = finish(crew.command("git").current_dir(top).args(arguments), None);
    assert_ne!(ended.code, 0, "{ended:?}");
}

#[test]
fn every_operation_that_stops_is_known_by_its_name() {
    let (crew, top) = at_odds();
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("merge", &["merge", "side"], &["merge", "--abort"]),
        ("rebase", &["rebase", "side"], &["rebase", "--abort"]),
        ("rebase", &["rebase", "--apply", "side"], &["rebase", "--abort"]),
        ("cherry-pick", &["cherry-pick", "side"], &["cherry-pick", "--abort"]),
        ("revert", &["revert", "--no-edit", "HEAD~1"], &["revert", "--abort"]),
    ];
    assert_eq!(digest(&crew, &top), json!({"state": "clean", "conflicts": 0, "files": []}));
    for (state, start, abort) in cases {
        stops(&crew, &top, start);
        let seen = digest(&crew, &top);
        assert_eq!((&seen["state"], &seen["conflicts"]), (&json!(state), &json!(1)), "{start:?}");
        crew.git(&top, abort);
    }
    crew.git(&top, &["checkout", "-q", "side"]);
    crew.write(&top.join("f.txt"), "top\nstashed\nend\n");
    crew.git(&top, &["stash", "-q"]);
    crew.git(&top, &["checkout", "-q", "main"]);
    stops(&crew, &top, &["stash", "pop"]);
    let seen = digest(&crew, &top);
    assert_eq!((&seen["state"], &seen["files"][0]["blocks"]), (&json!("none"), &json!(1)));
}

#[test]
fn a_block_tells_its_line_its_sides_and_whose_they_are() {
    let (crew, top) = at_odds();
    stops(&crew, &top, &["-c", "merge.conflictStyle=zdiff3", "merge", "side"]);
    let deep = top.join("deep");
    fs::create_dir(&deep).unwrap();
    let wanted = json!({
        "file": "f.txt", "kind": "both-modified", "blocks": 1,
        "conflicts": [{
            "line": 2, "ours": "ours\n", "theirs": "theirs\n", "base": "base\n", "ours_label": "HEAD",
            "theirs_label": "side"
        }]
    });
    assert_eq!(digest(&crew, &deep)["files"], json!([wanted]));
    assert_eq!(crew.run_in(&top, "merge-digest", ["--exit-code"]).code(1).json()["conflicts"], 1);
}

#[test]
fn in_a_rebase_the_labels_say_which_side_is_which() {
    let (crew, top) = at_odds();
    stops(&crew, &top, &["rebase", "side"]);
    let block = &digest(&crew, &top)["files"][0]["conflicts"][0];
    assert_eq!((&block["ours"], &block["theirs"]), (&json!("theirs\n"), &json!("ours\n")));
    assert!(block["theirs_label"].as_str().unwrap().contains("main"), "{block}");
}

#[test]
fn each_kind_of_conflict_has_its_word_and_only_text_has_blocks() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    for file in ["both", "ours-gone", "theirs-gone"] {
        crew.write(&top.join(file), "base\n");
    }
    fs::write(top.join("pic"), b"\0base").unwrap();
    commit(&crew, &top, "base");
    crew.git(&top, &["checkout", "-q", "-b", "side"]);
    crew.git(&top, &["rm", "-q", "theirs-gone"]);
    for file in ["both", "ours-gone", "new ü"] {
        crew.write(&top.join(file), "side\r\n");
    }
    fs::write(top.join("pic"), b"\0side").unwrap();
    commit(&crew, &top, "side");
    crew.git(&top, &["checkout", "-q", "main"]);
    crew.git(&top, &["rm", "-q", "ours-gone"]);
    for file in ["both", "theirs-gone", "new ü"] {
        crew.write(&top.join(file), "main\r\n");
    }
    fs::write(top.join("pic"), b"\0main").unwrap();
    commit(&crew, &top, "main");
    stops(&crew, &top, &["merge", "side"]);
    let seen = digest(&crew, &top);
    let short: Vec<(String, String, i64)> = seen["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            let text = |key: &str| file[key].as_str().unwrap().to_owned();
            (text("file"), text("kind"), file["blocks"].as_i64().unwrap())
        })
        .collect();
    let row = |file: &str, kind: &str, blocks| (file.to_owned(), kind.to_owned(), blocks);
    let wanted = [
        row("both", "both-modified", 1),
        row("new ü", "both-added", 1),
        row("ours-gone", "deleted-by-us", 0),
        row("pic", "both-modified", 0),
        row("theirs-gone", "deleted-by-them", 0),
    ];
    assert_eq!(short, wanted);
    assert_eq!(seen["files"][0]["conflicts"][0]["ours"], "main\n", "LF, whatever the file has");
}

#[test]
fn markers_left_in_a_file_that_counts_as_resolved_are_told() {
    let (crew, top) = at_odds();
    stops(&crew, &top, &["merge", "side"]);
    crew.git(&top, &["add", "f.txt"]);
    let seen = crew.run_in(&top, "merge-digest", ["--exit-code"]).code(1).json();
    assert_eq!((&seen["conflicts"], &seen["leftover_markers"]), (&json!(0), &json!(["f.txt"])));
    crew.write(&top.join("f.txt"), "resolved\n");
    crew.git(&top, &["add", "f.txt"]);
    let seen = crew.run_in(&top, "merge-digest", ["--exit-code"]).code(0).json();
    let wanted = json!({"state": "merge", "conflicts": 0, "files": [], "msg": "in progress, no unresolved conflicts"});
    assert_eq!(seen, wanted);
}

#[test]
fn a_link_is_not_followed_and_a_file_that_cannot_be_read_is_said() {
    let (crew, top) = at_odds();
    stops(&crew, &top, &["merge", "side"]);
    let other = top.join("other");
    fs::rename(top.join("f.txt"), &other).unwrap();
    std::os::unix::fs::symlink(&other, top.join("f.txt")).unwrap();
    assert_eq!(digest(&crew, &top)["files"][0]["blocks"], 0);
    assert_eq!(crew.run("merge-digest", [""; 0]).code(1).json()["status"], "error", "outside a repository");
    crew.run_in(&top, "merge-digest", ["a", "b"]).code(1);
    crew.run_in(&top, "merge-digest", ["--rebase", "side", "--no-cache"]).code(0);
}
