//! Shell (POSIX.1-2024, Shell Command Language, 2.2 and 2.3, with bash's here-strings). Strings stay as they are.

use super::{Views, find, line_end, word_end};

/// How long the quoted word may be that ends a here-document.
const LONGEST_ENDING: usize = 200;

pub(super) fn lex(bytes: &[u8], views: &mut Views) {
    let mut at = 0;
    let mut here: Vec<(Vec<u8>, bool)> = Vec::new();
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\'' => at = find(bytes, at + 1, b"'").map_or(bytes.len(), |end| end + 1),
            b'"' => at = double_quoted(bytes, at + 1),
            b'#' if at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')') => {
                let end = line_end(bytes, at);
                views.comment(at, end);
                at = end;
            }
            b'<' if bytes[at..].starts_with(b"<<<") => at += 3,
            b'<' if bytes[at..].starts_with(b"<<") => {
                let (end, document) = here_document(bytes, at + 2);
                here.extend(document);
                at = end;
            }
            b'\n' => {
                at += 1;
                for (ending, tabs) in here.drain(..) {
                    at = behind_document(bytes, at, &ending, tabs);
                }
            }
            _ => at += 1,
        }
    }
}

fn double_quoted(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Reads what follows `<<`: the place behind it, and the line that ends the document with whether tabs before it count.
fn here_document(bytes: &[u8], from: usize) -> (usize, Option<(Vec<u8>, bool)>) {
    let mut at = from;
    let tabs = bytes.get(at) == Some(&b'-');
    at += usize::from(tabs);
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    let (begin, end, behind) = match bytes.get(at) {
        Some(&quote @ (b'\'' | b'"')) => {
            let rest = bytes.len().min(at + LONGEST_ENDING);
            match bytes[at + 1..rest].iter().position(|byte| *byte == quote) {
                Some(length) => (at + 1, at + 1 + length, at + 2 + length),
                None => return (from, None),
            }
        }
        Some(b'\\') => (at + 1, word_end(bytes, at + 1), word_end(bytes, at + 1)),
        // A shift in arithmetic has a number here.
        Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' => (at, word_end(bytes, at), word_end(bytes, at)),
        _ => return (from, None),
    };
    (behind, Some((bytes[begin..end].to_vec(), tabs)))
}

fn behind_document(bytes: &[u8], from: usize, ending: &[u8], tabs: bool) -> usize {
    let mut at = from;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let line = &bytes[at..end];
        let skipped = if tabs { line.iter().take_while(|byte| **byte == b'\t').count() } else { 0 };
        if &line[skipped..] == ending {
            return end;
        }
        at = end + 1;
    }
    bytes.len()
}
