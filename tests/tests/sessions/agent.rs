//! An agent's side of hooks: which it starts for an event, and what it makes of their answers.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Value, json, program};

const SESSION: &str = "7b1c9f8e-0d7e-4d53-9a57-1a2b3c4d5e6f";

/// Events whose answer may hold a hookSpecificOutput with additional context.
const WITH_CONTEXT: [&str; 5] = ["SessionStart", "SubagentStart", "UserPromptSubmit", "PreToolUse", "PostToolUse"];

/// What an agent makes of the answers to one event.
#[derive(Debug, Default)]
pub(super) struct Heard {
    blocks: Vec<String>,
    contexts: Vec<String>,
    messages: Vec<String>,
}

impl Heard {
    #[track_caller]
    pub(super) fn silent(&self) {
        assert!(self.blocks.is_empty() && self.contexts.is_empty() && self.messages.is_empty(), "{self:?}");
    }

    pub(super) fn is_blocked(&self) -> bool {
        !self.blocks.is_empty()
    }

    #[track_caller]
    pub(super) fn reasons(&self) -> String {
        assert!(self.is_blocked(), "{self:?}");
        self.blocks.join("\n")
    }

    pub(super) fn context(&self) -> String {
        assert!(!self.is_blocked(), "{self:?}");
        self.contexts.join("\n")
    }
}

/// A session of Claude Code.
pub(super) struct Claude<'c> {
    crew: &'c Crew,
    cwd: PathBuf,
    session: String,
}

impl<'c> Claude<'c> {
    /// Installs crewkit with hooks in `form`, and opens a session in `cwd`.
    pub(super) fn installed(crew: &'c Crew, form: &str, cwd: &Path) -> Self {
        crewkit_tests::finish(crew.command(program()).args(["setup", "--hooks", form]), None).code(0);
        let session = format!("{SESSION}-{}", cwd.file_name().unwrap().to_string_lossy());
        Self { crew, cwd: cwd.to_owned(), session }
    }

    pub(super) fn bash(&self, command: &str) -> Heard {
        self.tool("Bash", &json!({"command": command, "description": "Runs it", "timeout": 120_000}))
    }

    pub(super) fn tool(&self, name: &str, input: &Value) -> Heard {
        self.fire("PreToolUse", name, &json!({"tool_name": name, "tool_input": input, "tool_use_id": "toolu_1"}))
    }

    pub(super) fn after(&self, name: &str, input: &Value, response: &Value) -> Heard {
        let fields =
            json!({"tool_name": name, "tool_input": input, "tool_response": response, "tool_use_id": "toolu_1"});
        self.fire("PostToolUse", name, &fields)
    }

    /// Starts all hooks of `event` whose matcher fits `subject`, at once, and reads their answers.
    #[track_caller]
    pub(super) fn fire(&self, event: &str, subject: &str, fields: &Value) -> Heard {
        let mut input = json!({
            "session_id": self.session, "transcript_path": self.crew.home().join("none.jsonl"), "cwd": self.cwd,
            "permission_mode": "default", "hook_event_name": event
        });
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let settings: Value =
            serde_json::from_slice(&fs::read(self.crew.claude().join("settings.json")).unwrap()).unwrap();
        let mut commands: Vec<(String, u64)> = Vec::new();
        for group in settings["hooks"][event].as_array().into_iter().flatten() {
            let matcher = group["matcher"].as_str().unwrap_or_default();
            if matcher.is_empty() || matcher == "*" || matcher.split('|').any(|name| name == subject) {
                for hook in group["hooks"].as_array().unwrap() {
                    let command = (hook["command"].as_str().unwrap().to_owned(), hook["timeout"].as_u64().unwrap());
                    if !commands.contains(&command) {
                        commands.push(command);
                    }
                }
            }
        }
        let started: Vec<_> = commands.iter().map(|(line, seconds)| self.start(line, *seconds, &input)).collect();
        let mut heard = Heard::default();
        for running in started {
            let (code, stdout, stderr) = running.end();
            read_answer(event, code, &stdout, &stderr, &mut heard);
        }
        heard
    }

    fn start(&self, line: &str, seconds: u64, input: &Value) -> Running {
        let mut command = self.crew.command("/bin/sh");
        command.args(["-c", line]).env("CLAUDE_PROJECT_DIR", &self.cwd).current_dir(&self.cwd);
        Running::start(&mut command, line, seconds, input)
    }
}

/// A hook that was started.
struct Running {
    child: std::process::Child,
    line: String,
    deadline: Instant,
}

impl Running {
    fn start(command: &mut std::process::Command, line: &str, seconds: u64, input: &Value) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
        // A hook may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input.to_string().as_bytes());
        Self { child, line: line.to_owned(), deadline: Instant::now() + Duration::from_secs(seconds) }
    }

    #[track_caller]
    fn end(mut self) -> (i32, String, String) {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < self.deadline, "{} took too long", self.line);
            std::thread::sleep(Duration::from_millis(1));
        };
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (status.code().unwrap(), stdout, stderr)
    }
}

/// One hook's answer, as Claude Code reads it; a form that it would reject fails the test.
#[track_caller]
fn read_answer(event: &str, code: i32, stdout: &str, stderr: &str, heard: &mut Heard) {
    match code {
        0 => {}
        2 => return heard.blocks.push(stderr.to_owned()),
        other => panic!("{event}: exit code {other}: {stderr}"),
    }
    assert_eq!(stderr, "", "{event}: nobody sees this");
    let Ok(answer) = serde_json::from_str::<Value>(stdout) else {
        if !stdout.is_empty() {
            assert!(matches!(event, "SessionStart" | "UserPromptSubmit"), "{event}: nobody sees {stdout}");
            heard.contexts.push(stdout.to_owned());
        }
        return;
    };
    if let Some(specific) = answer.get("hookSpecificOutput") {
        assert!(WITH_CONTEXT.contains(&event) && specific["hookEventName"] == event, "{event}: {answer}");
        assert_ne!(specific["permissionDecision"], "allow", "skips the person's prompt");
        if specific["permissionDecision"] == "deny" {
            heard.blocks.push(specific["permissionDecisionReason"].as_str().unwrap().to_owned());
        }
        if let Some(context) = specific["additionalContext"].as_str() {
            assert!(context.chars().count() < 10_000);
            heard.contexts.push(context.to_owned());
        }
    }
    for key in ["permissionDecision", "additionalContext"] {
        assert!(answer.get(key).is_none(), "{event}: {key} has no effect at the top: {answer}");
    }
    heard.messages.extend(answer["systemMessage"].as_str().map(str::to_owned));
}

/// A session of GitHub's Copilot, which reads the repository's `.github/hooks`.
pub(super) struct Copilot<'c> {
    crew: &'c Crew,
    cwd: PathBuf,
}

impl<'c> Copilot<'c> {
    pub(super) fn installed(crew: &'c Crew, cwd: &Path) -> Self {
        std::os::unix::fs::symlink(program(), crew.root().join("bin/crewkit")).unwrap();
        let install = || {
            let mut command = crew.command("crewkit");
            crewkit_tests::finish(command.args(["hooks", "install", "--copilot"]).arg(cwd), None).code(0).stdout
        };
        assert!(install().contains("wrote") && install().contains("already"));
        Self { crew, cwd: cwd.to_owned() }
    }

    /// The merged answer to an event; null when nothing was answered.
    #[track_caller]
    pub(super) fn fire(&self, event: &str, fields: &Value) -> Value {
        let mut input = json!({"timestamp": 1_700_000_000_000_u64, "cwd": self.cwd, "sessionId": SESSION});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let file = fs::read(self.cwd.join(".github/hooks/crewkit.json")).unwrap();
        let settings: Value = serde_json::from_slice(&file).unwrap();
        assert_eq!(settings["version"], 1);
        let hooks = settings["hooks"][event].as_array().cloned().unwrap_or_default();
        let mut answers = Value::Null;
        for hook in &hooks {
            assert_eq!(hook["type"], "command");
            let line = hook["bash"].as_str().unwrap();
            let mut command = self.crew.command("bash");
            command.args(["-c", line]).current_dir(&self.cwd);
            let running = Running::start(&mut command, line, hook["timeoutSec"].as_u64().unwrap(), &input);
            let (code, stdout, stderr) = running.end();
            assert_eq!((code, stderr.as_str()), (0, ""), "{event}");
            if !stdout.is_empty() {
                answers = serde_json::from_str(&stdout).unwrap();
            }
        }
        answers
    }
}
