//! Python (the language reference, chapter 2). A string that is a statement by itself is documentation and counts as a
//! comment; what stands in the braces of an f-string is code.

use super::{Views, closing_quote, find, is_word, line_end, word_end};

/// How deep strings in the braces of f-strings are followed.
const DEEPEST: usize = 8;

pub(super) fn lex(bytes: &[u8], views: &mut Views) {
    let mut at = 0;
    let mut depth = 0_usize;
    // Whether only blanks stand before on the line.
    let mut fresh = true;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => {
                let end = line_end(bytes, at);
                views.comment(at, end);
                at = end;
            }
            b'\'' | b'"' => {
                let end = string(bytes, views, at, false, 0);
                if fresh && depth == 0 && rest_is_blank(bytes, end) {
                    views.comment(at, end);
                }
                at = end;
                fresh = false;
            }
            byte if is_word(byte) => {
                let end = word_end(bytes, at);
                let word = &bytes[at..end];
                let prefix = word.len() <= 2 && word.iter().all(|letter| b"rRbBfFuUtT".contains(letter));
                if prefix && matches!(bytes.get(end), Some(b'\'' | b'"')) {
                    let formatted = word.iter().any(|letter| b"fFtT".contains(letter));
                    let behind = string(bytes, views, end, formatted, 0);
                    if fresh && depth == 0 && !formatted && rest_is_blank(bytes, behind) {
                        views.comment(at, behind);
                    }
                    at = behind;
                } else {
                    at = end;
                }
                fresh = false;
            }
            b'\\' => {
                at += 2;
                fresh = false;
            }
            b'\n' => {
                fresh = true;
                at += 1;
            }
            _ => {
                match byte {
                    b'(' | b'[' | b'{' => depth += 1,
                    b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                fresh &= byte.is_ascii_whitespace();
                at += 1;
            }
        }
    }
}

fn rest_is_blank(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')).is_none_or(|byte| matches!(byte, b'\n' | b'#'))
}

/// Reads the string whose quote stands at `at`; gives the place behind it.
fn string(bytes: &[u8], views: &mut Views, at: usize, formatted: bool, nested: usize) -> usize {
    let quote = bytes[at];
    let long = [quote; 3];
    let is_long = bytes[at..].starts_with(&long);
    let from = at + if is_long { 3 } else { 1 };
    if formatted && nested < DEEPEST {
        return braced(bytes, views, from, quote, is_long, nested);
    }
    let end = if is_long { closing_long(bytes, from, &long) } else { closing_quote(bytes, from, quote) };
    match end {
        Some(end) => {
            views.string(from, end);
            end + if is_long { 3 } else { 1 }
        }
        None if is_long => {
            views.string(from, bytes.len());
            bytes.len()
        }
        None => from,
    }
}

fn closing_long(bytes: &[u8], from: usize, quotes: &[u8]) -> Option<usize> {
    let mut at = from;
    loop {
        let end = find(bytes, at, quotes)?;
        let slashes = bytes[from..end].iter().rev().take_while(|byte| **byte == b'\\').count();
        if slashes % 2 == 0 {
            return Some(end);
        }
        at = end + 1;
    }
}

/// Reads an f-string from behind its quote.
fn braced(bytes: &[u8], views: &mut Views, from: usize, quote: u8, is_long: bool, nested: usize) -> usize {
    let (mut at, mut text) = (from, from);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' if !is_long => return at,
            b'{' if bytes.get(at + 1) == Some(&b'{') => at += 2,
            b'{' => {
                views.string(text, at);
                at = expression(bytes, views, at + 1, quote, is_long, nested);
                text = at;
            }
            byte if byte == quote && (!is_long || bytes[at..].starts_with(&[quote; 3])) => {
                views.string(text, at);
                return at + if is_long { 3 } else { 1 };
            }
            _ => at += 1,
        }
    }
    views.string(text.min(bytes.len()), bytes.len());
    bytes.len()
}

/// Reads what stands in the braces of an f-string; gives the place behind the closing brace, or where the string ends
/// before it.
fn expression(bytes: &[u8], views: &mut Views, from: usize, quote: u8, is_long: bool, nested: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'}' if depth == 0 => return at + 1,
            b'\n' if !is_long => return at,
            b'\'' | b'"' if byte != quote || is_long && !bytes[at..].starts_with(&[quote; 3]) => {
                at = string(bytes, views, at, false, nested + 1);
                continue;
            }
            byte if byte == quote => return at,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    at
}
