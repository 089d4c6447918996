//! What a tool answers: an [`Outcome`], or a [`Refusal`].

use serde::Serialize;

use crate::text;

/// Exit codes that mean the same in every tool. A tool's own codes stand in its help.
pub mod exit_code {
    /// Done, or nothing to do.
    pub const DONE: u8 = 0;
    /// Refused, blocked, not found, wrong usage.
    pub const REFUSED: u8 = 1;
    /// A verdict that could not be reached, or, in a hook, a block.
    pub const BLOCKED: u8 = 2;
    /// A fault of the program itself (`EX_SOFTWARE` of sysexits.h). Hooks end with 0 instead.
    pub const FAULT: u8 = 70;
    /// A program that was to be run cannot be executed (as a shell says it).
    pub const NOT_EXECUTABLE: u8 = 126;
    /// A program that was to be run was not found (as a shell says it).
    pub const NOT_FOUND: u8 = 127;
    /// Standard output was closed by its reader: 128 + SIGPIPE, what a script would have ended with.
    pub const CLOSED_PIPE: u8 = 141;
}

/// What a tool's `run` gives back.
pub type Answer = Result<Outcome, Refusal>;

/// The result of a run: the bytes for both streams and the exit code.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Bytes for standard output, line ends included.
    pub stdout: Vec<u8>,
    /// Bytes for standard error, line ends included.
    pub stderr: Vec<u8>,
    /// The exit code.
    pub code: u8,
}

impl Outcome {
    /// Nothing on either stream, exit code 0.
    pub fn silent() -> Self {
        Self::default()
    }

    /// `value` as one line of compact JSON on standard output.
    pub fn json(value: &impl Serialize) -> Self {
        Self { stdout: json_line(value), ..Self::default() }
    }

    /// `value` as one line of compact JSON on standard error: an answer that is a failure.
    pub fn json_error(value: &impl Serialize, code: u8) -> Self {
        Self { stderr: json_line(value), code, ..Self::default() }
    }

    /// `text` on standard output; a line end is added where one is missing and the text is not empty.
    pub fn text(text: impl Into<String>) -> Self {
        Self { stdout: with_line_end(text.into()), ..Self::default() }
    }

    /// The same answer with another exit code.
    #[must_use]
    pub fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// The same answer with one more line on standard error.
    #[must_use]
    pub fn with_note(mut self, line: impl AsRef<str>) -> Self {
        self.stderr.extend_from_slice(text::one_line(line.as_ref()).as_bytes());
        self.stderr.push(b'\n');
        self
    }

    /// The same answer with `notes` of the tool `name`: lines on standard error before it, or, where the answer is JSON on
    /// standard error, its key `notes`, so that the stream is still one object.
    #[must_use]
    pub(crate) fn with_notes(mut self, name: &str, notes: &[String]) -> Self {
        if notes.is_empty() {
            return self;
        }
        let one_line = self.stderr.iter().position(|byte| *byte == b'\n') == self.stderr.len().checked_sub(1);
        if one_line && self.stderr.starts_with(b"{\"") && self.stderr.ends_with(b"}\n") {
            self.stderr.truncate(self.stderr.len() - 2);
            self.stderr.extend_from_slice(b",\"notes\":");
            self.stderr.extend(json_line(&notes).trim_ascii_end());
            self.stderr.extend_from_slice(b"}\n");
            return self;
        }
        let lines: String = notes.iter().map(|note| format!("{name}: {}\n", text::one_line(note))).collect();
        self.with_stderr(lines)
    }

    /// The same answer with text on standard error before it, as it is; a line end is added where one is missing.
    #[must_use]
    pub fn with_stderr(mut self, text: impl Into<String>) -> Self {
        let mut bytes = with_line_end(text.into());
        bytes.append(&mut self.stderr);
        self.stderr = bytes;
        self
    }
}

fn with_line_end(mut text: String) -> Vec<u8> {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.into_bytes()
}

fn json_line(value: &impl Serialize) -> Vec<u8> {
    // A value that serde_json cannot write (a map with keys that are no text) is a fault in the tool, found by
    // its first test; the answer is then an object that says so rather than half an object.
    let mut line = serde_json::to_vec(value)
        .unwrap_or_else(|fault| format!(r#"{{"status":"error","msg":"{fault}"}}"#).into_bytes());
    line.push(b'\n');
    line
}

/// Why a tool did not do what it was asked: one line for standard error and an exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// One line, without the tool's name; line ends and control characters are made visible when it is printed.
    pub message: String,
    /// The exit code, never 0.
    pub code: u8,
    /// Further text for standard error after the line (usage), or empty.
    pub help: String,
    /// A JSON object for standard output where a contract asks for one, or empty.
    pub stdout: Vec<u8>,
}

impl Refusal {
    /// A refusal with exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: exit_code::REFUSED, help: String::new(), stdout: Vec::new() }
    }

    /// The same refusal with another exit code.
    #[must_use]
    pub fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// The same refusal followed by `help` on standard error.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The same refusal with `value` as one line of JSON on standard output.
    #[must_use]
    pub fn with_json(mut self, value: &impl Serialize) -> Self {
        self.stdout = json_line(value);
        self
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&text::one_line(&self.message))
    }
}

impl std::error::Error for Refusal {}

impl From<crewkit_store::Error> for Refusal {
    fn from(error: crewkit_store::Error) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_ends_its_lines() {
        assert_eq!(Outcome::text("a").stdout, b"a\n");
        assert_eq!(Outcome::text("a\n").stdout, b"a\n");
        assert_eq!(Outcome::text("").stdout, b"");
        assert_eq!(Outcome::json(&serde_json::json!({"a": 1})).stdout, b"{\"a\":1}\n");
        assert_eq!(Outcome::silent().with_note("x\ny").stderr, b"x\\ny\n");
    }

    #[test]
    fn notes_leave_json_on_standard_error_whole() {
        let notes = ["upgraded \"it\"".to_owned()];
        let blocked = Outcome::json_error(&serde_json::json!({"a": 1}), 1).with_notes("demo", &notes);
        assert_eq!(blocked.stderr, b"{\"a\":1,\"notes\":[\"upgraded \\\"it\\\"\"]}\n");
        assert_eq!(Outcome::silent().with_notes("demo", &notes).stderr, b"demo: upgraded \"it\"\n");
        assert_eq!(Outcome::silent().with_note("x").with_notes("demo", &notes).stderr, b"demo: upgraded \"it\"\nx\n");
        assert_eq!(Outcome::silent().with_notes("demo", &[]).stderr, b"");
    }

    #[test]
    fn a_refusal_is_one_line_whatever_it_names() {
        assert_eq!(Refusal::new("no file 'a\nb\x1b[31m'").to_string(), "no file 'a\\nb\\u{1b}[31m'");
    }
}
