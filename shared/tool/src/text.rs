//! Text for people: one line, columns, cutting by characters.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` on one line: line ends, tabs and other control characters are written as escapes (`\n`, `\u{1b}`), so
/// that nothing a user, an agent or a file name contains can forge a line or steer a terminal.
pub fn one_line(text: &str) -> String {
    if !text.chars().any(is_unsafe) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Whether a terminal would act on `c` rather than show it: control characters and the bidirectional overrides
/// of Unicode's UAX #9, which reorder the text around them.
pub fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// `text` with every run of line ends folded into one blank: how titles and names are kept.
pub fn fold_line_ends(text: &str) -> String {
    text.split(['\n', '\r']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The first `most` characters of `text`, followed by `...` where something was cut.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// The first `most` characters of `text`.
pub fn head(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// The number of terminal columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The number of terminal columns that `c` takes; 0 for control characters.
pub fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// `text` padded with blanks on the right to `columns` terminal columns.
pub fn pad(text: &str, columns: usize) -> String {
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(text))));
    out
}

/// Rows as aligned columns, two blanks apart, one line a row, each cell on one line; the last column is not padded.
pub fn columns(rows: &[Vec<String>]) -> String {
    let clean: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let count = clean.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|i| clean.iter().filter_map(|row| row.get(i)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in &clean {
        let mut line = String::new();
        for (cell, columns) in row.iter().zip(&widths) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            line.push_str(&pad(cell, *columns));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("żółw", 2), "żó...");
        assert_eq!(cut("żółw", 4), "żółw");
        assert_eq!(head("żółw", 3), "żół");
    }

    #[test]
    fn columns_line_up_by_width() {
        let rows = vec![vec!["日本".into(), "x".into()], vec!["abc".into(), "y\nz".into()]];
        assert_eq!(columns(&rows), "日本  x\nabc   y\\nz\n");
    }

    #[test]
    fn line_ends_fold_into_one_blank() {
        assert_eq!(fold_line_ends("a\r\n\nb\n"), "a b");
    }
}
