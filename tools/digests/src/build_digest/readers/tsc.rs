//! tsc: `path(3,7): error TS2322: text`, with `--pretty` `path:3:7 - error TS2322: text` and the source under it.

use super::super::found::{Found, Level};
use super::super::pieces::{count_of, number, place};
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Tsc {
    /// After an error with its source under it.
    shows_source: bool,
    /// After an error: indented lines explain it.
    explains: bool,
}

impl LineReader for Tsc {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        if line.trim().is_empty() {
            self.explains = false;
            return false;
        }
        if let Some(at) = line.find("error TS") {
            let (before, text) = (&line[..at], &line[at + "error ".len()..]);
            if is_code(text) && self.heading(before, text, found) {
                return true;
            }
        }
        if line.starts_with("Found ") && line.contains(" error") && !line.contains("files checked") {
            self.shows_source = false;
            let errors = count_of(line, "error");
            // The linters of Python sum up alike; their readers come later and see it only when it is not ours.
            if found.framework() == Some("tsc") || line.contains("Watching") {
                found.tell(errors, 0);
                found.success |= errors == 0;
                return true;
            }
            return false;
        }
        if self.explains && line.starts_with(' ') {
            return true;
        }
        self.explains = false;
        if self.shows_source {
            let is_source = line.starts_with(' ') || number(line).is_some_and(|(_, rest)| rest.starts_with(' '));
            self.shows_source = is_source || line.starts_with('~');
            return self.shows_source;
        }
        false
    }
}

impl Tsc {
    fn heading(&mut self, before: &str, text: &str, found: &mut Found) -> bool {
        if before.is_empty() {
            found.push(Level::Error, "tsc", None, text);
        } else if let Some(path) = before.strip_suffix(" - ") {
            let Some((file, line)) = place(path) else { return false };
            found.push(Level::Error, "tsc", Some((file, Some(line))), text);
            self.shows_source = true;
            return true;
        } else {
            let Some((file, line)) = before.strip_suffix("): ").and_then(parenthesised) else { return false };
            found.push(Level::Error, "tsc", Some((file, Some(line))), text);
        }
        self.explains = true;
        true
    }
}

/// `path(3,7` as path and line.
pub(super) fn parenthesised(text: &str) -> Option<(&str, u32)> {
    let (path, numbers) = text.rsplit_once('(')?;
    let (line, rest) = number(numbers)?;
    (rest.starts_with(',') && !path.is_empty()).then_some((path.trim_start(), line))
}

/// Whether `text` begins with `TS2322:`.
pub(super) fn is_code(text: &str) -> bool {
    text.strip_prefix("TS").and_then(number).is_some_and(|(_, rest)| rest.starts_with(':'))
}
