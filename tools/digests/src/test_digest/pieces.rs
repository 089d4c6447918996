//! Pieces of text that many runners print alike: places, counts, frames.

/// A path with a line, as `path:line`, `path:line:column`; anything after that is passed over. The path may not hold
/// blanks at its ends and must look like a file (have a dot or a slash).
pub(crate) fn place(text: &str) -> Option<(&str, u32)> {
    let text = text.strip_prefix("file://").unwrap_or(text);
    let mut from = 0;
    while let Some(at) = text[from..].find(':').map(|at| at + from) {
        let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0
            && let Ok(line) = text[at + 1..=at + digits].parse()
        {
            let path = &text[..at];
            let is_path = path.contains(['.', '/', '\\']) && path.trim() == path && !path.is_empty();
            return is_path.then_some((path.strip_prefix("./").unwrap_or(path), line));
        }
        from = at + 1;
    }
    None
}

/// The place in a frame of a JavaScript stack: `at name (path:1:2)`, `at path:1:2`, `at async name (path:1:2)`.
pub(crate) fn js_frame(line: &str) -> Option<(&str, u32)> {
    let rest = line.trim().strip_prefix("at ")?;
    let inner = match rest.rsplit_once('(') {
        Some((_, inner)) => inner.strip_suffix(')')?,
        None => rest.strip_prefix("async ").unwrap_or(rest),
    };
    place(inner)
}

/// Whether a path of a trace belongs to the project, not to its dependencies or the runtime.
pub(crate) fn is_own(path: &str) -> bool {
    const FOREIGN: [&str; 9] = [
        "node_modules/",
        "/rustc/",
        "/.cargo/registry/",
        "site-packages/",
        "/lib/python",
        "node:",
        "/src/runtime/",
        "/src/testing/",
        "/go/src/",
    ];
    !path.is_empty() && !path.starts_with('<') && !FOREIGN.iter().any(|part| path.contains(part))
}

/// The number at the beginning of `text`, and what follows it.
pub(crate) fn number(text: &str) -> Option<(usize, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// The counts of a line such as `3 failed, 1 skipped | 5 passed (9)`: each number with the word after it. `None` when a
/// part is not of that form.
pub(crate) fn counts(text: &str) -> Option<Vec<(usize, &str)>> {
    let parts = text.split([',', '|']).map(|part| {
        let (count, rest) = number(part.trim())?;
        let word = rest.strip_prefix(' ')?.trim();
        (!word.is_empty()).then_some((count, word))
    });
    parts.collect()
}

/// Whether `text` is a time as runners print it: `5ms`, `0.03s`, `1.2 s`, `2m`, `1m 3s`.
pub(crate) fn is_time(text: &str) -> bool {
    let mut words = text.split_whitespace().peekable();
    words.peek().is_some()
        && words.all(|word| {
            let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            matches!(unit, "" | "ms" | "s" | "m" | "min" | "h")
        })
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_frames_are_read() {
        assert_eq!(place("src/lib.rs:12:5"), Some(("src/lib.rs", 12)));
        assert_eq!(place("./a.rs:3: text 4:5"), Some(("a.rs", 3)));
        assert_eq!(place(r"C:\a\b.ts:7"), Some((r"C:\a\b.ts", 7)));
        assert_eq!(place("12:30"), None);
        assert_eq!(place("a b: 5"), None);
        assert_eq!(js_frame("    at Object.x (/app/a.js:4:42)"), Some(("/app/a.js", 4)));
        assert_eq!(js_frame("at async file:///app/a.js:4:42"), Some(("/app/a.js", 4)));
        assert_eq!(js_frame("at new Promise (<anonymous>)"), None);
        assert!(is_own("src/a.js") && !is_own("/x/node_modules/y.js") && !is_own("node:internal/z"));
    }

    #[test]
    fn counts_need_every_part() {
        assert_eq!(counts("3 failed, 1 passed"), Some(vec![(3, "failed"), (1, "passed")]));
        assert_eq!(counts("3 failed | x"), None);
        assert!(is_time("1.234 s") && is_time("5ms") && is_time("1m 3s"));
        assert!(!is_time("2 skipped") && !is_time("3") && !is_time(""));
    }
}
