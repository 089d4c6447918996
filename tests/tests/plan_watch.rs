//! plan-db watch and history: no change is lost, whoever makes it and whoever is killed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Value, json};

fn plan_db(crew: &Crew, arguments: &[&str]) {
    crew.run("plan-db", arguments).code(0);
}

/// A plan (1) with a wave (1) and the tasks T1 (1) and T2 (2).
fn with_tasks() -> Crew {
    let crew = Crew::new();
    plan_db(&crew, &["create", "demo", "Alpha"]);
    plan_db(&crew, &["add-wave", "1", "W1", "One"]);
    plan_db(&crew, &["add-task", "1", "T1", "first"]);
    plan_db(&crew, &["add-task", "1", "T2", "second"]);
    crew
}

fn change(crew: &Crew, sql: &str) {
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Ends within five seconds, or is killed and fails.
fn ended(mut child: Child) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if begun.elapsed() > Duration::from_secs(5) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("watch does not end");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn last(crew: &Crew) -> i64 {
    crew.value("SELECT MAX(id) FROM change_log").as_i64().unwrap()
}

#[test]
fn each_change_is_a_line_as_it_comes() {
    let crew = with_tasks().with("COMMS_USER", "Web");
    let mut child = crew.start("plan-db", ["watch", "1", "--timeout", "20"]);
    let mut lines =
        BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap().parse::<Value>().unwrap());
    thread::sleep(Duration::from_millis(400));
    plan_db(&crew, &["update-task", "1", "in_progress", "it's \"on\"\nnow"]);
    let wanted = |field: &str, before: Value, after: Value| {
        json!({"kind": "task", "row_id": 1, "plan_id": 1, "code": "T1", "wave": "W1",
        "change": "changed", "field": field, "before": before, "after": after, "host": "testhost", "agent": "Web"})
    };
    for line in [
        wanted("status", json!("pending"), json!("in_progress")),
        wanted("notes", Value::Null, json!("it's \"on\"\nnow")),
        wanted("executor_host", Value::Null, json!("testhost")),
    ] {
        let mut found = lines.next().unwrap();
        let object = found.as_object_mut().unwrap();
        assert!(object.remove("id").unwrap().is_i64() && object.remove("at").unwrap().is_string());
        assert_eq!(found, line);
    }
    assert_eq!(lines.next().unwrap()["field"], "execution_host");
    // Past the tools: a difference without an id.
    change(&crew, "UPDATE tasks SET title = 'other' WHERE id = 2");
    let found = lines.next().unwrap();
    assert_eq!((&found["id"], &found["field"], &found["after"]), (&Value::Null, &json!("title"), &json!("other")));
    plan_db(&crew, &["create", "demo", "Another"]);
    change(&crew, "DELETE FROM tasks WHERE id = 2");
    let found = lines.next().unwrap();
    assert_eq!((&found["change"], &found["code"]), (&json!("removed"), &json!("T2")));
    change(&crew, "DELETE FROM plans WHERE id = 1");
    assert_eq!(lines.next().unwrap()["change"], "removed");
    drop(lines);
    assert_eq!(ended(child), Some(0), "a plan that is gone has no more changes");
}

#[test]
fn nothing_is_lost_between_two_looks_or_two_watchers() {
    let crew = with_tasks();
    let first = last(&crew);
    let mut child = crew.start("plan-db", ["watch", "1", "--timeout", "20"]);
    let reader = BufReader::new(child.stdout.take().unwrap());
    thread::sleep(Duration::from_millis(300));
    thread::scope(|scope| {
        for task in ["1", "2"] {
            let crew = &crew;
            scope.spawn(move || {
                for state in ["in_progress", "blocked", "pending", "in_progress", "pending", "in_progress", "blocked"] {
                    plan_db(crew, &["update-task", task, state]);
                }
            });
        }
    });
    let wanted = crew.sql(&format!("SELECT id FROM change_log WHERE id > {first} ORDER BY id"));
    let seen: Vec<Vec<Value>> = reader
        .lines()
        .take(wanted.len())
        .map(|line| vec![line.unwrap().parse::<Value>().unwrap()["id"].clone()])
        .collect();
    assert_eq!(seen, wanted);
    child.kill().unwrap();
    child.wait().unwrap();
    let middle = wanted[4][0].as_i64().unwrap();
    let rest = crew.run("plan-db", ["watch", "1", "--after", &middle.to_string(), "--timeout", "0"]).code(0).stdout;
    let rest: Vec<Vec<Value>> = rest.lines().map(|line| vec![line.parse::<Value>().unwrap()["id"].clone()]).collect();
    assert_eq!(rest, wanted[5..]);
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let crew = with_tasks();
    let mut child = crew.start("plan-db", ["watch", "1"]);
    drop(child.stdout.take());
    assert_eq!(ended(child), Some(141));
    let mut child = crew.start("plan-db", ["watch", "1"]);
    thread::sleep(Duration::from_millis(300));
    std::fs::rename(crew.database(), crew.root().join("away")).unwrap();
    assert_eq!(ended_with_output(&mut child), Some(1));
    crew.run("plan-db", ["watch", "9"]).refused(1, &["9", "not found"]);
    crew.run("plan-db", ["watch", "1", "--after", "x"]).refused(1, &["--after"]);
}

/// The same of a watcher whose output is still open.
fn ended_with_output(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    child.wait().unwrap().code()
}

#[test]
fn a_kill_leaves_change_and_log_together() {
    let crew = with_tasks();
    let states = ["in_progress", "blocked", "pending"];
    for round in 0..60_usize {
        let mut child = crew.start("plan-db", ["update-task", "1", states[round % 3], &format!("note {round}")]);
        thread::sleep(Duration::from_micros(300 * (round as u64 % 12)));
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert_eq!(crew.value("PRAGMA integrity_check"), json!("ok"));
    let mut told: BTreeMap<String, Value> = BTreeMap::new();
    for row in crew.sql("SELECT field, before, after FROM change_log WHERE kind = 'task' AND row_id = 1 AND change = 'changed' ORDER BY id") {
        let field = row[0].as_str().unwrap().to_owned();
        if let Some(before) = told.get(&field) {
            assert_eq!(before, &row[1], "a change of {field} is missing");
        }
        told.insert(field, row[2].clone());
    }
    for (field, value) in told {
        assert_eq!(crew.value(&format!("SELECT {field} FROM tasks WHERE id = 1")), value, "{field}");
    }
}

#[test]
fn a_task_has_a_history() {
    let crew = with_tasks().with("COMMS_USER", "Web");
    plan_db(&crew, &["next", "1", "--claim", "--agent", "ann"]);
    let shown = crew.run("plan-db", ["history", "W1/T1"]).code(0).stdout;
    assert!(shown.starts_with("Task T1 (1): first, in_progress\n"), "{shown}");
    assert!(shown.contains("Web@testhost") && shown.contains("assignee") && shown.contains("ann"), "{shown}");
    let list = crew.run("plan-db", ["history", "1", "--json"]).code(0).json();
    assert_eq!((&list[0]["change"], &list[0]["agent"]), (&json!("added"), &json!("tester")));
    change(&crew, "DELETE FROM tasks WHERE id = 1");
    assert!(crew.run("plan-db", ["history", "1"]).code(0).stdout.starts_with("Task 1 is gone\n"));
    crew.run("plan-db", ["history", "99"]).refused(1, &["99", "not found"]);
    crew.run("plan-db", ["history", "T9"]).refused(1, &["T9"]);
}

#[test]
fn a_database_from_before_the_log_gets_one() {
    let crew = with_tasks();
    change(&crew, "DROP TABLE change_log");
    let before = crew.run("plan-db", ["history", "1"]).code(0);
    assert!(before.stderr.contains("not known"), "{before:?}");
    plan_db(&crew, &["update-task", "1", "in_progress"]);
    let list = crew.run("plan-db", ["history", "1", "--json"]).code(0).json();
    assert_eq!((&list[0]["field"], &list[0]["after"]), (&json!("status"), &json!("in_progress")));
    assert_eq!(crew.value("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'log%'"), 0);
}
