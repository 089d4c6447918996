//! One event as an agent reports it on a hook's standard input.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::path::PathBuf;

use crewkit_tool::{Context, Refusal};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::Settings;

/// Most bytes of standard input that are read; a longer event is no event.
const MOST_BYTES: u64 = 256 << 20;

/// Whose words an event is in, and so how it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Claude Code: the event is named by `hook_event_name`.
    Claude,
    /// GitHub Copilot CLI: `toolName` and `toolArgs`, the event is not named.
    Copilot,
    /// Neither: made by hand, or by settings of an older kind.
    Bare,
}

/// Why standard input is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAnEvent {
    /// Nothing but white space.
    Empty,
    /// No JSON; the reason.
    NotJson(String),
    /// JSON, but not an object.
    NotAnObject,
}

impl std::fmt::Display for NotAnEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("no event on standard input"),
            Self::NotJson(reason) => write!(f, "standard input is not JSON: {reason}"),
            Self::NotAnObject => f.write_str("standard input is not a JSON object"),
        }
    }
}

impl std::error::Error for NotAnEvent {}

/// One event. Every field may be missing or of another type than expected: it then counts as not there.
#[derive(Debug, Clone)]
pub struct Event {
    fields: Map<String, Value>,
    input: Map<String, Value>,
    dialect: Dialect,
    called_for: Option<&'static str>,
    settings: OnceCell<Settings>,
}

impl Event {
    /// The event on standard input: what every hook begins with.
    ///
    /// # Errors
    /// When there is none. A hook hands the refusal on: the frame prints its line and ends with 0.
    pub fn from_stdin(context: &Context) -> Result<Self, Refusal> {
        if context.stdin_is_terminal() {
            return Err(Refusal::new("reads an agent's hook event (JSON) from standard input"));
        }
        Self::parse(&context.read_stdin(MOST_BYTES)?).map_err(|fault| Refusal::new(fault.to_string()))
    }

    /// Reads an event. A byte order mark, white space and anything behind the object are ignored; bytes that are not
    /// UTF-8 and halves of surrogate pairs (which JavaScript writes) become U+FFFD.
    ///
    /// # Errors
    /// When there is no JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAnEvent> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
        if bytes.is_empty() {
            return Err(NotAnEvent::Empty);
        }
        let Value::Object(mut fields) = value(bytes)? else { return Err(NotAnEvent::NotAnObject) };
        let given = |key: &str| fields.get(key).is_some_and(|value| !value.is_null());
        let dialect = match (given("hook_event_name"), given("toolName")) {
            (true, _) => Dialect::Claude,
            (false, true) => Dialect::Copilot,
            (false, false) => Dialect::Bare,
        };
        let mut input = Map::new();
        for key in ["tool_input", "toolArgs"] {
            match fields.get_mut(key).map(Value::take) {
                Some(Value::Object(object)) => input = object,
                Some(Value::String(text)) => match value(text.trim().as_bytes()) {
                    Ok(Value::Object(object)) => input = object,
                    _ => continue,
                },
                _ => continue,
            }
            break;
        }
        Ok(Self { fields, input, dialect, called_for: None, settings: OnceCell::new() })
    }

    /// The event as JSON, as far as it was understood: a tool's input that was text is an object.
    pub fn to_json(&self) -> Value {
        let mut fields = self.fields.clone();
        if let Some(key) = ["tool_input", "toolArgs"].into_iter().find(|key| fields.contains_key(*key)) {
            fields.insert(key.to_owned(), Value::Object(self.input.clone()));
        }
        Value::Object(fields)
    }

    /// Whose words it is in.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The same event, which the agent's settings name `event` (`PreToolUse`): that is its name where it names itself by
    /// none, as Copilot's do.
    #[must_use]
    pub fn called_for(self, event: &'static str) -> Self {
        Self { called_for: Some(event), ..self }
    }

    /// The event's name as Claude Code names it (`PreToolUse`), or `None` where nobody names it.
    pub fn name(&self) -> Option<&str> {
        self.text("hook_event_name").or(self.called_for)
    }

    /// A field of the event that is text and not empty, by its name in Claude Code (`session_id`); the spelling
    /// `sessionId` is taken too.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.field(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// A field of the event, by its name in Claude Code (`tool_response`); the spelling `toolResponse` is taken too.
    /// `tool_input` is not among them: see [`Event::input`].
    pub fn field(&self, key: &str) -> Option<&Value> {
        let given = |key: &str| self.fields.get(key).filter(|value| !value.is_null());
        given(key).or_else(|| given(&camel_case(key)))
    }

    /// `session_id`.
    pub fn session_id(&self) -> Option<&str> {
        self.text("session_id")
    }

    /// `cwd` as given. To look something up, use [`Event::directory`].
    pub fn cwd(&self) -> Option<&str> {
        self.text("cwd")
    }

    /// The directory that relative paths and look-ups start from: `cwd` if that is a folder, else the working
    /// directory.
    ///
    /// # Errors
    /// When neither can be had.
    pub fn directory(&self, context: &Context) -> Result<PathBuf, Refusal> {
        let given = self.cwd().map(PathBuf::from).filter(|cwd| cwd.is_absolute() && cwd.is_dir());
        given.map_or_else(|| context.directory().map(ToOwned::to_owned), Ok)
    }

    /// What people set for hooks, read when it is asked for first: the person's file and that of the repository that
    /// [`Event::directory`] lies in.
    pub fn settings(&self, context: &Context) -> &Settings {
        self.settings.get_or_init(|| {
            self.directory(context)
                .map_or_else(|_| Settings::default(), |directory| Settings::load(context, &directory))
        })
    }

    /// The tool's name as Claude Code names it: `Bash`, `Edit`, `MultiEdit`, `Write`, `Read` for Copilot's names of
    /// the same; any other name as it is.
    pub fn tool(&self) -> Option<&str> {
        let name = self.text("tool_name")?;
        Some(match name {
            "bash" | "shell" => "Bash",
            "edit" | "editFile" => "Edit",
            "multiEdit" => "MultiEdit",
            "write" | "writeFile" | "create" => "Write",
            "view" => "Read",
            name => name,
        })
    }

    /// Whether it is about a call of the shell, as far as can be told: `Bash`, or a command without a tool's name.
    pub fn is_shell(&self) -> bool {
        self.tool().is_none_or(|tool| tool == "Bash") && self.command().is_some()
    }

    /// What the tool was given: `tool_input`, or `toolArgs` (an object, or text that holds one).
    pub fn input(&self) -> &Map<String, Value> {
        &self.input
    }

    /// A field of the tool's input that is text and not empty.
    pub fn input_text(&self, key: &str) -> Option<&str> {
        self.input.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The shell command that is to run or has run.
    pub fn command(&self) -> Option<&str> {
        self.input_text("command")
    }

    /// The file that the tool works on (`file_path`, `filePath`, `path`, `notebook_path`), as given.
    pub fn file_path(&self) -> Option<&str> {
        PATH_KEYS.iter().find_map(|key| self.input_text(key))
    }

    /// All files that the tool works on, as given, each once: [`Event::file_path`] and those of the entries of
    /// `edits` or `files`.
    pub fn file_paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self.file_path().into_iter().collect();
        let entries = ["edits", "files"].iter().filter_map(|key| self.input.get(*key)?.as_array()).flatten();
        for entry in entries {
            let path = entry.as_str().or_else(|| PATH_KEYS.iter().find_map(|key| entry.get(key)?.as_str()));
            if let Some(path) = path
                && !path.is_empty()
                && !paths.contains(&path)
            {
                paths.push(path);
            }
        }
        paths
    }

    /// What the tool answered: `tool_response`, or Copilot's `toolResult`.
    pub fn response(&self) -> Option<&Value> {
        self.field("tool_response").or_else(|| self.field("tool_result"))
    }

    /// `transcript_path`.
    pub fn transcript_path(&self) -> Option<&str> {
        self.text("transcript_path")
    }

    /// `prompt`, of UserPromptSubmit.
    pub fn prompt(&self) -> Option<&str> {
        self.text("prompt")
    }

    /// `source`, of SessionStart.
    pub fn source(&self) -> Option<&str> {
        self.text("source")
    }

    /// `reason`, of SessionEnd.
    pub fn reason(&self) -> Option<&str> {
        self.text("reason")
    }

    /// `agent_id`, inside a subagent.
    pub fn agent_id(&self) -> Option<&str> {
        self.text("agent_id")
    }

    /// `agent_type`, inside a subagent.
    pub fn agent_type(&self) -> Option<&str> {
        self.text("agent_type")
    }

    /// `stop_hook_active`: whether the agent already goes on because a hook blocked its stop.
    pub fn stop_hook_active(&self) -> bool {
        match self.field("stop_hook_active") {
            Some(Value::Bool(active)) => *active,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }
}

/// The names that a tool's file goes by in its input.
const PATH_KEYS: [&str; 4] = ["file_path", "filePath", "path", "notebook_path"];

/// `session_id` as `sessionId`.
fn camel_case(key: &str) -> String {
    let mut words = key.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut rest = word.chars();
        out.extend(rest.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(rest.as_str());
    }
    out
}

/// The first JSON value in `bytes`, mended where the plain reading fails for a reason that can be mended.
fn value(bytes: &[u8]) -> Result<Value, NotAnEvent> {
    let read = |bytes: &[u8]| Value::deserialize(&mut serde_json::Deserializer::from_slice(bytes));
    read(bytes).or_else(|fault| {
        let text = String::from_utf8_lossy(bytes);
        let mended = whole_surrogates(&text);
        if matches!((&text, &mended), (Cow::Borrowed(_), Cow::Borrowed(_))) {
            return Err(NotAnEvent::NotJson(fault.to_string()));
        }
        read(mended.as_bytes()).map_err(|fault| NotAnEvent::NotJson(fault.to_string()))
    })
}

/// `text` (JSON) with each escape that is half of a surrogate pair, without its other half, replaced by U+FFFD's.
fn whole_surrogates(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        let start = at + found;
        at = start + 2;
        match unit(text, start) {
            Some(0xd800..=0xdbff) if matches!(unit(text, start + 6), Some(0xdc00..=0xdfff)) => at = start + 12,
            Some(0xd800..=0xdfff) => {
                out.push_str(&text[kept..start]);
                out.push_str("\\ufffd");
                at = start + 6;
                kept = at;
            }
            _ => {}
        }
        while !text.is_char_boundary(at.min(text.len())) {
            at += 1;
        }
        if at >= text.len() {
            break;
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// The UTF-16 unit that the escape `\uXXXX` at `start` stands for.
fn unit(text: &str, start: usize) -> Option<u16> {
    let digits = text.get(start..start + 6)?.strip_prefix("\\u")?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(value: Value) -> Event {
        Event::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn claude_code_and_copilot_are_read_alike() {
        let claude = event(json!({
            "session_id": "s1", "transcript_path": "/t.jsonl", "cwd": "/w", "hook_event_name": "PreToolUse",
            "permission_mode": "default", "tool_name": "Bash", "tool_use_id": "toolu_1",
            "tool_input": {"command": "git status", "description": "d"}
        }));
        assert_eq!((claude.dialect(), claude.name()), (Dialect::Claude, Some("PreToolUse")));
        assert_eq!((claude.tool(), claude.command(), claude.is_shell()), (Some("Bash"), Some("git status"), true));
        assert_eq!((claude.session_id(), claude.cwd()), (Some("s1"), Some("/w")));
        assert_eq!(claude.transcript_path(), Some("/t.jsonl"));

        for arguments in [json!({"command": "git status"}), json!(r#" {"command": "git status"}"#)] {
            let copilot = event(json!({"toolName": "bash", "toolArgs": arguments, "sessionId": "s2", "cwd": "/w"}));
            assert_eq!((copilot.dialect(), copilot.name()), (Dialect::Copilot, None));
            assert_eq!((copilot.tool(), copilot.command()), (Some("Bash"), Some("git status")));
            assert_eq!(copilot.session_id(), Some("s2"));
        }
        let bare = event(json!({"tool_name": "Bash", "tool_input": {"command": "ls"}}));
        assert_eq!((bare.dialect(), bare.command()), (Dialect::Bare, Some("ls")));
        assert_eq!(event(json!({"hook_event_name": null, "toolName": "view"})).dialect(), Dialect::Copilot);
        assert_eq!(event(json!({"hook_event_name": "Stop", "toolName": "view"})).dialect(), Dialect::Claude);
    }

    #[test]
    fn an_event_can_be_given_on() {
        for given in [
            json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}, "x": 1}),
            json!({"session_id": "s1"}),
        ] {
            assert_eq!(event(given.clone()).to_json(), given);
        }
        let text = event(json!({"toolName": "bash", "toolArgs": "{\"command\":\"ls\"}"}));
        assert_eq!(text.to_json(), json!({"toolName": "bash", "toolArgs": {"command": "ls"}}));
    }

    #[test]
    fn tools_have_one_name() {
        for (copilot, claude) in [
            ("bash", "Bash"),
            ("shell", "Bash"),
            ("edit", "Edit"),
            ("editFile", "Edit"),
            ("multiEdit", "MultiEdit"),
            ("write", "Write"),
            ("writeFile", "Write"),
            ("create", "Write"),
            ("view", "Read"),
            ("Bash", "Bash"),
            ("mcp__x__y", "mcp__x__y"),
        ] {
            assert_eq!(event(json!({"toolName": copilot})).tool(), Some(claude));
            assert_eq!(event(json!({"tool_name": copilot})).tool(), Some(claude));
        }
    }

    #[test]
    fn files_by_all_their_names() {
        for key in ["file_path", "filePath", "path", "notebook_path"] {
            assert_eq!(event(json!({"toolArgs": {key: "a b.rs"}})).file_path(), Some("a b.rs"));
        }
        let many = event(json!({"tool_input": {
            "file_path": "a", "edits": [{"path": "b"}, {"filePath": "a"}, 7, {"old": "x"}], "files": ["c", ""]
        }}));
        assert_eq!(many.file_paths(), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_of_another_type_is_not_there() {
        let odd = event(json!({
            "session_id": 7, "cwd": [], "hook_event_name": {}, "tool_name": true, "tool_input": ["command"],
            "toolArgs": "not json", "stop_hook_active": "true", "prompt": ""
        }));
        assert_eq!((odd.session_id(), odd.cwd(), odd.name(), odd.tool(), odd.prompt()), (None, None, None, None, None));
        assert_eq!((odd.command(), odd.file_path(), odd.is_shell()), (None, None, false));
        assert!(odd.stop_hook_active() && odd.input().is_empty());
        assert!(!event(json!({"stop_hook_active": 1})).stop_hook_active());
        assert_eq!(event(json!({"tool_input": 3, "toolArgs": {"command": "x"}})).command(), Some("x"));
    }

    #[test]
    fn the_odd_wrappings_of_an_object_are_taken_off() {
        for bytes in [
            &b"\xef\xbb\xbf{\"cwd\":\"/w\"}"[..],
            b"\r\n\t {\"cwd\":\"/w\"}\n\n",
            b"{\"cwd\":\"/w\"} {\"cwd\":\"/v\"} trailing",
            b"{\"cwd\":\"/v\",\"cwd\":\"/w\"}",
        ] {
            assert_eq!(Event::parse(bytes).unwrap().cwd(), Some("/w"));
        }
        assert_eq!(Event::parse(b"{\"cwd\":\"/\xff\"}").unwrap().cwd(), Some("/\u{fffd}"));
        let halves = br#"{"cwd":"\ud83d \udc00 \\ud83d \ud83d\ude00 \ud83d\u0041"}"#;
        assert_eq!(Event::parse(halves).unwrap().cwd(), Some("\u{fffd} \u{fffd} \\ud83d \u{1f600} \u{fffd}A"));
    }

    #[test]
    fn what_is_no_object_is_said_to_be_none() {
        for blank in [&b""[..], b" \n", b"\xef\xbb\xbf"] {
            assert_eq!(Event::parse(blank).unwrap_err(), NotAnEvent::Empty);
        }
        for other in [&b"[]"[..], b"7", b"null", b"\"x\""] {
            assert_eq!(Event::parse(other).unwrap_err(), NotAnEvent::NotAnObject);
        }
        let deep = "[".repeat(1_000_000);
        for broken in ["not json", "{", r#"{"a":"#, r#"{"a":"\ud83d"#, "\\", "{'a':1}", &deep] {
            assert!(matches!(Event::parse(broken.as_bytes()), Err(NotAnEvent::NotJson(_))), "{broken:.20}");
        }
    }

    #[test]
    fn a_very_large_event_is_read() {
        let content = "x\n".repeat(25 << 20);
        let large = event(json!({"tool_name": "Write", "tool_input": {"file_path": "f", "content": content}}));
        assert_eq!(large.file_path(), Some("f"));
    }

    proptest::proptest! {
        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = Event::parse(&bytes);
        }

        #[test]
        fn no_escape_panics(text in r#"\{"a":"([\\ux0dD8c"é]{0,12}|\\u[dD][89c]..){0,6}"?"#) {
            let _ = Event::parse(text.as_bytes());
        }
    }
}
