//! ESLint: a line with the file, under it `  3:5  error  text  rule`; also the form `path:3:5: text [Error/rule]`. Next.js
//! prints its lint's findings in the same way with `Error:`.

use super::super::found::{Found, Level};
use super::super::pieces::{count_of, number, placed};
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Eslint {
    file: String,
}

impl LineReader for Eslint {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        let text = line.trim_start();
        if text.ends_with("potentially fixable with the `--fix` option.") {
            return true;
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return !self.file.is_empty() && self.problem(text, found);
        }
        if let Some(sum) = text.strip_prefix("✖ ").filter(|sum| sum.contains(" problem")) {
            found.mark("eslint");
            found.tell(count_of(sum, "error"), count_of(sum, "warning"));
            return true;
        }
        if let Some((rest, rule)) = line.strip_suffix(']').and_then(|line| line.rsplit_once(" [")) {
            let level = match rule.split('/').next() {
                Some("Error") => Level::Error,
                Some("Warning") => Level::Warning,
                _ => return false,
            };
            let Some((file, number, msg)) = placed(rest) else { return false };
            let rule = rule.split_once('/').map_or(String::new(), |(_, rule)| format!(" [{rule}]"));
            found.push(level, "eslint", Some((file, Some(number))), &format!("{msg}{rule}"));
            return true;
        }
        let is_path = line.len() < 1_000 && line.starts_with(['/', '.']) || line.get(1..3) == Some(":\\");
        if is_path && line.contains('.') && !line.ends_with([':', '.', ')']) {
            self.file.clear();
            self.file.push_str(line.trim_end());
        } else if !text.is_empty() && line.len() == text.len() {
            self.file.clear();
        }
        false
    }
}

impl Eslint {
    fn problem(&mut self, text: &str, found: &mut Found) -> bool {
        let parts = number(text).and_then(|(line, rest)| Some((line, number(rest.strip_prefix(':')?)?.1)));
        let Some((line, rest)) = parts else { return false };
        let rest = rest.trim_start();
        let (level, rest) = if let Some(rest) = rest.strip_prefix("error ").or_else(|| rest.strip_prefix("Error: ")) {
            (Level::Error, rest)
        } else if let Some(rest) = rest.strip_prefix("warning ").or_else(|| rest.strip_prefix("Warning: ")) {
            (Level::Warning, rest)
        } else {
            return false;
        };
        let rest = rest.trim();
        let msg = match rest.rsplit_once("  ") {
            Some((msg, rule)) if !rule.contains(' ') => format!("{} [{rule}]", msg.trim_end()),
            _ => rest.to_owned(),
        };
        found.push(level, "eslint", Some((&self.file, Some(line))), &msg);
        true
    }
}
