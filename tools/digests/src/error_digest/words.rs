//! What single lines say by their words alone.

use super::frames::{self, Place};

/// A line without what pytest and groups of exceptions put in front of it.
pub(super) fn without_margin(line: &str) -> &str {
    if let Some(rest) = line.strip_prefix("E   ") {
        return rest.trim_start();
    }
    let text = line.trim_start();
    match text.strip_prefix("| ").or_else(|| text.strip_prefix("+ Exc").map(|_| &text[2..])) {
        Some(rest) if line.starts_with("  ") => rest,
        _ => line,
    }
}

/// The place that Node.js prints above the source line of an uncaught error.
pub(super) fn header(line: &str) -> Option<Place> {
    let is_path = line.starts_with(['/', '\\']) || line.starts_with("file://") || line.get(1..3) == Some(":\\");
    frames::located(line).filter(|place| is_path && frames::is_own(&place.file))
}

/// Whether a line only sounds like an error: one of some words, and a colon after it.
pub(super) fn is_loud(line: &str) -> bool {
    const WORDS: [&str; 9] =
        ["FAIL", "FAILED", "FAILURE", "FATAL", "Uncaught", "Unhandled", "ENOENT", "EPERM", "EACCES"];
    let text = line.trim();
    let Some((before, _)) = text.rsplit_once(':') else { return false };
    let lower = |most: usize| text.chars().take(most).collect::<String>().to_lowercase();
    let named = before.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| WORDS.contains(&word));
    named && !["warn", "npm warn", "[warn", "(warn"].iter().any(|level| lower(9).starts_with(level))
}

/// Whether a line has a word that begins with expect or assert (also at a capital inside a name), or a matcher of jest.
pub(super) fn speaks_of_assertion(line: &str) -> bool {
    if ["toBe", "toEqual", "toHaveBeenCalled", "Expect", "Assert"].iter().any(|word| line.contains(word)) {
        return true;
    }
    ["expect", "assert"]
        .iter()
        .any(|word| line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_assertions_are_heard_but_not_the_unexpected() {
        for line in ["expect(x).toBe(3)", "AssertionError: no", "assert a == b", "Expected: 3", "  toEqual"] {
            assert!(speaks_of_assertion(line), "{line}");
        }
        for line in ["SyntaxError: Unexpected token", "unexpected", "reassert", "nothing"] {
            assert!(!speaks_of_assertion(line), "{line}");
        }
    }
}
