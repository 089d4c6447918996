//! Where comments and strings lie: enough of each language's lexical grammar to tell code from text.
//!
//! A file that is broken, or in another dialect than its name says, is still read to its end in linear time; the worst
//! that follows is a comment or string seen where none is.

mod python;
mod script;
mod shell;
mod sql;

use super::language::Language;

/// What stands in place of a byte of a string in [`Views::code`].
pub(super) const TEXT: u8 = 1;

/// Two views of a file, byte for byte as long as the file; line ends stay in both.
#[derive(Debug)]
pub(super) struct Views {
    /// Comments are blanks, the content of strings is [`TEXT`]; quotes stay. In shell scripts strings stay as well: what
    /// they hold is often a program in another language.
    pub(super) code: Vec<u8>,
    /// Comments are blanks.
    pub(super) text: Vec<u8>,
}

impl Views {
    /// The views of a file.
    pub(super) fn new(bytes: &[u8], language: Language) -> Self {
        let mut views = Self { code: bytes.to_vec(), text: bytes.to_vec() };
        match language {
            Language::Script | Language::Module => script::lex(bytes, &mut views, true),
            Language::Prisma => script::lex(bytes, &mut views, false),
            Language::Python => python::lex(bytes, &mut views),
            Language::Shell => shell::lex(bytes, &mut views),
            Language::Sql => sql::lex(bytes, &mut views),
        }
        views
    }

    fn comment(&mut self, from: usize, to: usize) {
        fill(&mut self.code[from..to], b' ');
        fill(&mut self.text[from..to], b' ');
    }

    fn string(&mut self, from: usize, to: usize) {
        fill(&mut self.code[from..to], TEXT);
    }
}

fn fill(bytes: &mut [u8], with: u8) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = with;
    }
}

/// Whether `byte` may stand in an identifier; every byte of a character beyond ASCII may.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The end of the word that begins at `at`.
pub(super) fn word_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| !is_word(*byte)).map_or(bytes.len(), |length| at + length)
}

/// The end of the line that holds `at`: its line end's place, or the file's end.
pub(super) fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

/// The place of `needle` at or after `from`.
pub(super) fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let mut at = from;
    while let Some(step) = bytes.get(at..)?.iter().position(|byte| *byte == first) {
        at += step;
        if bytes[at + 1..].starts_with(rest) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The place of the quote that ends a string on one line which begins (behind its quote) at `from`; a backslash takes the
/// meaning from the byte after it, a line end too. `None` when the line ends first.
fn closing_quote(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => return None,
            byte if byte == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests;
