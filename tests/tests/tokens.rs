//! What sessions used: transcripts made here, the hooks that count them, and the report. The rules of counting are those
//! that ccusage documents: an answer is its message and request, wherever it stands.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Ended, Value, json};

const HOOK: &str = "hooks/session-end-tokens.sh";

/// One line of an answer as Claude Code 2.1 writes it.
struct Line<'a> {
    id: &'a str,
    model: &'a str,
    tokens: [i64; 5],
    at: &'a str,
    more: Value,
}

/// Tokens: input, output, cache written for five minutes, for an hour, cache read.
fn line(id: &str, model: &str, tokens: [i64; 5]) -> String {
    Line { id, model, tokens, at: "2026-01-02T03:04:05.678Z", more: json!({}) }.text()
}

impl Line<'_> {
    fn text(&self) -> String {
        let [input, output, five_minutes, hour, read] = self.tokens;
        let mut value = json!({
            "parentUuid": null, "isSidechain": false, "userType": "external", "cwd": "/src/shop", "sessionId": "s1",
            "version": "2.1.0", "gitBranch": "main", "type": "assistant", "uuid": format!("u-{}", self.id),
            "timestamp": self.at, "requestId": format!("req-{}", self.id),
            "message": {
                "id": self.id, "type": "message", "role": "assistant", "model": self.model,
                "content": [{"type": "text", "text": "He said \"usage\": {\n\t\u{1f600}"}], "stop_reason": null,
                "usage": {
                    "input_tokens": input, "cache_creation_input_tokens": five_minutes + hour,
                    "cache_read_input_tokens": read, "output_tokens": output, "service_tier": "standard",
                    "cache_creation": {"ephemeral_5m_input_tokens": five_minutes, "ephemeral_1h_input_tokens": hour}
                }
            }
        });
        for (key, more) in self.more.as_object().unwrap() {
            value[key] = more.clone();
        }
        format!("{value}\n")
    }
}

fn user(text: &str) -> String {
    format!("{}\n", json!({"type": "user", "message": {"role": "user", "content": text}, "cwd": "/src/shop"}))
}

struct Session {
    crew: Crew,
    transcript: PathBuf,
}

impl Session {
    fn new() -> Self {
        let crew = Crew::new();
        crew.run("init-dashboard-db", [""; 0]).code(0);
        let transcript = crew.claude().join("projects/-src-shop/s1.jsonl");
        fs::create_dir_all(transcript.parent().unwrap()).unwrap();
        Self { crew, transcript }
    }

    fn add(&self, text: &str) {
        append(&self.transcript, text);
    }

    fn event(&self, name: &str) -> Value {
        json!({
            "session_id": "s1", "transcript_path": self.transcript, "cwd": "/src/shop", "hook_event_name": name,
            "permission_mode": "default"
        })
    }

    #[track_caller]
    fn stop(&self) {
        self.send(&self.event("Stop"));
    }

    #[track_caller]
    fn send(&self, event: &Value) {
        silent(&self.crew.feed(event.to_string(), HOOK, [""; 0]));
    }

    #[track_caller]
    fn sums(&self) -> Vec<Vec<Value>> {
        self.crew.sql(
            "SELECT model, sum(input_tokens), sum(output_tokens), sum(cache_write_5m_tokens), \
             sum(cache_write_1h_tokens), sum(cache_read_tokens) FROM token_usage GROUP BY model ORDER BY model",
        )
    }
}

fn append(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[track_caller]
fn silent(ended: &Ended) {
    assert!(ended.code == 0 && ended.stdout.is_empty() && ended.stderr.is_empty(), "{ended:?}");
}

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

    // The answer goes on after it was counted, and another one follows.
    session.add(&line("b", "claude-sonnet-4-5", [5, 9, 0, 0, 0]));
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
