//! What is counted: each answer once, for its session, project and model.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use crewkit_tests::{Value, json};

use super::{HOOK, Line, Session, append, line, user};

#[test]
fn each_answer_is_counted_once_with_the_model_that_gave_it() {
    let session = Session::new();
    session.add(&user("hello"));
    // While it is written, an answer's lines tell of a beginning.
    session.add(&line("a", "claude-opus-4-1", [10, 1, 0, 0, 0]));
    session.add(&line("a", "claude-opus-4-1", [10, 7, 100, 200, 3000]));
    session.add(&line("b", "claude-sonnet-4-5", [5, 5, 0, 0, 0]));
    session.stop();
    session.stop();
    let wanted = [json!(["claude-opus-4-1", 10, 7, 100, 200, 3000]), json!(["claude-sonnet-4-5", 5, 5, 0, 0, 0])];
    assert_eq!(json!(session.sums()), json!(wanted));
    assert_eq!(session.crew.value("SELECT count(*) FROM token_usage"), json!(2), "one row a model");

    // The answer goes on after it was counted, with less on some lines, and another one follows.
    session.add(&line("b", "claude-sonnet-4-5", [5, 9, 0, 0, 0]));
    session.add(&line("b", "claude-sonnet-4-5", [1, 7, 0, 0, 0]));
    session.add(&line("c", "claude-sonnet-4-5", [1, 1, 0, 0, 0]));
    session.send(&session.event("SessionEnd"));
    let wanted = [json!(["claude-opus-4-1", 10, 7, 100, 200, 3000]), json!(["claude-sonnet-4-5", 6, 10, 0, 0, 0])];
    assert_eq!(json!(session.sums()), json!(wanted));
    let row = session.crew.sql(
        "SELECT project_id, session_id, agent, branch, execution_host, created_at, round(cost_usd, 9) \
         FROM token_usage ORDER BY model",
    );
    // Dollars a million: 15 in, 75 out, 18.75 and 30 written, 1.5 read.
    let cost: f64 = 10e-6 * 15.0 + 7e-6 * 75.0 + 100e-6 * 18.75 + 200e-6 * 30.0 + 3000e-6 * 1.5;
    assert_eq!(
        row[0][..6],
        json!(["shop", "s1", "claude-code", "main", "testhost", "2026-01-02 03:04:05"]).as_array().unwrap()[..]
    );
    assert_eq!(row[0][6], json!((cost * 1e9).round() / 1e9));
    assert_eq!(row[1][6], json!(0.000_168));

    let log = fs::read_to_string(session.crew.claude().join("logs/token-tracking.log")).unwrap();
    let lines: Vec<&str> = log.lines().map(|line| &line[9..]).collect();
    assert_eq!(
        lines,
        [
            "shop | claude-opus-4-1 | in:10 out:7 | $0.013050",
            "shop | claude-sonnet-4-5 | in:5 out:5 | $0.000090",
            "shop | claude-sonnet-4-5 | in:1 out:5 | $0.000078",
        ]
    );
}

#[test]
fn of_several_tellings_each_kind_counts_as_the_largest() {
    let session = Session::new();
    for (tokens, wanted) in [
        ([5, 1, 0, 0, 100], [5, 1, 0, 0, 100]),
        ([1, 9, 0, 0, 50], [5, 9, 0, 0, 100]),
        ([0, 0, 7, 0, 0], [5, 9, 7, 0, 100]),
    ] {
        session.add(&line("a", "claude-sonnet-4-5", tokens));
        session.stop();
        let [input, output, five_minutes, hour, read] = wanted;
        assert_eq!(json!(session.sums()), json!([["claude-sonnet-4-5", input, output, five_minutes, hour, read]]));
    }
    // 3 dollars in, 15 out, 3.75 written, 0.3 read.
    assert_eq!(session.crew.value("SELECT round(cost_usd, 9) FROM token_usage"), json!(0.000_206_25));
}

#[test]
fn copies_and_subagents_are_counted_once() {
    let session = Session::new();
    session.add(&line("a", "claude-sonnet-4-5", [1, 10, 0, 0, 0]));
    let side = |id: &str, tokens| {
        let more = json!({"isSidechain": true, "agentId": "x1"});
        Line { id, model: "claude-haiku-4-5", tokens, at: "2026-01-02T03:04:06.000Z", more }.text()
    };
    session.add(&side("b", [2, 20, 0, 0, 0]));
    session.stop();
    let folder = session.transcript.with_extension("").join("subagents");
    // What stood in the session's own file before stands in the subagent's as well.
    append(&folder.join("agent-x1.jsonl"), &(side("b", [2, 20, 0, 0, 0]) + &side("c", [3, 30, 0, 0, 0])));
    append(&folder.join("agent-x1.meta.json"), "{\"agentType\": \"reviewer\"}");
    let mut event = session.event("SubagentStop");
    event["agent_id"] = json!("x1");
    event["agent_type"] = json!("reviewer");
    event["agent_transcript_path"] = json!(folder.join("agent-x1.jsonl"));
    session.send(&event);
    append(&folder.join("agent-x2.jsonl"), &side("d", [4, 40, 0, 0, 0]));
    session.stop();
    // A resumed session begins with a copy of the lines before it.
    let copy = session.transcript.with_file_name("s2.jsonl");
    let whole = fs::read_to_string(&session.transcript).unwrap().replace("\"s1\"", "\"s2\"");
    append(&copy, &(whole + &line("e", "claude-sonnet-4-5", [5, 50, 0, 0, 0])));
    let mut event = session.event("Stop");
    event["session_id"] = json!("s2");
    event["transcript_path"] = json!(copy);
    session.send(&event);
    let rows = session
        .crew
        .sql("SELECT session_id, agent, input_tokens, output_tokens FROM token_usage ORDER BY session_id, agent");
    let wanted = json!([
        ["s1", "claude-code", 1, 10],
        ["s1", "claude-code:reviewer", 3, 30],
        ["s1", "claude-code:subagent", 6, 60],
        ["s2", "claude-code", 5, 50],
    ]);
    assert_eq!(json!(rows), wanted);
}

#[test]
fn a_message_without_a_request_is_known_in_its_session() {
    let session = Session::new();
    let bare =
        |id: Value| format!("{}\n", json!({"type": "assistant", "message": {"id": id, "usage": {"input_tokens": 3}}}));
    session.add(&(bare(json!("m1")) + &bare(json!("m1")) + &bare(Value::Null) + &bare(Value::Null)));
    session.stop();
    session.stop();
    assert_eq!(session.crew.value("SELECT sum(input_tokens) FROM token_usage"), json!(9));
    let mut event = session.event("Stop");
    event["session_id"] = json!("s2");
    let other = session.transcript.with_file_name("s2.jsonl");
    append(&other, &bare(json!("m1")));
    event["transcript_path"] = json!(other);
    session.send(&event);
    assert_eq!(json!(session.sums()), json!([["unknown", 12, 0, 0, 0, 0]]));
    assert_eq!(session.crew.value("SELECT max(cost_usd) FROM token_usage"), Value::Null);
}

#[test]
fn half_lines_odd_lines_and_files_made_anew() {
    let session = Session::new();
    let whole = line("a", "claude-sonnet-4-5", [1, 1, 0, 0, 0]);
    session.add(
        "{ \"type\" :\t\"assistant\" , \"message\" : {\"id\":\"z\", \"usage\" : { \"input_tokens\"\r: 100 } } }\r\n",
    );
    session.add("not JSON \"usage\"\n{\"usage\": [\n\n");
    session.add(&whole[..whole.len() / 2]);
    session.stop();
    assert_eq!(session.crew.value("SELECT sum(input_tokens) FROM token_usage"), json!(100));
    session.add(&whole[whole.len() / 2..whole.len() - 1]);
    session.stop();
    session.stop();
    assert_eq!(session.crew.value("SELECT sum(input_tokens) FROM token_usage"), json!(101), "without a line's end");
    session.add("\n");
    session.stop();
    assert_eq!(session.crew.value("SELECT sum(input_tokens) FROM token_usage"), json!(101));
    // The same session in a file that was written anew.
    fs::write(&session.transcript, whole + &line("b", "claude-sonnet-4-5", [10, 1, 0, 0, 0])).unwrap();
    session.stop();
    assert_eq!(session.crew.value("SELECT sum(input_tokens) FROM token_usage"), json!(111));
}

#[test]
fn nothing_to_count_is_silent() {
    let session = Session::new();
    session.stop();
    session.add(&user("hi"));
    session.add(&line("a", "<synthetic>", [0; 5]));
    session.stop();
    session.add(&line("b", "claude-sonnet-4-5", [1, 1, 0, 0, 0]));
    session.send(&session.event("PreToolUse"));
    session.send(&json!({"hook_event_name": "Stop"}));
    session.send(&json!({"transcript_path": session.crew.work()}));
    assert_eq!(session.crew.value("SELECT count(*) FROM token_usage"), json!(0));
    for input in ["", "broken", "[]"] {
        let ended = session.crew.feed(input, HOOK, [""; 0]).code(0);
        assert!(ended.stdout.is_empty() && ended.stderr.lines().count() == 1, "{ended:?}");
    }
    fs::remove_dir_all(session.crew.claude().join("data")).unwrap();
    session.stop();
    assert!(!session.crew.database().exists() && !session.crew.claude().join("logs").exists());
}

#[test]
fn the_project_is_the_registered_one_with_the_longest_path() {
    let session = Session::new();
    let crew = &session.crew;
    let top = crew.repository("big shop");
    crew.git(&top, &["worktree", "add", "-q", "-b", "agent/web", "../elsewhere"]);
    fs::create_dir_all(crew.work().join("big shop/api")).unwrap();
    let insert = |id: &str, path: &str| {
        crew.sql(&format!("INSERT INTO projects (id, name, path) VALUES ('{id}', '{id}', '{path}') RETURNING 1"));
    };
    insert("everything", crew.work().to_str().unwrap());
    insert("shop", top.to_str().unwrap());
    insert("api", top.join("api").to_str().unwrap());
    insert("home", "~/dev");
    let far = crew.root().join("far");
    crew.git(&top, &["worktree", "add", "-q", "--detach", far.to_str().unwrap()]);
    for (at, (cwd, wanted)) in [
        (top.join("api/src"), "api"),
        (top.clone(), "shop"),
        (crew.work().join("big shopping"), "everything"),
        (crew.home().join("dev/x"), "home"),
        (crew.home().join("developer"), "developer"),
        (far, "shop"),
        ("/src/o'brien; DROP TABLE token_usage".into(), "o'brien; DROP TABLE token_usage"),
        ("/".into(), "unknown"),
    ]
    .into_iter()
    .enumerate()
    {
        session.add(&line(&format!("m{at}"), "claude-sonnet-4-5", [1, 1, 0, 0, 0]));
        let mut event = session.event("Stop");
        event["cwd"] = json!(cwd);
        event["session_id"] = json!(format!("s{at}"));
        session.send(&event);
        let found = crew.value(&format!("SELECT project_id FROM token_usage WHERE session_id = 's{at}'"));
        assert_eq!(found, json!(wanted), "{}", cwd.display());
    }
}

#[test]
fn many_at_once_and_killed_ones_count_everything_once() {
    let session = Session::new();
    let mut text = String::new();
    for number in 0..400 {
        let _ = write!(text, "{}", line(&format!("m{number}"), "claude-sonnet-4-5", [1, 2, 3, 4, 5]));
        let _ = write!(text, "{}", line(&format!("m{number}"), "claude-sonnet-4-5", [1, 2, 3, 4, 5]));
    }
    let event = session.event("Stop").to_string();
    let third = text.len() / 3;
    for round in 0..3 {
        session.add(&text[round * third..if round == 2 { text.len() } else { (round + 1) * third }]);
        let mut running = Vec::new();
        for number in 0..8 {
            let mut child = session.crew.start(HOOK, [""; 0]);
            child.stdin.take().unwrap().write_all(event.as_bytes()).unwrap();
            if number % 2 == 0 {
                std::thread::sleep(std::time::Duration::from_millis(number));
                child.kill().unwrap();
            }
            running.push(child);
        }
        for child in running {
            child.wait_with_output().unwrap();
        }
    }
    session.stop();
    assert_eq!(json!(session.sums()), json!([["claude-sonnet-4-5", 400, 800, 1200, 1600, 2000]]));
    assert_eq!(session.crew.value("PRAGMA integrity_check"), json!("ok"));
}

#[test]
fn a_database_from_before_gets_what_it_lacks() {
    let session = Session::new();
    let crew = &session.crew;
    crew.sql("SELECT 1");
    for statement in [
        "DROP TABLE counted_answers",
        "DROP TABLE read_transcripts",
        "ALTER TABLE token_usage DROP COLUMN cache_write_5m_tokens",
        "ALTER TABLE token_usage DROP COLUMN cache_write_1h_tokens",
        "ALTER TABLE token_usage DROP COLUMN cache_read_tokens",
        "ALTER TABLE token_usage DROP COLUMN branch",
    ] {
        crew.sql(statement);
    }
    crew.run("hooks/track-tokens.sh", ["shop", "me", "m", "4", "5", "0.5"]).code(0);
    let before = crew.run("token-report", ["--by", "branch", "--json"]).code(0).json();
    assert_eq!(before["rows"][0]["branch"], Value::Null, "{before}");
    assert_eq!((&before["total"]["total_tokens"], &before["total"]["cost_usd"]), (&json!(9), &json!(0.5)));
    session.add(&line("a", "claude-sonnet-4-5", [1, 2, 3, 4, 5]));
    session.stop();
    session.stop();
    let after = crew.run("token-report", ["--json"]).code(0).json();
    assert_eq!(after["total"]["total_tokens"], json!(24), "{after}");
}
