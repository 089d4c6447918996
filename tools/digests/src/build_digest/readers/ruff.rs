//! Ruff, and flake8: `path.py:3:5: F401 text`, or `F401 text` with an arrow line under it.

use super::super::found::{Found, Level};
use super::super::pieces::{count_of, ends, place, placed};
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Ruff {
    /// A heading that an arrow line has to follow.
    heading: Option<String>,
    inside: bool,
    /// A file that the formatter would change was named.
    formats: bool,
}

impl LineReader for Ruff {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        let heading = self.heading.take();
        if line.is_empty() {
            self.inside = false;
            return false;
        }
        if let Some((file, number)) = line.trim_start().strip_prefix("--> ").and_then(place)
            && let Some(heading) = heading
        {
            found.push(Level::Error, "ruff", Some((file, Some(number))), &heading);
            self.inside = true;
            return true;
        }
        if self.inside && (line.starts_with([' ', '|', 'h', 'n']) || line.starts_with(|c: char| c.is_ascii_digit())) {
            return true;
        }
        self.inside = false;
        if let Some((file, number, text)) = placed(line)
            && ends(file, &[".py", ".pyi", ".ipynb"])
            && let Some(msg) = finding(text)
        {
            found.push(Level::Error, "ruff", Some((file, Some(number))), &msg);
            return true;
        }
        if let Some(file) = line.strip_prefix("Would reformat: ") {
            self.formats = true;
            found.push(Level::Error, "ruff", Some((file, None)), "would be reformatted");
            return true;
        }
        if self.formats && line.contains("would be reformatted") {
            found.failure = true;
            return true;
        }
        match line {
            "All checks passed!" => {
                found.mark("ruff");
                found.success = true;
            }
            _ if line.starts_with("Found ") && line.ends_with('.') && line.contains(" error") => {
                if found.framework() == Some("ruff") {
                    found.tell(count_of(line, "error"), 0);
                    return true;
                }
            }
            _ if line.starts_with("[*] ") && line.contains("fixable") => return true,
            _ => self.heading = finding(line),
        }
        false
    }
}

/// `F401 [*] text` or `invalid-syntax: text` as code and text.
fn finding(text: &str) -> Option<String> {
    if text.starts_with("invalid-syntax: ") || text.starts_with("SyntaxError: ") {
        return Some(text.to_owned());
    }
    let (code, msg) = text.split_once(' ')?;
    let letters = code.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = code.len() - letters;
    let is_code = (1..=5).contains(&letters)
        && (1..=5).contains(&digits)
        && code[letters..].bytes().all(|byte| byte.is_ascii_digit());
    is_code.then(|| format!("{code}: {}", msg.strip_prefix("[*] ").unwrap_or(msg)))
}
