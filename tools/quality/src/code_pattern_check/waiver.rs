//! Comments by which people waive a finding: `pattern-ok: CHECK reason`, on the line of the finding or the one above. One
//! without a reason waives nothing. For comment_density, which has no line, it may stand anywhere in the file.

use super::checks::CHECKS;
use super::lexer::{find, line_end};
use super::source::Source;

const MARK: &[u8] = b"pattern-ok:";

/// A waiver in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiver {
    /// The place of its check.
    pub(super) check: usize,
    /// Its line, from 0.
    pub(super) line: usize,
    /// Why.
    pub(super) reason: String,
}

/// The waivers of a file, and the lines (from 0) of those that cannot be understood.
pub(super) fn waivers(source: &Source) -> (Vec<Waiver>, Vec<usize>) {
    let (mut list, mut unclear) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(place) = find(&source.bytes, at, MARK) {
        at = place + MARK.len();
        // Comments are blank there.
        if source.text[place] != b' ' {
            continue;
        }
        let end = line_end(&source.bytes, at).min(at + 500);
        let text = String::from_utf8_lossy(&source.bytes[at..end]).trim().to_owned();
        let (name, reason) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        let reason = reason.trim_end_matches("*/").trim().trim_start_matches(['-', '—', ':']).trim();
        let line = source.line_of(place);
        match CHECKS.iter().position(|check| check.name == name) {
            Some(check) if !reason.is_empty() => list.push(Waiver { check, line, reason: reason.to_owned() }),
            _ => unclear.push(line),
        }
    }
    (list, unclear)
}
