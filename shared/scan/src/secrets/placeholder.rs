//! Values that stand where a secret would stand.

/// Whether `value` says of itself that it is none: `test`, `fake`, `dummy`, `example`, `changeme`.
pub(super) fn says_test(value: &[u8]) -> bool {
    if holds(value, b"fake") || holds(value, b"dummy") || holds(value, b"example") {
        return true;
    }
    if holds(value, b"changeme") || holds(value, b"change-me") || holds(value, b"change_me") {
        return true;
    }
    let mut rest = value;
    while let Some(at) = position(rest, b"test") {
        let word = rest.get(..at + 4).unwrap_or_default();
        if !["latest", "contest", "protest", "greatest", "fastest", "attest"].iter().any(|other| ends(word, other)) {
            return true;
        }
        rest = rest.get(at + 4..).unwrap_or_default();
    }
    false
}

/// Whether `value` is no value but a place for one: empty, taken from the environment or a store, to be filled in.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let Some(first) = value.first() else { return true };
    let names_variable =
        |rest: &[u8]| rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || b"_{(".contains(byte));
    match first {
        b'$' if names_variable(value.get(1..).unwrap_or_default()) => return true,
        b'<' | b'{' | b'[' if value.ends_with(b">") || value.ends_with(b"}") || value.ends_with(b"]") => return true,
        b'%' if value.len() > 2 && (value.ends_with(b"%") || matches!(value.get(1), Some(b'(' | b's'))) => return true,
        b'!' => return true,
        _ => {}
    }
    let filler = |byte: &u8| b"*.xX-_?#".contains(byte) || byte == first && value.len() > 2;
    if value.iter().all(filler) {
        return true;
    }
    ["${", "{{", "#{", "<%"].iter().any(|mark| holds(value, mark.as_bytes()))
        || FROM_ELSEWHERE.iter().any(|source| holds(value, source.as_bytes()))
        || FILL_IN.iter().any(|word| holds(value, word.as_bytes()))
        || ["your-", "your_", "your ", "my-", "my_"]
            .iter()
            .any(|start| value.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes())))
}

/// Whether `value`, which is not quoted, is a word of the language rather than a text.
pub(super) fn is_keyword(value: &[u8]) -> bool {
    const WORDS: [&str; 20] = [
        "true",
        "false",
        "null",
        "none",
        "nil",
        "undefined",
        "yes",
        "no",
        "on",
        "off",
        "string",
        "str",
        "bool",
        "boolean",
        "required",
        "optional",
        "any",
        "read",
        "write",
        "~",
    ];
    WORDS.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

/// Look-ups in the environment and in stores of secrets.
const FROM_ELSEWHERE: [&str; 12] = [
    "process.env",
    "os.environ",
    "getenv",
    "import.meta.env",
    "env[",
    "env(",
    "env::var",
    "secrets.",
    "vault:",
    "/run/secrets/",
    "secretsmanager:",
    "op://",
];

/// Words that ask for a value.
const FILL_IN: [&str; 5] = ["placeholder", "redacted", "yourapikey", "replace-me", "replace_me"];

/// Whether `value` holds `word` (small letters), in capitals or not.
pub(super) fn holds(value: &[u8], word: &[u8]) -> bool {
    position(value, word).is_some()
}

fn position(value: &[u8], word: &[u8]) -> Option<usize> {
    value.windows(word.len()).position(|part| part.eq_ignore_ascii_case(word))
}

fn ends(value: &[u8], word: &str) -> bool {
    value
        .len()
        .checked_sub(word.len())
        .and_then(|at| value.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(word.as_bytes()))
}
