//! Text out of raw output: colours, carriage returns, NUL and bytes that are not UTF-8 taken out.

use std::borrow::Cow;

/// One line of output as text: control sequences of terminals (ECMA-48 5.4 and operating system commands), carriage
/// returns, NUL and other control characters but the tab are taken out; bytes that are not UTF-8 become U+FFFD.
pub fn clean(line: &[u8]) -> Cow<'_, str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = String::from_utf8_lossy(line);
    // Without a way out in the middle: so it is done for many bytes at once.
    let odd = |byte: u8| u8::from(byte < 0x20 && byte != b'\t') | u8::from(byte == 0x7f) | u8::from(byte == 0xc2);
    if text.as_bytes().iter().fold(0, |found, byte| found | odd(*byte)) == 0 {
        return text;
    }
    Cow::Owned(without_controls(&text))
}

/// `text` of several lines, each cleaned as by [`clean`].
pub fn clean_lines(text: &str) -> String {
    text.split('\n').map(|line| clean(line.as_bytes())).collect::<Vec<_>>().join("\n")
}

fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                // A control sequence ends with a byte of columns 4 to 7.
                Some('[') => drop(chars.by_ref().find(|c| ('@'..='~').contains(c))),
                // A command to the terminal ends with BEL or ESC \.
                Some(']' | 'P' | '_' | '^' | 'X') => loop {
                    match chars.next() {
                        None | Some('\u{7}') => break,
                        Some('\u{1b}') => {
                            chars.next_if_eq(&'\\');
                            break;
                        }
                        Some(_) => {}
                    }
                },
                // Choosing a character set takes one more.
                Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => drop(chars.next()),
                _ => {}
            },
            '\u{9b}' => drop(chars.by_ref().find(|c| ('@'..='~').contains(c))),
            '\t' => out.push('\t'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_taken_out() {
        for (raw, wanted) in [
            (&b"plain"[..], "plain"),
            (b"dos\r", "dos"),
            (b"10%\r100%\r", "10%100%"),
            (b"\x1b[31;1mred\x1b[0m", "red"),
            (b"\x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "link"),
            (b"a\0b\x08c\td", "abc\td"),
            (b"bad \xff byte", "bad \u{fffd} byte"),
            (b"cut \x1b[3", "cut "),
            (b"\x1b(Bx\x1b", "x"),
            ("\u{9b}31mc1\u{85}".as_bytes(), "c1"),
            ("żółw ✓".as_bytes(), "żółw ✓"),
        ] {
            assert_eq!(clean(raw), wanted, "{raw:?}");
        }
        assert_eq!(clean_lines("a\r\n\u{1b}[1mb"), "a\nb");
    }

    #[test]
    fn a_clean_line_is_not_copied() {
        assert!(matches!(clean(b"test a ... ok"), Cow::Borrowed(_)));
    }
}
