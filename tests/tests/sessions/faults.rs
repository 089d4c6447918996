//! What may be wrong around a hook: none of it blocks an agent or is passed over in silence.

use std::fs;

use crewkit_tests::{Crew, Ended, Value, finish, json, program};

fn hook(crew: &Crew, event: &str, input: &[u8]) -> Ended {
    finish(crew.command(program()).args(["hook", event]), Some(input))
}

fn bash(crew: &Crew, command: &str) -> Vec<u8> {
    json!({"session_id": "s1234567", "cwd": crew.work(), "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": command}})
    .to_string()
    .into_bytes()
}

#[track_caller]
fn harmless(ended: &Ended, lines: usize) {
    let said: Vec<&str> = ended.stderr.lines().collect();
    assert!(ended.code == 0 && ended.stdout.is_empty() && said.len() == lines, "{ended:?}");
    assert!(said.iter().all(|line| line.contains(": ")), "{ended:?}");
}

#[test]
fn input_that_is_no_event_is_one_line() {
    let crew = Crew::new();
    let deep = "[".repeat(200_000);
    for input in ["", " \n", "{", "[]", "7", "null", "not json", "{\"a\":", &deep] {
        for event in ["PreToolUse", "SessionStart", "Stop"] {
            harmless(&hook(&crew, event, input.as_bytes()), 1);
        }
    }
    harmless(&hook(&crew, "PreToolUse", b"\xff\xfe{"), 1);
    harmless(&hook(&crew, "SessionStop", b"{}"), 1);
    harmless(&finish(crew.command(program()).arg("hook"), Some(b"{}")), 1);
    harmless(&finish(crew.command(program()).args(["hook", "PreToolUse", "--wrong"]), Some(b"{}")), 1);
}

#[test]
fn fields_that_are_missing_or_odd_are_nothing() {
    let crew = Crew::new();
    let odd = json!({"session_id": 7, "cwd": [], "tool_name": {}, "tool_input": "x", "hook_event_name": "PreToolUse"});
    for event in ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SessionEnd", "Stop", "PreCompact"] {
        harmless(&hook(&crew, event, b"{}"), 0);
        let named = json!({"hook_event_name": event, "new_field": {"a": [1]}}).to_string();
        harmless(&hook(&crew, event, named.as_bytes()), 0);
    }
    harmless(&hook(&crew, "PreToolUse", odd.to_string().as_bytes()), 0);
    let elsewhere = json!({"hook_event_name": "Notification"}).to_string();
    harmless(&hook(&crew, "PreToolUse", elsewhere.as_bytes()), 1);
    assert!(!crew.claude().exists(), "nothing was written");
}

#[test]
fn a_very_large_event_is_judged() {
    let crew = Crew::new();
    let content = "line\n".repeat(10 << 20);
    let mut event: Value = serde_json::from_slice(&bash(&crew, "git worktree add x")).unwrap();
    event["tool_input"]["content"] = json!(content);
    crew.git(&crew.work(), &["init", "-q"]);
    assert_eq!(hook(&crew, "PreToolUse", event.to_string().as_bytes()).code, 2);
}

#[test]
fn databases_that_cannot_be_used_block_nothing() {
    let broken = |name: &str| {
        let crew = Crew::new();
        let shop = crew.repository("shop");
        crew.write(&shop.join(".gitignore"), ".env\n");
        let (data, chat) = (crew.database(), crew.claude().join("comms/messages.db"));
        for file in [&data, &chat] {
            match name {
                "corrupt" => crew.write(file, "this is no database at all, whatever its name says\n".repeat(100)),
                "a folder" => fs::create_dir_all(file).unwrap(),
                _ => {}
            }
        }
        let crew = if name == "no home" { crew.with("HOME", "") } else { crew };
        let mut event: Value = serde_json::from_slice(&bash(&crew, "git commit -m x")).unwrap();
        event["cwd"] = json!(shop);
        (hook(&crew, "PreToolUse", event.to_string().as_bytes()), crew)
    };
    for (name, lines) in [("corrupt", 2), ("a folder", 2), ("no home", 1), ("gone", 0)] {
        harmless(&broken(name).0, lines);
    }
    let (_, crew) = broken("gone");
    crew.git(&crew.work().join("shop"), &["worktree", "add", "-q", "../shop-web"]);
    fs::create_dir_all(crew.database()).unwrap();
    let mut event: Value = serde_json::from_slice(&bash(&crew, "git worktree add x; git commit -m x")).unwrap();
    event["cwd"] = json!(crew.work().join("shop"));
    let denied = hook(&crew, "PreToolUse", event.to_string().as_bytes()).code(2);
    assert!(denied.stderr.contains("BLOCKED: git worktree add"), "one hook's fault is not another's: {denied:?}");
}

#[test]
fn a_database_that_is_locked_for_a_while_is_waited_for() {
    let crew = Crew::new();
    crew.repository("shop");
    super::unvalidated_task(&crew, "shop");
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let release = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        connection.execute_batch("COMMIT").unwrap();
    });
    let mut event: Value = serde_json::from_slice(&bash(&crew, "git commit -m x")).unwrap();
    event["cwd"] = json!(crew.work().join("shop"));
    let denied = hook(&crew, "PreToolUse", event.to_string().as_bytes());
    release.join().unwrap();
    assert!(denied.code == 2 && denied.stderr.contains("T1-01"), "{denied:?}");
}

#[test]
fn databases_that_stay_locked_hold_no_agent_up_for_long() {
    let crew = Crew::new();
    crew.run("init-dashboard-db", [""; 0]).code(0);
    crew.run("comms", ["post", "-s", "Web", "x"]).code(0);
    let locked: Vec<_> = [crew.database(), crew.claude().join("comms/messages.db")]
        .iter()
        .map(|path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
            connection.execute_batch("BEGIN EXCLUSIVE; CREATE TABLE held (x)").unwrap();
            connection
        })
        .collect();
    let transcript = crew.work().join("t.jsonl");
    crew.write(&transcript, "{}\n");
    let event = json!({"session_id": "s1234567", "cwd": "/", "hook_event_name": "SessionEnd", "reason": "other",
        "transcript_path": transcript});
    let started = std::time::Instant::now();
    let ended = hook(&crew, "SessionEnd", event.to_string().as_bytes());
    drop(locked);
    harmless(&ended, 2);
    assert!(ended.stderr.contains("session-file-unlock, session-end-tokens: ") && ended.stderr.contains("3 s"));
    assert!(started.elapsed() < std::time::Duration::from_secs(9), "{:?}", started.elapsed());
}

#[test]
fn a_program_that_does_not_answer_is_waited_for_once() {
    let crew = Crew::new();
    for program in ["claude", "copilot"] {
        crew.stub(program, "exec sleep 60");
    }
    crew.write(
        &crew.claude().join("data/models-registry.json"),
        r#"{"cli_versions": {"claude": "1.2.3", "copilot": "1.2.3"}}"#,
    );
    let event = json!({"hook_event_name": "SessionStart", "source": "startup", "cwd": crew.work()}).to_string();
    let start = || {
        let started = std::time::Instant::now();
        harmless(&hook(&crew, "SessionStart", event.as_bytes()), 0);
        started.elapsed().as_millis()
    };
    let (first, second) = (start(), start());
    assert!((1_900..3_800).contains(&first) && second < 1_500, "{first} {second}");
    crew.stub("claude", "echo 1.2.4");
    let told = hook(&crew, "SessionStart", event.as_bytes()).code(0).json();
    let told = told["hookSpecificOutput"]["additionalContext"].as_str().unwrap().to_owned();
    assert!(told.contains("claude 1.2.4 (registry: 1.2.3)"), "{told}");
}

#[test]
fn settings_that_cannot_be_read_are_told_once() {
    let crew = Crew::new();
    crew.write(&crew.claude().join("crewkit.toml"), "[hooks]\nenable = \n");
    let first = hook(&crew, "PreToolUse", &bash(&crew, "ls"));
    assert!(first.code == 0 && first.stderr.contains("crewkit.toml") && first.stderr.contains("line 2"), "{first:?}");
    harmless(&hook(&crew, "PreToolUse", &bash(&crew, "ls")), 0);
    let doctor = finish(crew.command(program()).arg("doctor"), None).code(1);
    assert!(doctor.stdout.contains("crewkit.toml"), "{doctor:?}");
    finish(crew.command(program()).args(["hooks", "settings", "--write"]), None)
        .refused(1, &["crewkit.toml", "already"]);
}
