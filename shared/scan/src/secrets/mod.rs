//! Secrets in a text, found by their form or by the name that they are assigned to.
//!
//! # What is no secret
//! Values that say `test`, `fake`, `dummy`, `example` or `changeme`, places to fill in (`<password>`, `your-api-key`,
//! `***`), values taken from the environment or from a secret store (`$TOKEN`, `${{ secrets.X }}`,
//! `process.env.TOKEN`), and lines with a mark (see [`is_allowed`]).
//!
//! # Cost
//! One pass over the bytes; what is looked at before and behind a candidate is bounded, so no text takes more than
//! linear time. No pattern is compiled.

mod assigned;
#[cfg(test)]
mod corpus;
mod placeholder;
mod tokens;

use std::ops::Range;

/// What a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `sk-…`: a key of OpenAI, Anthropic or another that took the form over.
    OpenAiKey,
    /// `ghp_…`, `gho_…`, `ghs_…`, `ghu_…`, `ghr_…`, `github_pat_…`
    GitHubToken,
    /// `AKIA…`, `ASIA…`
    AwsKeyId,
    /// 40 characters assigned to `aws_secret_access_key`.
    AwsSecret,
    /// `AccountKey=…` of an Azure storage account.
    AzureKey,
    /// `AIza…`
    GcpKey,
    /// `xoxb-…`, `xoxp-…` and their kin.
    SlackToken,
    /// `sk_live_…`, `pk_live_…`, `rk_live_…`
    StripeKey,
    /// Three parts of base64url, the first two of them JSON objects (RFC 7519).
    Jwt,
    /// The first line of a private key block (RFC 7468).
    PrivateKey,
    /// An address of a service with user and password in it.
    ConnectionString,
    /// A value assigned to a name that ends with `api key`.
    ApiKey,
    /// A value assigned to a name that ends with `secret`, `secret key` or `access key`.
    Secret,
    /// A value assigned to a name that ends with `password`.
    Password,
    /// A value assigned to a name that ends with `token`.
    Token,
}

impl Kind {
    /// A name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAiKey => "OpenAI key",
            Self::GitHubToken => "GitHub token",
            Self::AwsKeyId => "AWS key id",
            Self::AwsSecret => "AWS secret",
            Self::AzureKey => "Azure account key",
            Self::GcpKey => "GCP key",
            Self::SlackToken => "Slack token",
            Self::StripeKey => "Stripe key",
            Self::Jwt => "JWT",
            Self::PrivateKey => "private key",
            Self::ConnectionString => "connection string",
            Self::ApiKey => "API key",
            Self::Secret => "secret",
            Self::Password => "password",
            Self::Token => "token",
        }
    }
}

/// Which kinds are looked for, and how much it takes to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Before a commit: all kinds; assigned values are quoted and have 8 bytes or more.
    Commit,
    /// The gate over finished work, which rejects on hard evidence alone: AWS key ids, `sk-` with 20 or more letters or
    /// digits, GitHub tokens, private keys, quoted passwords of 4 bytes or more, and any connection string.
    Gate,
    /// Assignments of any value, quoted or not, and private keys.
    Assignments {
        /// Whether the text is source in a language where a text is always quoted, so that a word without quotes is a
        /// variable or a type; see [`crate::names::is_code`].
        code: bool,
    },
}

/// A secret that was found. It does not hold the secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What it is.
    pub kind: Kind,
    /// The line it stands in, from 1.
    pub line: usize,
    /// The byte of the line that the value begins with, from 1.
    pub column: usize,
    /// Enough of it to find it again: a beginning that is the same in all of its kind, or two characters; then `***`.
    pub masked: String,
}

/// The secrets in `text` by the rules for commits, in their order.
pub fn find(text: impl AsRef<[u8]>) -> Vec<Secret> {
    find_by(Rules::Commit, text)
}

/// The secrets in `text` by `rules`, in their order.
pub fn find_by(rules: Rules, text: impl AsRef<[u8]>) -> Vec<Secret> {
    let mut found = Vec::new();
    for (at, line) in text.as_ref().split(|byte| *byte == b'\n').enumerate() {
        find_in_line(rules, line, at + 1, &mut found);
    }
    found
}

/// Adds the secrets in `line`, which has the number `number`, to `found`.
pub fn find_in_line(rules: Rules, line: &[u8], number: usize, found: &mut Vec<Secret>) {
    let mut hits: Vec<Hit> = Vec::new();
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        let hit = match byte {
            b'A' | b'e' | b'g' | b'p' | b'r' | b's' | b'x' | b'-' => tokens::at(rules, line, at),
            b':' | b'=' => tokens::address(rules, line, at).or_else(|| assigned::at(rules, line, at)),
            _ => None,
        };
        at += 1;
        let Some(hit) = hit else { continue };
        // What stands in an assigned value may have a form of its own, which says more.
        if !hit.assigned {
            at = at.max(hit.value.end);
        }
        while hits.pop_if(|before| before.assigned && overlap(&before.value, &hit.value)).is_some() {}
        hits.push(hit);
    }
    if hits.is_empty() || is_allowed(line) {
        return;
    }
    found.extend(hits.into_iter().map(|hit| Secret {
        kind: hit.kind,
        line: number,
        column: hit.value.start + 1,
        masked: masked(line, &hit),
    }));
}

/// Whether somebody has marked `line` as one that may stay: `crewkit:allow-secret`, or the marks of other scanners,
/// `pragma: allowlist secret` and `gitleaks:allow`.
pub fn is_allowed(line: &[u8]) -> bool {
    [&b"crewkit:allow-secret"[..], b"pragma: allowlist secret", b"gitleaks:allow"]
        .iter()
        .any(|mark| line.windows(mark.len()).any(|part| part == *mark))
}

/// A value that looks like a secret.
struct Hit {
    kind: Kind,
    /// Where the value stands in the line.
    value: Range<usize>,
    /// How many of its first bytes are no secret.
    open: usize,
    /// Whether it was found by the name before it.
    assigned: bool,
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

fn masked(line: &[u8], hit: &Hit) -> String {
    let value = line.get(hit.value.clone()).unwrap_or_default();
    let shown = match hit.open {
        0 if value.len() >= 12 => 2,
        open => open,
    };
    let mut masked: String = value
        .get(..shown)
        .unwrap_or_default()
        .iter()
        .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '?' })
        .collect();
    masked.push_str("***");
    masked
}
