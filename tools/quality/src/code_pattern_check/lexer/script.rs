//! JavaScript and TypeScript with JSX (ECMA-262, clause 12), and, without templates and regular expressions, Prisma.

use super::{Views, closing_quote, find, is_word, line_end, word_end};

/// Words after which a slash begins a regular expression.
const BEFORE_VALUE: [&[u8]; 14] = [
    b"return",
    b"typeof",
    b"case",
    b"in",
    b"of",
    b"delete",
    b"void",
    b"throw",
    b"new",
    b"instanceof",
    b"do",
    b"else",
    b"yield",
    b"await",
];

pub(super) fn lex(bytes: &[u8], views: &mut Views, whole: bool) {
    let mut at = 0;
    // The depth of braces at each `${` that is open.
    let mut templates: Vec<usize> = Vec::new();
    let mut depth = 0_usize;
    // Whether what stands before is a value, so that a slash divides.
    let mut value = false;
    // No regular expression ends before this place: looked for once a line, not once a slash.
    let mut divides_to = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'/' if bytes.get(at + 1) == Some(&b'/') && !is_address(bytes, at) => {
                let end = line_end(bytes, at);
                views.comment(at, end);
                at = end;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = find(bytes, at + 2, b"*/").map_or(bytes.len(), |end| end + 2);
                views.comment(at, end);
                at = end;
            }
            b'/' if whole && !value && at >= divides_to && !bytes[..at].ends_with(b"<") => {
                if let Some(end) = regular_expression(bytes, at + 1) {
                    views.string(at + 1, end);
                    at = end + 1;
                    value = true;
                } else {
                    divides_to = line_end(bytes, at);
                    at += 1;
                }
            }
            b'\\' => at += 2,
            b'\'' | b'"' => {
                at = closing_quote(bytes, at + 1, byte).map_or(at + 1, |end| {
                    views.string(at + 1, end);
                    end + 1
                });
                value = true;
            }
            b'`' if whole => {
                at = template(bytes, views, at + 1, &mut templates, depth);
                value = bytes[at - 1] == b'`';
            }
            b'}' if templates.last() == Some(&depth) => {
                templates.pop();
                at = template(bytes, views, at + 1, &mut templates, depth);
                value = bytes[at - 1] == b'`';
            }
            byte if is_word(byte) => {
                let end = word_end(bytes, at);
                value = !BEFORE_VALUE.contains(&&bytes[at..end]);
                at = end;
            }
            _ => {
                match byte {
                    b'{' => depth += 1,
                    b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if !byte.is_ascii_whitespace() {
                    value = matches!(byte, b')' | b']' | b'}');
                }
                at += 1;
            }
        }
    }
}

/// Whether the two slashes at `at` are those of an address in text between tags, which no grammar short of JSX's tells
/// from a comment.
fn is_address(bytes: &[u8], at: usize) -> bool {
    bytes[..at].ends_with(b"http:") || bytes[..at].ends_with(b"https:")
}

/// Reads a template from `from` to its end or to its next `${`; gives the place behind either.
fn template(bytes: &[u8], views: &mut Views, from: usize, templates: &mut Vec<usize>, depth: usize) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'`' => {
                views.string(from, at);
                return at + 1;
            }
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                views.string(from, at);
                templates.push(depth);
                return at + 2;
            }
            _ => {}
        }
        at += 1;
    }
    views.string(from.min(bytes.len()), bytes.len());
    bytes.len()
}

/// The place of the slash that ends a regular expression; `None` when the line ends first.
fn regular_expression(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut class) = (from, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => return None,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}
