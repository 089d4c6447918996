//! Patterns with `*`.

/// Whether `text` is what `pattern` says: `*` stands for any bytes, everything else for itself.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on when what followed the last `*` does not fit after all.
    let mut again: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), text.get(from)) {
            (Some(b'*'), _) => {
                again = Some((at + 1, from));
                at += 1;
                continue;
            }
            (Some(one), Some(other)) if one == other => {
                (at, from) = (at + 1, from + 1);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        match again {
            Some((behind, start)) if start < text.len() => {
                (at, from) = (behind, start + 1);
                again = Some((behind, start + 1));
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, wanted) in [
            ("task-executor*", "task-executor-tdd", true),
            ("task-executor*", "task-executor", true),
            ("Bash", "Bash", true),
            ("Bash", "bash", false),
            ("*release*", "app-release-manager", true),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("", "x", false),
            ("*.env", "a/b.env", true),
            ("***a", "ba", true),
        ] {
            assert_eq!(super::matches(pattern.as_bytes(), text.as_bytes()), wanted, "{pattern} {text}");
        }
    }
}
