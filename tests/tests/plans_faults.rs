//! plan-db and what is no good: statements in every argument, worktrees that are gone, repositories without a main branch.

use std::fs;

use crewkit_tests::{Crew, Ended, Value, json};

fn plan_db(crew: &Crew, arguments: &[&str]) -> Ended {
    crew.run("plan-db", arguments)
}

fn change(crew: &Crew, sql: &str) {
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Two plans with a wave and two tasks each; the second is the one that nothing is asked about.
fn two_plans() -> Crew {
    let crew = Crew::new();
    for (plan, wave) in [("1", "1"), ("2", "2")] {
        plan_db(&crew, &["create", "demo", plan]).code(0);
        plan_db(&crew, &["add-wave", plan, "W1", "One"]).code(0);
        plan_db(&crew, &["add-task", wave, "T1", "first"]).code(0);
        plan_db(&crew, &["add-task", wave, "T2", "second"]).code(0);
    }
    crew.write(&crew.work().join("spec.json"), r#"{"waves":[]}"#);
    crew
}

#[test]
fn a_statement_in_any_argument_reaches_no_table() {
    const CALLS: [&[&str]; 42] = [
        &["list", "demo"],
        &[
            "create",
            "demo",
            "New",
            "--description",
            "d",
            "--human-summary",
            "s",
            "--source-file",
            "f",
            "--markdown-path",
            "m",
        ],
        &["start", "1"],
        &[
            "add-wave",
            "1",
            "W7",
            "n",
            "--assignee",
            "a",
            "--depends-on",
            "W1",
            "--planned-start",
            "x",
            "--estimated-hours",
            "2",
        ],
        &["add-wave", "1", "W8", "n", "--precondition", "[]"],
        &[
            "add-task",
            "1",
            "T7",
            "t",
            "P1",
            "--description",
            "d",
            "--test-criteria",
            "{}",
            "--executor-agent",
            "e",
            "--model",
            "m",
        ],
        &["add-task", "1", "T8", "t", "--effort", "2"],
        &["update-task", "1", "in_progress", "n", "--tokens", "3"],
        &["update-task", "T1", "blocked", "n", "--plan", "1", "--output-data", "{}"],
        &["update-wave", "1", "blocked"],
        &["update-desc", "1", "t"],
        &["update-summary", "1", "t"],
        &["set-worktree", "1", "p"],
        &["get-worktree", "1"],
        &["set-wave-worktree", "1", "p"],
        &["get-wave-worktree", "1"],
        &["sync", "1"],
        &["import", "1", "spec.json"],
        &["render", "1"],
        &["get-context", "1"],
        &["json", "1"],
        &["status", "demo"],
        &["drift-check", "1"],
        &["rebase-plan", "1"],
        &["conflict-check", "1"],
        &["conflict-check-spec", "demo", "spec.json"],
        &["complete", "1"],
        &["archive", "1"],
        &["export", "1"],
        &["ready", "1"],
        &["next", "1", "--claim", "--agent", "ann"],
        &["list-tasks", "1", "--status", "pending", "--wave", "W1", "--model", "m", "--executor", "e", "--search", "x"],
        &["log-failure", "1", "T1", "approach", "reason"],
        &["get-failures", "demo", "--task-pattern", "T"],
        &["history", "T1", "--plan", "1"],
        &["watch", "1", "--timeout", "0", "--after", "0"],
        &["claim", "1"],
        &["release", "1"],
        &["token-report", "demo"],
        &["where", "1"],
        &["kanban"],
        &["heartbeat"],
    ];
    let crew = two_plans();
    let rest = |crew: &Crew| -> Vec<Vec<Value>> {
        crew.sql(
            "SELECT p.name, p.status, p.description, w.wave_id, w.status, t.task_id, t.status, t.notes, t.title \
             FROM plans p JOIN waves w ON w.plan_id = p.id JOIN tasks t ON t.plan_id = p.id WHERE p.id = 2 ORDER BY t.id",
        )
    };
    let before = rest(&crew);
    assert_eq!(before.len(), 2);
    let sly = ["1 OR 1=1", "1; DELETE FROM tasks; --", "x'); DELETE FROM tasks; UPDATE plans SET status = 'done'; --"];
    for call in CALLS {
        for place in 1..call.len() {
            if call[place].starts_with("--") {
                continue;
            }
            let statement = sly[place % sly.len()];
            let mut arguments = call.to_vec();
            arguments[place] = statement;
            let ended = plan_db(&crew, &arguments);
            assert!([0, 1, 2].contains(&ended.code), "{arguments:?}: {ended:?}");
            assert!(
                ended.code != 0 || !call[place].starts_with(|c: char| c.is_ascii_digit()),
                "{arguments:?}: {ended:?}"
            );
        }
    }
    assert_eq!(rest(&crew), before);
    assert!(crew.value("SELECT COUNT(*) FROM tasks").as_i64().unwrap() >= 4);
    assert_eq!(crew.value("PRAGMA integrity_check"), json!("ok"));
}

#[test]
fn numbers_that_are_no_row_are_refused_by_name() {
    let crew = two_plans();
    for id in ["", "0", "-1", "1.0", "abc", "99999999999999999999", "1e3", "0x1", " 1"] {
        for name in ["start", "sync", "complete", "archive", "watch", "list-tasks", "get-context", "render", "next"] {
            let ended = plan_db(&crew, &[name, id]);
            assert!(ended.code == 1 && ended.stdout.is_empty() && !ended.stderr.is_empty(), "{name} {id:?}: {ended:?}");
        }
    }
    for name in ["start", "sync", "complete", "watch", "list-tasks", "json", "export"] {
        plan_db(&crew, &[name, "77"]).refused(1, &["77", "not found"]);
    }
}

#[test]
fn tasks_are_filtered() {
    let crew = two_plans();
    plan_db(&crew, &["add-wave", "1", "W2", "Two"]).code(0);
    plan_db(&crew, &["add-task", "3", "T1", "Third ONE", "P0", "opus", "--executor-agent", "codex"]).code(0);
    change(&crew, "UPDATE tasks SET status = 'done', validated_at = datetime('now') WHERE id = 1");
    let codes = |more: &[&str]| -> Vec<i64> {
        let arguments = [&["list-tasks", "1", "--json"], more].concat();
        let tasks = plan_db(&crew, &arguments).code(0).json();
        tasks.as_array().unwrap().iter().map(|task| task["id"].as_i64().unwrap()).collect()
    };
    for (filter, wanted) in [
        (&[][..], &[1, 2, 5][..]),
        (&["--status", "done"], &[1]),
        (&["--status", "open"], &[2, 5]),
        (&["--status", "done,pending", "--wave", "W1"], &[1, 2]),
        (&["--wave", "W2"], &[5]),
        (&["--priority", "P0,P3"], &[5]),
        (&["--model", "opus"], &[5]),
        (&["--executor", "codex"], &[5]),
        (&["--validated"], &[1]),
        (&["--unvalidated"], &[2, 5]),
        (&["--search", "one"], &[5]),
        (&["--search", "t1"], &[1, 5]),
    ] {
        assert_eq!(codes(filter), wanted, "{filter:?}");
    }
    plan_db(&crew, &["list-tasks", "1", "--status", "finished"]).refused(1, &["finished"]);
    plan_db(&crew, &["list-tasks", "1", "--priority", "P9"]).refused(1, &["P9"]);
    plan_db(&crew, &["update-task", "W2/T1", "in_progress"]).code(0);
    plan_db(&crew, &["update-task", "W1/T2", "in_progress"]).refused(1, &["2 tasks", "plan 1", "plan 2"]);
    plan_db(&crew, &["update-task", "W1/T2", "in_progress", "--plan", "2"]).code(0);
    assert_eq!(crew.sql("SELECT id FROM tasks WHERE status = 'in_progress' ORDER BY id"), [[json!(4)], [json!(5)]]);
    change(&crew, "UPDATE tasks SET task_id = 'a/b' WHERE id = 2");
    plan_db(&crew, &["update-task", "a/b", "blocked"]).code(0);
    plan_db(&crew, &["update-task", "W1/a/b", "in_progress"]).code(0);
}

#[test]
fn a_worktree_that_is_gone_is_named_or_does_without() {
    let crew = two_plans();
    let gone = crew.work().join("gone");
    plan_db(&crew, &["set-worktree", "1", gone.to_str().unwrap()]).code(0);
    assert_eq!(plan_db(&crew, &["get-worktree", "1"]).code(0).stdout.trim_end(), gone.to_str().unwrap());
    plan_db(&crew, &["rebase-plan", "1"]).refused(1, &["gone"]);
    assert_eq!(plan_db(&crew, &["get-context", "1"]).code(0).json()["framework"], "unknown");
    plan_db(&crew, &["render", "1"]).code(0);
    plan_db(&crew, &["kanban"]).code(0);
    plan_db(&crew, &["status"]).code(0);
    let drift = plan_db(&crew, &["drift-check", "1"]).code(2).json();
    assert_eq!(drift["error"], "no git root");
    change(&crew, "UPDATE tasks SET status = 'done'; UPDATE plans SET validated_at = datetime('now')");
    plan_db(&crew, &["complete", "1"]).code(0);
    assert_eq!(crew.value("SELECT status FROM plans WHERE id = 1"), "done");
}

#[test]
fn a_repository_without_a_main_branch_is_no_reason_to_fall() {
    let crew = two_plans();
    let repo = crew.work().join("odd");
    fs::create_dir_all(&repo).unwrap();
    crew.git(&repo, &["init", "-q", "-b", "trunk"]);
    plan_db(&crew, &["set-worktree", "1", repo.to_str().unwrap()]).code(0);
    for commits in 0..2 {
        if commits > 0 {
            crew.git(&repo, &["commit", "-q", "--allow-empty", "-m", "first"]);
        }
        let rebase = plan_db(&crew, &["rebase-plan", "1"]);
        assert!(rebase.code == 1 && rebase.stdout.is_empty() && rebase.stderr.lines().count() == 1, "{rebase:?}");
        let drift = plan_db(&crew, &["drift-check", "1"]);
        assert!((0..=2).contains(&drift.code) && drift.json()["plan_id"] == 1, "{drift:?}");
        plan_db(&crew, &["get-context", "1"]).code(0);
        plan_db(&crew, &["status"]).code(0);
    }
    change(&crew, "UPDATE tasks SET status = 'done'; UPDATE plans SET validated_at = datetime('now')");
    plan_db(&crew, &["complete", "1"]).refused(1, &["odd", "--force"]);
    plan_db(&crew, &["complete", "1", "--force"]).code(0);
}
