//! Everything is loaded (`.findMany()`, `.all()`, `SELECT *`) and cut in memory on the line or the five below.
//!
//! `limit` and `offset` that belong to the statement itself page in the database and are no finding.

use std::ops::Range;

use super::{Hit, Says};
use crate::code_pattern_check::language::Language;
use crate::code_pattern_check::lexer::{TEXT, find, is_word};
use crate::code_pattern_check::source::Source;

const BELOW: usize = 5;

/// How far the bracket that ends a slice may be from the one that begins it, in bytes.
const LONGEST_SLICE: usize = 120;

pub(super) fn look(source: &Source) -> Vec<Hit> {
    let mut loads: Vec<usize> =
        source.calls.iter().filter(|call| is_load(source, call.at, call.open)).map(|call| call.at).collect();
    loads.extend(selects(source));
    loads.sort_unstable();
    if loads.is_empty() {
        return Vec::new();
    }
    let cuts = cuts(source);
    let mut hits: Vec<Hit> = Vec::new();
    let mut looked_at = None;
    for at in loads {
        let line = source.line_of(at);
        if looked_at == Some(line) {
            continue;
        }
        looked_at = Some(line);
        let (from, _) = source.bounds(line);
        let (_, to) = source.bounds(line + BELOW);
        let to = if line + BELOW < source.line_count() { to } else { source.code.len() };
        let within = |list: &[usize]| list.partition_point(|cut| *cut < from)..list.partition_point(|cut| *cut < to);
        let cut = cuts[within(&cuts)].first().copied();
        let word = || {
            let words = &source.paging_words[within(&source.paging_words)];
            let own = if words.is_empty() { 0..0 } else { statement(source, from..to, at) };
            words.iter().copied().find(|word| !own.contains(word))
        };
        if let Some(cut) = cut.or_else(word) {
            let sentence = format!("all rows are loaded, then cut in memory on line {}", source.line_of(cut) + 1);
            hits.push(Hit { line: Some(line), says: Says::Sentence(sentence) });
        }
    }
    hits
}

fn is_load(source: &Source, at: usize, open: usize) -> bool {
    matches!(&source.code[at..open], b"findMany" | b"all")
        && source.before(at) == b'.'
        && source.code[open + 1..].trim_ascii_start().starts_with(b")")
}

/// The places of `SELECT *`, in strings too.
fn selects(source: &Source) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(place) = find(&source.text, at, b"SELECT") {
        at = place + b"SELECT".len();
        let rest = source.text[at..].trim_ascii_start();
        let alone = place == 0 || !is_word(source.text[place - 1]);
        if alone && rest.len() < source.text.len() - at && rest.starts_with(b"*") {
            places.push(place);
        }
    }
    places
}

/// The places where a list is cut: by a method, or by brackets with a colon in them.
fn cuts(source: &Source) -> Vec<usize> {
    let methods = source.calls.iter().filter(|call| {
        matches!(source.name_of(call), b"slice" | b"splice" | b"substring") && source.before(call.at) == b'.'
    });
    let mut cuts: Vec<usize> = methods.map(|call| call.at).collect();
    let code = &source.code;
    for (at, _) in code.iter().enumerate().filter(|(_, byte)| **byte == b'[') {
        let before = source.before(at);
        if !is_word(before) && !matches!(before, b')' | b']') {
            continue;
        }
        let inside = code[at + 1..].iter().take(LONGEST_SLICE);
        let inside = inside.take_while(|byte| !matches!(byte, b']' | b'\n' | b'{' | b'?' | b'\'' | b'"' | b'['));
        let length = inside.clone().count();
        if inside.clone().any(|byte| *byte == b':') && code.get(at + 1 + length) == Some(&b']') {
            cuts.push(at);
        }
    }
    cuts.sort_unstable();
    cuts
}

/// The part of `within` that belongs to the statement which holds `at`.
fn statement(source: &Source, within: Range<usize>, at: usize) -> Range<usize> {
    let code = &source.code;
    let begin = code[within.start..at]
        .iter()
        .rposition(|byte| *byte == b';')
        .map_or(within.start, |place| within.start + place + 1);
    let last = within.end;
    let mut end = at;
    if code[at] == TEXT {
        while end < last && matches!(code[end], TEXT | b'\n') {
            end += 1;
        }
    }
    let sql = source.language == Language::Sql;
    let mut depth = 0_i32;
    let mut open = false;
    while end < last {
        match code[end] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b';' if depth <= 0 => break,
            b'\n' if !sql && depth <= 0 && !open => {
                let next = code[end..].trim_ascii_start();
                if !next.starts_with(b".") && !next.starts_with(b"+") {
                    break;
                }
            }
            _ => {}
        }
        if !code[end].is_ascii_whitespace() {
            open =
                matches!(code[end], b',' | b'(' | b'[' | b'{' | b'+' | b'.' | b'\\' | b'|' | b'&' | b'=' | b'?' | b':');
        }
        end += 1;
    }
    begin..end
}
