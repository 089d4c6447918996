//! Worktrees of waves: made, listed, removed.

use crewkit_tests::{Value, finish, json};

use super::Shop;

#[test]
fn the_answer_is_one_object_and_the_branch_begins_from_main() {
    let shop = Shop::new();
    let (crew, top) = (&shop.crew, &shop.top);
    crew.write(&top.join(".env"), "A=1");
    // Main has moved on origin; here another branch is checked out.
    crew.git(&crew.work(), &["clone", "-q", "origin.git", "other"]);
    let other = crew.work().join("other");
    crew.write(&other.join("theirs"), "x");
    crew.git(&other, &["add", "-A"]);
    crew.git(&other, &["commit", "-q", "-m", "theirs"]);
    crew.git(&other, &["push", "-q"]);
    crew.git(top, &["checkout", "-q", "-b", "own"]);
    crew.git(top, &["commit", "-q", "--allow-empty", "-m", "own"]);
    let told = crew.run_in(&crew.work(), "wave-worktree", ["create", "1", "5"]).code(0);
    let tree = shop.tree("W1");
    let wanted = json!({"worktree_path": tree, "branch_name": "plan/1-W1", "pr_number": null, "pr_url": null});
    assert_eq!(told.json(), wanted);
    assert_eq!(crew.git(&tree, &["log", "--format=%s"]), "theirs\nfirst commit");
    assert!(tree.join(".env").is_symlink());
    let row = "SELECT status, started_at IS NOT NULL, worktree_path, branch_name FROM waves WHERE id = 5";
    let first = crew.sql(row);
    assert_eq!(first[0], [json!("in_progress"), json!(1), json!(tree), json!("plan/1-W1")]);
    assert_eq!(crew.value("SELECT worktree_path FROM plans WHERE id = 1"), json!(tree));
    // Again: kept, the database set again.
    crew.write(&tree.join("work"), "x");
    crew.sql("UPDATE waves SET worktree_path = NULL, status = 'pending' WHERE id = 5 RETURNING id");
    assert_eq!(shop.tool(["create", "1", "5"]).code(0).json(), wanted);
    assert_eq!(crew.sql(row), first);
    assert!(tree.join("work").is_file());
}

#[test]
fn paths_under_home_are_kept_with_a_tilde() {
    let shop = Shop::alone();
    let home = shop.crew.home();
    shop.crew.git(&home, &["clone", "-q", shop.top.to_str().unwrap(), "my shop"]);
    shop.crew.sql("UPDATE projects SET path = '~/my shop/' RETURNING id");
    let told = shop.crew.run_in(&shop.crew.work(), "wave-worktree", ["create", "1", "5"]).code(0).json();
    assert_eq!(told["worktree_path"], json!(home.join("my shop-plan-1-W1")));
    assert_eq!(shop.crew.value("SELECT worktree_path FROM waves WHERE id = 5"), "~/my shop-plan-1-W1");
    shop.tool(["cleanup", "1", "5"]).code(0);
    assert!(!home.join("my shop-plan-1-W1").exists());
}

#[test]
fn only_a_wave_of_the_plan_gets_a_worktree() {
    let shop = Shop::alone();
    for (arguments, parts) in [
        (["create", "1", "99"], ["wave 99 not found", ""]),
        (["create", "2", "5"], ["wave 5 belongs to plan 1", "not to plan 2"]),
        (["create", "9", "5"], ["plan 9 not found", ""]),
        (["create", "1", "5 OR 1=1"], ["5 OR 1=1", "WAVE_DB_ID"]),
        (["merge", "1", "-5"], ["-5", "WAVE_DB_ID"]),
        (["merge", "1", "5"], ["wave 5 has no worktree", "create 1 5"]),
        (["merge", "2", "5"], ["belongs to plan 1", ""]),
        (["cleanup", "1", "x"], ["'x'", "WAVE_DB_ID"]),
        (["status", "0", "--json"], ["'0'", "PLAN"]),
    ] {
        shop.tool(arguments).refused(1, &parts);
    }
    shop.crew.sql("UPDATE waves SET wave_id = 'W 1~' WHERE id = 5 RETURNING id");
    shop.tool(["create", "1", "5"]).refused(1, &["'W 1~'"]);
    shop.crew.sql("UPDATE waves SET wave_id = 'W1', branch_name = '--force' WHERE id = 5 RETURNING id");
    shop.tool(["create", "1", "5"]).refused(1, &["'--force'"]);
    assert!(!std::fs::read_dir(shop.crew.work()).unwrap().any(|entry| entry.unwrap().path() != shop.top));
    assert_eq!(shop.crew.value("SELECT count(*) FROM waves WHERE status <> 'pending'"), 0);
    assert_eq!(finish(&mut shop.crew.tool("wave-worktree"), None).code(0).stderr, "");
}

#[test]
fn what_is_at_the_place_already_is_left_alone() {
    let shop = Shop::alone();
    let tree = shop.tree("W1");
    shop.crew.write(&tree.join("mine"), "x");
    shop.tool(["create", "1", "5"]).refused(1, &["exists", "no worktree"]);
    std::fs::remove_dir_all(&tree).unwrap();
    shop.crew.git(&shop.top, &["worktree", "add", "-q", "-b", "mine", tree.to_str().unwrap()]);
    shop.tool(["create", "1", "5"]).refused(1, &["is a worktree on mine"]);
    std::fs::remove_dir_all(&tree).unwrap();
    shop.tool(["create", "1", "5"]).code(0);
    assert_eq!(shop.crew.git(&tree, &["branch", "--show-current"]), "plan/1-W1");
}

#[test]
fn a_creation_that_was_not_finished_is_made_again() {
    let shop = Shop::alone();
    shop.crew.write(&shop.top.join("package.json"), "{}");
    shop.crew.write(&shop.top.join(".gitignore"), "node_modules\n");
    shop.crew.git(&shop.top, &["add", "-A"]);
    shop.crew.git(&shop.top, &["commit", "-q", "-m", "packages"]);
    shop.crew.stub("npm", "mkdir node_modules; echo half >node_modules/x; exit 3");
    let told = shop.tool(["create", "1", "5"]).code(1);
    assert!(told.stdout.is_empty() && told.stderr.contains("is not ready"), "{told:?}");
    assert_eq!(shop.status(5), "pending");
    // Files that were not written yet, as after a kill.
    std::fs::remove_file(shop.tree("W1").join("README.md")).unwrap();
    shop.crew.stub("npm", "mkdir node_modules && echo whole >node_modules/x");
    shop.tool(["create", "1", "5"]).code(0);
    assert_eq!(std::fs::read_to_string(shop.tree("W1").join("node_modules/x")).unwrap(), "whole\n");
    assert!(shop.tree("W1").join("README.md").is_file());
}

#[test]
fn an_unfinished_worktree_that_somebody_works_in_is_kept() {
    let shop = Shop::alone();
    shop.tool(["create", "1", "5"]).code(0);
    shop.crew.write(&shop.tree("W1").join("work"), "x");
    shop.crew.sql("UPDATE waves SET landing_step = 'creating' WHERE id = 5 RETURNING id");
    let told = shop.tool(["create", "1", "5"]).code(0);
    assert!(told.stderr.contains("holds work"), "{told:?}");
    assert!(shop.tree("W1").join("work").is_file());
}

#[test]
fn cleanup_loses_nothing_that_was_not_given_up() {
    let shop = Shop::alone();
    let tree = shop.begun(5, "W1");
    let path = tree.to_str().unwrap();
    shop.tool(["cleanup", "1", "5"]).refused(1, &["1 uncommitted changes", "--force"]);
    shop.crew.git(&shop.top, &["worktree", "lock", path]);
    shop.tool(["cleanup", "1", "5", "--force"]).refused(1, &["locked worktree"]);
    shop.crew.git(&shop.top, &["worktree", "unlock", path]);
    shop.crew.git(&tree, &["add", "-A"]);
    shop.crew.git(&tree, &["commit", "-q", "-m", "work"]);
    shop.crew.write(&tree.join("more"), "x");
    let told = shop.tool(["cleanup", "1", "5", "--force"]).code(0);
    assert_eq!(told.stdout, "Cleaned up wave 5 worktree\n");
    assert!(told.stderr.contains("1 uncommitted changes were lost"), "{told:?}");
    assert!(told.stderr.contains("plan/1-W1 stays: it is not merged"), "{told:?}");
    assert!(!tree.exists() && shop.has_branch(&shop.top, "plan/1-W1"));
    let row = shop.crew.sql("SELECT status, worktree_path, branch_name FROM waves WHERE id = 5");
    assert_eq!(row[0], [json!("in_progress"), Value::Null, Value::Null]);
    assert_eq!(shop.crew.value("SELECT worktree_path FROM plans WHERE id = 1"), Value::Null);
    assert_eq!(shop.tool(["cleanup", "1", "5"]).code(0).stdout, "Wave 5 has no worktree\n");
}

#[test]
fn cleanup_knows_what_is_no_worktree_of_the_wave() {
    let shop = Shop::alone();
    let set = |path: &str| {
        let sql = "UPDATE waves SET worktree_path = '{}', branch_name = 'plan/1-W1' WHERE id = 5 RETURNING id";
        shop.crew.sql(&sql.replace("{}", path));
    };
    set(shop.top.to_str().unwrap());
    shop.tool(["cleanup", "1", "5", "--force"]).refused(1, &["main working tree"]);
    shop.crew.write(&shop.crew.home().join("plain/file"), "x");
    set("~/plain");
    shop.tool(["cleanup", "1", "5", "--force"]).refused(1, &["not a worktree"]);
    assert!(shop.crew.home().join("plain/file").is_file());
    set("~/gone");
    shop.tool(["cleanup", "1", "5"]).code(0);
    assert_eq!(shop.crew.value("SELECT worktree_path FROM waves WHERE id = 5"), Value::Null);
}

#[test]
fn status_tells_the_state_of_every_worktree() {
    let shop = Shop::new();
    assert_eq!(shop.tool(["status", "9"]).code(0).stdout, "No waves found for plan 9\n");
    shop.begun(5, "W1");
    shop.tool(["create", "1", "6"]).code(0);
    shop.wave(7, "W3", "Third | \u{1b}[31mwave");
    shop.wave(8, "W4", "Fourth");
    shop.crew.sql("UPDATE waves SET worktree_path = '~/none', pr_number = 7 WHERE id = 8 RETURNING id");
    let told = shop.tool(["status", "1"]).code(0).stdout;
    let lines: Vec<Vec<&str>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["Wave", "Status", "Tasks", "Branch", "PR", "Worktree"]);
    let (one, two) = (shop.tree("W1"), shop.tree("W2"));
    assert_eq!(lines[1], ["W1", "in_progress", "2/2", "plan/1-W1", "-", one.to_str().unwrap(), "[Dirty]"]);
    assert_eq!(lines[2], ["W2", "in_progress", "2/2", "plan/1-W2", "-", two.to_str().unwrap(), "[Clean]"]);
    assert_eq!(lines[3], ["W3", "pending", "2/2", "-", "-", "-", "[-]"]);
    assert_eq!((lines[4][4], lines[4][6]), ("#7", "[Missing]"));
    let rows = shop.tool(["status", "1", "--json"]).code(0).json();
    assert_eq!((&rows[0]["worktree"], &rows[0]["worktree_path"]), (&json!("dirty"), &json!(one)));
    assert_eq!((&rows[2]["worktree"], &rows[2]["name"]), (&Value::Null, &json!("Third | \u{1b}[31mwave")));
    assert_eq!(shop.tool(["status", "9", "--json"]).code(0).json(), json!([]));
}
