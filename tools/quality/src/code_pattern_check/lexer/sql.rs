//! SQL (ISO/IEC 9075-2, 5.2 and 5.3): comments, and strings with doubled quotes. Bodies between dollar signs are code.

use super::{Views, find, line_end};

pub(super) fn lex(bytes: &[u8], views: &mut Views) {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                let end = line_end(bytes, at);
                views.comment(at, end);
                at = end;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = find(bytes, at + 2, b"*/").map_or(bytes.len(), |end| end + 2);
                views.comment(at, end);
                at = end;
            }
            // A doubled quote is two strings that touch, which comes to the same.
            b'\'' | b'"' => {
                let end = find(bytes, at + 1, &[byte]).unwrap_or(bytes.len());
                if byte == b'\'' {
                    views.string(at + 1, end);
                }
                at = end + 1;
            }
            _ => at += 1,
        }
    }
}
