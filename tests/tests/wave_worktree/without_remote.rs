//! Repositories without a remote: merge-queue lands the wave.

use crewkit_tests::json;

use super::Shop;

#[test]
fn the_queue_lands_the_wave() {
    let shop = Shop::alone();
    let tree = shop.begun(5, "W1");
    let told = shop.tool(["merge", "1", "5"]).code(0);
    assert!(told.stdout.contains("through merge-queue"), "{told:?}");
    assert_eq!(shop.status(5), "done");
    assert_eq!(std::fs::read_to_string(shop.top.join("W1.txt")).unwrap(), "W1\n");
    assert!(!tree.exists() && !shop.has_branch(&shop.top, "plan/1-W1"));
    let row = shop.crew.sql("SELECT branch, plan_id, status FROM merge_queue");
    assert_eq!(row, [[json!("plan/1-W1"), json!(1), json!("done")]]);
    shop.tool(["merge", "1", "5"]).code(0);
    assert_eq!(shop.crew.git(&shop.top, &["rev-list", "--first-parent", "--count", "main"]), "2");
}

#[test]
fn what_the_queue_refuses_is_told_and_kept() {
    let shop = Shop::alone();
    let tree = shop.begun(5, "W1");
    shop.crew.write(&shop.top.join("W1.txt"), "other\n");
    shop.crew.git(&shop.top, &["add", "-A"]);
    shop.crew.git(&shop.top, &["commit", "-q", "-m", "other"]);
    shop.stopped(&["1", "5"], "merging", &["merge_conflict", "W1.txt"]);
    shop.crew.git(&tree, &["rebase", "-q", "-X", "theirs", "main"]);
    shop.tool(["merge", "1", "5"]).code(0);
    assert_eq!(shop.status(5), "done");
    assert_eq!(std::fs::read_to_string(shop.top.join("W1.txt")).unwrap(), "W1\n");
}

#[test]
fn branches_that_are_first_in_the_line_are_landed_first() {
    let shop = Shop::alone();
    shop.crew.git(&shop.top, &["checkout", "-q", "-b", "before"]);
    shop.crew.write(&shop.top.join("before.txt"), "x\n");
    shop.crew.git(&shop.top, &["add", "-A"]);
    shop.crew.git(&shop.top, &["commit", "-q", "-m", "before"]);
    shop.crew.git(&shop.top, &["checkout", "-q", "main"]);
    shop.begun(5, "W1");
    shop.crew.run_in(&shop.top, "merge-queue", ["enqueue", "before"]).code(0);
    shop.tool(["merge", "1", "5"]).code(0);
    assert!(shop.top.join("before.txt").is_file() && shop.top.join("W1.txt").is_file());
}

#[test]
fn another_remote_is_not_taken_for_origin() {
    let shop = Shop::alone();
    shop.begun(5, "W1");
    shop.crew.git(&shop.top, &["remote", "add", "upstream", "../elsewhere.git"]);
    shop.stopped(&["1", "5"], "in_progress", &["no remote 'origin'", "upstream"]);
}

#[test]
fn killed_at_random_moments() {
    let shop = Shop::alone();
    shop.begun(5, "W1");
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..15 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut call = shop.crew.tool("wave-worktree");
        let mut child = call.current_dir(&shop.top).args(["merge", "1", "5"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_micros((seed >> 33) % 90_000));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // What the last one had started may need a moment to end.
    std::thread::sleep(std::time::Duration::from_millis(300));
    shop.tool(["merge", "1", "5"]).code(0);
    assert_eq!(shop.status(5), "done");
    assert_eq!(shop.crew.git(&shop.top, &["rev-list", "--first-parent", "--count", "main"]), "2");
    assert_eq!(shop.crew.git(&shop.top, &["log", "--format=%s", "main^2", "^main^1"]), "feat(plan-1): W1 — First wave");
    assert!(!shop.tree("W1").exists());
}
