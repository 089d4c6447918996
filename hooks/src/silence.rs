//! A hook that is asked about an event it is not meant for says nothing and does nothing: one process asks them all.

use std::fs;

use crewkit_hook::Event;
use crewkit_tool::{Answer, Clock, Context, Outcome, Script};
use serde_json::{Value, json};

use crate::{
    env_vault_guard, inject_agent_context, model_registry_refresh, preserve_context, secret_scanner, version_check,
};

type Hook = fn(&Context, &Event) -> Answer;

const HOOKS: [(&str, Hook); 6] = [
    ("env-vault-guard", env_vault_guard::answer),
    ("inject-agent-context", inject_agent_context::answer),
    ("model-registry-refresh", model_registry_refresh::answer),
    ("preserve-context", preserve_context::answer),
    ("secret-scanner", secret_scanner::answer),
    ("version-check", version_check::answer),
];

fn others() -> Vec<Value> {
    let call = |name: &str, tool: &str, input: Value| {
        json!({"hook_event_name": name, "tool_name": tool, "tool_input": input, "agent_type": "Bash",
            "transcript_path": "/none", "session_id": "s1"})
    };
    vec![
        call("PreToolUse", "Bash", json!({"command": "ls -la && git status"})),
        call("PreToolUse", "Bash", json!({"command": "git log --grep 'git commit'"})),
        call("PostToolUse", "Bash", json!({"command": "git commit -m x"})),
        call("PreToolUse", "Edit", json!({"file_path": "/w/x", "new_string": "sk-abcdefgh12345678"})),
        json!({"hook_event_name": "Stop", "stop_hook_active": true}),
        json!({"hook_event_name": "SessionEnd", "reason": "other"}),
        json!({"hook_event_name": "UserPromptSubmit", "prompt": "plan 12"}),
        json!({"hook_event_name": "Notification", "message": "m"}),
        json!({"toolName": "bash", "toolArgs": {"command": "ls"}}),
    ]
}

#[test]
fn hooks_are_silent_where_they_are_not_meant() {
    let scratch = tempfile::tempdir().unwrap();
    for event in others() {
        for (name, hook) in HOOKS {
            let context = Context::scripted(Script {
                environment: [("HOME".into(), scratch.path().into())].into(),
                directory: scratch.path().to_owned(),
                clock: Clock::System,
                stdin: Vec::new(),
            });
            let event = Event::parse(event.to_string().as_bytes()).unwrap();
            assert_eq!(hook(&context, &event), Ok(Outcome::silent()), "{name}: {event:?}");
            assert_eq!(context.take_notes(), [""; 0], "{name}: {event:?}");
        }
    }
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn a_session_starts_without_a_word_where_nothing_is_installed() {
    let scratch = tempfile::tempdir().unwrap();
    let context = Context::scripted(Script {
        environment: [("HOME".into(), scratch.path().into()), ("PATH".into(), scratch.path().into())].into(),
        directory: scratch.path().to_owned(),
        clock: Clock::System,
        stdin: Vec::new(),
    });
    let event = Event::parse(br#"{"hook_event_name":"SessionStart","source":"compact","session_id":"s1"}"#).unwrap();
    for (name, hook) in HOOKS {
        assert_eq!(hook(&context, &event), Ok(Outcome::silent()), "{name}");
    }
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}
