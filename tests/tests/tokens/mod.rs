//! What sessions used: transcripts made here, the hooks that count them, and the report. The rules of counting are those
//! that ccusage documents: an answer is its message and request, wherever it stands.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Ended, Value, json};

mod ccusage;
mod counting;
mod report;

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
