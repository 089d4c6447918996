//! Takes secrets out of a command line before it is told to everybody.

use std::ops::Range;

/// What stands in a secret's place.
const MASK: &str = "***";

/// A name that holds one of these, or is one of [`SECRET_NAMES`], has a secret for its value.
const SECRET_PARTS: [&str; 16] = [
    "token",
    "secret",
    "passw",
    "passphrase",
    "pwd",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "access-key",
    "private_key",
    "private-key",
    "credential",
    "signature",
    "authorization",
];
const SECRET_NAMES: [&str; 6] = ["key", "sig", "auth", "code", "pat", "pass"];

/// Headers whose value is a secret.
const HEADERS: [&str; 7] =
    ["authorization", "proxy-authorization", "private-token", "job-token", "x-api-key", "cookie", "x-auth-token"];

/// How tokens begin that are known by their look.
const TOKENS: [&str; 12] =
    ["ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "sk-", "xoxb-", "xoxp-", "AKIA", "AIza"];

/// The fewest characters behind such a beginning.
const TOKEN_CHARACTERS: usize = 8;

/// `text` with `***` for every secret: user and password in an address, values of options, variables, query parameters
/// and headers with telling names, tokens of known looks.
pub(super) fn redact(text: &str) -> String {
    let mut secrets: Vec<Range<usize>> = addresses(text);
    secrets.extend(values(text));
    secrets.extend(options(text));
    secrets.extend(headers(text));
    secrets.extend(tokens(text));
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| (secret.start, secret.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets {
        if secret.start >= at {
            out.push_str(&text[at..secret.start]);
            out.push_str(MASK);
        }
        at = at.max(secret.end);
    }
    out.push_str(&text[at..]);
    out
}

/// What stands before the `@` of an address. A name alone is no secret where the protocol is ssh.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, sign) in text.match_indices("://") {
        let start = at + sign.len();
        let word = &text[start..until(text, start, |c| c.is_whitespace() || matches!(c, '\'' | '"' | '<' | '>'))];
        let authority = word.split(['/', '?', '#']).next().unwrap_or_default();
        let user = match authority.rfind('@') {
            Some(end) => &word[..end],
            // A password with a slash in it does not end where it should.
            None => match (authority.split_once(':'), word.rfind('@')) {
                (Some((_, port)), Some(end)) if !port.bytes().all(|byte| byte.is_ascii_digit()) => &word[..end],
                _ => continue,
            },
        };
        if user.contains(':') || !text[..at].ends_with("ssh") {
            found.push(start..start + user.len());
        }
    }
    found
}

/// `NAME=value` with a telling name: variables, query parameters, options.
fn values(text: &str) -> Vec<Range<usize>> {
    let signs = text.match_indices('=').filter(|(at, _)| is_secret(name_before(text, *at)));
    signs.map(|(at, _)| value(text, at + 1)).collect()
}

/// `--name value` with a telling name.
fn options(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("--") {
        if at > 0 && !text[..at].ends_with(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '(')) {
            continue;
        }
        let end = until(text, at, |c| c.is_whitespace() || c == '=');
        let blanks = text[end..].len() - text[end..].trim_start_matches([' ', '\t']).len();
        if blanks > 0 && is_secret(text[at..end].trim_start_matches('-')) {
            found.push(value(text, end + blanks));
        }
    }
    found
}

/// `Name: value` of a header, and what follows the word `Bearer`.
fn headers(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let rest_of_header = |from: usize| from..until(text, from, |c| matches!(c, '\'' | '"' | '\n'));
    for (at, _) in text.match_indices(':') {
        let name = name_before(text, at).to_ascii_lowercase();
        if HEADERS.contains(&name.as_str()) {
            let blanks = text[at + 1..].len() - text[at + 1..].trim_start_matches([' ', '\\']).len();
            found.push(rest_of_header(at + 1 + blanks));
        }
    }
    let lower = text.to_ascii_lowercase();
    found.extend(lower.match_indices("bearer ").map(|(at, word)| value(text, at + word.len())));
    found
}

/// Tokens that can be told by their beginning.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut found = Vec::new();
    for token in TOKENS {
        for (at, _) in text.match_indices(token) {
            let end = until(text, at, |c| !is_part(c));
            if !text[..at].ends_with(is_part) && end - at >= token.len() + TOKEN_CHARACTERS {
                found.push(at..end);
            }
        }
    }
    found
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.contains(&name.as_str()) || SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// The name that ends at `end`.
fn name_before(text: &str, end: usize) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let start = text[..end].trim_end_matches(is_part).len();
    &text[start..end]
}

/// The value that begins at `from`: what stands in quotes, else a word.
fn value(text: &str, from: usize) -> Range<usize> {
    match text[from..].chars().next() {
        Some(quote @ ('\'' | '"')) => from + 1..until(text, from + 1, |c| c == quote),
        _ => from..until(text, from, |c| c.is_whitespace() || matches!(c, '\'' | '"' | '&' | ';' | '|' | '#' | ')')),
    }
}

/// Where the first character from `from` on stands that `ends`; the end of the text when none does.
fn until(text: &str, from: usize, ends: impl Fn(char) -> bool) -> usize {
    text[from..].find(ends).map_or(text.len(), |length| from + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        for (text, wanted) in [
            ("git push https://bob:hunter2@example.com/r.git main", "git push https://***@example.com/r.git main"),
            ("git push https://ghp_abc@github.com/r", "git push https://***@github.com/r"),
            ("git pull 'https://bob:a/b@c@example.com/r'", "git pull 'https://***@example.com/r'"),
            ("git clone https://host:8080/a@b", "git clone https://host:8080/a@b"),
            ("git push ssh://git@host/r", "git push ssh://git@host/r"),
            ("git push ssh://git:x@host/r", "git push ssh://***@host/r"),
            ("git push git@github.com:o/r.git", "git push git@github.com:o/r.git"),
            ("git pull https://h/r?token=abc&x=1", "git pull https://h/r?token=***&x=1"),
            ("git pull \"https://h/r?x=1&access_token=abc\"", "git pull \"https://h/r?x=1&access_token=***\""),
            ("GH_TOKEN=abc git push", "GH_TOKEN=*** git push"),
            ("x --password hunter2 && git push", "x --password *** && git push"),
            ("x --password='a b' --token \"c d\" y", "x --password='***' --token \"***\" y"),
            (
                "git -c http.extraHeader=\"Authorization: Basic abc==\" push",
                "git -c http.extraHeader=\"Authorization: ***\" push",
            ),
            (
                "git -c 'http.x.extraheader=AUTHORIZATION: bearer x' pull",
                "git -c 'http.x.extraheader=AUTHORIZATION: ***' pull",
            ),
            ("curl -H 'PRIVATE-TOKEN: x' u; git pull", "curl -H 'PRIVATE-TOKEN: ***' u; git pull"),
            ("echo ghp_0123456789abcdef | git push", "echo *** | git push"),
            ("x Bearer abc y", "x Bearer *** y"),
            ("git push --author=me origin feat/token:main", "git push --author=me origin feat/token:main"),
            ("git checkout -b task-12", "git checkout -b task-12"),
            ("git push --token", "git push --token"),
            ("--password", "--password"),
            ("żółw --secret żółw ż", "żółw --secret *** ż"),
            ("", ""),
        ] {
            assert_eq!(redact(text), wanted, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_secret_stays_wherever_it_stands(before in "[a-z '\"=&;:/?@-]{0,20}", secret in "[A-Z0-9]{9,20}", after in "\\PC{0,20}") {
            for line in [
                format!("{before} https://bob:{secret}@host/r {after}"),
                format!("{before} --password {secret} {after}"),
                format!("{before} GH_TOKEN={secret} {after}"),
                format!("{before} https://host/r?x=1&token={secret} {after}"),
                format!("{before} ghp_{secret} {after}"),
            ] {
                let told = redact(&line);
                proptest::prop_assert!(!told.contains(&secret) || after.contains(&secret), "{line}: {told}");
            }
        }

        #[test]
        fn any_text_can_be_looked_through(text in "\\PC{0,60}") {
            redact(&text);
        }
    }
}
