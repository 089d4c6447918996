//! A file whose name speaks of configuration or credentials is written without saying who may read it.

use super::Hit;
use crate::code_pattern_check::source::{Call, Source};

/// How far the call's arguments are followed, in bytes.
const LONGEST_CALL: usize = 2000;

/// A line longer than this was not written by a person.
const LONGEST_LINE: usize = 10_000;

const TELLING: [(&[u8], &str); 8] = [
    (b".env", ".env"),
    (b"config", "config"),
    (b"secret", "secret"),
    (b"key", "key"),
    (b"credential", "credential"),
    (b"token", "token"),
    (b"password", "password"),
    (b".pem", ".pem"),
];

/// Everyday words with `key` in them.
const NO_KEYS: [&[u8]; 5] = [b"keyboard", b"keyword", b"keyframe", b"monkey", b"turkey"];

pub(super) fn look(source: &Source) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    for call in &source.calls {
        if !matches!(source.name_of(call), b"writeFileSync" | b"open") {
            continue;
        }
        let line = source.line_of(call.at);
        let (from, to) = source.bounds(line);
        if to - from > LONGEST_LINE || hits.last().is_some_and(|hit| hit.line == Some(line)) || !writes(source, call) {
            continue;
        }
        let close = source.closing(call.open, LONGEST_CALL).unwrap_or(call.open);
        let text = source.text[from..to.max(close + 1)].to_ascii_lowercase();
        if let Some(word) = telling(&text)
            && !has_mode(&text)
        {
            let sentence =
                format!("a file with '{word}' in its name or content is written without a mode such as 0600");
            hits.push(Hit::sentence(line, sentence));
        }
    }
    hits
}

fn writes(source: &Source, call: &Call) -> bool {
    match source.name_of(call) {
        b"writeFileSync" => true,
        b"open" => {
            let Some(close) = source.closing(call.open, LONGEST_CALL) else { return false };
            let arguments: Vec<u8> =
                source.text[call.open + 1..close].iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let parts = arguments.split(|byte| *byte == b',').enumerate();
            // `Path(...).open('w')` has the mode first, the function `open` has it second.
            let method = source.before(call.at) == b'.';
            parts.skip(usize::from(!method)).any(|(_, part)| {
                let part = part.strip_prefix(b"mode=").unwrap_or(part);
                matches!(part, [b'\'' | b'"', b'w', .., b'\'' | b'"'] if part.len() <= 5)
            })
        }
        _ => false,
    }
}

fn telling(text: &[u8]) -> Option<&'static str> {
    let mut text = text.to_vec();
    for word in NO_KEYS {
        while let Some(at) = position(&text, word) {
            text[at..at + word.len()].fill(b' ');
        }
    }
    TELLING.iter().find(|(word, _)| position(&text, word).is_some()).map(|(_, name)| *name)
}

/// Whether a call says who may read the file; `mode="w"` says something else.
fn has_mode(text: &[u8]) -> bool {
    let octal = text.windows(4).enumerate().any(|(at, four)| {
        let digits = |part: &[u8]| part.iter().all(|byte| (b'0'..=b'7').contains(byte));
        let alone = at == 0 || !text[at - 1].is_ascii_alphanumeric();
        let ends = |at: usize| !text.get(at).is_some_and(u8::is_ascii_alphanumeric);
        alone && (four[0] == b'0' && digits(four) && ends(at + 4) || four.starts_with(b"0o") && digits(&four[2..]))
    });
    let opening = [&b"mode='w"[..], b"mode=\"w", b"mode = 'w", b"mode = \"w"];
    let mode = |at: usize| !opening.iter().any(|start| text[at..].starts_with(start));
    let named = (0..text.len()).any(|at| text[at..].starts_with(b"mode") && mode(at));
    octal || named || [&b"permissions"[..], b"chmod"].iter().any(|word| position(text, word).is_some())
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
