//! What stops a merge, and that nothing is lost or called done then.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crewkit_tests::{finish, json};

use super::Shop;

#[test]
fn a_push_that_fails_ends_nothing() {
    let shop = Shop::new();
    let tree = shop.begun(5, "W1");
    let aside = shop.crew.work().join("aside.git");
    std::fs::rename(shop.origin(), &aside).unwrap();
    shop.stopped(&["1", "5"], "in_progress", &["fetched", "origin.git"]);
    std::fs::rename(&aside, shop.origin()).unwrap();
    // Taken by the fetch, refused by the push.
    let hook = shop.origin().join("hooks/pre-receive");
    shop.crew.write(&hook, "#!/bin/sh\necho 'not today' >&2\nexit 1\n");
    let runs = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, runs).unwrap();
    let told = shop.stopped(&["1", "5"], "in_progress", &["was not pushed", "remote rejected"]);
    assert!(told.stderr.contains("not today"), "{told:?}");
    assert!(tree.join("W1.txt").is_file());
    std::fs::remove_file(&hook).unwrap();
    shop.tool(["merge", "1", "5"]).code(0);
    shop.landed_whole(5, "W1");
}

#[test]
fn somebody_elses_commits_on_the_branch_are_not_overwritten() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    shop.crew.git(&shop.crew.work(), &["clone", "-q", "origin.git", "other"]);
    let other = shop.crew.work().join("other");
    shop.crew.git(&other, &["commit", "-q", "--allow-empty", "-m", "theirs"]);
    shop.crew.git(&other, &["push", "-q", "origin", "HEAD:plan/1-W1"]);
    shop.stopped(&["1", "5"], "in_progress", &["was not pushed", "rejected"]);
    assert_eq!(shop.crew.git(&shop.origin(), &["log", "-1", "--format=%s", "plan/1-W1"]), "theirs");
}

#[test]
fn a_request_that_cannot_be_opened_or_merged_ends_nothing() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    shop.steer("create.fails", "");
    shop.stopped(&["1", "5"], "in_progress", &["cannot be opened", "something went wrong"]);
    assert_eq!(shop.crew.sql("SELECT pr_number, pr_url FROM waves WHERE id = 5")[0], [json!(null), json!(null)]);
    shop.steer_no_more("create.fails");
    shop.steer("merge.fails", "");
    shop.stopped(&["1", "5"], "merging", &["#42 is not merged", "Base branch was modified"]);
    shop.steer_no_more("merge.fails");
    shop.steer("merge.sleeps", "");
    shop.stopped(&["1", "5"], "merging", &["has not merged it yet"]);
    shop.steer_no_more("merge.sleeps");
    shop.tool(["merge", "1", "5"]).code(0);
    shop.landed_whole(5, "W1");
}

#[test]
fn each_thing_in_the_way_is_named() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    for (name, text, part) in [
        ("threads", "2", "2 review threads"),
        ("decision.says", "CHANGES_REQUESTED", "changes are requested"),
        ("draft.says", "true", "draft"),
        ("mergeable.says", "CONFLICTING", "conflicts"),
        ("decision.says", "REVIEW_REQUIRED", "a review is required"),
    ] {
        shop.steer(name, text);
        let told = shop.stopped(&["1", "5"], "merging", &["not ready", part]);
        assert!(told.stdout.contains("BLOCKER: "), "{told:?}");
        shop.steer_no_more(name);
    }
    assert_eq!(shop.calls("pr merge"), 0);
}

#[test]
fn a_rule_that_blocks_is_waited_for_and_named() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    shop.steer("status.says", "BLOCKED");
    shop.stopped(&["1", "5"], "merging", &["not ready", "a rule of the repository"]);
    assert!(shop.calls("pr view") > 3);
}

#[test]
fn checks_that_never_come_do_not_pass() {
    let shop = Shop::new();
    let tree = shop.begun(5, "W1");
    shop.crew.write(&tree.join(".github/workflows/ci.yml"), "on: push\n");
    shop.steer("ci", "none");
    shop.stopped(&["1", "5", "--timeout", "1"], "merging", &["none reported yet"]);
    shop.steer("ci", "broken");
    shop.stopped(&["1", "5", "--timeout", "9"], "merging", &["cannot be read", "connection refused"]);
    shop.steer("ci", "cancel");
    shop.stopped(&["1", "5"], "merging", &["failed: build"]);
    shop.steer("ci", "none");
    shop.tool(["merge", "1", "5", "--no-ci-ok"]).code(0);
    shop.landed_whole(5, "W1");
}

#[test]
fn without_workflows_no_checks_are_none_to_wait_for() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    shop.steer("ci", "none");
    shop.tool(["merge", "1", "5"]).code(0);
    shop.landed_whole(5, "W1");
}

#[test]
fn without_gh_the_wave_is_merging_and_the_way_on_is_told() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    let bin = shop.crew.root().join("nothing but git");
    std::fs::create_dir(&bin).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let git = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|file| file.is_file()).unwrap();
    std::os::unix::fs::symlink(git, bin.join("git")).unwrap();
    let mut call = shop.crew.tool("wave-worktree");
    let ended = finish(call.current_dir(&shop.top).env("PATH", &bin).args(["merge", "1", "5"]), None).code(1);
    let parts = ["gh is not installed", "plan/1-W1", "wave-worktree merge 1 5"];
    assert!(parts.iter().all(|part| ended.stderr.contains(part)), "{ended:?}");
    assert_eq!(shop.status(5), "merging");
    assert!(shop.tree("W1").join("W1.txt").is_file() && shop.has_branch(&shop.origin(), "plan/1-W1"));
    shop.tool(["merge", "1", "5"]).code(0);
    shop.landed_whole(5, "W1");
}

#[test]
fn a_request_that_was_closed_is_not_opened_again_unasked() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    shop.steer("ci", "fail");
    shop.stopped(&["1", "5"], "merging", &["failed"]);
    shop.steer("plan_1-W1.closed", "");
    shop.steer("ci", "pass");
    shop.stopped(&["1", "5"], "merging", &["#42 was closed", "--new-request"]);
    shop.tool(["merge", "1", "5", "--new-request"]).code(0);
    assert_eq!(shop.crew.value("SELECT pr_number FROM waves WHERE id = 5"), 43);
}

#[test]
fn a_worktree_in_an_odd_state_is_left_alone() {
    let shop = Shop::new();
    let tree = shop.begun(5, "W1");
    shop.crew.git(&tree, &["checkout", "-q", "-b", "elsewhere"]);
    shop.stopped(&["1", "5"], "in_progress", &["is on elsewhere, not on plan/1-W1"]);
    shop.crew.git(&tree, &["checkout", "-q", "plan/1-W1"]);
    shop.crew.git(&tree, &["add", "-A"]);
    shop.crew.git(&tree, &["commit", "-q", "-m", "one"]);
    shop.crew.git(&tree, &["checkout", "-q", "elsewhere"]);
    shop.crew.write(&tree.join("W1.txt"), "two\n");
    shop.crew.git(&tree, &["add", "-A"]);
    shop.crew.git(&tree, &["commit", "-q", "-m", "two"]);
    shop.crew.git(&tree, &["checkout", "-q", "plan/1-W1"]);
    finish(shop.crew.command("git").current_dir(&tree).args(["merge", "-q", "elsewhere"]), None).code(1);
    shop.stopped(&["1", "5"], "in_progress", &["in the middle of a merge"]);
    shop.crew.git(&tree, &["merge", "--abort"]);
    shop.crew.git(&shop.top, &["worktree", "remove", tree.to_str().unwrap()]);
    let told = shop.tool(["merge", "1", "5"]);
    assert!(told.code == 1 && told.stderr.contains("missing") && told.stderr.contains("shop-plan-1-W1"), "{told:?}");
}

#[test]
fn two_merges_of_one_wave_are_kept_apart_and_a_kill_frees_the_wave() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    shop.steer("checks.hang", "");
    let mut call = shop.crew.tool("wave-worktree");
    let mut first = call.current_dir(&shop.top).args(["merge", "1", "5"]).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while shop.calls("pr checks") == 0 {
        assert!(Instant::now() < deadline, "the first merge does not come to its checks");
        std::thread::sleep(Duration::from_millis(20));
    }
    for arguments in [&["merge", "1", "5"][..], &["cleanup", "1", "5"], &["create", "1", "5"]] {
        let told = shop.crew.run_in(&shop.top, "wave-worktree", arguments);
        told.refused(1, &["wave 5 is held by another"]);
    }
    // The other wave is free.
    shop.tool(["create", "1", "6"]).code(0);
    first.kill().unwrap();
    first.wait().unwrap();
    // gh, which the first had started, still hangs: it does not hold the wave.
    let mut second = shop.crew.tool("wave-worktree");
    let second = second.current_dir(&shop.top).args(["merge", "1", "5"]).spawn().unwrap();
    while shop.calls("pr checks") < 2 {
        assert!(Instant::now() < deadline, "the second merge does not come to its checks");
        std::thread::sleep(Duration::from_millis(20));
    }
    shop.steer_no_more("checks.hang");
    assert!(second.wait_with_output().unwrap().status.success());
    shop.landed_whole(5, "W1");
}

/// Every file below `folder` with its content, but for SQLite's own files beside a database.
fn files(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            files(&path, into);
        } else if !path.to_string_lossy().contains(".db-") {
            let content = std::fs::read(&path).unwrap_or_default();
            into.insert(path, content);
        }
    }
}

#[test]
fn a_dry_run_touches_nothing_at_all() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    let seen = || {
        // The reading itself may fold the database's log back.
        let rows = (shop.crew.sql("SELECT * FROM waves"), shop.crew.sql("SELECT * FROM plans"));
        let mut all = BTreeMap::new();
        files(&shop.crew.work(), &mut all);
        files(&shop.crew.claude().join("data"), &mut all);
        files(&shop.gh(""), &mut all);
        (all, rows)
    };
    let before = seen();
    let dry = |arguments: &[&str], part: &str| {
        let mut call = shop.crew.tool("wave-worktree");
        let ended = finish(call.current_dir(&shop.top).env("WAVE_DRY_RUN", "1").args(arguments), None).code(0);
        assert!(ended.stdout.starts_with("DRY-RUN: ") && ended.stdout.contains(part), "{ended:?}");
    };
    dry(&["merge", "1", "5"], "would push plan/1-W1 to origin");
    dry(&["create", "1", "6"], "would make the worktree");
    dry(&["cleanup", "1", "5", "--force"], "would remove");
    let told = shop.tool(["merge", "--dry-run", "1", "5"]).code(0);
    assert!(told.stdout.contains("would commit 1 changes: feat(plan-1): W1 — First wave"), "{told:?}");
    let now = seen();
    let other = now.0.iter().find(|(path, content)| before.0.get(*path) != Some(content)).map(|(path, _)| path);
    assert!(now == before, "something changed: {other:?}");
    let mut call = shop.crew.tool("wave-worktree");
    let call = call.current_dir(&shop.top).env("WAVE_DRY_RUN", "maybe").args(["merge", "1", "5"]);
    finish(call, None).refused(1, &["WAVE_DRY_RUN", "maybe"]);
    assert!(seen() == before, "something changed");
}
