//! What a method is called on.

use crate::code_pattern_check::lexer::is_word;
use crate::code_pattern_check::source::Source;

/// How far back the bracket that opens a receiver is looked for, in bytes.
const FAR: usize = 400;

/// What stands before the dot of a method.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Receiver<'a> {
    /// Names joined by dots: `row.name`, `this.cart.items`; the last part alone may be what matters.
    Names(&'a [u8]),
    /// The result of a call: the names called (empty for a bracketed expression) and what stands in the brackets.
    Call(&'a [u8], &'a [u8]),
    /// A string, a template, a regular expression, a number with a point.
    Literal,
    /// Anything else.
    Other,
}

impl<'a> Receiver<'a> {
    /// The receiver of the method whose name begins at `at`; `None` when no dot stands before it.
    pub(super) fn of(source: &'a Source, at: usize) -> Option<Self> {
        let code = &source.code;
        let dot = code[..at].trim_ascii_end();
        let dot = if dot.last() == Some(&b'.') { dot.len() - 1 } else { return None };
        let dot = if source.before(dot) == b'?' { dot - 1 } else { dot };
        let end = code[..dot].trim_ascii_end().len();
        let Some(last) = end.checked_sub(1) else { return Some(Self::Other) };
        Some(match code[last] {
            // A number may end with a point of its own.
            b'\'' | b'"' | b'`' | b'/' | b'.' => Self::Literal,
            b')' => match source.opening(last, FAR) {
                Some(open) => Self::Call(names(code, open), &code[open + 1..last]),
                None => Self::Other,
            },
            byte if is_word(byte) => Self::Names(names(code, end)),
            _ => Self::Other,
        })
    }

    /// The last of its names, of a call the name of what was called.
    pub(super) fn last_name(&self) -> &'a [u8] {
        let (Self::Names(names) | Self::Call(names, _)) = self else { return b"" };
        names.rsplit(|byte| *byte == b'.').next().unwrap_or_default()
    }
}

/// The names joined by dots that end at `end`, at most 200 bytes of them.
fn names(code: &[u8], end: usize) -> &[u8] {
    let taken = code[..end].iter().rev().take(200).take_while(|byte| is_word(**byte) || matches!(byte, b'.' | b'?'));
    let from = end - taken.count();
    code[from..end].trim_ascii()
}
