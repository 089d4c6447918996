//! The small tools around plan-db: task files, what a planner asks, short forms, counters, write-back, history.

use std::fs;

use crewkit_tests::{Crew, Ended, Value, json};

fn change(crew: &Crew, sql: &str) {
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// A plan (1) that is doing with the waves W1 (1) and W2 (2), which waits for W1, and a task each.
fn with_tasks() -> Crew {
    let crew = Crew::new();
    for arguments in [
        &["create", "demo", "Alpha"][..],
        &["start", "1"],
        &["add-wave", "1", "W1", "One"],
        &["add-wave", "1", "W2", "Two", "--depends-on", "W1"],
        &["add-task", "1", "T1-01", "First | it's"],
        &["add-task", "2", "T1-01", "Same code", "--description", "do | After: T9 | Files: Makefile | Ref: F-01"],
    ] {
        crew.run("plan-db", arguments).code(0);
    }
    crew
}

fn counters(crew: &Crew, arguments: &[&str]) -> Ended {
    crew.run("fix-counters", arguments)
}

#[test]
fn every_tool_without_a_database_says_so_and_makes_none() {
    let crew = Crew::new();
    crew.run("verify-task-update", ["1"]).refused(2, &["no database"]);
    crew.run("task-quick", ["status"]).refused(1, &["no database"]);
    counters(&crew, &[]).refused(1, &["no database", "dashboard.db"]);
    assert!(!crew.database().exists());
    crew.write(&crew.database(), "");
    counters(&crew, &[]).refused(1, &["no database"]);
    crew.run("verify-task-update", ["T1"]).refused(2, &["no database"]);
    crew.run("generate-task-md", ["demo", "1", "1", "T1", "x"]).code(0);
    assert_eq!(fs::metadata(crew.database()).unwrap().len(), 0);
}

#[test]
fn statements_in_arguments_change_nothing() {
    let crew = with_tasks();
    let sly = "1 OR 1=1; DELETE FROM tasks; --";
    for (tool, arguments, code) in [
        ("task-quick", &["start", sly][..], 1),
        ("task-quick", &["done", sly], 1),
        ("task-quick", &["skip", sly], 1),
        ("verify-task-update", &[sly], 2),
        ("verify-task-update", &["1", sly], 2),
        ("verify-task-update", &["0"], 2),
        ("plan-db", &["history", sly], 1),
        ("plan-db", &["watch", sly], 1),
        ("generate-task-md", &["demo", sly, "1", "T1", "x"], 1),
        ("generate-task-md", &[sly, "1", "1", "T1", "x"], 1),
        ("track-plan-change", &["demo", "Alpha", sly], 1),
        ("track-plan-change", &["demo", "Alpha", "replan", "--tasks-after", sly], 1),
        ("track-plan-change", &["demo", "Alpha", "replan", "--tasks-before", "-1"], 1),
        ("track-plan-change", &["demo", "Alpha", "replan", "--reason"], 1),
        ("track-plan-change", &["../x", "Alpha", "replan"], 1),
        ("fix-counters", &[sly], 1),
        ("planner-init", &["nowhere'; --"], 1),
    ] {
        let ended = crew.run(tool, arguments);
        assert!(ended.code == code && ended.stdout.is_empty() && !ended.stderr.is_empty(), "{arguments:?}: {ended:?}");
    }
    let line = "x'); DELETE FROM tasks; --";
    crew.run("track-plan-change", ["demo", line, "user_edit", "--reason", line, "--diff", line]).code(0);
    crew.run("track-plan-change", ["--list", "demo", line]).code(0);
    assert_eq!(crew.value("SELECT change_reason FROM plan_versions WHERE plan_id IS NULL"), line);
    assert_eq!(crew.value("SELECT COUNT(*) FROM tasks WHERE status = 'pending'"), 2);
}

#[test]
fn the_short_forms_know_codes_and_order() {
    let crew = with_tasks();
    let next = crew.run("task-quick", ["next"]).code(0).stdout;
    assert!(next.contains("T1-01") && next.contains("Alpha") && !next.contains("Same code"), "{next}");
    assert_eq!(crew.run("task-quick", ["start", "W1/T1-01"]).code(0).stdout, "T1-01|First | it's\n");
    assert_eq!(crew.value("SELECT notes FROM tasks WHERE id = 1"), "Started via task-quick");
    crew.run("task-quick", ["start", "T1-01"]).refused(1, &["2 tasks", "1 (plan 1", "2 (plan 1"]);
    crew.run("task-quick", ["start", "W9/T1-01"]).refused(1, &["W9/T1-01"]);
    crew.run("task-quick", ["start", "99"]).refused(1, &["99", "not found"]);
    let status = crew.run("task-quick", ["status"]).code(0).stdout;
    assert!(status.contains("=== In Progress ===") && status.contains("First | it's"), "{status}");
    assert_eq!(crew.run("task-quick", ["block", "1", "key missing"]).code(0).stdout, "T1-01|First | it's|blocked\n");
    crew.run("task-quick", ["skip", "1"]).code(0);
    assert_eq!(crew.value("SELECT notes FROM tasks WHERE id = 1"), "key missing");
    let next = crew.run("task-quick", ["next", "--json"]).code(0).json();
    assert_eq!((&next[0]["id"], &next[0]["wave_id"]), (&json!(2), &json!("W2")), "the wave before is finished");
    crew.run("task-quick", ["next", "--plan", "7"]).refused(1, &["7", "not found"]);
    for arguments in [&[][..], &["fly"], &["start"], &["next", "--plan"]] {
        let ended = crew.run("task-quick", arguments);
        assert!(ended.code == 1 && ended.stdout.is_empty(), "{arguments:?}: {ended:?}");
    }
    assert!(crew.run("task-quick", ["--help"]).code(0).stdout.contains("start"));
}

#[test]
fn the_write_back_is_told() {
    let crew = with_tasks();
    assert!(crew.run("verify-task-update", ["1"]).code(1).stdout.contains("plan-db-safe update-task 1 done"));
    assert!(crew.run("verify-task-update", ["W1/T1-01", "pending"]).code(0).stdout.contains("OK: Task T1-01"));
    assert!(crew.run("verify-task-update", ["99"]).code(2).stdout.contains("ERROR: Task 99 not found in database"));
    change(&crew, "UPDATE tasks SET status = 'blocked', notes = 'a|b' || char(10) || 'c' WHERE id = 1");
    crew.run("verify-task-update", ["1"]).code(0);
    crew.run("verify-task-update", ["1", "--strict"]).code(1);
    let told = crew.run("verify-task-update", ["1", "--json"]).code(0).json();
    let wanted = json!({"task_id": "T1-01", "db_id": 1, "status": "blocked", "expected": "done", "ok": false,
        "notes": "a|b\nc", "validated": false});
    assert_eq!(told, wanted);
    crew.run("verify-task-update", ["1", "finished"]).code(2);
    let none: [&str; 0] = [];
    assert!(crew.run("verify-task-update", none).code(1).stderr.contains("Usage"));
}

#[test]
fn counters_are_counted_in_the_named_database() {
    let crew = with_tasks();
    change(
        &crew,
        "UPDATE waves SET tasks_total = 9, tasks_done = 5; UPDATE plans SET tasks_total = 0; UPDATE tasks SET status = 'done' WHERE id = 1; \
         INSERT INTO tasks (project_id, wave_id, task_id, title, status) VALUES ('x', 'W', 'T', 'orphan', 'done')",
    );
    let dry = counters(&crew, &["--dry-run", "--json"]).code(1).json();
    assert_eq!((dry["mismatched"].as_array().unwrap().len(), &dry["waves_closed"]), (3, &json!(1)));
    assert_eq!(dry["orphans"], json!({"tasks_without_wave": 1, "tasks_without_plan": 1}));
    assert_eq!(crew.value("SELECT tasks_total FROM waves WHERE id = 1"), 9);
    let data = crew.claude().join("data");
    let elsewhere = crewkit_tests::finish(crew.tool("fix-counters").env("CLAUDE_DATA", crew.root().join("none")), None);
    elsewhere.refused(1, &["none/dashboard.db"]);
    let ended = crewkit_tests::finish(crew.tool("fix-counters").env("CLAUDE_DATA", data).env("HOME", "/none"), None);
    assert!(ended.code(0).stdout.contains("Mismatched counters: 0"));
    assert_eq!(
        crew.sql("SELECT tasks_done, tasks_total, status FROM waves ORDER BY id"),
        [[json!(1), json!(1), json!("done")], [json!(0), json!(1), json!("pending")]]
    );
    assert_eq!(crew.sql("SELECT tasks_done, tasks_total FROM plans"), [[json!(1), json!(2)]]);
    let again = counters(&crew, &["--json"]).code(0).json();
    assert_eq!((&again["waves_fixed"], &again["plans_fixed"]), (&json!(0), &json!(0)));
}

#[test]
fn a_finished_plan_is_completed_when_it_is_validated() {
    let crew = with_tasks();
    change(&crew, "UPDATE tasks SET status = 'done'");
    let ended = counters(&crew, &[]).code(0);
    assert!(
        ended.stdout.contains("Ready to complete: plan 1 (Alpha), left doing") && ended.stdout.contains("validation")
    );
    assert_eq!(crew.value("SELECT status FROM plans"), "doing");
    change(&crew, "UPDATE plans SET validated_at = datetime('now'); UPDATE waves SET status = 'merging' WHERE id = 2");
    let merging = counters(&crew, &["--json"]).code(0).json();
    assert!(merging["ready_to_complete"][0]["reason"].as_str().unwrap().contains("merging"), "{merging}");
    change(&crew, "UPDATE waves SET status = 'done' WHERE id = 2");
    let done = counters(&crew, &["--json"]).code(0).json();
    assert_eq!(done["plans_completed"], json!([{"id": 1, "name": "Alpha"}]));
    assert_eq!(crew.value("SELECT status FROM plans"), "done");
    assert_eq!(crew.value("SELECT COUNT(*) FROM plan_versions WHERE change_type = 'completed'"), 1);
}

#[test]
fn counters_that_do_not_stay_are_named() {
    let crew = with_tasks();
    change(
        &crew,
        "CREATE TRIGGER stubborn AFTER UPDATE OF tasks_total ON waves WHEN NEW.tasks_total <> 4 BEGIN \
           UPDATE waves SET tasks_total = 4 WHERE id = NEW.id; END; UPDATE waves SET tasks_total = 4",
    );
    let ended = counters(&crew, &[]).code(1);
    assert!(ended.stdout.contains("Mismatched counters: 2") && ended.stdout.contains("W1 One"), "{ended:?}");
}

#[test]
fn a_task_file_is_made_once_and_filled_in() {
    let crew = with_tasks();
    crew.stub("curl", "echo \"$@\" >\"$HOME/curl.args\"; echo '{\"error\":\"task not found\"}'");
    let make = |more: &[&str]| {
        let base = ["demo", "1", "W2", "T1-01", "Wire \"it\" / now"];
        crew.run("generate-task-md", base.iter().chain(more))
    };
    let ended = make(&["Ann"]).code(0);
    assert!(ended.stdout.contains("Dashboard: task not found") && ended.stdout.contains("Database: markdown_path set"));
    let file = crew.claude().join("plans/active/demo/plan-1/waves/W2/tasks/T1-01-wire-it--now.md");
    let text = fs::read_to_string(&file).unwrap();
    for part in [
        "# Task: T1-01 - Wire \"it\" / now\n",
        "**Assignee:** Ann\n",
        "- `Makefile`\n",
        "**Depends on:** T9\n",
        "\ndo\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let kept = "~/.claude/plans/active/demo/plan-1/waves/W2/tasks/T1-01-wire-it--now.md";
    assert_eq!(crew.sql("SELECT markdown_path FROM tasks ORDER BY id"), [[Value::Null], [json!(kept)]]);
    let body = fs::read_to_string(crew.home().join("curl.args")).unwrap();
    assert!(body.contains("/project/demo/task/T1-01/update-markdown"), "{body}");
    fs::write(&file, text.replace("## File Changes", "| 10:00 | begun | x |\n\n## File Changes")).unwrap();
    make(&[]).refused(1, &["there already", "--force"]);
    assert!(fs::read_to_string(&file).unwrap().contains("| begun |"));
    make(&["Bob", "--force"]).code(0);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("| begun |") && text.contains("Bob") && !text.contains("Ann"));
    for bad in ["../x", "a/b", ".", ""] {
        for place in 0..4 {
            let mut arguments = ["demo", "1", "2", "T9", "x"];
            arguments[place] = bad;
            crew.run("generate-task-md", arguments).refused(1, &[]);
        }
    }
    assert!(!crew.claude().join("plans/x").exists() && !crew.claude().join("plans/active/x").exists());
    assert!(crew.run("generate-task-md", ["demo", "1", "2", "T9"]).code(1).stderr.contains("task_name"));
}

#[test]
fn a_dashboard_that_hangs_is_not_waited_for() {
    let crew = with_tasks();
    crew.stub("curl", "exec sleep 60");
    let begun = std::time::Instant::now();
    let ended = crew.run("generate-task-md", ["demo", "1", "1", "T1-01", "x"]).code(0);
    assert!(ended.stdout.contains("Dashboard: no answer"), "{ended:?}");
    assert!(begun.elapsed().as_secs() < 8);
}

#[test]
fn a_planner_is_told_of_the_project_from_anywhere_in_it() {
    let crew = Crew::new();
    let repo = crew.repository("app");
    crew.write(&repo.join("CHANGELOG.md"), "x");
    crew.write(&repo.join("Cargo.toml"), "[package]");
    crew.write(&repo.join("sub/.copilot-tracking/prompt-9.md"), "x");
    crew.write(&repo.join(".copilot-tracking/prompt-b.md"), "x");
    crew.git(&repo, &["remote", "add", "origin", "https://me:secret@github.com/acme/app.git"]);
    crew.git(&repo, &["worktree", "add", "-q", "-b", "plan/7", "../app-7"]);
    let first = crew.run_in(&repo, "planner-init", ["sub"]).code(0);
    let told = first.json();
    assert_eq!((&told["project_id"], &told["project_name"]), (&json!("app"), &json!("app")));
    assert_eq!(told["path"], json!(repo.join("sub")));
    assert_eq!(told["remote"], "https://github.com/acme/app.git");
    assert_eq!(told["worktrees"], json!([repo, crew.work().join("app-7")]));
    assert_eq!(told["prompt_files"], json!([repo.join(".copilot-tracking/prompt-b.md")]));
    assert_eq!(
        (&told["has_changelog"], &told["has_adr"], &told["framework"]),
        (&json!(true), &json!(false), &json!("cargo"))
    );
    assert!(crew.claude().join("plans/app").is_dir());
    for name in ["A", "B"] {
        crew.run("plan-db", ["create", "app", name]).code(0);
    }
    change(
        &crew,
        "UPDATE plans SET status = 'done', completed_at = '2026-01-02T00:00:00Z' WHERE id = 1; \
         INSERT INTO waves (project_id, plan_id, wave_id, name, status, worktree_path, branch_name) VALUES ('app', 2, 'W1', 'w', 'in_progress', '~/wt', 'plan/2-W1')",
    );
    let told = crew.run_in(&crew.work().join("app-7"), "planner-init", [] as [&str; 0]).code(0).json();
    assert_eq!((&told["project_id"], &told["branch"]), (&json!("app"), &json!("plan/7")));
    assert_eq!(
        told["active_plans"],
        json!([{"id": 2, "name": "B", "status": "todo", "progress": "0/0", "worktree_path": ""}])
    );
    assert_eq!(told["recent_plans"][0]["completed_at"], "2026-01-02T00:00:00Z");
    assert_eq!(told["wave_worktrees"][0]["branch"], "plan/2-W1");
    assert_eq!(crew.value("SELECT COUNT(*) FROM projects"), 1);
    let lines = crew.run_in(&repo, "planner-init", ["--json-lines"]).code(0).stdout;
    let kinds: Vec<Value> = lines.lines().map(|line| line.parse::<Value>().unwrap()["kind"].clone()).collect();
    assert_eq!(kinds, ["project", "active_plan", "recent_plan", "wave_worktree", "worktree", "worktree"]);

    let other = crew.work().join("other/app");
    fs::create_dir_all(&other).unwrap();
    let ended = crew.run_in(&other, "planner-init", [] as [&str; 0]).code(0);
    assert_eq!((&ended.json()["project_id"], &ended.json()["branch"]), (&json!("other-app"), &json!("none")));
    assert!(ended.stderr.contains("Another project of that name"), "{ended:?}");
    crew.run("planner-init", ["nowhere"]).refused(1, &["nowhere"]);
}

#[test]
fn versions_are_one_series_however_many_write() {
    let crew = Crew::new();
    crew.run("plan-db", ["create", "demo", "Alpha"]).code(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| crew.run("track-plan-change", ["demo", "Alpha", "user_edit"]).code(0));
        }
    });
    let versions = crew.sql("SELECT version FROM plan_versions ORDER BY version");
    assert_eq!(versions, (1..=9).map(|version| vec![json!(version)]).collect::<Vec<_>>());
    let stats = crew.run("track-plan-change", ["--stats"]).code(0).json();
    assert_eq!((&stats["changes"], &stats["by_type"]["user_edit"]), (&json!(9), &json!(8)));
    let list = crew.run("track-plan-change", ["--list", "demo", "Alpha"]).code(0).json();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["change_type"]), (9, &json!("created")));
}

#[test]
fn a_change_told_as_completion_asks_for_what_complete_asks() {
    let crew = with_tasks();
    let track = || crew.run("track-plan-change", ["demo", "Alpha", "completed"]).code(0);
    for (sql, part) in [
        ("SELECT 1", "0/2 tasks"),
        ("UPDATE tasks SET status = 'done'; UPDATE waves SET status = 'merging' WHERE id = 1", "merging"),
        ("UPDATE waves SET status = 'done'", "validation"),
    ] {
        if sql != "SELECT 1" {
            change(&crew, sql);
        }
        let ended = track();
        assert!(ended.stderr.contains(part) && ended.json()["status"] == "success", "{part}: {ended:?}");
        assert_eq!(crew.value("SELECT status FROM plans"), "doing");
    }
    change(&crew, "UPDATE plans SET validated_at = datetime('now')");
    assert_eq!(track().stderr, "");
    assert_eq!(
        crew.sql("SELECT status, tasks_done, completed_at IS NOT NULL FROM plans"),
        [[json!("done"), json!(2), json!(1)]]
    );
    assert!(crew.run("track-plan-change", ["demo", "Nobody", "completed"]).code(0).stderr.contains("Nobody"));
}

#[test]
fn only_the_projects_plans_are_committed() {
    let crew = Crew::new();
    let home = crew.claude();
    crew.write(&home.join(".gitignore"), "data/\nbin\n");
    crew.git(&home, &["init", "-q"]);
    let none = crew.run("track-plan-change", ["demo", "Alpha", "user_edit"]).code(0);
    assert_eq!(none.json()["git_commit"], Value::Null, "no commit yet, and no change of a plan");
    crew.git(&home, &["add", ".gitignore"]);
    crew.git(&home, &["commit", "-q", "-m", "start"]);
    crew.write(&home.join("plans/demo/Alpha.md"), "a");
    crew.write(&home.join("plans/demo2/Beta.md"), "b");
    crew.write(&home.join("mine.txt"), "m");
    crew.git(&home, &["add", "mine.txt", "plans/demo2"]);
    let ended = crew.run("track-plan-change", ["demo", "Alpha", "scope_add", "--reason", "# because\nof it"]).code(0);
    let head = crew.git(&home, &["rev-parse", "HEAD"]);
    assert_eq!((ended.json()["git_commit"].as_str(), ended.stdout.lines().count()), (Some(head.as_str()), 1));
    assert_eq!(crew.git(&home, &["log", "-1", "--format=%B"]), "plan(demo): scope_add - Alpha v2\n\n# because\nof it");
    assert_eq!(crew.git(&home, &["show", "--name-only", "--format="]), "plans/demo/Alpha.md");
    assert_eq!(crew.git(&home, &["diff", "--cached", "--name-only"]), "mine.txt\nplans/demo2/Beta.md");
    assert_eq!(crew.value("SELECT git_commit_hash FROM plan_versions WHERE version = 2"), head.as_str());
    fs::remove_file(home.join("plans/demo/Alpha.md")).unwrap();
    let gone = crew.run("track-plan-change", ["demo", "Alpha", "replan"]).code(0).json();
    assert_ne!(gone["git_commit"], json!(head));
    assert_eq!(crew.git(&home, &["show", "--name-status", "--format="]), "D\tplans/demo/Alpha.md");
    crew.write(&home.join(".git/hooks/pre-commit"), "#!/bin/sh\nexit 1\n");
    fs::set_permissions(home.join(".git/hooks/pre-commit"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    crew.write(&home.join("plans/demo/Alpha.md"), "again");
    let refused = crew.run("track-plan-change", ["demo", "Alpha", "replan"]).code(0);
    assert_eq!((&refused.json()["git_commit"], &refused.json()["version"]), (&Value::Null, &json!(4)));
    assert!(refused.stderr.contains("not committed"), "{refused:?}");
}
