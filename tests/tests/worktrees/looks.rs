//! worktree-check, worktree-guard, worktree-merge-check.

use std::fs;
use std::path::Path;

use crewkit_tests::{Crew, Ended, json};

use super::{commit, tree};

#[test]
fn worktree_check_tells_the_main_tree_from_the_others() {
    let crew = Crew::new();
    let top = crew.repository("my shop");
    let side = tree(&crew, &top, "side-tree");
    let check = |at: &Path, arguments: &[&str]| crew.run_in(at, "worktree-check", arguments);
    let told = check(&top, &["my shop"]).code(0).stdout;
    assert!(
        told.contains("Branch: main\n") && told.contains("main=yes") && told.contains("MATCH: In expected"),
        "{told}"
    );
    let told = check(&side, &[top.to_str().unwrap()]).code(1).stdout;
    assert!(told.contains("main=no") && told.contains("MISMATCH: Expected") && told.contains("'side-tree'"), "{told}");
    crew.git(&top, &["checkout", "-q", "--detach"]);
    fs::create_dir(top.join("sub")).unwrap();
    let told = check(&top.join("sub"), &[]).code(0).stdout;
    assert!(told.contains("Branch: DETACHED\n") && told.contains("main=yes") && told.contains("[DETACHED]"), "{told}");
    for number in 0..7 {
        crew.write(&side.join(format!("f{number}\n\u{1b}[31m")), "");
    }
    let told = check(&side, &["side-tree"]).code(0).stdout;
    assert!(
        told.contains("Uncommitted changes: 7") && told.contains("... and 2 more") && !told.contains('\u{1b}'),
        "{told}"
    );
    std::os::unix::fs::symlink(&side, crew.work().join("link")).unwrap();
    check(&side, &["../link"]).code(0);
    check(&side, &["."]).code(0);
    check(&side, &["side"]).code(1);
    let told = check(&side, &["--json", "other"]).code(1).json();
    assert_eq!((&told["main"], &told["match"], &told["uncommitted"]), (&json!(false), &json!(false), &json!(7)));
    assert_eq!(told["worktrees"].as_array().unwrap().len(), 2);
    check(&crew.work(), &[]).refused(1, &["Not in a git repository"]);
    crew.write(&top.join(".git/worktrees/side-tree/index"), "broken");
    check(&side, &[]).refused(1, &["index"]);
}

#[test]
fn worktree_check_tells_how_far_from_main_it_is_and_who_has_files_here() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let side = tree(&crew, &top, "side");
    commit(&crew, &side, "a", "1");
    commit(&crew, &side, "a", "2");
    commit(&crew, &top, "b", "1");
    let check = |at: &Path, arguments: &[&str]| crew.run_in(at, "worktree-check", arguments).code(0);
    let told = check(&side, &["--json"]).json();
    assert_eq!((&told["main_branch"], &told["locks"]), (&json!("main"), &json!([])));
    assert_eq!((&told["ahead"], &told["behind"]), (&json!(2), &json!(1)));
    assert!(!crew.database().exists());
    crew.run_in(&side, "file-lock", ["acquire", "a", "T1"]).code(0);
    crew.run_in(&top, "file-lock", ["acquire", "b", "T2"]).code(0);
    let told = check(&side, &[]).stdout;
    assert!(
        told.contains("Against main: 2 ahead, 1 behind\n") && told.contains("Locked files: 1\n   a: task T1"),
        "{told}"
    );
    let told = check(&top, &["--json"]).json();
    assert_eq!(told["locks"].as_array().unwrap().len(), 1);
    assert_eq!((&told["locks"][0]["file"], &told["locks"][0]["task_id"]), (&json!("b"), &json!("T2")));
    crew.git(&top, &["branch", "-m", "main", "trunk"]);
    assert_eq!(check(&side, &["--json"]).json()["ahead"], json!(null));
    crew.write(&crew.database(), "no database at all, but long enough to be looked at by somebody");
    let told = check(&side, &["--json"]);
    assert!(told.json()["locks"].is_null() && told.stderr.contains("not known"), "{told:?}");
}

#[test]
fn worktree_guard_passes_the_assigned_worktree_alone() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let (one, other) = (tree(&crew, &top, "one"), tree(&crew, &top, "one-more"));
    let guard = |at: &Path, arguments: &[&str]| crew.run_in(at, "worktree-guard", arguments);
    let refused = |told: Ended, parts: &[&str]| {
        let told = told.code(1);
        let whole = told.stdout.is_empty() && told.stderr.starts_with("WORKTREE_VIOLATION: ");
        assert!(whole && parts.iter().all(|part| told.stderr.contains(part)), "want {parts:?}: {told:?}");
    };
    let at = |path: &Path| path.to_str().unwrap().to_owned();
    assert_eq!(guard(&one, &[&at(&one)]).code(0).stdout, format!("WORKTREE_OK: one @ {}\n", one.display()));
    fs::create_dir(one.join("sub")).unwrap();
    guard(&one.join("sub"), &[".."]).code(0);
    std::os::unix::fs::symlink(&one, crew.home().join("mine")).unwrap();
    guard(&one.join("sub"), &["~/mine"]).code(0);
    refused(guard(&one, &[]), &["no expected path", "Usage"]);
    refused(guard(&one, &[""]), &["no expected path"]);
    refused(guard(&crew.work(), &[&at(&one)]), &["not in a git repository"]);
    crew.git(&crew.work(), &["clone", "-q", "--bare", "shop", "bare.git"]);
    refused(guard(&crew.work().join("bare.git"), &[&at(&one)]), &["not in a work tree"]);
    refused(guard(&one, &[&at(&other)]), &["wrong worktree", "Expected: ", "Actual: ", "(branch: one)"]);
    refused(guard(&other, &[&at(&one)]), &["wrong worktree"]);
    refused(
        guard(&top, &[&at(&top)]),
        &["on protected branch 'main'", "Expected worktree: ", "Actual location: ", "ACTION: "],
    );
    crew.git(&top, &["checkout", "-q", "-b", "master"]);
    refused(guard(&top, &[&at(&one)]), &["on protected branch 'master'"]);
    crew.git(&one, &["checkout", "-q", "--detach"]);
    assert_eq!(guard(&one, &["."]).code(0).stdout, format!("WORKTREE_OK: DETACHED @ {}\n", one.display()));
    // A copy of a worktree is none that git knows.
    crew.write(&crew.work().join("copy/.git"), fs::read(other.join(".git")).unwrap());
    let copy = crew.work().join("copy");
    refused(guard(&copy, &["."]), &["not a registered git worktree", "Path: "]);
    let crew = crew.with("MAIN_BRANCH", "one-more");
    refused(crew.run_in(&other, "worktree-guard", ["."]), &["on protected branch 'one-more'"]);
}

#[test]
fn worktree_guard_asks_the_database_and_answers_programs() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let side = tree(&crew, &top, "side");
    let guard = |at: &Path, arguments: &[&str]| crew.run_in(at, "worktree-guard", arguments);
    assert!(guard(&side, &["--plan", "1"]).code(1).stderr.starts_with("WORKTREE_VIOLATION: plan 1 is not known"));
    assert!(!crew.database().exists());
    crew.run("init-dashboard-db", [""; 0]).code(0);
    std::os::unix::fs::symlink(&side, crew.home().join("mine")).unwrap();
    for insert in [
        "INSERT INTO projects (id, name, path) VALUES ('p', 'P', '/p')".to_owned(),
        "INSERT INTO plans (id, project_id, name, worktree_path) VALUES (1, 'p', 'a', '~/mine'), (2, 'p', 'b', NULL)"
            .to_owned(),
        format!(
            "INSERT INTO waves (id, project_id, plan_id, wave_id, name, status, worktree_path) VALUES (5, 'p', 1, 'W1', 'w', 'done', '{}')",
            top.display()
        ),
    ] {
        crewkit_tests::rows(&crew.database(), &format!("{insert} RETURNING id"));
    }
    guard(&side, &["--plan", "1"]).code(0);
    for (arguments, part) in [
        (["--plan", "2"], "plan 2 has no worktree"),
        (["--plan", "3"], "plan 3 not found"),
        (["--wave", "6"], "wave 6 not found"),
        (["--wave", "5"], "wrong worktree"),
    ] {
        let told = guard(&side, &arguments).code(1);
        assert!(told.stderr.starts_with(&format!("WORKTREE_VIOLATION: {part}")), "{told:?}");
    }
    for wrong in
        [&["--plan", "1 OR 1=1"][..], &["--plan", "-1"], &["--plan", "1", "--wave", "5"], &["x", "--plan", "1"]]
    {
        guard(&side, wrong).refused(1, &["--plan"]);
    }
    let told = guard(&side, &["--plan", "1", "--json"]).code(0).json();
    let at = side.to_str();
    assert_eq!(told, json!({"ok": true, "violation": null, "expected": at, "root": at, "branch": "side"}));
    let told = guard(&top, &["--wave", "5", "--json"]).code(1);
    let said: crewkit_tests::Value = serde_json::from_str(&told.stderr).unwrap();
    assert_eq!((said["violation"].as_str(), told.stdout.as_str()), (Some("on protected branch 'main'"), ""));
    let crew = crew.with("WORKTREE_GUARD_BRANCHES", "trunk, si*");
    assert!(crew.run_in(&side, "worktree-guard", ["."]).code(1).stderr.contains("on protected branch 'side'"));
    crew.run_in(&top, "worktree-guard", ["."]).code(0);
}

#[test]
fn worktree_guard_reads_other_reference_storages() {
    let crew = Crew::new();
    let top = crew.work().join("shop");
    crew.git(&crew.work(), &["init", "-q", "--ref-format=reftable", "shop"]);
    commit(&crew, &top, "a", "one");
    let side = tree(&crew, &top, "side");
    assert_eq!(
        crew.run_in(&side, "worktree-guard", ["."]).code(0).stdout,
        format!("WORKTREE_OK: side @ {}\n", side.display())
    );
    let told = crew.run_in(&top, "worktree-guard", ["."]).code(1);
    assert!(told.stderr.contains("on protected branch 'main'"), "{told:?}");
    let told = crew.run_in(&side, "worktree-merge-check", [""; 0]).code(0).stdout;
    assert!(told.ends_with("side | side | ALREADY_MERGED\n"), "{told}");
}

#[test]
fn worktree_merge_check_has_a_word_for_everything() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    commit(&crew, &top, "f", "base");
    let check = |arguments: &[&str]| crew.run_in(&top, "worktree-merge-check", arguments);
    for name in ["conflict", "dirty", "gone", "squashed", "detached"] {
        let side = tree(&crew, &top, name);
        commit(&crew, &side, if name == "conflict" { "f" } else { name }, name);
    }
    let orphan = crew.work().join("orphan");
    crew.git(&top, &["worktree", "add", "-q", "--orphan", "-b", "orphan", "../orphan"]);
    fs::remove_dir_all(crew.work().join("gone")).unwrap();
    crew.git(&crew.work().join("detached"), &["checkout", "-q", "--detach"]);
    crew.write(&crew.work().join("dirty/new\n file"), "");
    crew.git(&top, &["merge", "-q", "--squash", "squashed"]);
    crew.git(&top, &["commit", "-q", "-m", "squashed"]);
    commit(&crew, &top, "f", "ours");
    let main = crew.git(&top, &["rev-parse", "main"]);
    tree(&crew, &top, "fresh");
    commit(&crew, &tree(&crew, &top, "ready"), "r", "1");
    let wanted = [
        "conflict | conflict | BEHIND(2) CONFLICT",
        "DETACHED | detached | BEHIND(2)",
        "dirty | dirty | DIRTY(1) BEHIND(2)",
        "fresh | fresh | ALREADY_MERGED",
        "gone | gone | MISSING",
        "orphan | orphan | EMPTY",
        "ready | ready | READY(+1)",
        "squashed | squashed | BEHIND(2) ALREADY_MERGED",
    ];
    assert_eq!(check(&[]).code(0).stdout, format!("MAIN={main}\n{}\n", wanted.join("\n")));
    let told = check(&["--detail", "dirty"]).code(0).stdout;
    let below = told.split("DIRTY(1) BEHIND(2)\n").nth(1).unwrap();
    let path = crew.work().join("dirty");
    let lines = format!(
        "  path: {}\n  ahead: 1 behind: 2\n  files:\n 1 file changed, 1 insertion(+)\n  uncommitted:\n",
        path.display()
    );
    assert!(below.starts_with(&lines) && below.contains("?? new\\n file\nfresh |"), "{told}");
    let told = check(&["--json"]).code(0).json();
    assert_eq!((&told["commit"], &told["worktrees"][0]["conflict_files"]), (&json!(main), &json!(["f"])));
    assert_eq!(told["worktrees"][4]["ahead"], json!(null));
    check(&["--detail"]).refused(1, &["--detail"]);
    check(&["extra"]).refused(1, &["extra"]);
    assert!(check(&["--detail", "none"]).code(1).stderr.contains("'none'"));
    fs::remove_file(orphan.join(".git")).unwrap();
    crew.write(&top.join(".git/worktrees/ready/index"), "broken");
    let told = check(&[]).code(1);
    assert!(told.stdout.contains("ready | ready | UNREADABLE") && told.stderr.contains("index"), "{told:?}");
    assert!(
        told.stdout.contains("squashed | squashed |") && told.stdout.contains("orphan | orphan | MISSING"),
        "{told:?}"
    );

    assert_eq!(crew.run("worktree-merge-check", [""; 0]).code(1).stderr, "ERR: not a git repo\n");
    let trunk = crew.work().join("trunk");
    crew.git(&crew.work(), &["init", "-q", "-b", "trunk", "trunk"]);
    commit(&crew, &trunk, "a", "one");
    assert!(crew.run_in(&trunk, "worktree-merge-check", [""; 0]).code(1).stderr.starts_with("ERR: no main branch"));
    let crew = crew.with("MAIN_BRANCH", "trunk");
    assert!(crew.run_in(&trunk, "worktree-merge-check", [""; 0]).code(0).stdout.starts_with("MAIN="));
    crew.run_in(&top, "worktree-merge-check", [""; 0]).refused(1, &["trunk"]);
}

#[test]
fn worktree_merge_check_finds_conflicts_between_worktrees() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    commit(&crew, &top, "f", "base");
    let check = |arguments: &[&str]| crew.run_in(&top, "worktree-merge-check", arguments);
    for (name, file, text) in
        [("a", "f", "a"), ("b", "f", "b"), ("same", "f", "a"), ("other", "g", "g"), ("deep", "g/h", "h")]
    {
        let side = tree(&crew, &top, name);
        commit(&crew, &side, file, text);
    }
    assert!(!check(&[]).code(0).stdout.contains("BETWEEN"));
    let told = check(&["--between"]).code(0).stdout;
    let between: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("BETWEEN ")).collect();
    assert_eq!(between[..2], ["a | b | CONFLICT f", "b | same | CONFLICT f"], "{told}");
    assert!(between.len() == 3 && between[2].starts_with("deep | other | CONFLICT g"), "{told}");
    let told = check(&["--between", "--branch", "a", "--json"]).code(0).json();
    assert_eq!(told["worktrees"].as_array().unwrap().len(), 1);
    let paths = ["a", "b"].map(|name| crew.work().join(name));
    assert_eq!(told["between"], json!([{"branches": ["a", "b"], "paths": paths, "files": ["f"]}]));
    assert_eq!(check(&["--json"]).code(0).json()["between"], json!(null));
    let told = check(&["--branch", "a"]).code(0).stdout;
    assert_eq!(told.lines().skip(1).collect::<Vec<_>>(), ["a | a | READY(+1)"]);
    assert!(check(&["--branch", "none"]).code(1).stderr.contains("'none'"));
    let told = check(&["--between", "--branch", "other"]).code(0).stdout;
    assert!(told.contains("BETWEEN deep | other"), "{told}");
    // A merge of the one in conflict is no matter any more.
    crew.git(&top, &["merge", "-q", "--no-ff", "b", "-m", "b"]);
    let told = check(&["--between", "--branch", "b"]).code(0).stdout;
    assert!(told.ends_with("BETWEEN: no conflicts\n"), "{told}");
}

#[test]
fn the_main_branch_may_be_that_of_the_remote() {
    let crew = Crew::new();
    let origin = crew.work().join("origin");
    crew.git(&crew.work(), &["init", "-q", "-b", "trunk", "origin"]);
    commit(&crew, &origin, "a", "one");
    crew.git(&crew.work(), &["clone", "-q", "origin", "shop"]);
    let top = crew.work().join("shop");
    let side = tree(&crew, &top, "side");
    commit(&crew, &side, "b", "two");
    let told = |crew: &Crew| crew.run_in(&side, "worktree-merge-check", [""; 0]).code(0).stdout;
    assert!(told(&crew).ends_with("side | side | READY(+1)\n"), "{}", told(&crew));
    crew.git(&top, &["checkout", "-q", "--detach"]);
    crew.git(&top, &["branch", "-q", "-D", "trunk"]);
    assert!(told(&crew).ends_with("side | side | READY(+1)\n"), "{}", told(&crew));
}
