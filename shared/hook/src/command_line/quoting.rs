//! Reading a word: quotes and escapes.

use super::draft::Draft;
use super::list::Until;
use super::reader::Reader;
use super::records::{Base, WordRecord};

/// The end of a word.
const END: u8 = 1;
/// Something in a word that does not stand for itself, looked at one by one.
const SPECIAL: u8 = 1 << 1;
/// The first byte of a variable's name.
pub(super) const NAME: u8 = 1 << 2;
/// The first byte of a redirection.
pub(super) const REDIRECTION: u8 = 1 << 3;
/// The first byte of a reserved word.
pub(super) const KEYWORD: u8 = 1 << 4;
/// The first byte of what may divide words, or commands from comments.
pub(super) const BLANK: u8 = 1 << 5;

/// What a byte may mean outside of quotes.
const CLASSES: [u8; 256] = {
    const fn mark(classes: &mut [u8; 256], bytes: &[u8], class: u8) {
        let mut at = 0;
        while at < bytes.len() {
            classes[bytes[at] as usize] |= class;
            at += 1;
        }
    }
    let mut classes = [0; 256];
    mark(&mut classes, b" \t\r\n;&|<>()", END);
    mark(&mut classes, b"(\\'\"$`*?[]{}~", SPECIAL);
    mark(&mut classes, b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", NAME);
    mark(&mut classes, b"<>&0123456789", REDIRECTION);
    mark(&mut classes, b"{}![tiewufsdc", KEYWORD);
    mark(&mut classes, b" \t\r\\#", BLANK);
    classes
};

/// What `byte` may mean outside of quotes.
pub(super) fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// Whether `byte` ends a word.
pub(super) fn ends_word(byte: Option<u8>) -> bool {
    byte.is_none_or(|byte| class(byte) & END != 0)
}

impl Reader<'_, '_, '_> {
    /// Reads the word that begins here. Moves on by at least one byte unless a word's end is here.
    pub(super) fn word(&mut self) -> WordRecord {
        let start = self.at;
        if self.plain() {
            return WordRecord::plain(self.base + start, self.at - start);
        }
        let mut draft = Draft::new(start);
        self.pieces(start, &mut draft);
        self.finish(&draft)
    }

    /// Reads the word that begins here, and adds it to those of the command that is being read.
    pub(super) fn add_word(&mut self) {
        let start = self.at;
        if self.plain() {
            // Put together where it is kept: that is most of what a word costs.
            self.state.line.words.push(WordRecord::plain(self.base + start, self.at - start));
        } else {
            let mut draft = Draft::new(start);
            self.pieces(start, &mut draft);
            let word = self.finish(&draft);
            self.state.line.words.push(word);
        }
    }

    /// Moves to the end of what is plain of the word that begins here; whether that is all of it.
    fn plain(&mut self) -> bool {
        let start = self.at;
        self.skip_until(|byte| class(byte) & (END | SPECIAL) != 0);
        match self.peek() {
            Some(byte) => class(byte) & SPECIAL == 0 && !(self.at == start && matches!(byte, b'<' | b'>')),
            None => true,
        }
    }

    /// Adds a word that began at `start` to an empty draft; all of it up to here is plain.
    fn pieces(&mut self, start: usize, draft: &mut Draft) {
        let (mut bracket, mut brace) = (false, None);
        let mut run = start;
        loop {
            self.keep(draft, run, self.at);
            let Some(byte) = self.peek() else { break };
            match byte {
                b'(' if self.at > start && !self.is_function() => {
                    draft.expands = true;
                    self.parentheses(draft);
                }
                b'<' | b'>' if self.at == start && self.next() == Some(b'(') => {
                    self.at += 2;
                    draft.expands = true;
                    self.substitution(Until::Parenthesis);
                    self.keep(draft, start, self.at);
                }
                b'\\' => self.escape(draft),
                b'\'' => self.single_quoted(draft),
                b'"' => self.double_quoted(draft),
                b'$' => self.dollar(draft, false),
                b'`' => self.backquoted(draft, false),
                _ if class(byte) & END != 0 => break,
                _ => {
                    match byte {
                        b'~' if self.at == start => {
                            if self.next() == Some(b'/') || ends_word(self.next()) {
                                draft.base = Base::Home;
                                draft.base_length = 1;
                            } else {
                                draft.expands = true;
                            }
                        }
                        b'*' | b'?' => draft.expands = true,
                        b'[' => bracket = true,
                        b']' => draft.expands |= bracket,
                        b'{' => brace = Some(self.length(draft)),
                        b'}' => {
                            if let Some(from) = brace.take() {
                                let inner = self.tail(draft, from);
                                draft.expands |= inner.contains(',') || inner.contains("..");
                            }
                        }
                        _ => {}
                    }
                    run = self.at;
                    self.at += 1;
                    self.skip_until(|byte| class(byte) & (END | SPECIAL) != 0);
                    continue;
                }
            }
            run = self.at;
            self.skip_until(|byte| class(byte) & (END | SPECIAL) != 0);
        }
    }

    /// An array's words, at the opening parenthesis.
    pub(super) fn array(&mut self) -> WordRecord {
        let mut draft = Draft::new(self.at);
        draft.expands = true;
        self.parentheses(&mut draft);
        self.finish(&draft)
    }

    /// A backslash outside of quotes.
    pub(super) fn escape(&mut self, draft: &mut Draft) {
        self.at += 1;
        let from = self.at;
        self.skip_char();
        match self.text.get(from..self.at) {
            Some("\n") => {}
            // At the end of the line it stands for itself.
            Some("") => self.keep(draft, from - 1, from),
            _ => {
                draft.quoted = true;
                self.keep(draft, from, self.at);
            }
        }
    }

    pub(super) fn single_quoted(&mut self, draft: &mut Draft) {
        self.at += 1;
        draft.quoted = true;
        let from = self.at;
        self.skip_until(|byte| byte == b'\'');
        self.keep(draft, from, self.at);
        self.at += usize::from(self.at < self.end());
    }

    pub(super) fn double_quoted(&mut self, draft: &mut Draft) {
        self.at += 1;
        draft.quoted = true;
        loop {
            let run = self.at;
            self.skip_until(|byte| matches!(byte, b'"' | b'\\' | b'$' | b'`'));
            self.keep(draft, run, self.at);
            match self.peek() {
                None => break,
                Some(b'"') => {
                    self.at += 1;
                    break;
                }
                Some(b'$') => self.dollar(draft, true),
                Some(b'`') => self.backquoted(draft, true),
                Some(_) => {
                    match self.next() {
                        Some(b'\n') => {}
                        Some(b'"' | b'\\' | b'$' | b'`') => self.keep(draft, self.at + 1, self.at + 2),
                        Some(next) if next.is_ascii() => self.keep(draft, self.at, self.at + 2),
                        _ => {
                            self.keep(draft, self.at, self.at + 1);
                            self.at += 1;
                            continue;
                        }
                    }
                    self.at += 2;
                }
            }
        }
        self.at = self.at.min(self.end());
    }

    /// `$'…'`: the escapes of ANSI C.
    pub(super) fn escaped_quoted(&mut self, draft: &mut Draft) {
        self.at += 1;
        draft.quoted = true;
        loop {
            let run = self.at;
            self.skip_until(|byte| matches!(byte, b'\'' | b'\\'));
            self.keep(draft, run, self.at);
            match self.peek() {
                Some(b'\\') => {
                    self.at += 1;
                    let Some(byte) = self.peek() else { break };
                    let (base, most) = match byte {
                        b'x' => (16, 2),
                        b'u' => (16, 4),
                        b'U' => (16, 8),
                        b'0'..=b'7' => (8, 3),
                        _ => {
                            let from = self.at;
                            self.skip_char();
                            match byte {
                                b'n' => self.add(draft, "\n"),
                                b't' => self.add(draft, "\t"),
                                b'r' => self.add(draft, "\r"),
                                b'e' | b'E' => self.add(draft, "\x1b"),
                                _ => self.keep(draft, from, self.at),
                            }
                            continue;
                        }
                    };
                    self.at += usize::from(base == 16);
                    let from = self.at;
                    while self.at < from + most && self.peek().is_some_and(|digit| char::from(digit).is_digit(base)) {
                        self.at += 1;
                    }
                    let digits = self.text.get(from..self.at).unwrap_or_default();
                    let code = u32::from_str_radix(digits, base).ok().and_then(char::from_u32);
                    if let Some(code) = code {
                        self.add(draft, code.encode_utf8(&mut [0; 4]));
                    }
                }
                Some(_) => {
                    self.at += 1;
                    break;
                }
                None => break,
            }
        }
    }

    /// Parentheses that are part of a word: an array, or a pattern of bash or zsh.
    fn parentheses(&mut self, draft: &mut Draft) {
        let from = self.at;
        let mut depth = 0_usize;
        let mut unused = Draft::unused();
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.escape(&mut unused),
                b'\'' => self.single_quoted(&mut unused),
                b'"' => self.double_quoted(&mut unused),
                b'$' => self.dollar(&mut unused, false),
                b'`' => self.backquoted(&mut unused, false),
                _ => {
                    self.at += 1;
                    depth += usize::from(byte == b'(');
                    depth -= usize::from(byte == b')');
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
        self.keep(draft, from, self.at);
    }
}
