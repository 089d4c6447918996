//! `JSON.parse(` or `json.loads(` with nothing on the line or the five above that catches.

use super::{Hit, once_a_line};
use crate::code_pattern_check::source::{Source, mark};

const ABOVE: usize = 5;

pub(super) fn look(source: &Source) -> Vec<Hit> {
    let parses = source.calls.iter().filter(|call| {
        let owner = match source.name_of(call) {
            b"parse" => &b"JSON."[..],
            b"loads" => b"json.",
            _ => return false,
        };
        let before = &source.code[..call.at];
        before.ends_with(owner) && !before[..before.len() - owner.len()].last().is_some_and(u8::is_ascii_alphanumeric)
    });
    let lines = parses.map(|call| source.line_of(call.at));
    once_a_line(lines.filter(|line| !source.is_marked(*line, ABOVE, 0, mark::CATCHES)))
}
