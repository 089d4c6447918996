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
