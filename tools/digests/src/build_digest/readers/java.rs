//! javac: `path.java:8: error: text`; Maven: `[ERROR] /path/A.java:[8,5] text`; Gradle and the compiler of Kotlin.

use super::super::found::{Found, Level};
use super::super::pieces::{count_of, ends, number, place, placed};
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Java {
    /// After a finding of javac: its source and its symbols follow.
    inside: bool,
    /// After "* What went wrong:": up to the empty line after the text.
    wrong: Wrong,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    #[default]
    No,
    Heading,
    Text,
}

impl LineReader for Java {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        if self.wrong != Wrong::No {
            self.went_wrong(line, found);
            return true;
        }
        if let Some((file, number, level, msg)) = kotlin(line) {
            found.push(level, "gradle", Some((file, Some(number))), msg);
            return true;
        }
        if let Some((file, number, text)) = placed(line).filter(|(file, ..)| is_source(file)) {
            let (level, msg) = match (text.strip_prefix("error: "), text.strip_prefix("warning: ")) {
                (Some(msg), _) => (Level::Error, msg),
                (_, Some(msg)) => (Level::Warning, msg),
                _ => return false,
            };
            found.push(level, "javac", Some((file, Some(number))), msg);
            self.inside = true;
            return true;
        }
        if self.inside {
            if line.starts_with(' ') {
                symbol(line, found);
                return true;
            }
            self.inside = false;
        }
        if let Some(text) = line.strip_prefix("[ERROR] ").or_else(|| line.strip_prefix("[ERROR]")) {
            return maven(Level::Error, text, found);
        }
        if let Some(text) = line.strip_prefix("[WARNING] ") {
            return maven(Level::Warning, text, found);
        }
        if let Some(text) = line.strip_prefix("[INFO] ") {
            // Other programs name the level of a line so too.
            if text.starts_with("Scanning for projects") || text.starts_with("---") || text.starts_with("BUILD ") {
                found.mark("maven");
            }
            if !found.has("maven") {
                return false;
            }
            found.success |= line.contains("BUILD SUCCESS");
            found.failure |= line.contains("BUILD FAILURE");
            return true;
        }
        self.gradle(line, found)
    }
}

impl Java {
    fn went_wrong(&mut self, line: &str, found: &mut Found) {
        let text = line.trim();
        match (text.is_empty(), self.wrong) {
            (true, Wrong::Text) => self.wrong = Wrong::No,
            (true, _) => {}
            // The compilers have told what is wrong already.
            (false, _) if found.hard > 0 => found.sum(text),
            (false, Wrong::Text) if found.last().is_some() => found.append(" ", text),
            (false, _) => found.push_soft(Level::Error, text),
        }
        if !text.is_empty() {
            self.wrong = Wrong::Text;
        }
    }

    fn gradle(&mut self, line: &str, found: &mut Found) -> bool {
        if line.starts_with("BUILD SUCCESSFUL") {
            found.mark("gradle");
            found.success = true;
        } else if line.starts_with("BUILD FAILED") || line.starts_with("FAILURE: Build failed with an exception") {
            found.mark("gradle");
            found.failure = true;
        } else if line == "* What went wrong:" {
            self.wrong = Wrong::Heading;
        } else if line.starts_with("> Task :") {
            found.mark("gradle");
            found.failure |= line.ends_with(" FAILED");
        } else {
            // javac's own sum: `3 errors`.
            let is_sum =
                number(line).is_some_and(|(_, rest)| matches!(rest, " error" | " errors" | " warning" | " warnings"));
            if is_sum && found.hard + found.warning_count > 0 {
                found.tell(count_of(line, "error"), count_of(line, "warning"));
            }
            return is_sum;
        }
        true
    }
}

fn is_source(file: &str) -> bool {
    ends(file, &[".java", ".kt", ".kts", ".scala", ".groovy"])
}

/// `  symbol:   class Missing` under "cannot find symbol", of javac and of Maven.
fn symbol(line: &str, found: &mut Found) {
    if let Some(what) = line.trim().strip_prefix("symbol:")
        && found.last().is_some_and(|last| last.msg == "cannot find symbol")
    {
        found.append(": ", what);
    }
}

fn maven(level: Level, text: &str, found: &mut Found) -> bool {
    if let Some((file, rest)) = text.split_once(":[")
        && let Some((line, rest)) = number(rest)
        && let Some((_, msg)) = rest.split_once("] ")
    {
        let file = file.strip_prefix("file://").unwrap_or(file);
        let known = level == Level::Error
            && found
                .errors
                .iter()
                .any(|known| known.line == Some(line) && known.file == file && known.msg.starts_with(msg));
        // The goal's failure repeats every error of the compiler.
        if !known {
            found.push(level, "maven", Some((file, Some(line))), msg);
        }
        return true;
    }
    if text.starts_with("COMPILATION ERROR") || text.starts_with("Failed to execute goal ") {
        found.mark("maven");
    }
    if !found.has("maven") {
        return false;
    }
    let is_noise = text.trim().is_empty()
        || text.starts_with("COMPILATION ")
        || text.starts_with("To see the full stack trace")
        || text.starts_with("Re-run Maven")
        || text.starts_with("For more information about the errors")
        || text.starts_with("[Help ")
        || text.starts_with("-> [Help ");
    if is_noise {
        return true;
    }
    if text.starts_with("  ") {
        symbol(text, found);
    } else if level == Level::Warning {
        found.push(Level::Warning, "maven", None, text);
    } else if text.starts_with("Failed to execute goal ") {
        found.sum(text);
    } else {
        found.push(Level::Error, "maven", None, text);
    }
    true
}

/// `e: file:///path/A.kt:3:5 text`, before Kotlin 1.8 `e: /path/A.kt: (3, 5): text`.
fn kotlin(line: &str) -> Option<(&str, u32, Level, &str)> {
    let (level, rest) = match (line.strip_prefix("e: "), line.strip_prefix("w: ")) {
        (Some(rest), _) => (Level::Error, rest),
        (_, Some(rest)) => (Level::Warning, rest),
        _ => return None,
    };
    if let Some((file, rest)) = rest.split_once(": (") {
        let (line, rest) = number(rest)?;
        return Some((file, line, level, rest.split_once("): ")?.1));
    }
    let (at, msg) = rest.split_once(' ')?;
    let (file, line) = place(at)?;
    Some((file, line, level, msg))
}
