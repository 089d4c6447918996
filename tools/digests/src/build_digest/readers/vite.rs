//! vite build, rollup and esbuild: "error during build:" and the cause under it, `✘ [ERROR] text` with the place under it.

use super::super::found::{Found, Level};
use super::super::pieces::{count_of, number, place, placed};
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Vite {
    next: Next,
    /// After an error: its stack and its source follow.
    inside: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Any,
    /// After "error during build:".
    Cause,
    /// After "Transform failed with 1 error:".
    Errors,
}

impl LineReader for Vite {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        let text = line.trim();
        if text.is_empty() {
            return false;
        }
        if text.starts_with("vite v") && text.contains(" building ") {
            found.mark("vite");
            return true;
        }
        if text.starts_with("✓ built in ") {
            found.mark("vite");
            found.success = true;
            return true;
        }
        if ["✗ Build failed in ", "x Build failed in ", "✖ Build failed in "]
            .iter()
            .any(|start| text.starts_with(start))
        {
            found.mark("vite");
            found.failure = true;
            return true;
        }
        if text == "error during build:" {
            found.mark("vite");
            found.failure = true;
            (self.next, self.inside) = (Next::Cause, false);
            return true;
        }
        if let Some((file, line, msg)) = placed(text)
            && let Some((level, msg)) = level_of(msg)
        {
            found.push(level, "vite", Some((file, Some(line))), msg);
            (self.next, self.inside) = (Next::Errors, true);
            return true;
        }
        if self.next == Next::Cause {
            self.cause(text, found);
            self.inside = true;
            return true;
        }
        if let Some((level, msg)) = esbuild(text) {
            found.push(level, "esbuild", None, msg);
            self.inside = true;
            return true;
        }
        if self.inside && is_sum(text) {
            found.tell(count_of(text, "error"), count_of(text, "warning"));
            return true;
        }
        if self.inside {
            return self.part(line, text, found);
        }
        if let Some((_, rest)) = text.strip_prefix("[plugin ").and_then(|rest| rest.split_once("] ")) {
            let (file, msg) = rest.split_once(": ").filter(|(file, _)| !file.contains(' ')).unwrap_or(("", rest));
            found.push(Level::Warning, "vite", Some((file, None)), msg);
            return true;
        }
        false
    }
}

impl Vite {
    fn cause(&mut self, text: &str, found: &mut Found) {
        let plain = text.strip_prefix("Error: ").or_else(|| text.strip_prefix("RollupError: ")).unwrap_or(text);
        self.next = Next::Any;
        if plain.contains("Transform failed with ") && plain.ends_with(':') {
            self.next = Next::Errors;
            return;
        }
        // `src/main.ts (1:9): text`.
        let split = plain.split_once(" (").and_then(|(file, rest)| Some((file, rest.split_once("): ")?)));
        match split {
            Some((file, (numbers, msg))) if !file.contains(' ') && number(numbers).is_some() => {
                let line = number(numbers).map(|(line, _)| line);
                found.push(Level::Error, "vite", Some((file, line)), msg);
            }
            _ => found.push(Level::Error, "vite", None, plain),
        }
    }

    /// A line after an error: its place, its source, its stack.
    fn part(&mut self, line: &str, text: &str, found: &mut Found) -> bool {
        if let Some((file, number)) = text.strip_prefix("file: ").and_then(|rest| place(rest.split(" (").next()?)) {
            if found.last().is_some_and(|last| last.file.is_empty()) {
                found.place(file, Some(number));
            }
            return true;
        }
        if line.starts_with(' ') {
            if let Some((file, number)) = text.strip_suffix(':').and_then(place)
                && found.last().is_some_and(|last| last.file.is_empty())
            {
                found.place(file, Some(number));
            }
            return true;
        }
        let is_source = number(line).is_some_and(|(_, rest)| rest.trim_start().starts_with(['|', ':']));
        if text.starts_with("✓ ") {
            self.inside = false;
        }
        is_source
    }
}

fn level_of(msg: &str) -> Option<(Level, &str)> {
    let error = msg.strip_prefix("ERROR: ").map(|msg| (Level::Error, msg));
    error.or_else(|| msg.strip_prefix("WARNING: ").map(|msg| (Level::Warning, msg)))
}

/// `1 warning and 2 errors`.
fn is_sum(text: &str) -> bool {
    let known = ["warning", "warnings", "error", "errors", "and"];
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.split(' ').all(|word| is_number(word) || known.contains(&word))
}

fn esbuild(text: &str) -> Option<(Level, &str)> {
    let rest = text.strip_prefix("✘ ").or_else(|| text.strip_prefix("X "));
    if let Some(msg) = rest.and_then(|rest| rest.strip_prefix("[ERROR] ")) {
        return Some((Level::Error, msg));
    }
    if let Some(msg) = text.strip_prefix("▲ [WARNING] ") {
        return Some((Level::Warning, msg));
    }
    text.strip_prefix("[!] ").filter(|rest| rest.contains("Error")).map(|msg| (Level::Error, msg))
}
