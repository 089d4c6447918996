//! What a finished task brings with it, outcome by outcome.

use super::*;

#[test]
fn locks_go_with_the_task_that_held_them() {
    let crew = plan(&["T1-01", "T1-02"]);
    change(
        &crew,
        "INSERT INTO file_locks (file_path, task_id, plan_id, pid, host) VALUES ('/p/id', '1', NULL, 1, 'h'), ('/p/code', 'T1-01', 1, 1, 'h'), \
         ('/p/none', 'T1-01', NULL, 1, 'h'), ('/p/other-plan', 'T1-01', 2, 1, 'h'), ('/p/other', '2', 1, 1, 'h')",
    );
    let ended = safe(&crew, &["update-task", "T1-01", "done", "well", "--tokens", "5"]).code(0);
    let mut lines = ended.stdout.lines();
    assert_eq!(lines.next(), Some(r#"{"task_id":"T1-01","released_count":3}"#));
    assert_eq!(lines.next(), Some("Task T1-01 validated by executor-auto"));
    assert_eq!(lines.next(), None);
    let left = crew.sql("SELECT file_path FROM file_locks ORDER BY 1");
    assert_eq!(left, [[json!("/p/other")], [json!("/p/other-plan")]]);
    assert_eq!(
        crew.sql("SELECT status, notes, tokens FROM tasks WHERE id = 1"),
        [[json!("done"), json!("well"), json!(5)]]
    );
    sound(&crew);
}

#[test]
fn the_last_task_closes_wave_and_plan_and_a_repeat_changes_nothing() {
    let crew = plan(&["T1-01", "T1-02", "T1-03"]);
    plan_db(&crew, &["update-task", "3", "skipped"]).code(0);
    safe(&crew, &["done", "T1-01", "T1-02", "--json"]).code(0);
    let state = "SELECT (SELECT status FROM waves), p.status, p.validated_by, (SELECT COUNT(*) FROM plan_versions) FROM plans p";
    let closed = crew.sql(state);
    assert_eq!(closed[0][..3], [json!("done"), json!("done"), json!("executor-auto")]);
    let verdicts = audit(&crew);
    let names: Vec<_> = verdicts.iter().map(|line| line["task_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["T1-01", "T1-02", "wave-W1"]);
    let again = safe(&crew, &["update-task", "2", "done"]).code(0);
    assert!(again.stdout.contains("Task T1-02 validated by executor-auto"), "{again:?}");
    assert_eq!((crew.sql(state), audit(&crew).len()), (closed, 3));
    sound(&crew);
}

#[test]
fn a_thor_agents_validation_stays() {
    let crew = plan(&["T1-01", "T1-02"]);
    let left =
        crewkit_tests::finish(crew.tool("plan-db-safe").args(["update-task", "1", "done"]).env("THOR_AUTO", "0"), None);
    assert_eq!(left.code(0).stdout.lines().count(), 1);
    plan_db(&crew, &["validate-task", "1", "1", "thor"]).code(0);
    safe(&crew, &["update-task", "1", "done", "again"]).code(0);
    assert_eq!(crew.sql("SELECT validated_by, notes FROM tasks WHERE id = 1"), [[json!("thor"), json!("again")]]);
}

#[test]
fn after_the_last_round_only_a_person_opens_the_task() {
    let (crew, top) = with_code("src/a.ts");
    write(&crew, &top, "src/a.ts", "// TODO\n");
    change(&crew, "INSERT INTO file_locks (file_path, task_id, plan_id, pid, host) VALUES ('/p/a', '1', 1, 1, 'h')");
    for round in 1..=3 {
        let ended = safe(&crew, &["update-task", "1", "done"]).code(1);
        assert!(ended.stderr.contains(&format!("round: {round}/3")) && ended.stdout.is_empty(), "{ended:?}");
        let locks = crew.value("SELECT COUNT(*) FROM file_locks");
        assert_eq!(locks, json!(i64::from(round < 3)));
    }
    let blocked = crew.sql("SELECT status, notes LIKE '%automatically after 3%', validated_at FROM tasks WHERE id = 1");
    assert_eq!(blocked, [[json!("blocked"), json!(1), Value::Null]]);
    let event = audit(&crew).pop().unwrap();
    assert_eq!((event["event"].as_str(), event["wave_id"].as_str()), (Some("circuit_breaker_triggered"), Some("W1")));
    write(&crew, &top, "src/a.ts", "const a = 1;\n");
    safe(&crew, &["update-task", "1", "done"]).refused(1, &["blocked", "3 rejections"]);
    plan_db(&crew, &["update-task", "1", "in_progress"]).code(0);
    assert_eq!(crew.value("SELECT COUNT(*) FROM task_rejections"), json!(0));
    safe(&crew, &["update-task", "1", "done"]).code(0);
    sound(&crew);
}

#[test]
fn a_database_of_the_same_version_without_the_table_of_rejections_is_served() {
    let (crew, top) = with_code("src/a.ts");
    change(&crew, "DROP TABLE task_rejections");
    safe(&crew, &["gates", "1"]).code(0);
    plan_db(&crew, &["update-task", "2", "blocked"]).code(0);
    plan_db(&crew, &["update-task", "2", "in_progress"]).code(0);
    write(&crew, &top, "src/a.ts", "// TODO\n");
    safe(&crew, &["update-task", "1", "done"]).code(1);
    assert_eq!(crew.sql("SELECT task_id, round FROM task_rejections"), [[json!(1), json!(1)]]);
    write(&crew, &top, "src/a.ts", "const a = 1;\n");
    safe(&crew, &["update-task", "1", "done"]).code(0);
    assert_eq!(crew.value("SELECT COUNT(*) FROM task_rejections"), json!(0));
}

#[test]
fn what_is_refused_touches_nothing() {
    let crew = plan(&["T1-01"]);
    plan_db(&crew, &["add-task", "1", "T1-02", "Pending"]).code(0);
    safe(&crew, &["update-task", "2", "done"]).refused(1, &["pending", "in_progress"]);
    safe(&crew, &["update-task", "99", "done"]).refused(1, &["99"]);
    safe(&crew, &["update-task", "1 OR 1=1", "done"]).refused(1, &["1 OR 1=1"]);
    safe(&crew, &["update-task", "1", "done", "--output-data", "{x"]).refused(1, &["JSON"]);
    safe(&crew, &["update-task", "--tokens", "many", "1", "done"]).refused(1, &["--tokens"]);
    safe(&crew, &["update-task", "1", "--help"]).code(0);
    let file = crew.work().join("f.txt");
    crew.write(&file, "one");
    crew.run("stale-check", ["snapshot", "T1-01", "f.txt"]).code(0);
    crew.write(&file, "two");
    safe(&crew, &["update-task", "1", "done"]).refused(1, &["Stale", "f.txt"]);
    assert_eq!(crew.value("SELECT COUNT(*) FROM tasks WHERE status = 'done'"), json!(0));
    let several = safe(&crew, &["done", "2", "99"]).code(1);
    assert!(several.stderr.contains("99") && several.stderr.contains("pending"), "{several:?}");
}

#[test]
fn a_wave_with_its_own_worktree_is_merged_before_the_plan_ends() {
    let crew = plan(&[]);
    let top = crew.repository("shop");
    change(&crew, &format!("INSERT INTO projects (id, name, path) VALUES ('demo', 'demo', '{}')", top.display()));
    plan_db(&crew, &["add-task", "1", "T1-01", "First", "--executor-agent", "claude"]).code(0);
    plan_db(&crew, &["update-task", "1", "in_progress"]).code(0);
    let made = crew.run_in(&top, "wave-worktree", ["create", "1", "1"]).code(0).json();
    let tree =
        PathBuf::from(made["worktree_path"].as_str().or(made["path"].as_str()).unwrap_or_else(|| panic!("{made}")));
    write(&crew, &tree, "new.txt", "new\n");
    let ended = crew.run_in(&top, "plan-db-safe", ["update-task", "1", "done"]).code(0);
    assert!(ended.stdout.contains("Wave W1 validated by executor-auto: done"), "{ended:?}");
    assert_eq!(crew.git(&top, &["show", "main:new.txt"]), "new");
    assert_eq!(crew.sql("SELECT w.status, p.status FROM waves w, plans p"), [[json!("done"), json!("done")]]);
    sound(&crew);
}
