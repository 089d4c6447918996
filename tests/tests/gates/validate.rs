//! validate-task, validate-wave, validate, validate-fxx, check-readiness, evaluate-wave, thor-validate, thor-audit-log.

use super::*;

#[test]
fn a_report_stands_beside_the_gates_where_they_looked_into_code() {
    let (crew, top) = with_code("src/a.ts");
    change(&crew, "UPDATE tasks SET status = 'done' WHERE id = 1");
    write(&crew, &top, "src/a.ts", "const a = 1; // TODO\n");
    let given = r#"{"a" : 1.50, "b": "it's"}"#;
    plan_db(&crew, &["validate-task", "1", "--check"]).code(1);
    let rejected = plan_db(&crew, &["validate-task", "1", "1", "thor", "--report", given]).code(1);
    assert!(rejected.stderr.contains("THOR_REJECT:") && rejected.stderr.contains("round: 1/3"), "{rejected:?}");
    assert_eq!(crew.sql("SELECT status, validated_at FROM tasks WHERE id = 1"), [[json!("done"), Value::Null]]);
    write(&crew, &top, "src/a.ts", "const a = 1;\n");
    plan_db(&crew, &["validate-task", "1", "1", "thor", "--report", given]).code(0);
    let kept = crew.value("SELECT validation_report FROM tasks WHERE id = 1");
    let kept = kept.as_str().unwrap();
    assert!(kept.ends_with(&format!(",\"report\":{given}}}")), "{kept}");
    let whole: Value = serde_json::from_str(kept).unwrap();
    assert_eq!((whole["round"].as_i64(), whole["mode"].as_str()), (Some(2), Some("enforce")));
    let by_hand = plan_db(&crew, &["validate-task", "2", "--report", "--force"]);
    assert_eq!((by_hand.code, by_hand.stderr.contains("--report")), (1, true), "{by_hand:?}");
}

#[test]
fn flags_stand_anywhere_and_a_forced_name_is_told() {
    let crew = plan(&["T1-01", "12"]);
    change(&crew, "UPDATE tasks SET status = 'done'");
    let forced = plan_db(&crew, &["validate-task", "--force", "T1-01", "1", "rex"]).code(0);
    assert!(forced.stdout.contains("T1-01 validated by rex") && forced.stderr.contains("force"), "{forced:?}");
    // 12 is no row here, but a code of the plan.
    let by_code = plan_db(&crew, &["validate-task", "12", "1", "--json"]).code(0).json();
    assert_eq!((by_code["task_db_id"].as_i64(), by_code["validated_by"].as_str()), (Some(2), Some("thor")));
    plan_db(&crew, &["validate-task", "12"]).refused(1, &["12", "not found"]);
    plan_db(&crew, &["validate-task", "1", "9"]).refused(1, &["plan 9"]);
}

#[test]
fn a_wave_without_tasks_does_not_pass_and_a_merging_one_stays() {
    let crew = plan(&[]);
    let empty = plan_db(&crew, &["validate-wave", "1"]).code(1);
    assert!(empty.stderr.contains("no tasks"), "{empty:?}");
    plan_db(&crew, &["add-task", "1", "T1-01", "First"]).code(0);
    change(
        &crew,
        "UPDATE tasks SET status = 'done', validated_at = datetime('now'); UPDATE waves SET status = 'merging'",
    );
    let told = plan_db(&crew, &["validate-wave", "1", "coordinator"]).code(0);
    assert!(told.stderr.contains("executor_agent") || told.stdout.contains("merging"), "{told:?}");
    assert_eq!(crew.value("SELECT status FROM waves"), json!("merging"));
    assert_eq!(audit(&crew)[0]["validated_by"], "coordinator");
    plan_db(&crew, &["validate-wave", "1; DROP TABLE tasks"]).refused(1, &["WAVE_DB_ID"]);
}

#[test]
fn all_checks_of_a_plan_run_and_are_counted() {
    let crew = plan(&["T1-01", "T1-02"]);
    change(
        &crew,
        "UPDATE tasks SET status = 'done', output_data = '{', executor_agent = NULL WHERE id = 1; \
         UPDATE waves SET tasks_total = 9, status = 'done', planned_start = '2026-03-02T00:00:00Z', planned_end = '2026-03-01 00:00:00'; \
         UPDATE tasks SET wave_id_fk = 77 WHERE id = 2; INSERT INTO tasks (project_id, wave_id, wave_id_fk, plan_id, task_id, title, status) \
         VALUES ('demo', 'W1', 1, 1, 'T1-09', 'Open', 'blocked')",
    );
    let whole = plan_db(&crew, &["validate", "1", "--json"]).code(1).json();
    let checks: Vec<_> =
        whole["findings"].as_array().unwrap().iter().map(|one| one["check"].as_i64().unwrap()).collect();
    assert_eq!(checks, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!((whole["errors"].as_i64(), whole["warnings"].as_i64()), (Some(6), Some(2)));
    let told = plan_db(&crew, &["validate", "1"]).code(1);
    assert!(told.stdout.contains("FAILED: 6 errors, 2 warnings") && told.stderr.contains("sync"), "{told:?}");
    assert_eq!(crew.value("SELECT validated_at FROM plans"), Value::Null);
    plan_db(&crew, &["validate", "1 OR 1=1"]).refused(1, &["1 OR 1=1"]);
    plan_db(&crew, &["validate", "7"]).refused(1, &["7"]);
}

#[test]
fn a_plan_whose_worktree_is_dirty_is_stamped_and_stays_open() {
    let crew = plan(&["T1-01"]);
    let top = crew.repository("shop");
    crew.git(&top, &["checkout", "-q", "-b", "feature"]);
    plan_db(&crew, &["set-worktree", "1", top.to_str().unwrap()]).code(0);
    write(&crew, &top, "new.txt", "x");
    let ended = safe(&crew, &["update-task", "1", "done"]).code(0);
    assert!(ended.stderr.contains("1 uncommitted") && ended.stderr.contains("not closed"), "{ended:?}");
    assert_eq!(crew.sql("SELECT status, validated_by FROM plans"), [[json!("doing"), json!("executor-auto")]]);
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "feat: new"]);
    safe(&crew, &["update-task", "1", "done"]).code(0);
    assert_eq!(crew.value("SELECT status FROM plans"), json!("done"));
    let before = crew.value("SELECT COUNT(*) FROM plan_versions");
    plan_db(&crew, &["validate", "1", "rex"]).code(0);
    assert_eq!(
        (crew.value("SELECT COUNT(*) FROM plan_versions"), crew.value("SELECT validated_by FROM plans")),
        (before, json!("rex"))
    );
}

#[test]
fn readiness_of_one_wave_and_waves_that_nobody_knows() {
    let crew = plan(&[]);
    plan_db(&crew, &["add-wave", "1", "W2", "Two", "--depends-on", "W1 W7"]).code(0);
    plan_db(&crew, &["add-task", "2", "T2-01", "x", "--description", "d", "--test-criteria", "[\"true\"]"]).code(0);
    let whole = plan_db(&crew, &["check-readiness", "1", "W2", "--json"]).code(1).json();
    let failed: Vec<_> = whole["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false).collect();
    let names: Vec<_> = failed.iter().map(|check| check["check"].as_str().unwrap()).collect();
    assert_eq!(names, ["unknown waves", "source_file", "worktree", "evaluate-wave"]);
    plan_db(&crew, &["check-readiness", "1", "W9"]).refused(1, &["W9"]);
    plan_db(&crew, &["check-readiness", "9"]).refused(1, &["9"]);
    let all = plan_db(&crew, &["evaluate-wave", "--plan", "1", "--explain"]).code(0);
    assert_eq!(all.stdout.lines().count(), 2);
    assert!(all.stdout.contains("\"actual\":\"pending\""), "{all:?}");
}

#[test]
fn a_whole_plan_is_stamped_only_when_every_step_passes() {
    let crew = plan(&["T1-01"]);
    change(
        &crew,
        "UPDATE tasks SET status = 'done', validated_at = datetime('now'); UPDATE waves SET tasks_done = 1; UPDATE plans SET tasks_done = 1, markdown_path = '~/plan.md'",
    );
    crew.write(&crew.home().join("plan.md"), "| F-01 | a | [x] |\n| F-02 | b | [ ] |\n");
    let ended = crew.run("thor-validate", ["1"]).code(1);
    assert!(ended.stdout.ends_with("THOR VALIDATION: FAILED (1 issues)\n"), "{ended:?}");
    assert_eq!(crew.value("SELECT validated_at FROM plans"), Value::Null);
    crew.write(&crew.home().join("plan.md"), "| F-01 | a | [x] |\n");
    let build = |line: &str, more: &[&str]| {
        crewkit_tests::finish(crew.tool("thor-validate").args(["1", "--full"]).args(more).env("THOR_BUILD", line), None)
    };
    let failed = build("seq 20; exit 3", &[]).code(1);
    assert!(failed.stdout.contains("      11\n") && !failed.stdout.contains("      10\n"), "{failed:?}");
    assert_eq!(build("true", &["--no-stamp", "--json"]).code(0).json()["stamped"], false);
    assert!(build("true", &[]).code(0).stdout.ends_with("THOR VALIDATION: PASSED\n"));
    assert_eq!(crew.sql("SELECT status, validated_by FROM plans"), [[json!("done"), json!("thor")]]);
    crew.run("thor-validate", ["1", "2"]).refused(1, &["'2'"]);
    crew.run("thor-validate", ["9"]).refused(1, &["9"]);
}

#[test]
fn the_audit_log_takes_whole_lines_from_many_and_begins_anew_at_its_limit() {
    let crew = Crew::new();
    let log = crew.claude().join("data/thor-audit.jsonl");
    crew.write(&log, "{\"torn\": ");
    std::thread::scope(|scope| {
        for number in 0..20 {
            let crew = &crew;
            scope.spawn(move || {
                crew.run("thor-audit-log", ["7", &format!("T-{number}"), "W1", "[]", "[\"9 \\\"x\\\"\"]"]).code(0)
            });
        }
    });
    let listed = crew.run("thor-audit-log", ["list", "--failed", "--json"]).code(0);
    assert_eq!((listed.json().as_array().unwrap().len(), listed.stderr.contains("1 lines")), (20, true), "{listed:?}");
    for wrong in [
        &["7", "T", "W", "[]", "[]", "x", "1.5"][..],
        &["7", "T", "W", "{}"],
        &["7", "T", "W", "[]", "[]", "x", "1", "2"],
        &["0", "T", "W"],
    ] {
        crew.run("thor-audit-log", wrong).refused(1, &[]);
    }
    let mut large = std::fs::read(&log).unwrap();
    large.resize(10 << 20, b' ');
    std::fs::write(&log, large).unwrap();
    crew.run("thor-audit-log", ["8", "T", "W"]).code(0);
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 1);
    let stats = crew.run("thor-audit-log", ["stats", "--json"]).code(0).json();
    assert_eq!((stats["verdicts"].as_i64(), stats["rejections"].as_i64()), (Some(21), Some(20)));
}
