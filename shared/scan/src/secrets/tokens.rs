//! Secrets known by their form.

use super::placeholder::{is_placeholder, says_test};
use super::{Hit, Kind, Rules};

/// Most bytes of an address before its host.
const MOST_ADDRESS: usize = 512;

/// The secret that begins at `at`.
pub(super) fn at(rules: Rules, line: &[u8], at: usize) -> Option<Hit> {
    let rest = line.get(at..)?;
    let begins_word = at.checked_sub(1).and_then(|before| line.get(before)).is_none_or(|before| !is_key(*before));
    if rest.starts_with(b"-----BEGIN ") {
        return private_key(rest).map(|length| Hit {
            kind: Kind::PrivateKey,
            value: at..at + length,
            open: length,
            assigned: false,
        });
    }
    if !begins_word || matches!(rules, Rules::Assignments { .. }) {
        return None;
    }
    let (kind, open, length) = key(rules, rest)?;
    let value = rest.get(..length)?;
    (!says_test(value)).then_some(Hit { kind, value: at..at + length, open, assigned: false })
}

/// The kind of the key that `rest` begins with, the length of what all of the kind begin with, and its own.
fn key(rules: Rules, rest: &[u8]) -> Option<(Kind, usize, usize)> {
    let gate = rules == Rules::Gate;
    let run = |prefix: usize, allowed: fn(u8) -> bool| {
        prefix + rest.iter().skip(prefix).take_while(|byte| allowed(**byte)).count()
    };
    let begins = |prefix: &[u8]| rest.starts_with(prefix);
    match rest.first()? {
        b's' if begins(b"sk-") => {
            let end = run(3, is_key);
            open_ai(gate, rest.get(3..end)?).then_some((Kind::OpenAiKey, 3, end))
        }
        b's' | b'p' | b'r' if !gate && rest.get(1..8) == Some(b"k_live_") => {
            let end = run(8, is_word);
            (end >= 14).then_some((Kind::StripeKey, 8, end))
        }
        b'g' if begins(b"github_pat_") => {
            let end = run(11, is_word);
            (end >= 31).then_some((Kind::GitHubToken, 11, end))
        }
        b'g' if begins(b"gh") && rest.get(3) == Some(&b'_') => {
            let end = run(4, |byte| byte.is_ascii_alphanumeric());
            let least = match rest.get(2)? {
                b'p' if gate => 36,
                b'p' | b'o' | b's' | b'u' | b'r' => 6,
                _ => return None,
            };
            (end - 4 >= least).then_some((Kind::GitHubToken, 4, end))
        }
        b'A' if begins(b"AKIA") || begins(b"ASIA") => {
            let end = run(4, is_word);
            let capitals = rest.get(4..end)?.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            (end == 20 && capitals).then_some((Kind::AwsKeyId, 4, end))
        }
        b'A' if !gate && begins(b"AIza") => {
            let end = run(4, is_key);
            (end >= 39).then_some((Kind::GcpKey, 4, end))
        }
        b'A' if !gate && begins(b"AccountKey=") => {
            let end = run(11, is_base64);
            (end >= 19).then_some((Kind::AzureKey, 11, end))
        }
        b'x' if !gate && begins(b"xox") && rest.get(4) == Some(&b'-') && rest.get(3)?.is_ascii_lowercase() => {
            let end = run(5, is_key);
            (end >= 11).then_some((Kind::SlackToken, 5, end))
        }
        b'e' if !gate && begins(b"eyJ") => {
            let end = run(3, |byte| is_key(byte) || byte == b'.');
            let mut parts = rest.get(..end)?.split(|byte| *byte == b'.');
            let (head, body, signature) = (parts.next()?, parts.next()?, parts.next()?);
            let whole = head.len() >= 10 && body.len() >= 10 && body.starts_with(b"eyJ") && signature.len() >= 6;
            whole.then_some((Kind::Jwt, 3, head.len() + body.len() + signature.len() + 2))
        }
        _ => None,
    }
}

/// Whether what follows `sk-` is a key rather than words joined by dashes (the name of a style, say).
fn open_ai(gate: bool, key: &[u8]) -> bool {
    let mut parts = key.split(|byte| matches!(byte, b'-' | b'_')).enumerate();
    if gate {
        return parts.any(|(_, part)| part.len() >= 20);
    }
    parts.any(|(at, part)| {
        let mixed = part.iter().any(u8::is_ascii_digit);
        part.len() >= 8 && (mixed || at == 0 && (part.len() == key.len() || part.len() >= 20))
    })
}

/// The length of the first line of a private key block.
fn private_key(rest: &[u8]) -> Option<usize> {
    let head = rest.get(..rest.len().min(80))?;
    let label = head.get(11..)?;
    let end = label.windows(5).position(|part| part == b"-----")?;
    let label = label.get(..end)?;
    let named = label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK");
    let plain = label.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ');
    (named && plain).then_some(11 + end + 5)
}

/// The connection string whose `://` begins at `at`: SCHEME://USER:PASSWORD@HOST (RFC 3986, section 3.2.1).
pub(super) fn address(rules: Rules, line: &[u8], at: usize) -> Option<Hit> {
    let rest = line.get(at..)?.strip_prefix(b"://")?;
    if matches!(rules, Rules::Assignments { .. }) {
        return None;
    }
    let before = line.get(at.saturating_sub(32)..at)?;
    let scheme = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(byte)).count();
    let authority = rest.get(..rest.len().min(MOST_ADDRESS))?;
    let end = authority
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || b"/?#\"'`<>(),;|\\".contains(byte))
        .unwrap_or(authority.len());
    let (user, host) =
        authority.get(..end)?.split_at_checked(authority.get(..end)?.iter().rposition(|byte| *byte == b'@')?)?;
    let colon = user.iter().position(|byte| *byte == b':')?;
    let password = user.get(colon + 1..)?;
    let whole = scheme > 0
        && host.len() > 1
        && !password.is_empty()
        && !password.contains(&b'[')
        && !is_placeholder(password)
        && !says_test(password);
    whole.then_some(Hit {
        kind: Kind::ConnectionString,
        value: at - scheme..at + 3 + user.len(),
        open: scheme + 3 + colon + 1,
        assigned: false,
    })
}

/// Whether `byte` may stand in a key: base64url.
fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}
