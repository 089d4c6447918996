//! Secrets known by the name that they are assigned to.

use std::ops::Range;

use super::placeholder::{holds, is_keyword, is_placeholder, says_test};
use super::tokens::is_base64;
use super::{Hit, Kind, Rules};

/// Most bytes of a name, of the blanks or the type between it and its value, and of a value.
const MOST_NAME: usize = 64;
const MOST_BETWEEN: usize = 64;
const MOST_VALUE: usize = 512;

/// What a name says of its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    ApiKey,
    Secret,
    Password,
    Token,
    Connection,
    AwsSecret,
}

/// The secret that is assigned by the `=` or `:` at `at`.
pub(super) fn at(rules: Rules, line: &[u8], at: usize) -> Option<Hit> {
    let (before, behind) = (line.get(..at)?, line.get(at + 1..)?);
    let operator = *line.get(at)?;
    let (before, behind) = match operator {
        b'=' if behind.starts_with(b"=") || before.last().is_some_and(|byte| b"=!<>~".contains(byte)) => return None,
        b'=' => (
            before.strip_suffix(b":").or(before.strip_suffix(b"?")).unwrap_or(before),
            behind.strip_prefix(b">").unwrap_or(behind),
        ),
        _ if behind.starts_with(b":") || behind.starts_with(b"=") || before.ends_with(b":") => return None,
        _ => (before, behind),
    };
    let start = line.len() - behind.len();
    let (name, tight) = name(before)?;
    let named = named(name)?;
    let value = value(line, start, operator)?;
    let text = line.get(value.range.clone())?;
    let open = 0;
    let hit = |kind| Some(Hit { kind, value: value.range.clone(), open, assigned: true });
    if text.is_empty() || is_placeholder(text) || says_test(text) || is_code(text) || is_own_name(name, text) {
        return None;
    }
    if named == Named::AwsSecret && rules == Rules::Commit {
        let key = text.len() == 40 && text.iter().all(|byte| is_base64(*byte));
        return if key { hit(Kind::AwsSecret) } else { quoted(8, &value, text).then(|| hit(Kind::Secret))? };
    }
    let kind = match named {
        Named::ApiKey => Kind::ApiKey,
        Named::Secret | Named::AwsSecret => Kind::Secret,
        Named::Password => Kind::Password,
        Named::Token => Kind::Token,
        Named::Connection => Kind::ConnectionString,
    };
    // A name in capitals right before `=` is a variable of an environment, whatever the file.
    let variable = tight && operator == b'=' && !name.iter().any(u8::is_ascii_lowercase);
    let bare = !value.quoted && !is_keyword(text) && stands_alone(line, &value.range);
    let wanted = match rules {
        Rules::Commit if kind == Kind::Password && in_connection_string(line, at, &value) => {
            return hit(Kind::ConnectionString);
        }
        Rules::Commit => kind != Kind::ConnectionString && quoted(8, &value, text) && !is_sentence(text),
        Rules::Gate => match kind {
            Kind::Password => quoted(4, &value, text) && !is_sentence(text),
            Kind::ConnectionString => value.quoted || variable && bare,
            _ => false,
        },
        Rules::Assignments { code } => {
            let number = text.iter().all(u8::is_ascii_digit) && kind == Kind::Token;
            if value.quoted { !is_sentence(text) } else { bare && (variable || !code) && !number }
        }
    };
    wanted.then(|| hit(kind))?
}

/// A value behind an operator.
struct Value {
    range: Range<usize>,
    quoted: bool,
}

fn quoted(least: usize, value: &Value, text: &[u8]) -> bool {
    value.quoted && text.len() >= least
}

/// The name that `before` ends with, and whether nothing stands behind it.
fn name(before: &[u8]) -> Option<(&[u8], bool)> {
    let mut rest = before.get(before.len().saturating_sub(MOST_NAME + MOST_BETWEEN)..)?;
    let length = rest.len();
    rest = rest.trim_ascii_end();
    while let Some((b'"' | b'\'' | b'`' | b']' | b')' | b'\\', shorter)) = rest.split_last() {
        rest = shorter.trim_ascii_end();
    }
    let tight = rest.len() == length;
    let mut name = last_word(rest);
    if matches!(name, b"string" | b"String") {
        // Go puts the type behind the name.
        name = last_word(rest.get(..rest.len() - name.len())?.trim_ascii_end());
    }
    (!name.is_empty() && name.len() <= MOST_NAME).then_some((name, tight))
}

fn last_word(text: &[u8]) -> &[u8] {
    let length = text.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)).count();
    text.get(text.len() - length..).unwrap_or_default()
}

/// What a name that is spelled in any of the usual ways (`API_KEY`, `apiKey`, `api-key`) says.
fn named(name: &[u8]) -> Option<Named> {
    const ENDS: [(&[u8], Named); 14] = [
        (b"awssecretaccesskey", Named::AwsSecret),
        (b"secretaccesskey", Named::AwsSecret),
        (b"awssecretkey", Named::AwsSecret),
        (b"apikey", Named::ApiKey),
        (b"secretkey", Named::Secret),
        (b"accesskey", Named::Secret),
        (b"secret", Named::Secret),
        (b"password", Named::Password),
        (b"passwd", Named::Password),
        (b"passphrase", Named::Password),
        (b"pwd", Named::Password),
        (b"token", Named::Token),
        (b"connectionstring", Named::Connection),
        (b"connstr", Named::Connection),
    ];
    if !matches!(name.last()?.to_ascii_lowercase(), b'y' | b't' | b'd' | b'e' | b'n' | b'g' | b'r') {
        return None;
    }
    let mut plain = [0_u8; MOST_NAME];
    let mut length = 0;
    for byte in name.iter().filter(|byte| !b"_-".contains(byte)) {
        *plain.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    let plain = plain.get(..length)?;
    // The folder that a shell is in.
    if matches!(plain, b"pwd" | b"oldpwd") {
        return None;
    }
    ENDS.iter().find(|(end, _)| plain.ends_with(end)).map(|(_, named)| *named)
}

/// The value that begins at `start`, behind `operator`.
fn value(line: &[u8], start: usize, operator: u8) -> Option<Value> {
    let mut start = start + blanks(line.get(start..)?);
    if operator == b':' && !starts_quoted(line.get(start..)?) {
        start = behind_type(line, start).unwrap_or(start);
    }
    let rest = line.get(start..)?;
    // A letter or two before a quote say what kind of text it is, in Python, Rust, C and others; so does a backslash
    // that a text in a text has.
    let marks = rest.iter().take(3).take_while(|byte| byte.is_ascii_alphabetic() || b"@&\\".contains(byte)).count();
    let marks = if starts_quoted(rest.get(marks..)?) { marks } else { 0 };
    let escaped = rest.first() == Some(&b'\\');
    let rest = rest.get(marks..)?;
    let start = start + marks;
    if starts_quoted(rest) {
        let quote = *rest.first()?;
        let body = rest.get(1..rest.len().min(MOST_VALUE))?;
        let mut end = 0;
        while let Some(byte) = body.get(end) {
            match byte {
                b'\\' if !escaped => end += 1,
                byte if *byte == quote => break,
                _ => {}
            }
            end += 1;
        }
        // Without its end it is no quote but the end of another, a lifetime, an apostrophe; unless it is very long.
        if end >= body.len() && rest.len() < MOST_VALUE {
            return None;
        }
        let text = body.get(..end.min(body.len()))?;
        let text = if escaped { text.strip_suffix(b"\\").unwrap_or(text) } else { text };
        return Some(Value { range: start + 1..start + 1 + text.len(), quoted: true });
    }
    let length = rest
        .iter()
        .take(MOST_VALUE)
        .take_while(|byte| !byte.is_ascii_whitespace() && !b",;\"'`&".contains(byte))
        .count();
    Some(Value { range: start..start + length, quoted: false })
}

/// Where the value begins in `: TYPE = VALUE`.
fn behind_type(line: &[u8], start: usize) -> Option<usize> {
    let rest = line.get(start..)?;
    let kind = rest
        .iter()
        .take(MOST_BETWEEN)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_&'<>[]:.?| *".contains(byte))
        .count();
    let behind = rest.get(kind..)?.strip_prefix(b"=")?;
    let value = start + kind + 1 + blanks(behind);
    (!behind.starts_with(b"=") && starts_quoted(line.get(value..)?)).then_some(value)
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take(MOST_BETWEEN).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

fn starts_quoted(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'"' | b'\'' | b'`'))
}

/// Whether an unquoted value is a whole: no part of an expression, and nothing behind it but a comment.
fn stands_alone(line: &[u8], value: &Range<usize>) -> bool {
    let text = line.get(value.clone()).unwrap_or_default();
    let behind = line.get(value.end..).unwrap_or_default();
    let behind = behind.strip_prefix(b",").or(behind.strip_prefix(b";")).unwrap_or(behind).trim_ascii();
    let ended = behind.is_empty() || behind.starts_with(b"#") || behind.starts_with(b"//") || behind.starts_with(b";");
    ended && !text.iter().any(|byte| b"(){}[]<>|".contains(byte))
}

/// Whether `text` is a sentence for people about a secret: what a form or a message says.
fn is_sentence(text: &[u8]) -> bool {
    const SUBJECTS: [&[u8]; 11] = [
        b"password",
        b"token",
        b"secret",
        b"key",
        b"required",
        b"invalid",
        b"enter",
        b"must",
        b"forgot",
        b"please",
        b"your",
    ];
    text.contains(&b' ') && SUBJECTS.iter().any(|word| holds(text, word))
}

/// Whether `text` is no value but a pattern, or the code between two texts.
fn is_code(text: &[u8]) -> bool {
    [&b"(?"[..], b", ", b" +", b")"].iter().any(|start| text.starts_with(start))
        || ["\\w", "\\d", "\\s", "[^", "[a-z", "[0-9"].iter().any(|part| holds(text, part.as_bytes()))
}

/// Whether `text` is the name that it is assigned to in another spelling: a table of names.
fn is_own_name(name: &[u8], text: &[u8]) -> bool {
    let letters = |text: &[u8]| -> Vec<u8> {
        text.iter().filter(|byte| !b"_- ".contains(byte)).map(u8::to_ascii_lowercase).collect()
    };
    name.len() > "password".len() && letters(name) == letters(text)
}

/// Whether a password stands among the parts of a connection string: `User Id=sa;Password=…`, `user=sa&password=…`.
fn in_connection_string(line: &[u8], at: usize, value: &Value) -> bool {
    let before = line.get(at.saturating_sub(256)..at).unwrap_or_default();
    let part = before.iter().rposition(|byte| b";&?\"'".contains(byte)).is_some_and(|at| b";&".contains(&before[at]));
    let text = value.range.len();
    !value.quoted
        && text > 0
        && part
        && [&b"user id="[..], b"uid=", b"user=", b"username="].iter().any(|user| holds(before, user))
}
