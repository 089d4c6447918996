//! git-digest against real repositories in every state that git knows.

use std::fs;
use std::path::Path;

use crewkit_tests::{Crew, Value, json};

fn digest(crew: &Crew, top: &Path, arguments: &[&str]) -> Value {
    crew.run_in(top, "git-digest", arguments).code(0).json()
}

/// That `object` holds these keys with these values.
#[track_caller]
fn holds(object: &Value, wanted: Value) {
    for (key, value) in wanted.as_object().unwrap() {
        assert_eq!(object.get(key), Some(value), "{key} in {object}");
    }
}

fn commit(crew: &Crew, top: &Path, file: &str, text: &str) {
    crew.write(&top.join(file), text);
    crew.git(top, &["add", "-A"]);
    crew.git(top, &["commit", "-q", "-m", &format!("{file}: {text}")]);
}

#[test]
fn every_kind_of_conflict_counts_once_and_in_conflicts_alone() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    for file in ["both", "ours-gone", "theirs-gone"] {
        commit(&crew, &top, file, "base");
    }
    crew.git(&top, &["checkout", "-q", "-b", "side"]);
    crew.git(&top, &["rm", "-q", "theirs-gone"]);
    commit(&crew, &top, "both", "side");
    commit(&crew, &top, "ours-gone", "side");
    commit(&crew, &top, "added by both", "side");
    crew.git(&top, &["checkout", "-q", "main"]);
    crew.git(&top, &["rm", "-q", "ours-gone"]);
    commit(&crew, &top, "both", "main");
    commit(&crew, &top, "theirs-gone", "main");
    commit(&crew, &top, "added by both", "main");
    assert_ne!(
        crew.command("git").current_dir(&top).args(["merge", "-q", "side"]).output().unwrap().status.code(),
        Some(0)
    );
    holds(
        &digest(&crew, &top, &[]),
        json!({
            "clean": false, "staged": 0, "unstaged": 0, "untracked": 0, "conflicts": 4, "operation": "merge",
            "conflict_files": ["added by both", "both", "ours-gone", "theirs-gone"]
        }),
    );
    crew.git(&top, &["merge", "--abort"]);
    let seen = digest(&crew, &top, &[]);
    assert!(seen["clean"] == json!(true) && seen.get("operation").is_none(), "{seen}");
}

#[test]
fn a_file_can_count_as_staged_and_unstaged_and_every_change_counts() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    for file in ["modified", "deleted", "old name", "typed", "both"] {
        commit(&crew, &top, file, &format!("the text of {file}, long enough to be known again\n"));
    }
    crew.write(&top.join("modified"), "x");
    fs::remove_file(top.join("deleted")).unwrap();
    crew.git(&top, &["mv", "old name", "new name"]);
    fs::remove_file(top.join("typed")).unwrap();
    std::os::unix::fs::symlink("modified", top.join("typed")).unwrap();
    crew.write(&top.join("both"), "1");
    crew.git(&top, &["add", "both"]);
    crew.write(&top.join("both"), "2");
    crew.write(&top.join("meant"), "to be added");
    crew.git(&top, &["add", "-N", "meant"]);
    crew.write(&top.join("folder/one"), "");
    crew.write(&top.join("folder/two"), "");
    holds(
        &digest(&crew, &top, &["--full"]),
        json!({
            "clean": false, "staged": 2, "unstaged": 5, "untracked": 1,
            "staged_files": ["both", "new name"], "untracked_files": ["folder/"],
            "unstaged_files": ["both", "deleted", "meant", "modified", "typed"]
        }),
    );
    crew.git(&top, &["reset", "-q", "--hard"]);
    fs::remove_dir_all(top.join("folder")).unwrap();
    fs::remove_file(top.join("typed")).unwrap();
    std::os::unix::fs::symlink("modified", top.join("typed")).unwrap();
    holds(&digest(&crew, &top, &[]), json!({"clean": false, "unstaged": 1, "untracked": 0}));
}

#[test]
fn no_setting_changes_the_answer() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    commit(&crew, &top, "old ö", "the same text before and after\n");
    crew.git(&top, &["mv", "old ö", "sub ö"]);
    crew.write(&top.join("untracked ü"), "");
    crew.write(&top.join("deep/x"), "");
    crew.git(&top, &["add", "deep"]);
    crew.git(&top, &["stash", "-q"]);
    crew.git(&top, &["stash", "apply", "-q", "--index"]);
    let arguments = ["--full"];
    let plain = digest(&crew, &top.join("deep"), &arguments);
    assert_eq!((&plain["staged"], &plain["stashes"]), (&json!(2), &json!(1)));
    for (key, value) in [
        ("status.showUntrackedFiles", "no"),
        ("status.relativePaths", "true"),
        ("status.renames", "false"),
        ("diff.renames", "false"),
        ("status.branch", "false"),
        ("status.short", "true"),
        ("status.showStash", "false"),
        ("status.aheadBehind", "false"),
        ("core.quotePath", "true"),
        ("color.ui", "always"),
        ("column.ui", "always"),
        ("log.showSignature", "true"),
        ("log.abbrevCommit", "false"),
        ("format.pretty", "fuller"),
        ("i18n.logOutputEncoding", "ISO-8859-1"),
        ("core.optionalLocks", "true"),
    ] {
        crew.git(&top, &["config", "--global", key, value]);
    }
    assert_eq!(digest(&crew, &top.join("deep"), &arguments), plain);
}

#[test]
fn an_upstream_counts_only_if_it_exists() {
    let crew = Crew::new();
    let origin = crew.repository("origin");
    crew.git(&crew.work(), &["clone", "-q", "origin", "copy"]);
    let copy = crew.work().join("copy");
    commit(&crew, &origin, "theirs", "1");
    commit(&crew, &copy, "mine", "1");
    crew.git(&copy, &["fetch", "-q"]);
    let seen = digest(&crew, &copy, &[]);
    holds(&seen, json!({"has_upstream": true, "upstream": "origin/main", "ahead": 1, "behind": 1}));
    assert_eq!(seen.get("upstream_gone"), None);
    crew.git(&copy, &["update-ref", "-d", "refs/remotes/origin/main"]);
    holds(
        &digest(&crew, &copy, &[]),
        json!({"has_upstream": false, "upstream": "origin/main", "upstream_gone": true, "ahead": 0, "behind": 0}),
    );
}

#[test]
fn operations_under_way_are_named() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    commit(&crew, &top, "f", "base");
    crew.git(&top, &["checkout", "-q", "-b", "side"]);
    commit(&crew, &top, "f", "side");
    crew.git(&top, &["checkout", "-q", "main"]);
    commit(&crew, &top, "f", "main");
    for (arguments, operation, abort) in [
        (&["cherry-pick", "side"][..], "cherry-pick", &["cherry-pick", "--abort"][..]),
        (&["revert", "--no-edit", "HEAD~1"], "revert", &["revert", "--abort"]),
        (&["rebase", "-q", "side"], "rebase", &["rebase", "--abort"]),
        (&["rebase", "-q", "--apply", "side"], "rebase", &["rebase", "--abort"]),
        (&["bisect", "start"], "bisect", &["bisect", "reset"]),
    ] {
        crew.command("git").current_dir(&top).args(arguments).output().unwrap();
        let seen = digest(&crew, &top, &[]);
        let conflicts = u8::from(operation != "bisect");
        holds(&seen, json!({"operation": operation, "conflicts": conflicts, "clean": conflicts == 0}));
        assert_eq!(seen["branch"], if operation == "rebase" { "DETACHED" } else { "main" });
        crew.git(&top, abort);
    }
}

#[test]
fn a_repository_that_git_cannot_read_is_an_error() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let failed = |top: &Path, part: &str| {
        for arguments in [&[][..], &["--full"]] {
            let ended = crew.run_in(top, "git-digest", arguments).code(1);
            let object = ended.json();
            assert_eq!(object["status"], "error");
            assert!(object["msg"].as_str().unwrap().contains(part), "{object}");
            assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        }
    };
    failed(&crew.work(), "not a git repository");
    failed(&top.join(".git"), "must be run in a work tree");
    crew.git(&crew.work(), &["clone", "-q", "--bare", "shop", "shop.git"]);
    failed(&crew.work().join("shop.git"), "must be run in a work tree");
    crew.write(&top.join(".git/index"), "no index");
    failed(&top, "index");
    fs::remove_file(top.join(".git/index")).unwrap();
    crew.write(&top.join(".git/refs/heads/main"), format!("{}\n", "1".repeat(40)));
    failed(&top, "");
}

#[test]
fn another_owner_is_an_error_and_no_clean_tree() {
    let crew = Crew::new().with("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    let top = crew.work().join("theirs");
    fs::create_dir(&top).unwrap();
    crew.git(&top, &["init", "-q"]);
    let ended = crew.run_in(&top, "git-digest", [""; 0]).code(1);
    assert!(ended.json()["msg"].as_str().unwrap().contains("dubious ownership"), "{ended:?}");
}

#[test]
fn other_formats_are_read_by_git() {
    let crew = Crew::new();
    for (name, format) in [("hash", "--object-format=sha256"), ("table", "--ref-format=reftable")] {
        let top = crew.work().join(name);
        crew.git(&crew.work(), &["init", "-q", format, name]);
        holds(&digest(&crew, &top, &[]), json!({"branch": "main", "sha": "", "commits": []}));
        commit(&crew, &top, "a", "one");
        commit(&crew, &top, "a", "two");
        let sha = crew.git(&top, &["rev-parse", "--short", "HEAD"]);
        let seen = digest(&crew, &top, &[]);
        holds(&seen, json!({"branch": "main", "sha": sha, "clean": true}));
        assert_eq!(seen["commits"].as_array().unwrap().len(), 2);
        assert_eq!(seen["commits"][0], format!("{sha} a: two"));
    }
}

#[test]
fn worktrees_submodules_and_a_callers_git_dir() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.git(&top, &["worktree", "add", "-q", "-b", "side", "../side tree"]);
    let side = crew.work().join("side tree");
    commit(&crew, &side, "s", "side");
    crew.write(&side.join("dirt"), "");
    holds(&digest(&crew, &side, &[]), json!({"branch": "side", "untracked": 1}));
    assert_eq!(digest(&crew, &side, &[])["commits"].as_array().unwrap().len(), 2);

    let lines = crew.run_in(&top, "git-digest", ["--all-worktrees"]).code(0).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    holds(&lines[0], json!({"path": top.to_str(), "branch": "main", "clean": true}));
    holds(&lines[1], json!({"path": side.to_str(), "branch": "side", "clean": false, "untracked": 1}));

    let crew = crew.with("GIT_DIR", top.join(".git")).with("GIT_WORK_TREE", &top);
    holds(&digest(&crew, &crew.work(), &[]), json!({"branch": "main", "clean": true, "commits": lines[0]["commits"]}));
    let lines = crew.run_in(&side, "git-digest", ["--all-worktrees"]).code(0).stdout;
    assert!(lines.lines().nth(1).unwrap().contains(r#""branch":"side""#), "{lines}");

    let crew = Crew::new();
    let (inner, outer) = (crew.repository("inner"), crew.repository("outer"));
    crew.git(&outer, &["submodule", "--quiet", "add", inner.to_str().unwrap(), "inner"]);
    crew.git(&outer, &["commit", "-q", "-m", "with a submodule"]);
    holds(&digest(&crew, &outer.join("inner"), &[]), json!({"branch": "main", "clean": true}));
    crew.write(&outer.join("inner/README.md"), "changed\n");
    crew.git(&outer, &["config", "--global", "diff.ignoreSubmodules", "all"]);
    holds(&digest(&crew, &outer, &["--full"]), json!({"clean": false, "unstaged_files": ["inner"]}));
    holds(&digest(&crew, &outer.join("inner"), &[]), json!({"unstaged": 1}));
}

#[test]
fn a_worktree_that_cannot_be_read_is_a_line_of_its_own() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.git(&top, &["worktree", "add", "-q", "-b", "gone", "../gone"]);
    fs::remove_dir_all(crew.work().join("gone")).unwrap();
    let ended = crew.run_in(&top, "git-digest", ["--all-worktrees"]).code(1);
    let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["clean"], &lines[1]["status"]), (2, &json!(true), &json!("error")));
}

#[test]
fn names_come_as_they_are_and_odd_subjects_do_no_harm() {
    use std::os::unix::ffi::OsStrExt as _;
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.git(&top, &["commit", "-q", "--allow-empty", "-m", "\u{1b}[31mred\u{1b}[0m \"é\"\nsecond line\n\nbody"]);
    crew.git(&top, &["commit", "-q", "--allow-empty", "--allow-empty-message", "-m", ""]);
    crew.write(&top.join(std::ffi::OsStr::from_bytes(b"not \xff UTF-8")), "");
    crew.write(&top.join("-> arrow"), "");
    let seen = digest(&crew, &top, &["--full"]);
    assert_eq!(seen["untracked_files"], json!(["-> arrow", "not \u{fffd} UTF-8"]));
    let subjects: Vec<_> = seen["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap().split_once(' ').unwrap().1)
        .collect();
    assert_eq!(subjects, ["", "red \"é\" second line", "first commit"]);
}

#[test]
fn wrong_usage_is_one_line() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.run_in(&top, "git-digest", ["--fulll"]).refused(1, &["--fulll"]);
    crew.run_in(&top, "git-digest", ["--limit", "-1"]).refused(1, &["--limit", "-1"]);
    assert!(crew.run_in(&top, "git-digest", ["--help"]).code(0).stdout.contains("--full"));
}
