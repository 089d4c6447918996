//! The rule for any line of any tool: which lines are errors, which warn.

use crewkit_digest::answer::Capped;
use crewkit_tool::text::head;

use super::pieces::{number, placed};

/// Most errors and warnings listed, and most characters of each.
const MOST_ERRORS: usize = 10;
const MOST_WARNINGS: usize = 5;
const LONGEST_ERROR: usize = 200;
const LONGEST_WARNING: usize = 150;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sound {
    /// An error, or the line after a heading of one.
    Error,
    /// A warning.
    Warning,
    /// Neither.
    None,
}

/// Judges lines in their order: the line after a heading counts for what the heading says.
#[derive(Debug, Default)]
pub(super) struct Judge {
    after_heading: bool,
}

impl Judge {
    /// What `line` is.
    pub(super) fn judge(&mut self, line: &str) -> Sound {
        let text = line.trim();
        if text.is_empty() {
            return Sound::None;
        }
        let is_told = std::mem::take(&mut self.after_heading);
        // Nearly every line of a long output leaves here.
        let may_warn = ["arn", "ARN", "⚠", "▲", "(!)"].iter().any(|part| text.contains(part));
        let may_fail = ["rror", "RROR", "FAIL", "ailed to", "annot find", "not found", "ERR!"]
            .iter()
            .any(|part| text.contains(part));
        if !may_warn && !may_fail {
            return if is_told { Sound::Error } else { Sound::None };
        }
        if may_warn && warns_by_level(text) {
            return warning(text);
        }
        self.after_heading = is_heading(text);
        if is_told || self.after_heading || sounds_like_error(text) { Sound::Error } else { warning(text) }
    }
}

/// Errors and warnings as the lines they are.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    /// The first different errors.
    pub(super) errors: Vec<String>,
    /// All lines that are errors.
    pub(super) errors_total: usize,
    /// The first different warnings.
    pub(super) warnings: Vec<String>,
    /// All lines that warn.
    pub(super) warnings_total: usize,
    /// Lines with a code `TS2304:`.
    pub(super) ts_errors: usize,
}

/// Collects [`Listed`].
#[derive(Debug)]
pub(super) struct Lines {
    judge: Judge,
    errors: Capped,
    warnings: Capped,
    ts_errors: usize,
}

impl Default for Lines {
    fn default() -> Self {
        let (errors, warnings) = (Capped::new(MOST_ERRORS), Capped::new(MOST_WARNINGS));
        Self { judge: Judge::default(), errors, warnings, ts_errors: 0 }
    }
}

impl Lines {
    /// One more line.
    pub(super) fn line(&mut self, line: &str) {
        self.ts_errors += usize::from(has_ts_code(line));
        match self.judge.judge(line) {
            Sound::Error => self.errors.push(head(line.trim(), LONGEST_ERROR).to_owned()),
            Sound::Warning => self.warnings.push(head(line.trim(), LONGEST_WARNING).to_owned()),
            Sound::None => {}
        }
    }

    /// All that was collected.
    pub(super) fn finish(self) -> Listed {
        Listed {
            errors_total: self.errors.total(),
            errors: self.errors.into_kept(),
            warnings_total: self.warnings.total(),
            warnings: self.warnings.into_kept(),
            ts_errors: self.ts_errors,
        }
    }
}

fn warning(text: &str) -> Sound {
    if !text.contains("node_modules") && (warns_by_level(text) || warns_by_word(text)) {
        return Sound::Warning;
    }
    Sound::None
}

/// Whether the level that a line begins with, perhaps behind a place, is that of a warning.
fn warns_by_level(text: &str) -> bool {
    if level_warns(text) {
        return true;
    }
    if let Some((_, _, rest)) = placed(text) {
        return level_warns(rest) || rest.strip_prefix("- ").is_some_and(level_warns);
    }
    if let Some(rest) = text.split_once("): ").filter(|(place, _)| place.contains('(') && !place.contains(' ')) {
        return level_warns(rest.1);
    }
    if let Some((at, level)) = text.split_once(' ') {
        // `3:7  warning  text` of a linter, `path:3:7 - warning ...`.
        let is_place = number(at).is_some_and(|(_, rest)| rest.starts_with(':'));
        let level = level.trim_start();
        return (is_place && level_warns(level)) || level.strip_prefix("- ").is_some_and(level_warns);
    }
    false
}

fn level_warns(text: &str) -> bool {
    let text = text.strip_prefix("npm ").unwrap_or(text);
    let text = text.trim_start_matches(['[', '(', '▲', '⚠', ' ']);
    // Signs alone are a level too.
    if text.len() < 3 && !text.is_ascii() {
        return true;
    }
    let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let ends = matches!(text[word.len()..].chars().next(), None | Some(' ' | '\t' | ':' | ']' | ')' | '[' | '(' | '!'));
    ends && ["warn", "warning", "warnings"].iter().any(|level| word.eq_ignore_ascii_case(level))
}

/// Whether a word says that the line warns: `warning` or `warn` or a name that ends in Warning, before a blank, a colon or a
/// bracket; or a sign.
fn warns_by_word(text: &str) -> bool {
    if text.starts_with(['⚠', '▲']) && !text.starts_with("▲ Next.js") || text.starts_with("(!)") {
        return true;
    }
    words(text).any(|(word, after)| {
        let ends =
            word.eq_ignore_ascii_case("warning") || word.eq_ignore_ascii_case("warn") || word.ends_with("Warning");
        ends && matches!(after, Some(' ' | ':' | ']' | '['))
    })
}

fn is_heading(text: &str) -> bool {
    if text == "Failed to compile." {
        return true;
    }
    let Some(before) = text.strip_suffix(':') else { return false };
    words(before).any(|(word, after)| word.eq_ignore_ascii_case("error") && matches!(after, None | Some(' ')))
}

fn sounds_like_error(text: &str) -> bool {
    if ["Module not found", "Cannot find", "Failed to", "ERR!", "error["].iter().any(|part| text.contains(part)) {
        return true;
    }
    // A function of a stack may be called error.
    if text.starts_with("at ") && text.contains(['(', '/']) {
        return false;
    }
    let mut before = "";
    words(text).any(|(word, after)| {
        let is_none = before == "0";
        before = word;
        let ends = matches!(after, Some(' ' | ':' | '\t')) || (after == Some(']') && text.starts_with('['));
        let is_word = word.eq_ignore_ascii_case("error") && ends && !is_none;
        is_word || (word.ends_with("Error") && after == Some(':')) || word == "FAIL"
    })
}

/// The words of `text`, letters, digits and `_`, each with the character after it.
fn words(text: &str) -> impl Iterator<Item = (&str, Option<char>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        let start = rest.find(inner)?;
        let from = &rest[start..];
        let end = from.find(|c| !inner(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        rest = after;
        Some((word, after.chars().next()))
    })
}

fn has_ts_code(line: &str) -> bool {
    line.match_indices("TS").any(|(at, _)| {
        let is_begun = line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        !is_begun && number(&line[at + 2..]).is_some_and(|(_, rest)| rest.starts_with(':'))
    })
}

/// Lines of package managers that only say that a script failed.
pub(super) fn is_managers_own(line: &str) -> bool {
    let text = line.trim_start();
    ["npm error", "npm ERR!", "error Command failed with exit code", "error: script \"", "yarn ERR!", "lerna ERR!"]
        .iter()
        .any(|start| text.starts_with(start))
        || text.contains("ELIFECYCLE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(line: &str) -> Sound {
        Judge::default().judge(line)
    }

    #[test]
    fn every_kind_of_error_line_is_one() {
        for line in [
            "src/a.ts(3,7): error TS2322: Type 'x'.",
            "ERROR in ./src/a.js",
            "error: broken",
            "Error: deprecated option",
            "ReferenceError: foo is not defined",
            "error during build:",
            "FAIL src/a.test.ts",
            "npm ERR! code 1",
            "npm error code 1",
            "Module not found: x",
            "Cannot find name 'warning'.",
            "Failed to load config (experimental)",
            "  3:7  error  'warning' is not defined  no-undef",
            "a.c:3:4: error: unknown type 'warn'",
            "Build error occurred",
            "[ERROR] the theme is missing",
            "error[E0308]: mismatched types",
        ] {
            assert_eq!(sound(line), Sound::Error, "{line}");
        }
    }

    #[test]
    fn a_warning_is_known_by_its_level() {
        for line in [
            "warning: unused error value",
            "npm warn deprecated x: Error: y",
            "npm WARN error of a peer",
            "WARNING in ./src/a.js: error prone",
            "[warn] Failed to find a config",
            "a.c:3:4: warning: unused [-Werror ]",
            "src/a.ts:3:4 - warning TS6133: error ",
            "  3:7  warning  Unexpected error  no-console",
            "(node:3) Warning: x",
            "DeprecationWarning: old",
            "(!) Some chunks are larger than 500 kB",
            " ⚠ Invalid next.config.js options detected",
        ] {
            assert_eq!(sound(line), Sound::Warning, "{line}");
        }
    }

    #[test]
    fn other_lines_are_neither() {
        for line in [
            "Found 0 errors.",
            "0 error found",
            "FAILOVER ready",
            "    at error (file:///app/x.js:351:42)",
            "terror: x",
            "no warnings",
            "src/errors.ts 3 kB",
            "errorHandler: loaded",
            "warning-icon.svg 3 kB",
            "/app/node_modules/x: warning: old",
            "✓ built in 3s",
            "   ▲ Next.js 15.0.0",
        ] {
            assert_eq!(sound(line), Sound::None, "{line}");
        }
    }

    #[test]
    fn the_line_after_a_heading_is_told() {
        let mut judge = Judge::default();
        let seen: Vec<Sound> = ["error during build:", "", "[vite]: no", "more", "Failed to compile.", "./a.tsx"]
            .iter()
            .map(|line| judge.judge(line))
            .collect();
        assert_eq!(seen, [Sound::Error, Sound::None, Sound::Error, Sound::None, Sound::Error, Sound::Error]);
    }

    #[test]
    fn codes_of_typescript_are_counted() {
        assert!(has_ts_code("x TS2304: y") && has_ts_code("TS1: "));
        assert!(!has_ts_code("TS2304 y") && !has_ts_code("ATS2304: y") && !has_ts_code("TS: y"));
    }
}
