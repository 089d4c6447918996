//! One file as the checks see it: its lines, its code without comments and strings, its calls, and what each line guards.

use std::path::{Path, PathBuf};

use super::language::Language;
use super::lexer::{Views, is_word, word_end};

/// What a line holds that keeps findings near it from being any: bits of [`Source::marks`].
pub(super) mod mark {
    /// Something that catches: `try {`, `try:`, `catch`, `except`.
    pub(in super::super) const CATCHES: u8 = 1;
    /// A look whether a value is there: `?.`, `&&`, `if (`, a comparison with null or undefined, `typeof`.
    pub(in super::super) const GUARDS: u8 = 2;
}

/// The calls that any check looks for.
const CALLS: [&[u8]; 24] = [
    b"parse",
    b"loads",
    b"toFixed",
    b"toString",
    b"toUpperCase",
    b"toLowerCase",
    b"trim",
    b"split",
    b"lazy",
    b"findMany",
    b"all",
    b"slice",
    b"splice",
    b"substring",
    b"writeFileSync",
    b"open",
    b"fetch",
    b"get",
    b"post",
    b"put",
    b"delete",
    b"patch",
    b"axios",
    b"import",
];

/// How many bytes of type arguments may stand between a name and its bracket.
const TYPE_ARGUMENTS: usize = 120;

/// A call `name(`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// Where the name begins.
    pub(super) at: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// Where its opening bracket stands.
    pub(super) open: usize,
}

/// A file and what was read out of it.
#[derive(Debug)]
pub(super) struct Source {
    /// The name findings bear.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// Its language.
    pub(super) language: Language,
    /// The file.
    pub(super) bytes: Vec<u8>,
    /// Comments blank, strings [`super::lexer::TEXT`].
    pub(super) code: Vec<u8>,
    /// Comments blank.
    pub(super) text: Vec<u8>,
    /// Where each line begins.
    starts: Vec<usize>,
    /// For each line, bits of [`mark`].
    marks: Vec<u8>,
    /// The calls that checks look for, in order.
    pub(super) calls: Vec<Call>,
    /// Where the words `limit` and `offset` stand.
    pub(super) paging_words: Vec<usize>,
    /// Where `axios.` stands.
    pub(super) axios: Vec<usize>,
    /// Where the words `function` and `const` stand.
    pub(super) signatures: Vec<usize>,
}

impl Source {
    /// Reads `bytes` as a file of `language`.
    pub(super) fn new(name: String, path: &Path, language: Language, bytes: Vec<u8>) -> Self {
        let Views { code, text } = Views::new(&bytes, language);
        let mut starts = vec![0];
        starts.extend(bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1));
        if starts.last() == Some(&bytes.len()) {
            starts.pop();
        }
        let marks = vec![0; starts.len()];
        let mut source = Self {
            name,
            path: path.to_owned(),
            language,
            bytes,
            code,
            text,
            starts,
            marks,
            calls: Vec::new(),
            paging_words: Vec::new(),
            axios: Vec::new(),
            signatures: Vec::new(),
        };
        source.scan();
        source
    }

    /// The number of lines, a last one without line end included.
    pub(super) fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// The line, from 0, that holds the byte at `at`.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Where line `line` begins and ends (its line end's place).
    pub(super) fn bounds(&self, line: usize) -> (usize, usize) {
        let from = self.starts.get(line).copied().unwrap_or(self.bytes.len());
        let to = self.starts.get(line + 1).map_or(self.bytes.len(), |next| next - 1);
        let to = if to > from && self.bytes[to - 1] == b'\n' { to - 1 } else { to };
        (from, to.max(from))
    }

    /// Line `line` of the file itself.
    pub(super) fn line(&self, line: usize) -> &[u8] {
        let (from, to) = self.bounds(line);
        &self.bytes[from..to]
    }

    /// Whether a line from `above` lines above `line` to `below` lines below has the mark.
    pub(super) fn is_marked(&self, line: usize, above: usize, below: usize, mark: u8) -> bool {
        let last = (line + below + 1).min(self.marks.len());
        self.marks[line.saturating_sub(above).min(last)..last].iter().any(|marks| marks & mark != 0)
    }

    /// The name of a call.
    pub(super) fn name_of(&self, call: &Call) -> &[u8] {
        &self.code[call.at..call.end]
    }

    /// The byte before `at`, or 0.
    pub(super) fn before(&self, at: usize) -> u8 {
        at.checked_sub(1).map_or(0, |at| self.code[at])
    }

    /// The place of the bracket that closes the one at `open`, within `most` bytes.
    pub(super) fn closing(&self, open: usize, most: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (step, byte) in self.code[open..].iter().take(most).enumerate() {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(open + step);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The place of the bracket that opens what `close` closes, within `most` bytes before it.
    pub(super) fn opening(&self, close: usize, most: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (step, byte) in self.code[..=close].iter().rev().take(most).enumerate() {
            match byte {
                b')' | b']' | b'}' => depth += 1,
                b'(' | b'[' | b'{' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(close - step);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn mark(&mut self, at: usize, mark: u8) {
        let line = self.line_of(at);
        if let Some(marks) = self.marks.get_mut(line) {
            *marks |= mark;
        }
    }

    fn scan(&mut self) {
        let code = std::mem::take(&mut self.code);
        let mut at = 0;
        while let Some(&byte) = code.get(at) {
            if is_word(byte) {
                let end = word_end(&code, at);
                self.word(&code, at, end);
                at = end;
                continue;
            }
            let next = code.get(at + 1).copied().unwrap_or_default();
            match (byte, next) {
                (b'&', b'&') => self.mark(at, mark::GUARDS),
                (b'?', b'.') if !code.get(at + 2).is_some_and(u8::is_ascii_digit) => self.mark(at, mark::GUARDS),
                _ => {}
            }
            at += 1;
        }
        self.code = code;
    }

    fn word(&mut self, code: &[u8], at: usize, end: usize) {
        let word = &code[at..end];
        let python = self.language == Language::Python;
        match word {
            b"try" => {
                let next = code[end..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
                if next.is_none_or(|byte| matches!(byte, b'{' | b':' | b'\n')) {
                    self.mark(at, mark::CATCHES);
                }
            }
            b"catch" | b"except" => self.mark(at, mark::CATCHES),
            b"suppress" if python => self.mark(at, mark::CATCHES),
            b"if" if python || next_byte(code, end) == b'(' => self.mark(at, mark::GUARDS),
            b"elif" | b"while" | b"and" | b"assert" | b"isinstance" | b"hasattr" if python => {
                self.mark(at, mark::GUARDS);
            }
            b"typeof" | b"instanceof" => self.mark(at, mark::GUARDS),
            b"null" | b"undefined" | b"None" if is_compared(code, at, end) => self.mark(at, mark::GUARDS),
            b"limit" | b"offset" => self.paging_words.push(at),
            b"function" | b"const" => self.signatures.push(at),
            b"axios" if code.get(end) == Some(&b'.') => self.axios.push(at),
            _ => {}
        }
        if CALLS.contains(&word)
            && let Some(open) = bracket(code, end, self.language)
        {
            self.calls.push(Call { at, end, open });
        }
    }
}

/// The first byte at or after `at` that is no blank, or 0.
pub(super) fn next_byte(code: &[u8], at: usize) -> u8 {
    code[at..].iter().copied().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')).unwrap_or_default()
}

/// Whether the word at `at..end` is one side of a comparison.
fn is_compared(code: &[u8], at: usize, end: usize) -> bool {
    let before = code[..at].trim_ascii_end();
    let after = code[end..].trim_ascii_start();
    let comparison = |two: &[u8]| matches!(two, b"==" | b"!=");
    before.len() >= 2 && comparison(&before[before.len() - 2..])
        || after.len() >= 2 && comparison(&after[..2])
        || before.ends_with(b" is")
        || before.ends_with(b" not")
}

/// The place of the bracket of a call whose name ends at `end`, behind type arguments in TypeScript.
fn bracket(code: &[u8], end: usize, language: Language) -> Option<usize> {
    match code.get(end)? {
        b'(' => Some(end),
        b'<' if language.is_script() => {
            let mut depth = 0_usize;
            for (step, byte) in code[end..].iter().take(TYPE_ARGUMENTS).enumerate() {
                match byte {
                    b'<' => depth += 1,
                    b'>' if depth == 1 => return (code.get(end + step + 1) == Some(&b'(')).then_some(end + step + 1),
                    b'>' => depth -= 1,
                    b'(' | b')' | b';' | b'=' | b'\n' => return None,
                    _ => {}
                }
            }
            None
        }
        _ => None,
    }
}
