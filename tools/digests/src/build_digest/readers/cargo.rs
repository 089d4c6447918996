//! cargo and rustc, clippy among it: `error[E0308]: text` with an arrow line under it, and cargo's own words.

use super::super::found::{Found, Level};
use super::super::pieces::{count_of, ends, label, place, placed};
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Cargo {
    /// Inside a diagnostic: up to the next empty line.
    inside: bool,
    /// The diagnostic's first label, which says what was expected, is still to come.
    wants_label: bool,
    /// What the next line completes.
    next: Next,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Nothing,
    /// After `Caused by:`.
    Cause,
    /// After the place of a panic.
    Panic,
}

impl LineReader for Cargo {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        let text = line.trim_start();
        if text.is_empty() {
            (self.inside, self.wants_label) = (false, false);
            return false;
        }
        match std::mem::take(&mut self.next) {
            Next::Nothing => {}
            Next::Cause => {
                found.append(": ", text);
                return true;
            }
            Next::Panic => {
                found.append(" ", text);
                return true;
            }
        }
        if line.len() == text.len() && self.heading(line, found) {
            return true;
        }
        if self.inside && (line.starts_with([' ', '.']) || line.starts_with(|c: char| c.is_ascii_digit())) {
            self.part(text, found);
            return true;
        }
        if self.inside && ["help: ", "note: "].iter().any(|start| line.starts_with(start)) {
            self.wants_label = false;
            return true;
        }
        self.words(line, text, found)
    }
}

impl Cargo {
    fn heading(&mut self, line: &str, found: &mut Found) -> bool {
        let (level, rest) = if let Some(rest) = line.strip_prefix("error") {
            (Level::Error, rest)
        } else if let Some(rest) = line.strip_prefix("warning") {
            (Level::Warning, rest)
        } else {
            return short(line, found);
        };
        let msg = if let Some((code, msg)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            format!("{code}: {msg}")
        } else if let Some(msg) = rest.strip_prefix(": ") {
            msg.to_owned()
        } else {
            return false;
        };
        if is_sum(&msg) {
            found.mark("cargo");
            if level == Level::Error {
                found.sum(line);
            }
            return true;
        }
        if rest.starts_with('[') {
            found.push(level, "cargo", None, &msg);
        } else {
            // Any tool may begin a line so; an arrow under it makes it rustc's.
            found.push_soft(level, line);
        }
        (self.inside, self.wants_label) = (true, level == Level::Error);
        true
    }

    /// A line inside a diagnostic.
    fn part(&mut self, text: &str, found: &mut Found) {
        if let Some((file, line)) = text.strip_prefix("--> ").and_then(place) {
            let is_first = found.last().is_some_and(|last| last.file.is_empty());
            if is_first {
                found.place(file, Some(line));
                found.harden("cargo");
                if let Some(last) = found.last() {
                    let msg = last.msg.strip_prefix("error: ").or_else(|| last.msg.strip_prefix("warning: "));
                    last.msg = msg.unwrap_or(&last.msg).to_owned();
                }
            }
        } else if self.wants_label
            && text.starts_with("= note: ")
            && let Some(at) = ["undefined reference to ", "undefined symbol: ", "cannot find -l"]
                .iter()
                .find_map(|word| text.find(word))
        {
            // Of what the linker says the first cause will do.
            self.wants_label = false;
            found.append(": ", &text[at..]);
        } else if self.wants_label
            && let Some(label) = label(text)
        {
            self.wants_label = false;
            // Suggestions have marks of their own kind; some labels say what the heading said.
            if !label.starts_with("help:") && found.last().is_some_and(|last| !last.msg.contains(label)) {
                found.append(": ", label);
            }
        }
    }

    fn words(&mut self, line: &str, text: &str, found: &mut Found) -> bool {
        if let Some(rest) = text.strip_prefix("thread '") {
            let Some((_, panicked)) = rest.split_once(" panicked at ") else { return false };
            let panicked = panicked.trim_end_matches(':');
            found.push_soft(Level::Error, "panicked:");
            if let Some((file, line)) = place(panicked) {
                found.place(file, Some(line));
                self.next = Next::Panic;
            } else {
                found.append(" ", panicked);
            }
            return true;
        }
        if line == "Caused by:" && matches!(found.owner, "" | "cargo") {
            self.next = Next::Cause;
            return true;
        }
        // Cargo's own words end in the twelfth column.
        let is_status = |word: &str| {
            text.strip_prefix(word).is_some_and(|rest| rest.starts_with(' '))
                && line.len() - text.len() + word.len() == 12
        };
        if is_status("Compiling") || is_status("Checking") {
            found.mark("cargo");
        } else if is_status("Finished") {
            found.mark("cargo");
            found.success = true;
        }
        false
    }
}

/// `path:3:7: error[E0308]: text`, of `--message-format short`.
fn short(line: &str, found: &mut Found) -> bool {
    let Some((file, number, text)) = placed(line).filter(|(file, ..)| ends(file, &[".rs"])) else { return false };
    let (level, rest) = if let Some(rest) = text.strip_prefix("error") {
        (Level::Error, rest)
    } else if let Some(rest) = text.strip_prefix("warning") {
        (Level::Warning, rest)
    } else {
        return false;
    };
    let msg = rest.trim_start_matches([':', ' ', '[']).replacen("]: ", ": ", usize::from(rest.starts_with('[')));
    found.push(level, "cargo", Some((file, Some(number))), &msg);
    true
}

/// Whether a message sums up others.
fn is_sum(msg: &str) -> bool {
    let starts = ["could not compile", "aborting due to", "build failed", "could not document", "could not check"];
    let generated = msg.starts_with('`') && msg.contains(" generated ") && count_of(msg, "warning") > 0;
    let emitted = msg.contains("warning emitted") || msg.contains("warnings emitted");
    starts.iter().any(|start| msg.starts_with(start)) || generated || emitted
}
