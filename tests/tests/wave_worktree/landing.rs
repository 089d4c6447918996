//! The way into the main branch, and what is there already when it is gone again.

use crewkit_tests::{Value, json};

use super::Shop;

#[test]
fn a_wave_goes_all_the_way() {
    let shop = Shop::new();
    shop.wave(7, "W3", "it's \"a\" | wave; $(touch /tmp/x) `id`\nżółw");
    shop.begun(7, "W3");
    let told = shop.tool(["merge", "1", "7"]).code(0);
    assert!(told.stdout.ends_with("8 wave 7 (W3) is merged into main\n") && told.stderr.is_empty(), "{told:?}");
    shop.landed_whole(7, "W3");
    assert_eq!(shop.landed(), ["squashed plan/1-W3 (#42)", "first commit"]);
    let log = std::fs::read_to_string(shop.gh("log")).unwrap();
    assert!(
        log.contains("--title Plan 1: W3 — it's \"a\" | wave; $(touch /tmp/x) `id` żółw --body Plan 1: One"),
        "{log}"
    );
    assert!(log.contains("gh pr merge 42 --squash --delete-branch --match-head-commit="), "{log}");
    let row = shop.crew.sql("SELECT pr_number, pr_url FROM waves WHERE id = 7");
    assert_eq!(row[0], [json!(42), json!("https://github.com/o/r/pull/42")]);
    assert_eq!(shop.crew.value("SELECT worktree_path FROM plans WHERE id = 1"), Value::Null);
    // Once more: nothing is done twice.
    let again = shop.tool(["merge", "1", "7"]).code(0);
    assert_eq!(again.stdout, "Wave 7 is merged already\n");
    assert_eq!(shop.calls("pr merge"), 1);
    // The next wave begins with what this one brought.
    shop.tool(["create", "1", "6"]).code(0);
    assert!(shop.tree("W2").join("W3.txt").is_file());
}

#[test]
fn the_one_commit_has_the_waves_name_and_earlier_ones_stay() {
    let shop = Shop::new();
    let tree = shop.begun(5, "W1");
    shop.crew.git(&tree, &["add", "-A"]);
    shop.crew.git(&tree, &["commit", "-q", "-m", "by an agent"]);
    shop.crew.write(&tree.join("sub/new"), "x");
    shop.steer("ci", "fail");
    shop.stopped(&["1", "5"], "merging", &["CI", "build", "#42"]);
    let log = shop.crew.git(&shop.origin(), &["log", "--format=%s", "main..plan/1-W1"]);
    assert_eq!(log, "feat(plan-1): W1 — First wave\nby an agent");
    // Mended in the worktree: the same request, one commit more.
    shop.crew.write(&tree.join("sub/new"), "better");
    shop.steer("ci", "pass");
    let told = shop.tool(["merge", "1", "5"]).code(0);
    assert!(told.stdout.contains("4 pull request #42 is open already"), "{told:?}");
    shop.landed_whole(5, "W1");
    assert_eq!(shop.crew.git(&shop.origin(), &["show", "main:sub/new"]), "better");
}

#[test]
fn pending_checks_are_waited_for() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    shop.steer("ci", "broken pending pending pass");
    let told = shop.tool(["merge", "1", "5"]).code(0);
    assert!(told.stdout.contains("5 waiting for CI checks of #42: pending: build\n"), "{told:?}");
    assert_eq!(shop.calls("pr checks"), 4);
    shop.landed_whole(5, "W1");
}

#[test]
fn no_wait_and_resume() {
    let shop = Shop::new();
    let tree = shop.begun(5, "W1");
    shop.stopped(&["1", "5", "--resume"], "in_progress", &["nothing to resume"]);
    shop.steer("ci", "pending");
    shop.stopped(&["1", "5", "--no-wait"], "merging", &["have not passed", "pending: build"]);
    shop.crew.write(&tree.join("later"), "x");
    shop.stopped(&["1", "5", "--resume"], "merging", &["1 uncommitted changes", "--resume"]);
    std::fs::remove_file(tree.join("later")).unwrap();
    shop.steer("ci", "pass");
    shop.tool(["merge", "1", "5", "--resume"]).code(0);
    shop.landed_whole(5, "W1");
}

#[test]
fn a_merge_that_gh_calls_a_failure_counts_by_what_github_says() {
    let shop = Shop::new();
    shop.begun(5, "W1");
    shop.steer("delete.fails", "");
    shop.tool(["merge", "1", "5"]).code(0);
    shop.landed_whole(5, "W1");
}

#[test]
fn a_request_that_somebody_merged_is_seen_with_and_without_gh() {
    for gh in [true, false] {
        let shop = Shop::new();
        shop.begun(5, "W1");
        shop.steer("ci", "fail");
        shop.stopped(&["1", "5"], "merging", &["failed"]);
        let head = shop.crew.git(&shop.origin(), &["rev-parse", "plan/1-W1"]);
        let merge = ["pr", "merge", "42", &format!("--match-head-commit={head}")];
        crewkit_tests::finish(shop.crew.command("gh").args(merge), None).code(0);
        if !gh {
            shop.crew.stub("gh", "exit 1");
        }
        let told = shop.tool(["merge", "1", "5"]).code(0);
        assert!(told.stdout.contains("already"), "{told:?}");
        shop.landed_whole(5, "W1");
    }
}

#[test]
fn work_after_a_merge_gets_a_request_of_its_own() {
    let shop = Shop::new();
    let tree = shop.begun(5, "W1");
    shop.steer("ci", "fail");
    shop.stopped(&["1", "5"], "merging", &["failed"]);
    let head = shop.crew.git(&shop.origin(), &["rev-parse", "plan/1-W1"]);
    let merge = ["pr", "merge", "42", &format!("--match-head-commit={head}")];
    crewkit_tests::finish(shop.crew.command("gh").args(merge), None).code(0);
    shop.crew.write(&tree.join("more.txt"), "more\n");
    shop.steer("ci", "pass");
    shop.tool(["merge", "1", "5"]).code(0);
    assert_eq!(shop.landed()[0], "squashed plan/1-W1 (#43)");
    assert_eq!(shop.crew.git(&shop.origin(), &["show", "main:more.txt"]), "more");
    assert_eq!(shop.crew.value("SELECT pr_number FROM waves WHERE id = 5"), 43);
    assert!(!tree.exists());
}

#[test]
fn a_wave_without_changes_needs_no_request() {
    let shop = Shop::new();
    shop.tool(["create", "1", "5"]).code(0);
    let told = shop.tool(["merge", "1", "5"]).code(0);
    assert!(told.stdout.contains("nothing to merge"), "{told:?}");
    assert_eq!((shop.status(5), shop.calls("pr create")), (json!("done"), 0));
    assert!(!shop.tree("W1").exists());
}

#[test]
fn what_git_does_not_remove_stays_and_the_wave_is_done() {
    let shop = Shop::new();
    let tree = shop.begun(5, "W1");
    shop.crew.git(&shop.top, &["worktree", "lock", "--reason", "mine", tree.to_str().unwrap()]);
    let told = shop.tool(["merge", "1", "5"]).code(0);
    assert!(told.stderr.contains("its worktree stays") && told.stderr.contains("mine"), "{told:?}");
    assert_eq!(shop.status(5), "done");
    assert!(tree.join("W1.txt").is_file());
    shop.crew.git(&shop.top, &["worktree", "unlock", tree.to_str().unwrap()]);
    shop.tool(["merge", "1", "5"]).code(0);
    shop.landed_whole(5, "W1");
    assert_eq!(shop.calls("pr merge"), 1);
}

#[test]
fn a_squash_that_main_has_grown_away_from_is_cleaned_up_too() {
    let shop = Shop::new();
    let tree = shop.begun(5, "W1");
    shop.crew.git(&shop.top, &["worktree", "lock", tree.to_str().unwrap()]);
    shop.tool(["merge", "1", "5"]).code(0);
    // Main takes the same file elsewhere: no comparison shows any more that the branch is in it.
    shop.crew.git(&shop.top, &["pull", "-q", "origin", "main"]);
    shop.crew.write(&shop.top.join("W1.txt"), "other\n");
    shop.crew.git(&shop.top, &["commit", "-qam", "other"]);
    shop.crew.git(&shop.top, &["reset", "-q", "--soft", "HEAD~2"]);
    shop.crew.git(&shop.top, &["commit", "-qam", "both"]);
    shop.crew.git(&shop.top, &["push", "-qf", "origin", "main"]);
    shop.crew.git(&shop.top, &["worktree", "unlock", tree.to_str().unwrap()]);
    shop.tool(["merge", "1", "5"]).code(0);
    assert!(!tree.exists() && !shop.has_branch(&shop.top, "plan/1-W1"));
}

#[test]
fn commits_that_come_while_the_checks_run_are_not_lost() {
    let shop = Shop::new();
    let tree = shop.begun(5, "W1");
    shop.steer("checks.hang", "");
    let mut call = shop.crew.tool("wave-worktree");
    let first = call.current_dir(&shop.top).args(["merge", "1", "5"]).stderr(std::process::Stdio::piped());
    let first = first.spawn().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while shop.calls("pr checks") == 0 {
        assert!(std::time::Instant::now() < deadline, "the merge does not come to its checks");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    shop.crew.write(&tree.join("late.txt"), "late\n");
    shop.crew.git(&tree, &["add", "-A"]);
    shop.crew.git(&tree, &["commit", "-q", "-m", "late"]);
    shop.steer_no_more("checks.hang");
    let told = first.wait_with_output().unwrap();
    let stderr = String::from_utf8(told.stderr).unwrap();
    assert!(told.status.success() && stderr.contains("came after the merge"), "{stderr}");
    assert_eq!(shop.landed()[0], "squashed plan/1-W1 (#42)");
    assert!(tree.join("late.txt").is_file() && shop.has_branch(&shop.top, "plan/1-W1"));
    shop.tool(["merge", "1", "5"]).code(0);
    assert_eq!(shop.crew.git(&shop.origin(), &["show", "main:late.txt"]), "late");
    assert!(!tree.exists());
}
