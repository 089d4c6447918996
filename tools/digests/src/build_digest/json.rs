//! Reports for machines: the JSON arrays of ESLint and Ruff, the JSON lines of cargo. Found in the raw output, where a
//! line begins with one.

use std::fmt;
use std::path::{Path, PathBuf};

use crewkit_digest::Spool;
use serde::Deserialize;
use serde::de::{Deserializer as _, SeqAccess, Visitor};

use super::found::{Found, Level};

/// Most bytes looked at before it is known what a line begins.
const LONGEST_START: usize = 64;
/// Most bytes of a line of cargo's.
const LONGEST_LINE: usize = 4 << 20;
/// How lines of cargo's compiler begin.
const COMPILER: &[u8] = b"{\"reason\":\"compiler-message\"";

/// Finds reports in a stream of bytes.
#[derive(Debug)]
pub(super) struct Machine {
    folder: PathBuf,
    spool: Spool,
    state: State,
    begun: Vec<u8>,
    has_array: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a line; what came of it stands in `begun`.
    Start,
    /// In a line that begins nothing.
    Pass,
    /// In a line of cargo's.
    Line,
    /// In an array, to the end of the output.
    Array,
}

impl Machine {
    /// A finder that keeps large reports in a file in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        let (spool, state) = (Spool::default(), State::Start);
        Self { folder: folder.to_owned(), spool, state, begun: Vec::new(), has_array: false }
    }

    /// More bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8], found: &mut Found) {
        while !bytes.is_empty() {
            match self.state {
                State::Array => {
                    self.spool.push(bytes, &self.folder);
                    return;
                }
                State::Pass => match bytes.iter().position(|byte| *byte == b'\n') {
                    None => return,
                    Some(end) => {
                        bytes = &bytes[end + 1..];
                        self.state = State::Start;
                    }
                },
                State::Line => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    let room = LONGEST_LINE.saturating_sub(self.begun.len());
                    let piece = &bytes[..end.unwrap_or(bytes.len())];
                    self.begun.extend_from_slice(&piece[..piece.len().min(room)]);
                    bytes = end.map_or(&[], |end| &bytes[end + 1..]);
                    if end.is_some() {
                        self.end_line(found);
                    }
                }
                State::Start => {
                    let (first, rest) = bytes.split_at(1);
                    // Nearly every line is passed over by its first byte.
                    if self.begun.is_empty() && !matches!(first[0], b'[' | b'{') {
                        self.state = if first[0] == b'\n' { State::Start } else { State::Pass };
                        bytes = rest;
                        continue;
                    }
                    self.begun.extend_from_slice(first);
                    bytes = rest;
                    self.decide(first[0] == b'\n');
                }
            }
        }
    }

    fn decide(&mut self, is_line_end: bool) {
        match judge(&self.begun) {
            Some(State::Array) => {
                self.state = State::Array;
                self.has_array = true;
                self.spool.push(&std::mem::take(&mut self.begun), &self.folder);
            }
            Some(State::Line) => self.state = State::Line,
            Some(_) => {
                self.begun.clear();
                self.state = if is_line_end { State::Start } else { State::Pass };
            }
            None => {}
        }
    }

    fn end_line(&mut self, found: &mut Found) {
        let line = std::mem::take(&mut self.begun);
        self.state = State::Start;
        match serde_json::from_slice::<Cargo>(&line) {
            Ok(Cargo { message }) => message.tell(found),
            Err(_) => found.unread = true,
        }
    }

    /// The end of the output.
    pub(super) fn finish(mut self, found: &mut Found) {
        if self.state == State::Line {
            self.end_line(found);
        }
        if !self.has_array {
            return;
        }
        let read = self.spool.reader(0).ok().filter(|_| self.spool.is_whole()).and_then(|reader| {
            let mut json = serde_json::Deserializer::from_reader(reader);
            (&mut json).deserialize_seq(Items(found)).ok()
        });
        found.unread |= read.is_none();
    }
}

/// What the bytes at the start of a line begin; `None` while they may still begin something.
fn judge(bytes: &[u8]) -> Option<State> {
    const KEYS: [&[u8]; 4] = [b"filePath", b"cell", b"code", b"filename"];
    if bytes[0] == b'{' {
        if bytes.len() >= COMPILER.len() {
            return Some(if bytes.starts_with(COMPILER) { State::Line } else { State::Pass });
        }
        return (!COMPILER.starts_with(bytes)).then_some(State::Pass);
    }
    if bytes.len() > LONGEST_START {
        return Some(State::Pass);
    }
    let mut inner = bytes[1..].trim_ascii_start();
    for wanted in [b'{', b'"'] {
        match inner.split_first() {
            None => return None,
            Some((first, rest)) if *first == wanted => inner = rest.trim_ascii_start(),
            Some(_) => return Some(State::Pass),
        }
    }
    if let Some(end) = inner.iter().position(|byte| *byte == b'"') {
        return Some(if KEYS.contains(&&inner[..end]) { State::Array } else { State::Pass });
    }
    None
}

/// Tells lines of text from those of an array, so that nobody takes what it quotes for an error.
#[derive(Debug, Default)]
pub(super) struct Skip {
    depth: i64,
    in_text: bool,
    inside: bool,
    opened: bool,
}

impl Skip {
    /// Whether `line` belongs to a machine's report.
    pub(super) fn is_report(&mut self, line: &str) -> bool {
        if line.starts_with("{\"reason\":\"") {
            return true;
        }
        if self.opened {
            self.opened = false;
            self.inside = line.trim_start().starts_with('{');
        } else if !self.inside {
            self.opened = line.trim_end() == "[";
            self.inside = ["[{\"filePath\"", "[{\"cell\"", "[{\"code\"", "[{\"filename\""]
                .iter()
                .any(|start| line.starts_with(start));
            (self.depth, self.in_text) = (i64::from(self.opened), false);
            if !self.inside {
                return self.opened;
            }
        }
        if !self.inside {
            return false;
        }
        let mut escaped = false;
        for byte in line.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if self.in_text => escaped = true,
                b'"' => self.in_text = !self.in_text,
                b'[' | b'{' if !self.in_text => self.depth += 1,
                b']' | b'}' if !self.in_text => self.depth -= 1,
                _ => {}
            }
        }
        // A line that was cut is one whole report.
        self.inside = self.depth > 0 && line.len() < crewkit_digest::MAX_LINE / 2;
        true
    }
}

#[derive(Debug, Deserialize)]
struct Cargo {
    message: Diagnostic,
}

#[derive(Debug, Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Debug, Deserialize)]
struct Code {
    code: String,
}

#[derive(Debug, Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    is_primary: bool,
    label: Option<String>,
}

impl Diagnostic {
    fn tell(self, found: &mut Found) {
        let level = match self.level.as_str() {
            "error" | "error: internal compiler error" => Level::Error,
            "warning" => Level::Warning,
            _ => return,
        };
        let sums = ["aborting due to ", "could not compile "].iter().any(|start| self.message.starts_with(start));
        let is_sum = self.spans.is_empty() && (sums || self.message.ends_with(" emitted"));
        if is_sum {
            return;
        }
        let span = self.spans.iter().find(|span| span.is_primary).or(self.spans.first());
        let code = self.code.filter(|_| level == Level::Error).map_or(String::new(), |code| format!("{}: ", code.code));
        let label = span.and_then(|span| span.label.as_deref()).filter(|_| level == Level::Error);
        let label = label.map_or(String::new(), |label| format!(": {label}"));
        let place = span.map(|span| (span.file_name.as_str(), Some(span.line_start)));
        found.push(level, "cargo", place, &format!("{code}{}{label}", self.message));
    }
}

/// An element of ESLint's array, or of Ruff's.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Item {
    Eslint {
        #[serde(rename = "filePath")]
        file: String,
        messages: Vec<EslintMessage>,
    },
    Ruff {
        filename: String,
        code: Option<String>,
        message: String,
        location: Location,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EslintMessage {
    severity: u8,
    message: String,
    line: Option<u32>,
    rule_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Location {
    row: u32,
}

struct Items<'a>(&'a mut Found);

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("the report of a linter")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Item>()? {
            match item {
                Item::Eslint { file, messages } => {
                    self.0.mark("eslint");
                    for message in messages {
                        let level = if message.severity >= 2 { Level::Error } else { Level::Warning };
                        let rule = message.rule_id.map_or(String::new(), |rule| format!(" [{rule}]"));
                        // The text form leaves the full stop out as well.
                        let text = message.message.trim_end_matches('.');
                        self.0.push(level, "eslint", Some((&file, message.line)), &format!("{text}{rule}"));
                    }
                }
                Item::Ruff { filename, code, message, location } => {
                    let code = code.map_or(String::new(), |code| format!("{code}: "));
                    self.0.push(
                        Level::Error,
                        "ruff",
                        Some((&filename, Some(location.row))),
                        &format!("{code}{message}"),
                    );
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pieces: &[&[u8]]) -> Found {
        let folder = tempfile::tempdir().unwrap();
        let mut found = Found::default();
        let mut machine = Machine::new(folder.path());
        for piece in pieces {
            machine.push(piece, &mut found);
        }
        machine.finish(&mut found);
        found
    }

    #[test]
    fn reports_are_found_in_any_pieces() {
        let line = br#"{"reason":"compiler-message","message":{"message":"bad","level":"error","code":{"code":"E1"},"spans":[{"file_name":"a.rs","line_start":3,"is_primary":true,"label":"here"}]}}"#;
        let array = br#"[ {"filePath":"/a.js","messages":[{"severity":2,"message":"No.","line":4,"ruleId":"r"}]}]"#;
        let text = [b"[x] {y\n{\"reason\":\"build-finished\"}\n\n".as_slice(), line, b"\n", array, b"\nbye\n"].concat();
        for at in 0..text.len() {
            let found = found(&[&text[..at], &text[at..]]);
            let seen: Vec<_> =
                found.errors.iter().map(|error| (error.file.as_str(), error.line, error.msg.as_str())).collect();
            assert_eq!(seen, [("a.rs", Some(3), "E1: bad: here"), ("/a.js", Some(4), "No [r]")], "{at}");
            assert!(!found.unread);
        }
    }

    #[test]
    fn a_report_that_breaks_off_is_known_as_unread() {
        assert!(found(&[b"[{\"filePath\":\"/a.js\",\"mess"]).unread);
        assert!(found(&[b"{\"reason\":\"compiler-message\",\"message\""]).unread);
        assert!(!found(&[b"[]\n[1,2]\n{}\n"]).unread);
    }

    #[test]
    fn lines_of_a_report_are_no_text() {
        let mut skip = Skip::default();
        let report = ["[", "  {", "    \"message\": \"error: ] x\"", "  }", "]"];
        assert!(report.iter().all(|line| skip.is_report(line)));
        assert!(!skip.is_report("error: y") && skip.is_report("[{\"filePath\":\"x\"}]") && !skip.is_report("error: z"));
        let mut skip = Skip::default();
        assert!(skip.is_report("[") && !skip.is_report("error: y") && !skip.is_report("error: z"));
    }
}
