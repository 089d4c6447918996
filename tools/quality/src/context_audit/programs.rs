//! The assistant's version against the current one.

use std::time::Duration;

use crewkit_tool::Context;
use crewkit_tool::process::Run;

use super::{Line, Verdict};

const SECTION: &str = "Version";

/// How long a program is waited for.
const LIMIT: Duration = Duration::from_secs(5);

/// Looks at both; with `offline` the registry is not asked.
pub(super) fn versions(context: &Context, offline: bool) -> Vec<Line> {
    let Some(installed) = answer(context, "claude", &["--version"]) else {
        return vec![Line::new(SECTION, Verdict::Fail, "claude is not installed, or does not tell its version")];
    };
    let current =
        if offline { None } else { answer(context, "npm", &["view", "@anthropic-ai/claude-code", "version"]) };
    vec![match current {
        Some(current) if current == installed => {
            Line::new(SECTION, Verdict::Pass, format!("claude {installed}, the current version"))
        }
        Some(current) => {
            Line::new(SECTION, Verdict::Warn, format!("claude {installed}; the current version is {current}"))
        }
        None => Line::new(SECTION, Verdict::None, format!("claude {installed}; the current version is not known")),
    }]
}

/// The version that a program tells.
fn answer(context: &Context, program: &str, arguments: &[&str]) -> Option<String> {
    let ended = Run::new(context, program).args(arguments).limit(LIMIT).run().ok()?;
    if !ended.ok() {
        return None;
    }
    version(&ended.text())
}

/// The first word of a text that is a version: digits with dots between them, and what a hyphen or plus adds.
fn version(text: &str) -> Option<String> {
    let words =
        text.split_whitespace().map(|word| word.trim_matches(['(', ')', ',', '"', '\'']).trim_start_matches('v'));
    let is_version = |word: &&str| {
        let numbers = word.split(['-', '+']).next().unwrap_or_default();
        numbers.contains('.')
            && numbers.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    words.into_iter().find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_is_found_in_what_programs_say() {
        for (text, found) in [
            ("1.2.3 (Claude Code)", Some("1.2.3")),
            ("claude v2.0.1-beta.1\n", Some("2.0.1-beta.1")),
            ("no idea.", None),
            ("", None),
        ] {
            assert_eq!(version(text).as_deref(), found, "{text}");
        }
    }
}
