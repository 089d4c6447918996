//! plan-db ready and next: what can be begun, and many agents that take it at once.

use std::collections::BTreeSet;
use std::thread;

use crewkit_tests::{Crew, Value, json};

use crate::plans_read::execute;

fn crew(spec: &str) -> Crew {
    let crew = Crew::new();
    crew.run("plan-db", ["create", "demo", "A"]).code(0);
    crew.feed(spec, "plan-db", ["import", "1", "-"]).code(0);
    crew
}

const SPEC: &str = r#"{"waves":[
    {"id":"W1","name":"one","tasks":[
        {"id":"T1-01","do":"later","files":["a"],"priority":"P2"},{"id":"T1-02","do":"first","files":["src/"],"priority":"P0"},
        {"id":"T1-03","do":"after","files":["src/x"],"priority":"P0","depends_on":["T1-02"]}]},
    {"id":"W2","name":"two","depends_on":"W1","tasks":[{"id":"T2-01","do":"x","files":["src/y"]}]},
    {"id":"W3","name":"three","tasks":[{"id":"T3-01","do":"x","files":["src/z"]}]}]}"#;

fn codes(crew: &Crew, more: &[&str]) -> Vec<String> {
    let list = crew.run("plan-db", ["ready", "1", "--json"].iter().chain(more)).code(0).json();
    list.as_array().unwrap().iter().map(|task| task["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_waits_for_nothing_is_ready() {
    let crew = crew(SPEC);
    assert_eq!(codes(&crew, &[]), ["T1-02", "T1-01", "T3-01"]);
    let text = crew.run("plan-db", ["ready", "1"]).code(0);
    assert!(text.stdout.contains("T1-02") && text.stderr.contains("wave W2 waits for: wave W1"), "{text:?}");
    let next = crew.run("plan-db", ["next", "1"]).code(0).json();
    assert_eq!(
        (&next["task"]["code"], &next["claimed"], &next["in_progress"]),
        (&json!("T1-02"), &json!(false), &json!(0))
    );

    let taken = crew.run("plan-db", ["next", "1", "--claim", "--agent", "web"]).code(0).json();
    assert_eq!(
        (&taken["task"]["code"], &taken["task"]["assignee"], &taken["in_progress"]),
        (&json!("T1-02"), &json!("web"), &json!(1))
    );
    let row =
        crew.sql("SELECT status, assignee, executor_host, started_at IS NOT NULL FROM tasks WHERE task_id = 'T1-02'");
    assert_eq!(row[0], [json!("in_progress"), json!("web"), json!("testhost"), json!(1)]);
    assert_eq!(codes(&crew, &[]), ["T1-01", "T3-01"]);
    assert_eq!(codes(&crew, &["--disjoint"]), ["T1-01"]);
    let again = crew.run("plan-db", ["next", "1", "--claim", "--agent", "web", "--resume"]).code(0).json();
    assert_eq!((&again["task"]["code"], &again["in_progress"]), (&json!("T1-02"), &json!(1)));

    execute(&crew.database(), "UPDATE tasks SET status = 'done' WHERE task_id = 'T1-02'");
    assert_eq!(codes(&crew, &[]), ["T1-03", "T1-01", "T3-01"]);
    execute(
        &crew.database(),
        "UPDATE waves SET status = 'done' WHERE wave_id = 'W1'; UPDATE tasks SET status = 'skipped' WHERE wave_id <> 'W2'",
    );
    assert_eq!(codes(&crew, &[]), ["T2-01"]);
    execute(&crew.database(), "UPDATE waves SET precondition = '[{\"type\":\"moon\"}]' WHERE wave_id = 'W2'");
    let none = crew.run("plan-db", ["next", "1", "--claim", "--agent", "web"]).code(1).json();
    assert_eq!((&none["task"], &none["claimed"], &none["open"]), (&Value::Null, &json!(false), &json!(1)));
    assert_eq!(none["waiting"][0]["wave"], "W2");
    assert_eq!(crew.value("SELECT status FROM tasks WHERE task_id = 'T2-01'"), "pending");
}

#[test]
fn wrong_requests_change_nothing() {
    let crew = crew(SPEC);
    for (arguments, part) in [
        (&["next", "1", "--claim"][..], "--agent"),
        (&["next", "1", "--claim", "--agent"], "--agent"),
        (&["next", "1", "--claim", "--agent", ""], "--agent"),
        (&["next", "1", "--resume"], "--claim"),
        (&["next", "99"], "99"),
        (&["ready", "1 OR 1=1"], "1 OR 1=1"),
        (&["next"], "PLAN_ID"),
    ] {
        crew.run("plan-db", arguments).refused(1, &[part]);
    }
    execute(&crew.database(), "UPDATE plans SET status = 'done'");
    crew.run("plan-db", ["next", "1", "--claim", "--agent", "web"]).refused(1, &["done"]);
    assert_eq!(crew.value("SELECT COUNT(*) FROM tasks WHERE status <> 'pending' OR assignee <> ''"), 0);
}

#[test]
fn a_hundred_processes_share_three_hundred_tasks() {
    let tasks: Vec<String> = (0..300).map(|i| format!(r#"{{"id":"T1-{i:03}","do":"task {i}"}}"#)).collect();
    let crew = crew(&format!(r#"{{"waves":[{{"id":"W1","name":"one","tasks":[{}]}}]}}"#, tasks.join(",")));
    let take = |agent: usize| {
        let name = format!("agent-{agent}");
        let mut mine = Vec::new();
        loop {
            let ended = crew.run("plan-db", ["next", "1", "--claim", "--agent", &name]);
            match ended.code {
                0 => mine.push(ended.json()["task"]["id"].as_i64().unwrap()),
                1 => break,
                _ => panic!("{ended:?}"),
            }
            assert!(ended.stderr.is_empty(), "{ended:?}");
        }
        mine
    };
    let taken: Vec<i64> = thread::scope(|scope| {
        let workers: Vec<_> = (0..100).map(|agent| scope.spawn(move || take(agent))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (300, 300), "none twice, none left");
    assert_eq!(crew.value("SELECT COUNT(*) FROM tasks WHERE status = 'in_progress' AND assignee LIKE 'agent-%'"), 300);
}
