//! Tokens entered by hand, and the events of a team.

use crewkit_tests::{Crew, Value, json};

const HOOK: &str = "hooks/track-tokens.sh";

fn crew() -> Crew {
    let crew = Crew::new();
    crew.run("init-dashboard-db", [""; 0]).code(0);
    crew
}

fn rows(crew: &Crew) -> Value {
    json!(crew.sql(
        "SELECT project_id, plan_id, wave_id, task_id, agent, model, input_tokens, output_tokens, cost_usd, \
         execution_host FROM token_usage ORDER BY id"
    ))
}

#[test]
fn arguments_variables_and_json_become_rows() {
    let crew = crew();
    let said = crew.run(HOOK, ["o'brien", "it's\u{1b}[1m", "m", "1", "2"]).code(0).stdout;
    assert_eq!(said, "Recorded: 1 + 2 tokens (it's\\u{1b}[1m)\n");
    let json = r#"{"project_id":"shop","agent":"a","model":"m","input_tokens":"3","output_tokens":4,"plan_id":7,"task_id":"T1"}"#;
    assert_eq!(crew.feed(json, HOOK, [""; 0]).code(0).stdout, "Recorded: 3 + 4 tokens (a)\n");
    let mut command = crew.tool(HOOK);
    command.envs([("PROJECT_ID", "blog"), ("AGENT", "w"), ("MODEL", "m"), ("COST_USD", "0.25"), ("WAVE_ID", "W1")]);
    let said = crewkit_tests::finish(&mut command, Some(b"{\"project_id\": \"other\"}"));
    assert_eq!(said.code(0).stdout, "Recorded: 0 + 0 tokens (w)\n");
    let wanted = json!([
        ["o'brien", null, "", "", "it's\u{1b}[1m", "m", 1, 2, 0.0, "testhost"],
        ["shop", 7, "", "T1", "a", "m", 3, 4, 0.0, "testhost"],
        ["blog", null, "W1", "", "w", "m", 0, 0, 0.25, "testhost"],
    ]);
    assert_eq!(rows(&crew), wanted);
}

#[test]
fn what_is_no_number_is_refused_and_nothing_is_said() {
    let crew = crew();
    for (arguments, named) in [
        (&["shop", "a", "m", "many", "2"][..], "many"),
        (&["shop", "a", "m", "1", "2.5"], "2.5"),
        (&["shop", "a", "m", "-1", "2"], "-1"),
        (&["shop", "a", "m", "+1", "2"], "+1"),
        (&["shop", "a", "m", "1", "99999999999999999999"], "99999999999999999999"),
        (&["shop", "a", "m", "1", "2", "free"], "free"),
        (&["shop", "a", "m", "1", "2", "-3"], "-3"),
        (&["shop", "a", "m", "1", "2", "inf"], "inf"),
        (&["shop", "a", "m", "1,1,0,0); DROP TABLE token_usage; --", "2"], "DROP"),
        (&["shop", "a", "m"], "MODEL"),
        (&["shop", "a", "m", "1", "2", "3", "4"], "MODEL"),
        (&["shop", "", "m", "1", "2"], "agent"),
    ] {
        crew.run(HOOK, arguments).refused(1, &[named]);
    }
    for (input, named) in [
        (json!({"project_id": "p", "agent": "a", "model": "m", "input_tokens": 1.5}), "1.5"),
        (json!({"project_id": "p", "agent": "a", "model": "m", "output_tokens": [1]}), "[1]"),
        (json!({"project_id": "p", "agent": "a", "model": "m", "plan_id": "x"}), "plan"),
        (json!({"project_id": "p", "agent": "a", "input_tokens": 1}), "model"),
    ] {
        crew.feed(input.to_string(), HOOK, [""; 0]).refused(1, &[named]);
    }
    let mut command = crew.tool(HOOK);
    command.envs([("PROJECT_ID", "p"), ("AGENT", "a"), ("MODEL", "m"), ("PLAN_ID", "seven")]);
    crewkit_tests::finish(&mut command, None).refused(1, &["seven"]);
    assert_eq!(rows(&crew), json!([]));
}

#[test]
fn events_of_a_team_are_rows_without_tokens() {
    let crew = crew();
    let feed = |input: &Value, arguments: &[&str]| {
        let ended = crew.feed(input.to_string(), HOOK, arguments).code(0);
        assert!(ended.stdout.is_empty() && ended.stderr.is_empty(), "{ended:?}");
    };
    feed(&json!({"teammate_name": "bob", "project": "shop"}), &["teammate-idle"]);
    feed(&json!({}), &["task-completed"]);
    feed(&json!({"hook_event_name": "TaskCompleted", "teammate_name": "eve", "cwd": "/src/shop"}), &[]);
    // Other events, and JSON that is not meant for it.
    feed(&json!({"hook_event_name": "SessionStart", "model": "claude-opus-4-6", "session_id": "s"}), &[]);
    feed(&json!({"session_id": "s", "model": "claude-opus-4-6"}), &[]);
    let found = rows(&crew);
    let short: Vec<Value> =
        found.as_array().unwrap().iter().map(|row| json!([row[0], row[4], row[5], row[6], row[7]])).collect();
    let wanted = json!([
        ["shop", "bob:teammate-idle", "team-event", 0, 0],
        ["unknown", "unknown:task-completed", "team-event", 0, 0],
        ["shop", "eve:task-completed", "team-event", 0, 0],
    ]);
    assert_eq!(json!(short), wanted);
}

#[test]
fn without_input_or_database_nothing_happens() {
    let crew = crew();
    let ended = crew.feed("", HOOK, [""; 0]).code(0);
    assert!(ended.stdout.is_empty(), "{ended:?}");
    crew.feed("broken", HOOK, ["teammate-idle"]).code(0);
    assert_eq!(rows(&crew), json!([]));
    std::fs::remove_dir_all(crew.claude().join("data")).unwrap();
    let ended = crew.run(HOOK, ["shop", "a", "m", "1", "2"]).code(0);
    assert!(ended.stdout.is_empty() && ended.stderr.is_empty() && !crew.database().exists(), "{ended:?}");
}
