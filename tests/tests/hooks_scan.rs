//! Hooks of a session's life: inject-agent-context, preserve-context, debug-hook-input, version-check,
//! model-registry-refresh.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use crewkit_tests::{Crew, Ended, Value, json};

fn feed(crew: &Crew, hook: &str, event: &Value) -> Ended {
    crew.feed(event.to_string(), &format!("hooks/{hook}.sh"), [""; 0]).code(0)
}

/// The context that an event of Claude Code is answered with.
#[track_caller]
fn context(crew: &Crew, hook: &str, event: &Value) -> String {
    let answer = feed(crew, hook, event).json();
    assert_eq!(answer["hookSpecificOutput"]["hookEventName"], event["hook_event_name"]);
    answer["hookSpecificOutput"]["additionalContext"].as_str().unwrap().to_owned()
}

#[track_caller]
fn silent(ended: &Ended) {
    assert!(ended.code == 0 && ended.stdout.is_empty() && ended.stderr.is_empty(), "{ended:?}");
}

fn insert(crew: &Crew, sql: &str) {
    crewkit_tests::rows(&crew.database(), &format!("{sql} RETURNING 1"));
}

#[test]
fn a_subagent_is_given_rules_by_its_type() {
    let crew = Crew::new();
    let start = |kind: &str| json!({"hook_event_name": "SubagentStart", "agent_type": kind, "cwd": crew.work()});
    let plain = context(&crew, "inject-agent-context", &start("Explore"));
    assert!(plain.contains("Verify before claim") && plain.contains("250 lines") && !plain.contains("Security"));
    for kind in ["Bash", "task-executor", "task-executor-tdd", "app-release-manager"] {
        assert!(context(&crew, "inject-agent-context", &start(kind)).contains("# Security"), "{kind}");
    }
    for other in [
        json!({"hook_event_name": "SubagentStart"}),
        json!({"hook_event_name": "PreToolUse", "agent_type": "Bash", "tool_name": "Bash"}),
        json!({"hook_event_name": "SubagentStop", "agent_type": "Bash"}),
        json!({"tool_name": "Bash", "agent_type": "Bash"}),
    ] {
        silent(&feed(&crew, "inject-agent-context", &other));
    }
    let bare = feed(&crew, "inject-agent-context", &json!({"agent_type": "Bash"})).json();
    assert!(bare["additionalContext"].as_str().unwrap().contains("Security"));

    crew.write(&crew.claude().join("agent-context.md"), "Ours.\n## agents: Bash\nFor shells.\n");
    let top = crew.repository("shop");
    crew.write(&top.join(".claude/agent-context.md"), "Of the shop.\n");
    crew.write(&top.join("src/x"), "");
    let event = json!({"hook_event_name": "SubagentStart", "agent_type": "Bash", "cwd": top.join("src")});
    assert_eq!(context(&crew, "inject-agent-context", &event), "Ours.\nFor shells.\n\nOf the shop.");
}

#[test]
fn a_subagent_is_told_of_the_plan_and_of_messages() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.run("init-dashboard-db", [""; 0]).code(0);
    insert(&crew, &format!("INSERT INTO projects (id, name, path) VALUES ('shop', 'Shop', '{}')", top.display()));
    insert(&crew, "INSERT INTO plans (id, project_id, name, status) VALUES (34, 'shop', 'Login', 'doing')");
    insert(
        &crew,
        "INSERT INTO tasks (project_id, wave_id, plan_id, task_id, title, status, executor_session_id) \
         VALUES ('shop', 'W1', 34, 'T1-01', 'Wire it', 'in_progress', 's9')",
    );
    let event = |session: &str, cwd: &std::path::Path| json!({"hook_event_name": "SubagentStart", "agent_type": "Explore", "cwd": cwd, "session_id": session});
    for event in [event("s1", &top), event("s9", &crew.work())] {
        let said = context(&crew, "inject-agent-context", &event);
        assert!(said.contains("Active Plan: 34\nPlan Name: Login\nTask in progress: T1-01: Wire it"), "{said}");
    }
    assert!(!context(&crew, "inject-agent-context", &event("s1", &crew.work())).contains("Active Plan"));

    crew.run_in(&top, "comms", ["assign", "WEB", "s1-web"]).code(0);
    crew.run_in(&top, "comms", ["post", "-s", "API", "mind the \u{1b}[31mgap"]).code(0);
    let said = context(&crew, "inject-agent-context", &event("s1-web", &top));
    assert!(said.contains("Unread messages of the crew: 1\n[API] mind the ") && !said.contains('\u{1b}'), "{said}");
    assert!(crew.run_in(&top, "comms", ["check", "s1-web"]).stdout.contains("mind the"), "it stays unread");
    assert!(!context(&crew, "inject-agent-context", &event("s1-web", &top)).contains("Unread"));
}

const DATABASE: &str = "INSERT INTO tasks (project_id, wave_id, plan_id, task_id, title, status) VALUES \
    ('p', 'W1', 34, 'T1-01', 'Wire the login', 'in_progress'), ('p', 'W1', 34, 'T1-02', 'Later', 'pending'), \
    ('p', 'W1', 34, 'T1-00', 'Before', 'done')";

#[test]
fn what_is_kept_before_a_compaction_comes_back_after_it() {
    let crew = Crew::new();
    crew.run("init-dashboard-db", [""; 0]).code(0);
    insert(&crew, "INSERT INTO projects (id, name, path) VALUES ('p', 'P', '/p')");
    insert(&crew, "INSERT INTO plans (id, project_id, name, status) VALUES (34, 'p', 'Login', 'doing')");
    insert(&crew, DATABASE);
    let transcript = crew.work().join("t.jsonl");
    let said = json!({"type": "user", "message": {"role": "user", "content": "go on with plan 34 (F-07, F-01)"}});
    crew.write(&transcript, format!("{said}\n{{broken\n"));
    let before = json!({"session_id": "s1", "hook_event_name": "PreCompact", "trigger": "auto",
        "transcript_path": transcript});
    let answer = feed(&crew, "preserve-context", &before).json();
    let text = answer["systemMessage"].as_str().unwrap();
    assert!(answer.get("hookSpecificOutput").is_none() && text.starts_with("# "), "{answer}");
    for line in [
        "Active Plan: 34",
        "Plan Name: Login",
        "Current Task: T1-01: Wire the login",
        "Tasks done: 1 of 3",
        "Next Tasks: T1-02: Later",
        "F-xx Requirements: F-01,F-07",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    let kept = crew.claude().join("data/preserved/s1.md");
    assert_eq!(fs::read_to_string(&kept).unwrap().trim_end(), text);
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);

    fs::remove_file(&transcript).unwrap();
    let start = |source: &str, session: &str| json!({"session_id": session, "hook_event_name": "SessionStart", "source": source, "transcript_path": transcript});
    assert_eq!(context(&crew, "preserve-context", &start("compact", "s1")), text);
    for event in [start("startup", "s1"), start("resume", "s1"), start("compact", "s2"), start("compact", "../s1")] {
        silent(&feed(&crew, "preserve-context", &event));
    }
}

#[test]
fn nothing_to_keep_is_silence_and_a_strange_session_leaves_no_file() {
    let crew = Crew::new();
    let transcript = crew.work().join("t.jsonl");
    crew.write(&transcript, "{\"type\":\"user\",\"message\":{\"content\":\"hello\"}}\n");
    let event =
        |session: &str| json!({"session_id": session, "hook_event_name": "PreCompact", "transcript_path": transcript});
    silent(&feed(&crew, "preserve-context", &event("s1")));
    silent(&feed(&crew, "preserve-context", &json!({"hook_event_name": "Stop", "transcript_path": transcript})));
    silent(&feed(&crew, "preserve-context", &json!({"transcript_path": "/not/there"})));
    crew.write(&transcript, "{\"type\":\"user\",\"message\":{\"content\":\"plan 5\"}}\n");
    let text = feed(&crew, "preserve-context", &event("../../x")).json();
    assert!(text["systemMessage"].as_str().unwrap().contains("Active Plan: 5"));
    assert!(!crew.claude().join("data").exists());
    let flat = feed(&crew, "preserve-context", &json!({"transcript_path": transcript})).json();
    assert!(flat["additionalContext"].as_str().unwrap().contains("Active Plan: 5"));
}

#[test]
fn every_call_is_logged_without_secrets() {
    let crew = Crew::new().with("CLAUDE_API_KEY", "topsecretvalue").with("CLAUDE_PROJECT_DIR", "/w/x");
    let hook = "hooks/debug-hook-input.sh";
    silent(&crew.feed(r#"{"session_id":"s1","hook_event_name":"Stop"}"#, hook, ["one", "two"]));
    silent(&crew.feed("not json \u{1b}[31m", hook, [""; 0]));
    silent(&crew.feed(r#"{"hook_event_name":"Stop"}"#, hook, ["--event", "PreToolUse"]));
    let path = crew.claude().join("logs/hook-debug.log");
    let log = fs::read_to_string(&path).unwrap();
    for part in ["ARGS: one two\n", "CLAUDE_API_KEY=***", "CLAUDE_PROJECT_DIR=/w/x", r#"STDIN: {"session_id":"s1","#] {
        assert!(log.contains(part), "{part}: {log}");
    }
    assert!(!log.contains("topsecretvalue") && !log.contains('\u{1b}') && log.matches("===").count() == 2, "{log}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    silent(&crew.feed(
        r#"{"hook_event_name":"PreToolUse","tool_input":{"a":1}}"#,
        hook,
        ["--json", "--event", "PreToolUse"],
    ));
    let line = fs::read_to_string(crew.claude().join("logs/hook-debug.jsonl")).unwrap();
    let entry: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(entry["input"], json!({"hook_event_name": "PreToolUse", "tool_input": {"a": 1}}));
    assert_eq!((entry["env"]["CLAUDE_API_KEY"].as_str(), line.lines().count()), (Some("***"), 1));
}

#[test]
fn entries_written_at_the_same_time_stay_whole() {
    let crew = Crew::new();
    std::thread::scope(|scope| {
        for at in 0..8 {
            let crew = &crew;
            scope.spawn(move || {
                let event = json!({"session_id": format!("s{at}"), "filler": "x".repeat(20_000)});
                crew.feed(event.to_string(), "hooks/debug-hook-input.sh", ["--json"]).code(0);
            });
        }
    });
    let log = fs::read_to_string(crew.claude().join("logs/hook-debug.jsonl")).unwrap();
    let mut seen: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["input"]["session_id"].as_str().unwrap().to_owned())
        .collect();
    seen.sort();
    assert_eq!(seen, ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"]);
}

#[test]
fn a_new_version_is_told_once() {
    let crew = Crew::new();
    let hook = "version-check";
    let start = json!({"hook_event_name": "SessionStart", "source": "startup"});
    let file = crew.claude().join("data/.claude-code-version");
    crew.stub("claude", "echo '2.1.4 (Claude Code)'");
    crew.stub("copilot", "echo 'copilot 1.2.0'");
    silent(&feed(&crew, hook, &start));
    assert_eq!(fs::read_to_string(&file).unwrap(), "2.1.4\n");
    silent(&feed(&crew, hook, &start));
    crew.stub("claude", "echo '2.1.5 (Claude Code)'");
    crew.stub("copilot", "echo 'copilot 1.3.0'");
    let said = feed(&crew, hook, &start).json()["systemMessage"].as_str().unwrap().to_owned();
    assert!(said.contains("2.1.4 to 2.1.5") && said.contains("copilot was updated from 1.2.0 to 1.3.0"), "{said}");
    silent(&feed(&crew, hook, &start));

    crew.stub("claude", "echo '2.2.0'");
    let flat = crew.run("hooks/version-check.sh", [""; 0]).code(0).json();
    assert_eq!(
        (flat["severity"].as_str(), flat["notification"].as_str().unwrap().contains("2.2.0")),
        (Some("info"), true)
    );
    for body in ["exit 1", "echo unknown", "sleep 60"] {
        crew.stub("claude", body);
        let started = std::time::Instant::now();
        silent(&feed(&crew, hook, &start));
        assert!(started.elapsed() < Duration::from_secs(8), "{body}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "2.2.0\n");
    silent(&feed(&crew, hook, &json!({"hook_event_name": "Stop"})));
}

#[test]
fn a_program_that_has_not_changed_is_not_asked_again() {
    let crew = Crew::new();
    let asked = crew.root().join("asked");
    crew.stub("claude", &format!("echo x >> {}; echo 2.1.4", asked.display()));
    for _ in 0..3 {
        crew.run("hooks/version-check.sh", [""; 0]).code(0);
    }
    assert_eq!(fs::read_to_string(&asked).unwrap(), "x\n");
}

#[test]
fn an_old_registry_is_told_once_a_day() {
    let crew = Crew::new();
    let hook = "hooks/model-registry-refresh.sh";
    let call = || crew.run(hook, [""; 0]).code(0);
    silent(&call());
    let path = crew.work().join("data/models-registry.json");
    let aged = |days: u64| {
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(days * 24 + 1)).unwrap();
    };
    crew.write(&path, r#"{"last_updated":"2020-01-01T00:00:00Z"}"#);
    silent(&call());
    aged(6);
    silent(&call());
    aged(10);
    assert!(call().stdout.contains("INFO: models-registry.json is 10 days old"));
    silent(&call());
    aged(11);
    let start = json!({"hook_event_name": "SessionStart", "source": "startup", "cwd": crew.work()});
    assert!(context(&crew, "model-registry-refresh", &start).contains("11 days"));
    silent(&feed(&crew, "model-registry-refresh", &json!({"hook_event_name": "Stop"})));
    crew.write(&path, "not json");
    aged(9);
    assert!(call().stdout.contains("9 days"));
}

#[test]
fn a_very_old_registry_is_refreshed_in_the_background() {
    let crew = Crew::new();
    let told = crew.root().join("told");
    crew.stub("model-registry", &format!("sleep 0.2; echo \"$@\" > {}", told.display()));
    let path = crew.claude().join("data/models-registry.json");
    crew.write(&path, "{}");
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(20 * 24)).unwrap();
    let said = crew.run("hooks/model-registry-refresh.sh", [""; 0]).code(0).stdout;
    assert!(said.contains("20 days") && said.contains("started"), "{said}");
    silent(&crew.run("hooks/model-registry-refresh.sh", [""; 0]));
    for _ in 0..100 {
        if fs::read_to_string(&told).is_ok_and(|text| text == "refresh\n") {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the refresh did not run");
}

#[test]
fn other_versions_than_the_registry_knows_are_told() {
    let crew = Crew::new();
    crew.stub("copilot", "echo 'copilot 1.3.0'");
    crew.stub("claude", "echo '2.1.4'");
    crew.stub("gemini", "exit 3");
    let path = crew.claude().join("data/models-registry.json");
    crew.write(
        &path,
        r#"{"cli_versions":{"copilot":"copilot 1.2.0","claude":"2.1.4","gemini":"0.9.1","opencode":"unknown"}}"#,
    );
    let said = crew.run("hooks/model-registry-refresh.sh", [""; 0]).code(0).stdout;
    assert!(said.contains("1.3.0") && said.contains("1.2.0") && said.lines().count() == 1, "{said}");
    assert!(!said.contains("claude") && !said.contains("gemini"), "{said}");
    silent(&crew.run("hooks/model-registry-refresh.sh", [""; 0]));
}
