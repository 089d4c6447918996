//! The line: what may enter, in which order, whose it is.

use super::{branch, enqueue, entry, process, queue, shop, subjects};
use std::time::{Duration, Instant};

#[test]
fn only_a_local_branch_other_than_main_may_enter() {
    let (crew, top) = shop();
    crew.git(&top, &["branch", "ok"]);
    crew.git(&top, &["tag", "v1"]);
    let tip = crew.git(&top, &["rev-parse", "HEAD"]);
    for name in ["HEAD", "v1", tip.as_str(), "refs/heads/ok", "no/such", "a b", "x..y", ""] {
        let refused = queue(&crew, &top, &["enqueue", name]).code(1);
        let said: crewkit_tests::Value = serde_json::from_str(&refused.stderr).unwrap();
        assert_eq!((said["error"].as_str(), said["branch"].as_str()), (Some("branch not found"), Some(name)));
    }
    queue(&crew, &top, &["enqueue"]).refused(1, &["BRANCH"]);
    queue(&crew, &top, &["enqueue", "ok", "--priority", "high"]).refused(1, &["--priority", "high"]);
    queue(&crew, &top, &["enqueue", "ok", "--plan-id", "1 OR 1=1"]).refused(1, &["--plan-id"]);
    queue(&crew, &top, &["clean", "--age", "-1"]).refused(1, &["--age"]);
    queue(&crew, &top, &["frobnicate"]).refused(1, &["frobnicate"]);
    assert!(!crew.database().exists(), "nothing was written");
    assert!(queue(&crew, &top, &[]).code(0).stdout.contains("enqueue"));
}

#[test]
fn a_worktree_with_uncommitted_work_keeps_its_branch_out() {
    let (crew, top) = shop();
    crew.git(&top, &["branch", "ok"]);
    crew.git(&top, &["worktree", "add", "-q", "../o k", "ok"]);
    crew.write(&crew.work().join("o k/loose.txt"), "x");
    let refused = queue(&crew, &top, &["enqueue", "ok", "--worktree", "../o k"]).code(1);
    assert!(refused.stderr.contains("\"count\":1"), "{refused:?}");
    std::fs::remove_file(crew.work().join("o k/loose.txt")).unwrap();
    queue(&crew, &top, &["enqueue", "ok", "--worktree", "../o k", "--priority", "-3", "--plan-id", "7"]).code(0);
    let row = &crew.sql("SELECT priority, plan_id, worktree_path FROM merge_queue")[0];
    assert_eq!((row[0].as_i64(), row[1].as_i64()), (Some(-3), Some(7)));
    assert_eq!(row[2].as_str(), crew.work().join("o k").to_str());
}

#[test]
fn each_repository_sees_its_own_entries() {
    let (crew, shop) = shop();
    let yard = crew.repository("yard");
    for top in [&shop, &yard] {
        branch(&crew, top, "feat/a", "a.txt", "A\n");
        enqueue(&crew, top, "feat/a");
    }
    crew.git(&yard, &["branch", "-m", "feat/a", "feat/b"]);
    let ids = |top| queue(&crew, top, &["status"]).code(0).json()["items"][0]["id"].clone();
    assert_eq!((ids(&shop), ids(&yard)), (1.into(), 2.into()));
    assert_eq!(process(&crew, &shop, &["--all"], 0)["merged"], 1);
    assert_eq!(process(&crew, &shop, &[], 0)["status"], "empty");
    assert_eq!(process(&crew, &yard, &[], 1)["reason"], "branch_missing");
    queue(&crew, &yard, &["clean", "--age", "0"]).code(0);
    assert_eq!(entry(&crew, "feat/a").0, "done");

    // Rows from before repositories were kept belong to the one that has the branch.
    let insert = "INSERT INTO merge_queue (branch) VALUES ('feat/b') RETURNING id";
    crew.sql(insert);
    assert_eq!(process(&crew, &shop, &[], 0)["status"], "empty");
    assert_eq!(process(&crew, &yard, &[], 0)["branch"], "feat/b");
}

#[test]
fn names_that_would_be_code_elsewhere_are_names() {
    let (crew, top) = shop();
    let name = r#"we"ird'/$(touch${IFS}pwned);--x"#;
    branch(&crew, &top, name, "a.txt", "A\n");
    enqueue(&crew, &top, name);
    let table = queue(&crew, &top, &["status", "--human"]).code(0).stdout;
    assert!(table.contains(name), "{table}");
    let answer = process(&crew, &top, &["--validate-cmd", "true"], 0);
    assert_eq!(answer["branch"], name);
    assert!(subjects(&crew, &top).starts_with(&format!("Merge branch '{name}' via merge-queue")));
    assert!(!top.join("pwned").exists());
    assert_eq!(queue(&crew, &top, &["cancel", "x' OR '1'='1"]).code(0).json()["count"], 0);
}

#[test]
fn a_failed_branch_comes_in_again_at_the_end() {
    let (crew, top) = shop();
    branch(&crew, &top, "bad", "bad", "x\n");
    branch(&crew, &top, "good", "good", "x\n");
    queue(&crew, &top, &["enqueue", "bad", "--priority", "4"]).code(0);
    process(&crew, &top, &["--validate-cmd", "test ! -e bad"], 1);
    enqueue(&crew, &top, "good");
    assert_eq!(queue(&crew, &top, &["retry", "bad"]).code(0).json()["priority"], 4);
    assert!(queue(&crew, &top, &["retry", "bad"]).code(1).stderr.contains("already in queue"));
    queue(&crew, &top, &["cancel", "bad"]).code(0);
    enqueue(&crew, &top, "bad");
    assert_eq!(crew.sql("SELECT branch FROM merge_queue ORDER BY id"), [["good"], ["bad"]]);
    assert_eq!(process(&crew, &top, &["--all"], 0)["merged"], 2);
    assert!(queue(&crew, &top, &["retry", "bad"]).code(1).stderr.contains("landed"));
}

#[test]
fn a_server_lands_what_a_crew_queues() {
    let (crew, top) = shop();
    for number in 0..3 {
        branch(&crew, &top, &format!("b{number}"), &format!("f{number}"), "x\n");
    }
    let mut server = crew.tool("merge-queue");
    server.current_dir(&top).args(["process", "--watch", "--idle", "3"]).stdout(std::process::Stdio::piped());
    let server = server.spawn().unwrap();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..3 {
            let (crew, top) = (&crew, &top);
            scope.spawn(move || {
                let answer = queue(crew, top, &["enqueue", &format!("b{number}"), "--wait", "20"]).code(0).json();
                assert_eq!(answer["status"], "merged");
            });
        }
    });
    let refused = queue(&crew, &top, &["process"]).code(1);
    assert!(refused.stderr.contains("another merge process is running"), "{refused:?}");
    let ended = server.wait_with_output().unwrap();
    let lines = String::from_utf8(ended.stdout).unwrap();
    assert_eq!((ended.status.code(), lines.lines().count()), (Some(0), 3), "{lines}");
    assert!(begun.elapsed() < Duration::from_secs(20));
}
