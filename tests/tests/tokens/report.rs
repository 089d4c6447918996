//! What tokens were used for, and what is reported of it.

use std::fs;

use crewkit_tests::{Value, json};

use super::{Line, Session, append, line, user};

#[test]
fn tokens_belong_to_the_task_that_was_worked_on() {
    let session = Session::new();
    let crew = &session.crew;
    let at = |id: &str, at: &str, branch: &str| {
        Line { id, model: "claude-sonnet-4-5", tokens: [1, 0, 0, 0, 0], at, more: json!({"gitBranch": branch}) }.text()
    };
    // Before there is a task.
    session.add(&at("a", "2026-01-02T10:00:00.000Z", "main"));
    session.stop();
    assert_eq!(crew.value("SELECT plan_id FROM token_usage"), Value::Null);
    crew.sql("INSERT INTO projects (id, name, path) VALUES ('shop', 'Shop', '/src/shop') RETURNING 1");
    crew.sql("INSERT INTO plans (id, project_id, name) VALUES (3, 'shop', 'Till') RETURNING 1");
    crew.sql(
        "INSERT INTO waves (id, project_id, plan_id, wave_id, name, status, worktree_path) \
         VALUES (9, 'shop', 3, 'W1', 'w', 'in_progress', '~/shop-W1') RETURNING 1",
    );
    let task = |code: &str, session: &str, started: &str, done: &str| {
        crew.sql(&format!(
            "INSERT INTO tasks (project_id, wave_id, wave_id_fk, plan_id, task_id, title, status, executor_session_id, \
             started_at, completed_at) VALUES ('shop', 'W1', 9, 3, '{code}', 't', 'done', NULLIF('{session}', ''), \
             '{started}', NULLIF('{done}', '')) RETURNING 1"
        ));
    };
    task("T2", "s1", "2026-01-02T12:00:00Z", "2026-01-04 00:00:00");
    task("T1", "s1", "2026-01-02 11:00:00", "2026-01-02T11:59:00Z");
    session.add(&at("b", "2026-01-02T10:30:00.000Z", "main"));
    session.add(&at("c", "2026-01-02T11:30:00.000Z", "main"));
    session.add(&at("d", "2026-01-02T12:00:00.000Z", "web"));
    session.add(&at("e", "2026-01-03T09:00:00.000Z", "web"));
    session.stop();
    let rows = crew
        .sql("SELECT plan_id, wave_id, task_id, branch, date(created_at), input_tokens FROM token_usage ORDER BY 3, 5");
    let wanted = json!([
        [3, "W1", "T1", "main", "2026-01-02", 3],
        [3, "W1", "T2", "web", "2026-01-02", 1],
        [3, "W1", "T2", "web", "2026-01-03", 1],
    ]);
    assert_eq!(json!(rows), wanted);

    // A session that no task names, in the worktree of a wave: the one task of the time.
    let path = crew.home().join("shop-W1");
    task("T3", "", "2026-02-01 10:00:00", "2026-02-01 11:00:00");
    task("T4", "", "2026-02-01 10:30:00", "");
    let transcript = session.transcript.with_file_name("s2.jsonl");
    for (id, time) in [("f", "10:10"), ("g", "10:45"), ("h", "11:30")] {
        append(&transcript, &at(id, &format!("2026-02-01T{time}:00.000Z"), "w1"));
    }
    let event = json!({
        "session_id": "s2", "transcript_path": transcript, "cwd": path.join("src"), "hook_event_name": "Stop"
    });
    session.send(&event);
    let rows = crew.sql("SELECT wave_id, task_id, input_tokens FROM token_usage WHERE session_id = 's2' ORDER BY 2");
    assert_eq!(json!(rows), json!([["W1", null, 1], ["W1", "T3", 1], ["W1", "T4", 1]]));

    let report = crew.run("token-report", ["--by", "task", "--json"]).code(0).json();
    let keys = |row: &Value| json!([row["plan_id"], row["plan"], row["wave_id"], row["task_id"], row["input_tokens"]]);
    let rows: Vec<Value> = report["rows"].as_array().unwrap().iter().map(keys).collect();
    assert!(rows.contains(&json!([3, "Till", "W1", "T1", 3])), "{report}");
    let wave = crew.run("token-report", ["--by", "wave", "--plan", "3", "--json"]).code(0).json();
    assert_eq!((&wave["rows"][0]["input_tokens"], &wave["rows"][0]["sessions"]), (&json!(8), &json!(2)), "{wave}");
    let shown = crew.run("token-report", ["--by", "task"]).code(0).stdout;
    assert!(shown.contains("3 Till W1 T1") && shown.contains("3 Till W1  ") && shown.contains("total"), "{shown}");
}

#[test]
fn the_report_says_what_has_no_price() {
    let session = Session::new();
    let crew = &session.crew;
    assert_eq!(crew.run("token-report", [""; 0]).code(0).stdout, "Nothing was used.\n");
    session.add(&line("a", "claude-sonnet-4-5", [1_000_000, 0, 0, 0, 0]));
    session.add(&line("b", "other\u{1b}[31m,model", [1000, 500, 0, 0, 0]));
    session.stop();
    let shown = crew.run("token-report", [""; 0]).code(0).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("MODEL") && lines[0].ends_with("COST"), "{shown}");
    // More than 200,000 tokens of context: twice the price.
    assert!(lines[1].starts_with("claude-sonnet-4-5") && lines[1].ends_with("$6.00"), "{shown}");
    assert!(lines[2].starts_with("other\\u{1b}[31m,model") && lines[2].ends_with('?'), "{shown}");
    assert!(lines[3].starts_with("total") && lines[3].ends_with("$6.00 + ?"), "{shown}");
    assert_eq!(lines[4], "No price is known for 1.5K tokens: other\\u{1b}[31m,model");
    let report = crew.run("token-report", ["--json", "--by", "day"]).code(0).json();
    assert_eq!(report["unpriced_models"], json!(["other\u{1b}[31m,model"]));
    assert_eq!(report["total"]["unpriced_tokens"], json!(1500));
    let day = &report["rows"][0];
    assert_eq!((&day["day"], &day["cost_usd"]), (&json!("2026-01-02"), &json!(6.0)), "{report}");
    let log = fs::read_to_string(crew.claude().join("logs/token-tracking.log")).unwrap();
    assert!(log.contains("| $?") && !log.contains('\u{1b}'), "{log}");

    for arguments in [["--since", "2026-01-03"], ["--until", "2026-01-01"], ["--plan", "7"], ["--project", "x"]] {
        assert_eq!(crew.run("token-report", arguments).code(0).stdout, "Nothing was used.\n", "{arguments:?}");
    }
    let days = crew.run("token-report", ["--days", "30000", "--json"]).code(0).json();
    assert_eq!(days["total"]["input_tokens"], json!(1_001_000));
    for (arguments, named) in [
        (["--since", "yesterday"], "yesterday"),
        (["--until", "2026-02-30"], "2026-02-30"),
        (["--by", "mood"], "mood"),
        (["--plan", "x"], "x"),
        (["--days", "0"], "0"),
        (["--scan", "/not/there"], "/not/there"),
    ] {
        crew.run("token-report", arguments).refused(1, &[named]);
    }
}

#[test]
fn a_scan_counts_all_transcripts_and_nothing_again() {
    let session = Session::new();
    let crew = &session.crew;
    let folder = crew.claude().join("projects");
    session.add(&line("a", "claude-sonnet-4-5", [1, 0, 0, 0, 0]));
    session.stop();
    let other = |id: &str, session: &str| {
        let more = json!({"sessionId": session, "cwd": "/src/bakery"});
        Line { id, model: "claude-haiku-4-5", tokens: [10, 0, 0, 0, 0], at: "2026-01-05T00:00:00.000Z", more }.text()
    };
    append(&folder.join("-src-bakery/b1.jsonl"), &(user("hi") + &other("b", "b1")));
    append(&folder.join("-src-bakery/b1/subagents/agent-1.jsonl"), &other("c", "b1"));
    // Where older versions put a subagent's transcript.
    append(&folder.join("-src-bakery/agent-2.jsonl"), &other("d", "b1"));
    append(&folder.join("-src-bakery/notes.txt"), &other("e", "b1"));
    for _ in 0..2 {
        let report = crew.run("token-report", ["--scan", "--by", "session", "--json"]).code(0).json();
        assert_eq!(report["total"]["input_tokens"], json!(31), "{report}");
    }
    let rows = crew.sql("SELECT DISTINCT session_id, project_id FROM token_usage ORDER BY 1");
    assert_eq!(json!(rows), json!([["b1", "bakery"], ["s1", "shop"]]));
}
