//! mypy: `path.py:4: error: text  [code]`, with `-O json` one object a line; pyright: `path.py:4:5 - error: text`.

use serde::Deserialize;

use super::super::found::{Found, Level};
use super::super::pieces::{count_of, ends, place, placed};
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Mypy {
    /// The message goes on at the next line (`--pretty` folds it).
    folded: bool,
}

/// A line of `-O json`.
#[derive(Debug, Deserialize)]
struct Object {
    file: String,
    line: i64,
    message: String,
    code: Option<String>,
    severity: String,
}

impl LineReader for Mypy {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        if line.starts_with("{\"file\": \"") {
            return object(line, found);
        }
        if let Some((file, number, text)) = placed(line).filter(|(file, ..)| is_python(file)) {
            self.folded = false;
            if text.starts_with("note: ") {
                return true;
            }
            let Some((level, msg)) = level_of(text) else { return false };
            found.push(level, "mypy", Some((file, Some(number))), msg);
            self.folded = !msg.ends_with(']');
            return true;
        }
        if self.folded {
            self.folded = !line.ends_with(']') && !line.starts_with(' ');
            // A line of source shown under a message is indented.
            if !line.is_empty()
                && !line.starts_with("Found ")
                && !line.starts_with("Success")
                && found.framework() == Some("mypy")
            {
                if !line.starts_with(' ') {
                    found.append(" ", line);
                }
                return true;
            }
        }
        if let Some((before, text)) = line.trim_start().split_once(" - ")
            && let Some((file, number)) = place(before).filter(|(file, _)| is_python(file))
            && let Some((level, msg)) = level_of(text)
        {
            found.push(level, "pyright", Some((file, Some(number))), msg);
            return true;
        }
        if line.starts_with("Success: no issues found") {
            found.mark("mypy");
            found.success = true;
            return true;
        }
        if line.starts_with("Found ") && line.contains(" error") && line.contains(" in ") && line.contains(" file") {
            found.mark("mypy");
            found.tell(count_of(line, "error"), 0);
            return true;
        }
        false
    }
}

fn is_python(file: &str) -> bool {
    ends(file, &[".py", ".pyi", ".ipynb"])
}

fn level_of(text: &str) -> Option<(Level, &str)> {
    let error = text.strip_prefix("error: ").map(|msg| (Level::Error, msg));
    error.or_else(|| text.strip_prefix("warning: ").map(|msg| (Level::Warning, msg)))
}

fn object(line: &str, found: &mut Found) -> bool {
    let Ok(object) = serde_json::from_str::<Object>(line) else { return false };
    let level = match object.severity.as_str() {
        "error" => Level::Error,
        "warning" => Level::Warning,
        _ => return true,
    };
    let code = object.code.map_or(String::new(), |code| format!("  [{code}]"));
    let place = (object.file.as_str(), u32::try_from(object.line).ok().filter(|line| *line > 0));
    found.push(level, "mypy", Some(place), &format!("{}{code}", object.message));
    true
}
