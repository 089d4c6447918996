//! The reader.

use super::{Kind, Language, SQL};

/// A text with comments and code apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Parts {
    /// Each line's number, from 1, with what it holds of comments.
    pub(in super::super) comments: Vec<(usize, String)>,
    /// The text with blanks in place of what stands in quotes, and [`COMMENT`] in place of comments; line ends stay.
    pub(in super::super) code: String,
}

/// What stands in [`Parts::code`] in place of each byte of a comment.
pub(in super::super) const COMMENT: char = '\u{1}';

/// Tells the parts of `text` apart.
pub(in super::super) fn read(text: &str, language: Language) -> Parts {
    let mut reader = Reader { text: text.as_bytes(), at: 0, line: 1, comments: Vec::new(), code: Vec::new() };
    reader.code.reserve(text.len());
    // Texts with code in them (`${...}`), and how many brackets are open in each.
    let mut templates: Vec<usize> = Vec::new();
    let mut heredocs: Vec<(Vec<u8>, bool)> = Vec::new();
    while let Some(&byte) = reader.text.get(reader.at) {
        if let Some((open, close)) = language.blocks.iter().find(|(open, _)| reader.starts_with(open)) {
            let nested = language.kind == Kind::Rust;
            reader.block(open, close, nested);
        } else if language.line.iter().any(|mark| reader.starts_with(mark)) && reader.begins_comment(language.kind) {
            reader.until_line_end();
        } else if language.triple && (reader.starts_with("\"\"\"") || reader.starts_with("'''")) {
            reader.triple(byte);
        } else if language.kind == Kind::Rust && reader.raw_text() {
        } else if language.kind == Kind::Rust && byte == b'\'' {
            reader.character();
        } else if language.kind == Kind::Script && byte == b'`' {
            if reader.template() {
                templates.push(0);
            }
        } else if language.kind == Kind::Script && byte == b'/' && reader.begins_pattern() {
            reader.pattern();
        } else if let Some(open) = templates.last_mut().filter(|_| matches!(byte, b'{' | b'}')) {
            if byte == b'{' {
                *open += 1;
                reader.keep();
            } else if *open > 0 {
                *open -= 1;
                reader.keep();
            } else {
                templates.pop();
                if reader.template() {
                    templates.push(0);
                }
            }
        } else if language.quotes.contains(&byte) {
            reader.quoted(byte, true, true);
        } else if language.long_quotes.contains(&byte) {
            let escapes = !(language.kind == Kind::Shell && byte == b'\'') && byte != b'`' && language != SQL;
            reader.quoted(byte, false, escapes);
        } else if language.kind == Kind::Shell && byte == b'\\' {
            reader.keep();
            reader.keep();
        } else if language.kind == Kind::Shell && reader.starts_with("<<") && !reader.starts_with("<<<") {
            heredocs.extend(reader.heredoc_mark());
        } else {
            reader.keep();
            if byte == b'\n' {
                for (mark, tabs) in heredocs.drain(..) {
                    reader.heredoc(&mark, tabs);
                }
            }
        }
    }
    Parts { comments: reader.comments, code: String::from_utf8_lossy(&reader.code).into_owned() }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
    comments: Vec<(usize, String)>,
    code: Vec<u8>,
}

impl Reader<'_> {
    fn starts_with(&self, mark: &str) -> bool {
        self.text[self.at..].starts_with(mark.as_bytes())
    }

    /// Takes one byte as code.
    fn keep(&mut self) {
        if let Some(&byte) = self.text.get(self.at) {
            self.take(byte);
        }
    }

    /// Takes one byte, `shown` in its place but for line ends.
    fn take(&mut self, shown: u8) {
        let newline = self.text.get(self.at) == Some(&b'\n');
        self.line += usize::from(newline);
        self.code.push(if newline { b'\n' } else { shown });
        self.at += 1;
    }

    /// Takes bytes up to `end` as text.
    fn blank(&mut self, end: usize) {
        while self.at < end.min(self.text.len()) {
            self.take(b' ');
        }
    }

    /// Takes bytes up to `end` as a comment.
    fn comment(&mut self, end: usize) {
        let text = &self.text[self.at..end];
        for (number, part) in (self.line..).zip(text.split(|byte| *byte == b'\n')) {
            self.comments.push((number, String::from_utf8_lossy(part).into_owned()));
        }
        while self.at < end {
            self.take(1);
        }
    }

    fn line_end(&self) -> usize {
        self.text[self.at..].iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |length| self.at + length)
    }

    fn until_line_end(&mut self) {
        self.comment(self.line_end());
    }

    /// Whether a mark of a comment begins one here: in a shell only where a word begins.
    fn begins_comment(&self, kind: Kind) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.text[at]);
        kind != Kind::Shell || before.is_none_or(|byte| byte.is_ascii_whitespace() || b";&|()".contains(&byte))
    }

    fn block(&mut self, open: &str, close: &str, nested: bool) {
        let (mut end, mut depth) = (self.at + open.len(), 1);
        while end < self.text.len() && depth > 0 {
            let rest = &self.text[end..];
            if rest.starts_with(close.as_bytes()) {
                (end, depth) = (end + close.len(), depth - 1);
            } else if nested && rest.starts_with(open.as_bytes()) {
                (end, depth) = (end + open.len(), depth + 1);
            } else {
                end += 1;
            }
        }
        self.comment(end);
    }

    fn triple(&mut self, quote: u8) {
        let mut end = self.at + 3;
        while end < self.text.len() && !self.text[end..].starts_with(&[quote; 3]) {
            end += if self.text[end] == b'\\' { 2 } else { 1 };
        }
        self.blank(end + 3);
    }

    fn quoted(&mut self, quote: u8, one_line: bool, escapes: bool) {
        let mut end = self.at + 1;
        while let Some(&byte) = self.text.get(end) {
            match byte {
                b'\n' if one_line => break,
                b'\\' if escapes => end += 1,
                _ if byte == quote => {
                    end += 1;
                    break;
                }
                _ => {}
            }
            end += 1;
        }
        self.blank(end);
    }

    /// Takes a template up to its end, or up to the code in it; whether that was it. Stands on the backquote, or on the
    /// bracket that ends code in it.
    fn template(&mut self) -> bool {
        let mut end = self.at + 1;
        while let Some(&byte) = self.text.get(end) {
            match byte {
                b'\\' => end += 1,
                b'`' => {
                    self.blank(end + 1);
                    return false;
                }
                b'$' if self.text.get(end + 1) == Some(&b'{') => {
                    self.blank(end + 2);
                    return true;
                }
                _ => {}
            }
            end += 1;
        }
        self.blank(end);
        false
    }

    /// Whether a slash begins a pattern here rather than dividing: by what stands before it.
    fn begins_pattern(&self) -> bool {
        let before = self.code.trim_ascii_end();
        let Some(last) = before.last() else { return true };
        let word: Vec<u8> = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).copied().collect();
        b"(,=:[!&|?{};+-*%<>~^".contains(last)
            || [&b"nruter"[..], b"foepyt", b"esac", b"ni", b"fo", b"tiawa"].contains(&word.as_slice())
    }

    fn pattern(&mut self) {
        let (mut end, mut class) = (self.at + 1, false);
        while let Some(&byte) = self.text.get(end) {
            match byte {
                b'\n' => break,
                b'\\' => end += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => {
                    end += 1;
                    break;
                }
                _ => {}
            }
            end += 1;
        }
        self.blank(end.min(self.line_end()));
    }

    /// Takes a raw text of Rust (`r#"..."#`) if one begins here.
    fn raw_text(&mut self) -> bool {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if self.text[self.at] != b'r'
            || self.at.checked_sub(1).is_some_and(|at| self.text[at] != b'b' && is_part(&self.text[at]))
        {
            return false;
        }
        let hashes = self.text[self.at + 1..].iter().take_while(|byte| **byte == b'#').count();
        if self.text.get(self.at + 1 + hashes) != Some(&b'"') {
            return false;
        }
        let mut close = vec![b'"'];
        close.resize(1 + hashes, b'#');
        let start = self.at + 2 + hashes;
        let length = self.text[start..].windows(close.len()).position(|part| part == close);
        self.blank(length.map_or(self.text.len(), |length| start + length + close.len()));
        true
    }

    /// Takes a character of Rust, or the quote of a lifetime.
    fn character(&mut self) {
        let rest = &self.text[self.at + 1..];
        let escaped = rest.first() == Some(&b'\\');
        let window = &rest[..rest.len().min(if escaped { 12 } else { 5 })];
        let from = if escaped { 2 } else { 1 };
        match window.iter().skip(from).position(|byte| *byte == b'\'') {
            Some(length) if escaped || length == 0 || !rest[0].is_ascii() => self.blank(self.at + 2 + from + length),
            _ => self.keep(),
        }
    }

    /// Takes the mark of a text that follows on the next lines of a shell's script; the word that ends it, and whether tabs
    /// may stand before that.
    fn heredoc_mark(&mut self) -> Option<(Vec<u8>, bool)> {
        self.keep();
        self.keep();
        let tabs = self.text.get(self.at) == Some(&b'-');
        if tabs {
            self.keep();
        }
        while self.text.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            self.keep();
        }
        let mut word = Vec::new();
        while let Some(&byte) =
            self.text.get(self.at).filter(|byte| !byte.is_ascii_whitespace() && !b";&|<>()".contains(byte))
        {
            if !b"'\"\\".contains(&byte) {
                word.push(byte);
            }
            self.keep();
        }
        // `<<` may also shift a number.
        let named = word.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        named.then_some((word, tabs))
    }

    fn heredoc(&mut self, mark: &[u8], tabs: bool) {
        while self.at < self.text.len() {
            let end = self.line_end();
            let mut line = &self.text[self.at..end];
            while let Some(rest) = line.strip_prefix(b"\t").filter(|_| tabs) {
                line = rest;
            }
            let last = line == mark;
            self.blank(end + 1);
            if last {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::of_file;
    use super::*;

    /// The lines with a comment that holds MARK.
    fn marked(ending: &str, text: &str) -> Vec<usize> {
        let parts = read(text, of_file("x", ending).unwrap());
        assert_eq!(parts.code.lines().count(), text.lines().count(), "{text}");
        parts.comments.iter().filter(|(_, comment)| comment.contains("MARK")).map(|(line, _)| *line).collect()
    }

    #[test]
    fn comments_are_found_and_texts_are_none() {
        let none: &[usize] = &[];
        for (ending, text, wanted) in [
            ("ts", "const n = 1; // MARK", &[1][..]),
            ("ts", "const n = '// MARK';", none),
            ("ts", "const n = 'it\\'s // MARK';", none),
            ("ts", "const n = `a\n// MARK ${b /* MARK */ + `x${{}}`} // MARK`; // MARK", &[2, 2]),
            ("ts", "/* a\n * MARK\n */", &[2]),
            ("ts", "const u = \"http://x\"; // MARK", &[1]),
            ("ts", "x.replace(/\"/g, '') // MARK\n`y // MARK`", &[1]),
            ("ts", "const r = /[/`]/; // MARK", &[1]),
            ("ts", "const r = a / b; // MARK '", &[1]),
            ("tsx", "<p>Don't</p>\n{/* MARK */}", &[2]),
            ("rs", "fn a<'x>(b: &'x str) -> char { '\"' } // MARK", &[1]),
            ("rs", "let a = r#\"\" // MARK\"#; let b = '\\''; // MARK", &[1]),
            ("rs", "let a = \"x\n// MARK\n\"; /* a /* b */ MARK */", &[3]),
            ("rs", "let a = 'ß'; let b = b'\\n'; // MARK", &[1]),
            ("py", "x = 1  # MARK\ny = '# MARK'\n\"\"\"\n# MARK\n\"\"\"", &[1]),
            ("py", "x = 'it\\'s' # MARK", &[1]),
            ("sh", "echo $# ${#x} a#MARK\necho 'a\n# MARK' # MARK", &[3]),
            ("sh", "cat <<'END' # MARK\n# MARK\nEND\n# MARK", &[1, 4]),
            ("sh", "cat <<-X\n\t# MARK\n\tX\n: $((1 << 2)) # MARK", &[4]),
            ("sh", "cat <<<\"x\" # MARK", &[1]),
            ("sql", "select 'it''s -- MARK' -- MARK", &[1]),
            ("lua", "x = 1 -- MARK\n--[[ a\nMARK ]]", &[1, 3]),
            ("css", "a { b: c; } /* MARK */ // MARK", &[1]),
            ("md", "MARK\n<!-- MARK -->", &[2]),
            (
                "vue",
                "<!-- MARK --> <p>Don't</p>\n<script>\nconst u = 'http://x'; // MARK\n/* MARK */\n</script>",
                &[1, 3, 4],
            ),
            ("svelte", "<a href=\"http://x\">MARK</a>\n{/* MARK */ x}", &[2]),
            ("go", "x := `// MARK\n` // MARK", &[2]),
            ("java", "String s = \"\"\"\n// MARK\n\"\"\"; // MARK", &[3]),
            ("yaml", "a: \"# MARK\" # MARK", &[1]),
        ] {
            assert_eq!(marked(ending, text), wanted, "{ending}: {text}");
        }
        assert!(of_file("data.bin", "bin").is_none() && of_file("a/Makefile", "").is_some());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_lines_stay(text in r#"([a-z'"`/*#\\\n${}<\-rR(ß]|<<E|"""|\$\{){0,60}"#) {
            for ending in ["ts", "rs", "py", "sh", "sql", "md", "go", "lua"] {
                let parts = read(&text, of_file("x", ending).unwrap());
                proptest::prop_assert_eq!(parts.code.matches('\n').count(), text.matches('\n').count());
            }
        }
    }
}
