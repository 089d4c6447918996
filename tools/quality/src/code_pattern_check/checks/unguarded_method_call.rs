//! A method of text or numbers on a value that may be missing, with no look at it on the line or the three above.
//!
//! In Python only `split` is asked for, since its other names are rare there or belong to something else. A value that
//! cannot be missing is none: a literal, the result of `String(...)` or of a method that always gives text, `a ?? b`.

use super::receiver::Receiver;
use super::{Hit, once_a_line};
use crate::code_pattern_check::language::Language;
use crate::code_pattern_check::source::{Source, mark};

const ABOVE: usize = 3;

const METHODS: [&[u8]; 6] = [b"toFixed", b"toString", b"toUpperCase", b"toLowerCase", b"trim", b"split"];

/// Functions and methods of JavaScript whose result is always there.
const ALWAYS_THERE: [&[u8]; 22] = [
    b"String",
    b"Number",
    b"Boolean",
    b"BigInt",
    b"Symbol",
    b"Date",
    b"parseInt",
    b"parseFloat",
    b"now",
    b"join",
    b"toString",
    b"toFixed",
    b"toUpperCase",
    b"toLowerCase",
    b"trim",
    b"replace",
    b"replaceAll",
    b"slice",
    b"substring",
    b"padStart",
    b"padEnd",
    b"toISOString",
];

/// Modules of Python with a function `split` of their own.
const MODULES: [&[u8]; 11] =
    [b"re", b"regex", b"shlex", b"os.path", b"path", b"posixpath", b"ntpath", b"np", b"numpy", b"torch", b"jnp"];

pub(super) fn look(source: &Source) -> Vec<Hit> {
    if matches!(source.language, Language::Shell | Language::Sql) {
        return Vec::new();
    }
    let python = source.language == Language::Python;
    let calls = source.calls.iter().filter(|call| {
        let name = source.name_of(call);
        METHODS.contains(&name) && (!python || name == b"split") && source.code.get(call.end) == Some(&b'(')
    });
    let lines = calls.filter_map(|call| {
        let line = source.line_of(call.at);
        let missing = Receiver::of(source, call.at).is_some_and(|receiver| may_be_missing(&receiver, python))
            && !source.is_marked(line, ABOVE, 0, mark::GUARDS)
            && (python || !is_chosen(source, line, call.at));
        missing.then_some(line)
    });
    once_a_line(lines)
}

fn may_be_missing(receiver: &Receiver<'_>, python: bool) -> bool {
    match receiver {
        Receiver::Literal => false,
        Receiver::Names(names) if python => !MODULES.contains(names),
        Receiver::Names(names) => !names.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'),
        Receiver::Call(called, inside) if python => {
            *called != b"str" && !holds(inside, b" or ") && !(called.is_empty() && inside.starts_with(b"\""))
        }
        Receiver::Call(called, inside) => {
            let always = ALWAYS_THERE.contains(&receiver.last_name()) || called.starts_with(b"Math.");
            let given = called.is_empty() && (holds(inside, b"??") || holds(inside, b"||") || is_arithmetic(inside));
            !(always || given)
        }
        Receiver::Other => true,
    }
}

/// Whether a condition before it on the line, `name ? name.trim() : ...`, asks for the value.
fn is_chosen(source: &Source, line: usize, at: usize) -> bool {
    let Some(Receiver::Names(names)) = Receiver::of(source, at) else { return false };
    let (from, _) = source.bounds(line);
    let before = &source.code[from.max(at.saturating_sub(400))..at];
    before.windows(names.len() + 2).any(|window| {
        window.starts_with(names) && (&window[names.len()..] == b" ?" || window[names.len()..].starts_with(b"?"))
    })
}

/// Whether a bracketed expression is a number by its operators.
fn is_arithmetic(inside: &[u8]) -> bool {
    let number = inside.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    number || [&b" * "[..], b" / ", b" - ", b" % "].iter().any(|operator| holds(inside, operator))
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
