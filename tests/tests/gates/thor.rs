//! thor-validate: the sizes of files, one wave of a plan.

use super::*;

fn thor(crew: &Crew, project: &Path, arguments: &[&str]) -> Ended {
    crewkit_tests::finish(crew.tool("thor-validate").args(arguments).env("PROJECT_PATH", project), None)
}

#[test]
fn sizes_are_those_of_code_and_nothing_to_look_at_is_no_pass() {
    let crew = plan(&[]);
    crew.write(&crew.claude().join("plans/active/Alpha/plan.md"), "| F-01 | a | [x] |\n");
    let top = crew.work().join("project");
    let long = "x\n".repeat(251);
    write(&crew, &top, "a.rs", &long);
    let nowhere = thor(&crew, &top, &["1", "--no-stamp"]).code(0);
    assert!(nowhere.stdout.contains("4 sizes: SKIPPED\n"), "{nowhere:?}");
    for name in ["a.swift", "a.test.ts", "a.spec.js", "vendor/a.go", "a.md", "sub/b.rs"] {
        write(&crew, &top, &format!("src/{name}"), &long);
    }
    write(&crew, &top, "src/at.rs", &"x\n".repeat(250));
    let found = thor(&crew, &top, &["1", "--no-stamp"]).code(1);
    assert!(found.stdout.contains("4 sizes: FAIL\n    src/sub/b.rs: 251\nTHOR VALIDATION"), "{found:?}");
}

#[test]
fn one_wave_is_judged_by_its_own_tasks_requirements_and_worktree() {
    let crew = plan(&["T1-01"]);
    plan_db(&crew, &["add-wave", "1", "W2", "Two"]).code(0);
    plan_db(&crew, &["add-task", "2", "T2-01", "open", "--description", "x | Ref: F-02"]).code(0);
    change(&crew, "UPDATE tasks SET description = 'x | Ref: F-01' WHERE id = 1");
    let top = crew.repository("shop");
    plan_db(&crew, &["set-wave-worktree", "1", top.to_str().unwrap()]).code(0);
    crew.write(&crew.claude().join("plans/active/Alpha/plan.md"), "| F-01 | a | [ ] |\n| F-02 | b | [ ] |\n");
    let look = |more: &[&str]| crew.run("thor-validate", [&["1", "--wave"], more].concat());
    let open = look(&["W1"]).code(1);
    assert!(open.stdout.contains("1 database: FAIL\n    Wave W1: 1 of 1 tasks not done\n"), "{open:?}");
    change(&crew, "UPDATE tasks SET status = 'done', validated_at = datetime('now') WHERE id = 1");
    assert!(look(&["1"]).code(1).stdout.contains("F-01 is pending"));
    crew.write(&crew.claude().join("plans/active/Alpha/plan.md"), "| F-01 | a | [x] |\n| F-02 | b | [ ] |\n");
    write(&crew, &top, "src/long.ts", &"x\n".repeat(251));
    assert!(look(&["W1"]).code(1).stdout.contains("src/long.ts: 251"));
    std::fs::remove_file(top.join("src/long.ts")).unwrap();
    assert_eq!(look(&["W1", "--no-stamp", "--json"]).code(0).json()["wave_id"], "W1");
    assert_eq!(crew.value("SELECT status FROM waves WHERE id = 1"), json!("pending"));
    assert!(look(&["W1"]).code(0).stdout.ends_with("Wave W1 is done\nTHOR VALIDATION: PASSED\n"));
    let waves = crew.sql("SELECT status FROM waves ORDER BY id");
    assert_eq!(waves, [[json!("done")], [json!("pending")]]);
    assert_eq!(crew.value("SELECT validated_at FROM plans"), Value::Null);
    look(&["W9"]).refused(1, &["W9"]);
    look(&["1; DROP TABLE waves"]).refused(1, &["DROP"]);
}

#[test]
fn what_keeps_a_wave_open_is_told() {
    let crew = plan(&["T1-01", "T1-02"]);
    change(&crew, "UPDATE tasks SET status = 'done', validated_at = datetime('now'), output_data = '{' WHERE id = 1");
    let ended = safe(&crew, &["update-task", "2", "done"]).code(0);
    assert!(ended.stderr.contains("Wave W1: 1 tasks with output that is no JSON\n  - T1-01"), "{ended:?}");
    change(&crew, "UPDATE tasks SET output_data = NULL; UPDATE waves SET worktree_path = '~/shop'");
    let wave = plan_db(&crew, &["validate-wave", "1"]).code(0);
    assert!(wave.stderr.contains("not merged: wave-worktree merge 1 1"), "{wave:?}");
}
