//! Guards and session hooks, by their own names and all in one process.

use std::io::Write as _;
use std::path::Path;

use crewkit_tests::{Crew, Ended, Value, json};

fn shell(session: &str, cwd: &Path, command: &str) -> Value {
    json!({
        "session_id": session, "cwd": cwd, "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": command}
    })
}

fn edit(session: &str, file: &str) -> Value {
    json!({
        "session_id": session, "cwd": "/srv/shop", "hook_event_name": "PreToolUse", "tool_name": "Edit",
        "tool_input": {"file_path": file, "old_string": "a", "new_string": "b"}
    })
}

fn call(crew: &Crew, hook: &str, event: &Value) -> Ended {
    crew.feed(event.to_string(), &format!("hooks/{hook}.sh"), [""; 0])
}

#[track_caller]
fn silent(ended: &Ended) {
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
}

#[test]
fn what_is_no_event_harms_nobody() {
    let crew = Crew::new();
    for hook in [
        "auto-format",
        "enforce-line-limit",
        "prefer-ci-summary",
        "session-file-lock",
        "session-file-unlock",
        "session-reaper",
        "warn-bash-antipatterns",
        "worktree-guard",
    ] {
        for input in ["", "not json", "[]", "{}", r#"{"session_id": 7, "tool_name": [], "tool_input": null}"#] {
            let ended = crew.feed(input, &format!("hooks/{hook}.sh"), [""; 0]);
            assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{hook}: {input}");
        }
        assert!(crew.run(&format!("hook-{hook}"), ["--help"]).code(0).stdout.contains("Usage"), "{hook}");
        assert_eq!(crew.run(&format!("hook-{hook}"), ["--nonsense"]).code, 0, "{hook}");
    }
    assert!(!crew.database().exists());
}

#[test]
fn a_tool_of_this_program_is_a_way_on() {
    let crew = Crew::new();
    let refused = call(&crew, "prefer-ci-summary", &shell("s", crew.root(), "git log -3 | head")).code(2);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("git-digest"), "{refused:?}");
    let copilot = json!({"toolName": "bash", "toolArgs": "{\"command\": \"git status\"}"});
    let denied = call(&crew, "prefer-ci-summary", &copilot).code(0).json();
    assert_eq!(denied["permissionDecision"], "deny");
    crew.write(&crew.claude().join("crewkit.toml"), "[prefer-ci-summary]\nmode = \"off\"\n");
    silent(&call(&crew, "prefer-ci-summary", &shell("s", crew.root(), "git log")));
}

#[test]
fn one_process_asks_all_guards_of_a_command() {
    let crew = Crew::new();
    let command = "find . -name x; git status";
    let ended = crew.feed(shell("s", crew.root(), command).to_string(), "crewkit", ["hook", "PreToolUse"]);
    assert!(ended.code == 2 && ended.stderr.contains("git-digest"), "{ended:?}");
    let ended = crew.feed(shell("t", crew.root(), "find .").to_string(), "crewkit", ["hook", "PreToolUse"]).code(0);
    assert!(ended.json()["hookSpecificOutput"]["additionalContext"].as_str().unwrap().contains("Glob"));
}

#[test]
fn of_many_sessions_one_gets_the_file() {
    let crew = Crew::new();
    silent(&call(&crew, "session-file-lock", &edit("first", "/srv/shop/other.rs")));
    let running: Vec<_> = (0..12)
        .map(|number| {
            let mut child = crew.start("hooks/session-file-lock.sh", [""; 0]);
            let event = edit(&format!("session-{number}"), "/srv/shop/a.rs").to_string();
            child.stdin.take().unwrap().write_all(event.as_bytes()).unwrap();
            child
        })
        .collect();
    let codes: Vec<_> =
        running.into_iter().map(|child| child.wait_with_output().unwrap().status.code().unwrap()).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 2).count(), 11, "{codes:?}");
    let holder = crew.value("SELECT session_id FROM file_locks WHERE file_path = '/srv/shop/a.rs'");
    silent(&call(&crew, "session-file-lock", &edit(holder.as_str().unwrap(), "a.rs")));

    let refused = call(&crew, "session-file-lock", &edit("late", "a.rs")).code(2);
    assert!(refused.stderr.contains(holder.as_str().unwrap()), "{refused:?}");
    let release = refused.stderr.lines().find(|line| line.contains("file-lock release")).unwrap();
    let words: Vec<&str> = release.split("file-lock ").nth(1).unwrap().split(' ').collect();
    let words: Vec<&str> = words.iter().map(|word| word.trim_matches('\'')).collect();
    assert_eq!(crew.run("file-lock", words).code(0).json()["count"], 1, "the command named works");
    silent(&call(&crew, "session-file-lock", &edit("late", "a.rs")));

    silent(&call(&crew, "session-file-unlock", &json!({"session_id": "late", "hook_event_name": "SessionEnd"})));
    assert_eq!(crew.value("SELECT count(*) FROM file_locks"), 1);
}

#[test]
fn a_lock_hook_without_a_database_that_can_be_used_lets_the_edit_pass() {
    let crew = Crew::new();
    crew.write(&crew.database(), "this is no database, but long enough to be taken for one by its size alone");
    let ended = call(&crew, "session-file-lock", &edit("a", "x.rs"));
    assert!(ended.code == 0 && ended.stdout.is_empty() && ended.stderr.lines().count() == 1, "{ended:?}");
}

#[test]
fn a_long_file_sends_the_agent_back() {
    let crew = Crew::new();
    let file = crew.work().join("long.rs");
    crew.write(&file, "x\n".repeat(251));
    let event = json!({"hook_event_name": "PostToolUse", "tool_name": "Write", "tool_input": {"file_path": file}});
    for refused in
        [call(&crew, "enforce-line-limit", &event), crew.feed(event.to_string(), "crewkit", ["hook", "PostToolUse"])]
    {
        assert!(refused.code == 2 && refused.stdout.is_empty() && refused.stderr.contains("251"), "{refused:?}");
    }
}
