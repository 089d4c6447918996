//! Specs: the published schema against import's own checker, and plans that become specs again.

use std::fs;
use std::path::Path;

use crewkit_tests::{Crew, Ended, Value, json};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(path: &Path) -> Value {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

fn good() -> Value {
    json!({"user_request": "x", "requirements": [{"id": "F-01", "text": "t", "wave": "W1"}],
        "waves": [{"id": "W1", "name": "n", "tasks": [{"id": "T1-01", "do": "x", "files": ["a"], "ref": "F-01", "verify": ["v"],
            "priority": "P1", "type": "feature", "model": "sonnet", "effort": 1}]}]})
}

fn check(crew: &Crew, spec: &Value) -> Ended {
    crew.feed(spec.to_string(), "plan-db", ["import", "1", "-", "--dry-run"])
}

/// Whether the checker has nothing to say against a spec.
fn content(ended: &Ended) -> bool {
    ended.code == 0 && !ended.stderr.contains("WARN")
}

/// The place of an object of each kind in [`good`], and its part of the schema.
fn parts(schema: &Value) -> [(&'static str, Value); 4] {
    let part = |name: &str| schema["$defs"][name].clone();
    [
        ("", schema.clone()),
        ("/requirements/0", part("requirement")),
        ("/waves/0", part("wave")),
        ("/waves/0/tasks/0", part("task")),
    ]
}

/// A value that a part of a schema rules out; `None` when it allows everything.
fn wrong(rules: &Value) -> Option<Value> {
    if rules.get("enum").is_some() || rules.get("pattern").is_some() {
        return Some(json!("nonsense"));
    }
    let types: Vec<&str> = match &rules["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    Some(if types.contains(&"string") { json!(7) } else { json!("text") })
}

#[test]
fn the_schema_and_the_checker_agree() {
    let crew = Crew::new();
    crew.run("plan-db", ["create", "demo", "A"]).code(0);
    let schema = read(&repository().join("schemas/plan-spec.json"));
    assert!(content(&check(&crew, &good())));
    for example in fs::read_dir(repository().join("examples")).unwrap() {
        let path = example.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            assert!(content(&check(&crew, &read(&path))), "{}", path.display());
        }
    }
    let mut tried = 0;
    for (place, part) in parts(&schema) {
        for key in part["required"].as_array().unwrap() {
            let mut spec = good();
            spec.pointer_mut(place)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(key.as_str().unwrap())
                .expect("it is there");
            let ended = check(&crew, &spec);
            assert!(!content(&ended), "{place} without {key}: {ended:?}");
            tried += 1;
        }
        for (key, rules) in part["properties"].as_object().unwrap() {
            // Of the old form only `title` is looked at beside `do`; codex is a switch that is on or off.
            let Some(wrong) = wrong(rules).filter(|_| !matches!(key.as_str(), "codex" | "executor_agent")) else {
                continue;
            };
            let mut spec = good();
            spec.pointer_mut(place).unwrap()[key.as_str()] = wrong.clone();
            let ended = check(&crew, &spec);
            assert!(!content(&ended), "{place}/{key} = {wrong}: {ended:?}");
            for value in rules.get("enum").and_then(Value::as_array).into_iter().flatten() {
                spec.pointer_mut(place).unwrap()[key.as_str()] = value.clone();
                assert!(content(&check(&crew, &spec)), "{place}/{key} = {value}");
            }
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}

const ROWS: &str = "SELECT w.wave_id, w.name, w.estimated_hours, w.depends_on, w.precondition, w.position, t.task_id, t.title, t.description, t.priority, \
    t.type, t.model, t.effort_level, t.executor_agent, t.test_criteria, t.files, \
    (SELECT group_concat(requirement_id) FROM task_requirements WHERE task_id = t.id) \
    FROM waves w LEFT JOIN tasks t ON t.wave_id_fk = w.id WHERE w.plan_id = ";

#[test]
fn a_plan_becomes_a_spec_that_makes_the_same_plan() {
    let crew = Crew::new();
    for name in ["A", "B"] {
        crew.run("plan-db", ["create", "demo", name]).code(0);
    }
    let spec = json!({"user_request": "Ask | for\nit", "requirements": [{"id": "F-01", "text": "t", "wave": "W1"}], "waves": [
        {"id": "W1", "name": "one", "estimated_hours": 2.5, "tasks": [
            {"id": "T1-01", "do": "two\nlines", "files": ["a, b.ts", "Makefile"], "ref": "F-01, F-02", "verify": ["x \"y\""], "priority": "P0",
             "type": "odd", "model": "gpt-5", "effort": 3},
            {"id": "T1-02", "do": "after", "depends_on": ["T1-01"], "files": []},
            {"id": "T1-03", "title": "old", "description": "more\nof it", "test_criteria": {"verify": ["a"], "more": 1}, "files": ["x"], "ref": "F-09"}]},
        {"id": "W2", "name": "two", "depends_on": ["W1"], "precondition": [{"type": "wave_status", "wave_id": "W1", "status": "done"}], "tasks": []}]});
    crew.feed(spec.to_string(), "plan-db", ["import", "1", "-"]).code(0);
    crew.run(
        "plan-db",
        [
            "add-task",
            "2",
            "T2-01",
            "by hand",
            "--description",
            "x | Files: q | Ref: F-01",
            "--executor-agent",
            "claude",
        ],
    )
    .code(0);
    let exported = crew.run("plan-db", ["export", "1"]).code(0);
    assert!(exported.stderr.is_empty(), "{exported:?}");
    let text = exported.json();
    assert_eq!(
        (&text["user_request"], &text["waves"][0]["tasks"][0]["do"]),
        (&json!("Ask | for\nit"), &json!("two\nlines"))
    );
    crew.feed(&exported.stdout, "plan-db", ["import", "2", "-"]).code(0);
    let rows = |plan: i64| crew.sql(&format!("{ROWS}{plan} ORDER BY w.position, t.id"));
    assert_eq!(rows(1).len(), 4);
    assert_eq!(rows(1), rows(2));
    assert_eq!(crew.value("SELECT COUNT(DISTINCT description) FROM plans"), 1);
    assert_eq!(crew.run("plan-db", ["export", "2"]).code(0).stdout, exported.stdout);
    crew.run("plan-db", ["export", "99"]).refused(1, &["99", "not found"]);
}

/// A spec of some 10 MB: 40 waves of 500 tasks, each in the form of `task`.
fn huge(task: impl Fn(usize) -> Value) -> String {
    let waves: Vec<Value> = (1..=40)
        .map(|wave| {
            let tasks: Vec<Value> = (1..=500).map(|number| task(wave * 1000 + number)).collect();
            json!({"id": format!("W{wave}"), "name": "n", "tasks": tasks})
        })
        .collect();
    json!({"user_request": "x", "requirements": [], "waves": waves}).to_string()
}

#[test]
fn huge_specs_are_entered_or_refused_whole() {
    let crew = Crew::new();
    crew.run("plan-db", ["create", "demo", "A"]).code(0);
    let text = "Do what has to be done here, in some words more than usual. ".repeat(7);
    let good = huge(|number| json!({"id": format!("T{number}"), "do": text, "type": format!("kind {number}")}));
    assert!(good.len() > 9_000_000, "{}", good.len());
    let bad = huge(|number| json!({"id": format!("T{number}"), "do": text, "effort": 4}));
    let ended = crew.feed(&bad, "plan-db", ["import", "1", "-", "--dry-run"]).code(1);
    assert_eq!(ended.stderr.lines().count(), 20_000);
    crew.feed(&bad, "plan-db", ["import", "1", "-"])
        .refused(1, &["line 1: wave W1, task T1001: effort 4", "19999 more"]);
    let half = &good[..good.len() / 2];
    crew.feed(half, "plan-db", ["import", "1", "-"]).refused(1, &["no JSON", "line 1"]);
    assert_eq!(crew.value("SELECT COUNT(*) FROM waves"), 0);
    let ended = crew.feed(&good, "plan-db", ["import", "1", "-"]).code(0);
    assert_eq!(ended.stdout.lines().count(), 20_000);
    assert_eq!(
        crew.sql("SELECT tasks_total, (SELECT COUNT(*) FROM tasks) FROM plans"),
        [[json!(20_000), json!(20_000)]]
    );
    let deep = format!("{{\"waves\": {}", "[".repeat(5_000_000));
    crew.feed(deep, "plan-db", ["import", "1", "-"]).refused(1, &["no JSON"]);
}

#[test]
fn circles_are_refused_wherever_they_come_from() {
    let crew = Crew::new();
    crew.run("plan-db", ["create", "demo", "A"]).code(0);
    crew.run("plan-db", ["add-wave", "1", "W1", "x", "--depends-on", "W1"]).refused(1, &["W1", "circle"]);
    crew.run("plan-db", ["add-wave", "1", "W1", "x", "--depends-on", "W3, W9"]).code(0);
    crew.run("plan-db", ["add-wave", "1", "W2", "x", "--depends-on", "W1"]).code(0);
    crew.run("plan-db", ["add-wave", "1", "W3", "x", "--depends-on", "W2"]).refused(1, &["W3", "circle"]);
    let spec = json!({"waves": [{"id": "W5", "name": "a", "tasks": [
        {"id": "T1", "do": "x", "depends_on": ["T2"]}, {"id": "T2", "do": "y", "depends_on": "T1"}]}]});
    crew.feed(spec.to_string(), "plan-db", ["import", "1", "-"]).refused(1, &["W5, task T1", "circle: T1 -> T2 -> T1"]);
    assert_eq!(crew.value("SELECT group_concat(wave_id) FROM waves"), "W1,W2");
    // A circle that stands in the database is no trap for those who ask what can be begun.
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.execute_batch("UPDATE waves SET depends_on = CASE wave_id WHEN 'W1' THEN 'W2' ELSE 'W1' END").unwrap();
    crew.run("plan-db", ["add-task", "1", "T1", "x"]).code(0);
    crew.run("plan-db", ["add-wave", "1", "W4", "x", "--depends-on", "W1"]).code(0);
    let next = crew.run("plan-db", ["next", "1"]).code(1).json();
    assert_eq!(next["waiting"][0]["waits_for"], "wave W2");
}
