use super::*;
use crate::session_file_unlock;
use crewkit_store::locks::Filter;
use crewkit_tool::{Clock, Script};
use serde_json::{Value, json};
use std::time::SystemTime;

struct Place {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
    second: i64,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new(), second: 1_767_323_045 }
    }

    fn context(&self) -> Context {
        let pairs = [("HOME", self.folder.path().to_str().unwrap()), ("HOSTNAME", "testhost"), ("TZ", "UTC")];
        Context::scripted(Script {
            environment: pairs.iter().chain(&self.variables).map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            directory: self.folder.path().to_owned(),
            clock: Clock::Fixed(jiff::Timestamp::from_second(self.second).unwrap()),
            stdin: Vec::new(),
        })
    }

    fn ask(&self, event: &Value) -> Outcome {
        answer(&self.context(), &Event::parse(event.to_string().as_bytes()).unwrap()).unwrap()
    }

    fn locks(&self) -> Vec<Lock> {
        let context = self.context();
        let Some(store) = context.existing_store().unwrap() else { return Vec::new() };
        store.locks().list(&Filter::default(), &context.now()).unwrap()
    }

    fn files(&self) -> Vec<String> {
        self.locks().into_iter().map(|lock| lock.file).collect()
    }

    /// Makes the session's mark older than it may be.
    fn age_mark(&self, session: &str) {
        let path = self.folder.path().join(format!(".claude/data/hook-marks/{session}.locks"));
        let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - RENEW_AFTER - Duration::from_secs(1)).unwrap();
    }
}

fn edit(session: &str, file: &str) -> Value {
    json!({
        "session_id": session, "cwd": "/srv/shop", "hook_event_name": "PreToolUse", "tool_name": "Edit",
        "tool_input": {"file_path": file, "old_string": "a", "new_string": "b"}
    })
}

#[test]
fn the_second_session_is_refused_with_holder_age_and_the_way_on() {
    let mut place = Place::new();
    assert_eq!(place.ask(&edit("a", "src/x.rs")), Outcome::silent());
    assert_eq!(place.ask(&edit("a", "src/x.rs")), Outcome::silent());
    place.second += 42;
    let refused = place.ask(&edit("b", "/srv/shop/src/../src//x.rs"));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.code, refused.stdout.len()), (2, 0));
    for part in [
        "/srv/shop/src/x.rs",
        "session a",
        "agent claude-code",
        "locked 42 s ago",
        "file-lock wait '/srv/shop/src/x.rs'",
        "file-lock release '/srv/shop/src/x.rs' --session 'a'",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(place.ask(&edit("b", "other.rs")), Outcome::silent());
    assert_eq!(place.files(), ["/srv/shop/src/x.rs", "/srv/shop/other.rs"]);
}

#[test]
fn copilot_is_answered_in_its_words() {
    let mut place = Place::new();
    place.variables.push(("CLAUDE_AGENT_NAME", "builder"));
    let event = |session: &str, tool: &str, key: &str| json!({"sessionId": session, "toolName": tool, "toolArgs": {key: "/srv/a"}});
    assert_eq!(place.ask(&event("a", "edit", "path")), Outcome::silent());
    assert_eq!(place.locks()[0].agent.as_deref(), Some("builder"));
    for (tool, key) in [("writeFile", "filePath"), ("create", "path"), ("multiEdit", "file_path")] {
        let refused = place.ask(&event("b", tool, key));
        let said: Value = serde_json::from_slice(&refused.stdout).unwrap();
        assert_eq!((refused.code, said["permissionDecision"].as_str()), (0, Some("deny")));
        assert!(said["permissionDecisionReason"].as_str().unwrap().contains("session a"));
    }
}

#[test]
fn what_is_not_to_be_locked() {
    let mut place = Place::new();
    for file in [
        "Cargo.lock",
        "go.sum",
        "node_modules/x.js",
        "dist/x.js",
        "a/build/x",
        ".git/config",
        "x.db",
        "x.sqlite3",
        "x.min.js",
        "/tmp/x",
        "/var/x",
        "/srv/../tmp/x",
    ] {
        assert_eq!(place.ask(&edit("a", file)), Outcome::silent());
    }
    for event in [
        json!({"session_id": "a", "tool_name": "Edit", "tool_input": {}}),
        json!({"tool_name": "Edit", "tool_input": {"file_path": "/srv/x"}}),
        json!({"session_id": "a", "tool_name": "Read", "tool_input": {"file_path": "/srv/x"}}),
        json!({"session_id": "a", "tool_name": "Bash", "tool_input": {"command": "ls"}}),
        json!({"session_id": "a", "hook_event_name": "PostToolUse", "tool_name": "Edit", "tool_input": {"file_path": "/srv/x"}}),
        json!({"session_id": "a", "hook_event_name": "SessionEnd"}),
    ] {
        assert_eq!(place.ask(&event), Outcome::silent());
    }
    place.variables.push(("CLAUDE_FILE_LOCK", "0"));
    assert_eq!(place.ask(&edit("a", "x.rs")), Outcome::silent());
    assert_eq!(place.files(), [""; 0]);
    assert!(!place.folder.path().join(".claude").exists(), "nothing is made for it");
}

#[test]
fn a_file_has_one_name_whatever_link_leads_to_it() {
    let place = Place::new();
    std::os::unix::fs::symlink("/srv/shop/x.rs", place.folder.path().join("link.rs")).unwrap();
    let link = place.folder.path().join("link.rs");
    assert_eq!(place.ask(&edit("a", link.to_str().unwrap())), Outcome::silent());
    assert_eq!(place.files(), ["/srv/shop/x.rs"]);
    assert_eq!(place.ask(&edit("b", "/srv/shop/x.rs")).code, 2);
}

#[test]
fn several_files_are_locked_together_or_not_at_all() {
    let place = Place::new();
    place.ask(&edit("a", "/srv/2"));
    let many = |session: &str| {
        let files = json!(["/srv/3", "/srv/2", "/srv/1"]);
        json!({"session_id": session, "tool_name": "MultiEdit", "tool_input": {"files": files}})
    };
    assert_eq!(place.ask(&many("b")).code, 2);
    assert_eq!(place.files(), ["/srv/2"]);
    assert_eq!(place.ask(&many("a")), Outcome::silent());
    assert_eq!(place.files(), ["/srv/2", "/srv/1", "/srv/3"]);
}

#[test]
fn any_call_of_the_session_keeps_its_locks_alive_and_most_write_nothing() {
    let mut place = Place::new();
    let ls = json!({"session_id": "a", "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}});
    place.ask(&edit("a", "/srv/x"));
    place.ask(&edit("b", "/srv/y"));
    place.second += 200;
    place.ask(&ls);
    assert_eq!(place.locks()[0].heartbeat_age, Some(200), "the mark is fresh");
    place.age_mark("a");
    place.ask(&ls);
    let ages: Vec<_> = place.locks().iter().map(|lock| lock.heartbeat_age).collect();
    assert_eq!(ages, [Some(0), Some(200)], "only those of the session");
    place.second += 10;
    place.ask(&edit("a", "/srv/x"));
    assert_eq!(place.locks()[0].heartbeat_age, Some(10), "a lock held with a fresh sign of life is not written");
    place.second += 60;
    place.ask(&edit("a", "/srv/x"));
    assert_eq!(place.locks()[0].heartbeat_age, Some(0));
}

#[test]
fn the_end_of_the_session_gives_all_back() {
    let place = Place::new();
    place.ask(&edit("a", "/srv/x"));
    place.ask(&edit("a", "/srv/y"));
    place.ask(&edit("b", "/srv/z"));
    let end = |event: Value| {
        let event = Event::parse(event.to_string().as_bytes()).unwrap();
        assert_eq!(session_file_unlock::answer(&place.context(), &event).unwrap(), Outcome::silent());
    };
    end(json!({"session_id": "a", "hook_event_name": "Stop"}));
    end(json!({"hook_event_name": "SessionEnd"}));
    end(edit("a", "/srv/x"));
    assert_eq!(place.files().len(), 3);
    end(json!({"session_id": "a", "hook_event_name": "SessionEnd", "reason": "other"}));
    assert_eq!(place.files(), ["/srv/z"]);
    let log = std::fs::read_to_string(place.folder.path().join(".claude/logs/hooks.log")).unwrap();
    assert!(log.lines().count() == 1 && log.contains("2 lock(s) of session a"), "{log}");
    assert!(!place.folder.path().join(".claude/data/hook-marks/a.locks").exists());
    end(json!({"session_id": "b"}));
    assert_eq!(place.files(), [""; 0]);
}

#[test]
fn the_holder_hears_of_it_once_where_people_want_that() {
    let mut place = Place::new();
    place.variables.push(("SESSION_FILE_LOCK_MESSAGE", "1"));
    let chat = || Chat::open(&place.context().chat_path().unwrap()).unwrap();
    chat().register("a", "web", "shop", "2026-01-02T03:04:05.000").unwrap();
    place.ask(&edit("a", "/srv/x"));
    for _ in 0..2 {
        let refused = place.ask(&edit("b", "/srv/x"));
        assert!(String::from_utf8(refused.stderr).unwrap().contains("told in the chat"));
    }
    let messages = chat().newest(10, &crewkit_store::chat::Filter::default()).unwrap();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].message.starts_with("@web: /srv/x is wanted") && messages[0].project == "shop", "{messages:?}");
}

#[test]
fn readers_are_told_where_people_want_that() {
    let place = Place::new();
    place.ask(&edit("a", "/srv/x"));
    let read = json!({
        "session_id": "b", "hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": {"file_path": "/srv/x"}
    });
    assert_eq!(place.ask(&read), Outcome::silent());
    std::fs::write(place.folder.path().join(".claude/crewkit.toml"), "[session-file-lock]\ntell_readers = true\n")
        .unwrap();
    let told = String::from_utf8(place.ask(&read).stdout).unwrap();
    assert!(told.contains("additionalContext") && told.contains("session a"), "{told}");
}
