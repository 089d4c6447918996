//! Pieces of text that many compilers print alike.

/// The number at the beginning of `text`, and what follows it.
pub(super) fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// `path:line:` or `path:line:column:` at the beginning of `line`: path, line, and the text after the last colon. A path
/// has a dot or a slash in it and no blank at its ends.
pub(super) fn placed(line: &str) -> Option<(&str, u32, &str)> {
    let mut from = usize::from(line.get(1..3) == Some(":\\")) * 2;
    while let Some(at) = line.get(from..)?.find(':').map(|at| at + from) {
        if let Some((number_of_line, rest)) = number(&line[at + 1..])
            && let Some(rest) = rest.strip_prefix(':')
        {
            let path = &line[..at];
            if path.is_empty() || path.trim() != path || !path.contains(['.', '/', '\\']) {
                return None;
            }
            let text = match number(rest) {
                Some((_, after)) => after.strip_prefix(':').unwrap_or(rest),
                None => rest,
            };
            return Some((path, number_of_line, text.trim_start()));
        }
        from = at + 1;
    }
    None
}

/// `path:line:column` and nothing else.
pub(super) fn place(text: &str) -> Option<(&str, u32)> {
    let (head, last) = text.trim().rsplit_once(':')?;
    let last = last.parse().ok()?;
    let (path, line) = match head.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?))) {
        Some((path, line)) => (path, line),
        None => (head, last),
    };
    let path = path.strip_prefix("file://").unwrap_or(path);
    (path.contains(['.', '/', '\\']) && !path.contains(' ')).then_some((path, line))
}

/// Whether `path` ends with one of `endings`, each with its dot.
pub(super) fn ends(path: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| path.ends_with(ending))
}

/// The text after the last run of `^` or `~` on a line that marks a place in the source.
pub(super) fn label(line: &str) -> Option<&str> {
    let (_, text) = line.rsplit_once('^')?;
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

/// How many of `word` (`error`, `warning`) a sum speaks of: `3 errors`, `1 error`, `(2 errors, 1 warning)`.
pub(super) fn count_of(line: &str, word: &str) -> usize {
    let mut count = 0;
    let mut before = "";
    for piece in line.split(|c: char| !c.is_ascii_alphanumeric()) {
        if piece.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest == "s") {
            count += before.parse().unwrap_or(0);
        }
        before = piece;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        assert_eq!(placed("a.c:5:20: error: x"), Some(("a.c", 5, "error: x")));
        assert_eq!(placed("src/my file.c:5: error: 3:4"), Some(("src/my file.c", 5, "error: 3:4")));
        assert_eq!(placed("C:\\a\\b.c:7:1: x"), Some(("C:\\a\\b.c", 7, "x")));
        assert_eq!(placed("2026-01-02 12:30:01: error: x"), None);
        assert_eq!(placed("at 12: x"), None);
        assert_eq!(place("./app/page.tsx:1:7"), Some(("./app/page.tsx", 1)));
        assert_eq!(place("src/a.ts:9"), Some(("src/a.ts", 9)));
        assert_eq!(place("12:30"), None);
    }

    #[test]
    fn sums_are_counted() {
        assert_eq!(count_of("✖ 4 problems (3 errors, 1 warning)", "error"), 3);
        assert_eq!(count_of("✖ 4 problems (3 errors, 1 warning)", "warning"), 1);
        assert_eq!(count_of("Found 1 error in a.ts:2", "error"), 1);
        assert_eq!(count_of("no errors", "error"), 0);
        assert_eq!(label("  |   ^^^^^ expected `i32`"), Some("expected `i32`"));
    }
}
