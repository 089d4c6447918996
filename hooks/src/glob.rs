//! Patterns of settings and rules.

/// Whether `text` is what `pattern` describes; `*` stands for any text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some(at) = text.find(part) else { return false };
        text = text.get(at + part.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars() {
        for (pattern, text, wanted) in [
            ("a*", "a", true),
            ("a*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("*pulls/*/x", "pulls/3/y", false),
            ("", "", true),
        ] {
            assert_eq!(glob(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
