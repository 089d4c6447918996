//! A parameter of `function f(a, b)` or `const f = (a, b) =>`, written on one line, that neither the rest of the signature
//! nor the function's next thirty lines name.

use super::Hit;
use crate::code_pattern_check::language::Language;
use crate::code_pattern_check::lexer::{find, is_word, word_end};
use crate::code_pattern_check::source::Source;

/// How many lines below the signature are searched.
const BELOW: usize = 30;

/// A line longer than this was not written by a person; a search for each of its functions would take for ever.
const LONGEST_LINE: usize = 10_000;

/// How far an arrow is looked for behind the parameters, in bytes.
const LONGEST_TYPE: usize = 2000;

/// Words before a parameter's name that are no part of it.
const MODIFIERS: [&[u8]; 5] = [b"public", b"private", b"protected", b"readonly", b"override"];

pub(super) fn look(source: &Source) -> Vec<Hit> {
    if source.language != Language::Script {
        return Vec::new();
    }
    let mut hits = Vec::new();
    for &at in &source.signatures {
        let line = source.line_of(at);
        let (from, to) = source.bounds(line);
        if to - from > LONGEST_LINE {
            continue;
        }
        let Some(Signature { name, open, close, body }) = signature(source, at, to) else { continue };
        let Some(last) = body_end(source, body, line) else { continue };
        for (parameter, place) in parameters(&source.code, open, close) {
            let own = place..place + parameter.len();
            let named = names(&source.code[open..own.start], parameter)
                || names(&source.code[own.end..close], parameter)
                || names(&source.code[close..last], parameter);
            if !named {
                let parameter = String::from_utf8_lossy(parameter);
                let sentence = format!("parameter '{parameter}' of {} is never named", String::from_utf8_lossy(name));
                hits.push(Hit::sentence(line, sentence));
            }
        }
    }
    hits
}

struct Signature<'a> {
    name: &'a [u8],
    open: usize,
    close: usize,
    /// Where the body begins: at its brace, or at its expression.
    body: usize,
}

/// The signature that begins at `at`, if its parameters end on the line that ends at `to`.
fn signature(source: &Source, at: usize, to: usize) -> Option<Signature<'_>> {
    let code = &source.code;
    let blanks = |mut at: usize| {
        while at < to && matches!(code[at], b' ' | b'\t' | b'*') {
            at += 1;
        }
        at
    };
    let declares = code[at..].starts_with(b"function");
    let from = blanks(word_end(code, at));
    let end = word_end(code, from);
    if end == from || end > to {
        return None;
    }
    let name = &code[from..end];
    let mut open = end;
    if !declares {
        let equals = code[end..to].iter().position(|byte| *byte == b'=').map(|place| end + place)?;
        if code.get(equals + 1) == Some(&b'>') {
            return None;
        }
        open = blanks(equals + 1);
        if code[open..to].starts_with(b"async") {
            open = blanks(open + 5);
        }
    }
    // Type parameters.
    if code.get(open) == Some(&b'<') {
        let mut depth = 0_usize;
        let length = code[open..to].iter().position(|byte| {
            match byte {
                b'<' => depth += 1,
                b'>' => depth -= usize::from(depth > 0),
                _ => {}
            }
            depth == 0
        })?;
        open += length + 1;
    }
    open = blanks(open);
    if code.get(open) != Some(&b'(') {
        return None;
    }
    let close = source.closing(open, to - open)?;
    let body = if declares {
        // A signature without a body, of an overload or a declaration, ends with a semicolon or its line.
        let brace = function_body(code, close + 1)?;
        (code[brace] == b'{').then_some(brace)?
    } else {
        let arrow = arrow_behind(source, open)?;
        let rest = code[arrow..].len() - code[arrow..].trim_ascii_start().len();
        arrow + rest
    };
    (body < code.len()).then_some(Signature { name, open, close, body })
}

/// The place of the brace that begins a function's body, behind a type that may hold braces itself.
fn function_body(code: &[u8], from: usize) -> Option<usize> {
    let rest = code[from..].trim_ascii_start();
    let at = code.len() - rest.len();
    if !rest.starts_with(b":") {
        return rest.starts_with(b"{").then_some(at);
    }
    let mut depth = 0_usize;
    let mut last = b':';
    for (step, &byte) in code[at..].iter().take(LONGEST_TYPE).enumerate() {
        match byte {
            b'{' if depth == 0 && !matches!(last, b':' | b'|' | b'&' | b'>') => return Some(at + step),
            // `Promise<{ ... }>` is closed before its body's brace comes.
            b'{' if depth == 0 && last == b'>' => return Some(at + step),
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            b'>' if last != b'=' => depth = depth.saturating_sub(1),
            b';' if depth == 0 => return None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
    }
    None
}

/// The place behind the arrow of the arrow function whose parameters' bracket stands at `open`.
pub(super) fn arrow_behind(source: &Source, open: usize) -> Option<usize> {
    let code = &source.code;
    let close = source.closing(open, LONGEST_LINE)?;
    let rest = code[close + 1..].trim_ascii_start();
    let at = code.len() - rest.len();
    if rest.starts_with(b"=>") {
        return Some(at + 2);
    }
    if !rest.starts_with(b":") {
        return None;
    }
    let mut depth = 0_usize;
    for (step, pair) in code[at..].windows(2).take(LONGEST_TYPE).enumerate() {
        match pair[0] {
            b'=' if pair[1] == b'>' && depth == 0 => return Some(at + step + 2),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where the search ends: with the function, or thirty lines below its signature. `None` when a line is in the way that no
/// person wrote.
fn body_end(source: &Source, body: usize, line: usize) -> Option<usize> {
    let below = (line + BELOW).min(source.line_count().saturating_sub(1));
    let (_, last) = source.bounds(below);
    if last.saturating_sub(body) > LONGEST_LINE * (BELOW + 1) {
        return None;
    }
    let most = last.saturating_sub(body);
    if source.code[body] == b'{' {
        return Some(source.closing(body, most).unwrap_or(last.max(body)));
    }
    let mut depth = 0_i32;
    let code = &source.code;
    for at in body..last.max(body) {
        match code[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b';' if depth <= 0 => return Some(at),
            b'\n' if depth <= 0 => {
                let next = code[at..].trim_ascii_start().first().copied().unwrap_or_default();
                if !matches!(next, b'.' | b'?' | b':' | b'+' | b'-' | b'*' | b'/' | b'&' | b'|' | b'=' | b'<' | b'>') {
                    return Some(at);
                }
            }
            _ => {}
        }
        if depth < 0 {
            return Some(at);
        }
    }
    Some(last.max(body))
}

/// The parameters between the brackets at `open` and `close` that are judged, with their places.
fn parameters(code: &[u8], open: usize, close: usize) -> Vec<(&[u8], usize)> {
    let mut list = Vec::new();
    let (mut depth, mut from) = (0_usize, open + 1);
    for at in open + 1..=close {
        match code[at] {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b'>' if code[at - 1] == b'=' => {}
            b']' | b'}' | b'>' => depth = depth.saturating_sub(1),
            b')' if at < close => depth = depth.saturating_sub(1),
            b',' if depth > 0 => {}
            b',' | b')' => {
                list.extend(parameter(code, from, at));
                from = at + 1;
            }
            _ => {}
        }
    }
    list
}

/// The name of the parameter at `from..to`, where it is one that should be used.
fn parameter(code: &[u8], from: usize, to: usize) -> Option<(&[u8], usize)> {
    let mut at = from;
    loop {
        while at < to && (code[at].is_ascii_whitespace() || code[at] == b'.') {
            at += 1;
        }
        let end = word_end(code, at).min(to);
        let word = &code[at..end];
        if MODIFIERS.contains(&word) {
            at = end;
            continue;
        }
        let judged = word.len() > 1 && word != b"this" && !word.starts_with(b"_") && !word[0].is_ascii_uppercase();
        return judged.then_some((word, at));
    }
}

/// Whether `code` holds `name` as a word.
fn names(code: &[u8], name: &[u8]) -> bool {
    let mut at = 0;
    while let Some(place) = find(code, at, name) {
        let end = place + name.len();
        let before = place.checked_sub(1).is_some_and(|before| is_word(code[before]));
        if !before && !code.get(end).is_some_and(|byte| is_word(*byte)) {
            return true;
        }
        at = place + 1;
    }
    false
}
