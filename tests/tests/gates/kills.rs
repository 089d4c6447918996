//! Killed at any moment, the same call goes on.

use std::thread::sleep;
use std::time::Duration;

use super::*;

#[test]
fn a_kill_at_any_moment_is_made_up_for_by_the_same_call() {
    let crew = plan(&["T1-01", "T1-02", "T1-03", "T1-04", "T1-05", "T1-06", "T1-07", "T1-08"]);
    let mut seed = 7_u64;
    for task in 1..=8 {
        let task = task.to_string();
        for _ in 0..3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut running = crew.start("plan-db-safe", ["update-task", &task, "done", "killed"]);
            sleep(Duration::from_micros((seed >> 33) % 8000));
            let _ = running.kill();
            running.wait().unwrap();
            sound(&crew);
            let half = "SELECT COUNT(*) FROM tasks WHERE (status = 'done') <> (validated_at IS NOT NULL)";
            assert_eq!(crew.value(half), json!(0));
        }
        safe(&crew, &["update-task", &task, "done", "whole"]).code(0);
    }
    assert_eq!(crew.sql("SELECT w.status, p.status FROM waves w, plans p"), [[json!("done"), json!("done")]]);
    let history = crew.value("SELECT COUNT(*) FROM plan_versions WHERE change_type = 'completed'");
    assert_eq!(history, json!(1));
    sound(&crew);
    audit(&crew);
}

#[test]
fn twenty_callers_at_once_lose_nothing() {
    let codes: Vec<String> = (0..20).map(|number| format!("T1-{number:02}")).collect();
    let crew = plan(&codes.iter().map(String::as_str).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for code in &codes {
            let crew = &crew;
            scope.spawn(move || safe(crew, &["update-task", code, "done", "all at once"]).code(0));
        }
    });
    assert_eq!(crew.value("SELECT COUNT(*) FROM tasks WHERE validated_by = 'executor-auto'"), json!(20));
    assert_eq!(crew.sql("SELECT w.status, p.status FROM waves w, plans p"), [[json!("done"), json!("done")]]);
    let history = crew.value("SELECT COUNT(*) FROM plan_versions WHERE change_type = 'completed'");
    assert_eq!(history, json!(1));
    let lines = audit(&crew);
    assert_eq!(lines.iter().filter(|line| line["task_id"] != "wave-W1").count(), 20);
    sound(&crew);
}
