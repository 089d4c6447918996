//! Reading a word: quotes, escapes and expansions.

use std::borrow::Cow;

use super::Word;
use super::list::Reader;
use super::word::{BASES, Base, Draft};

/// What a byte means outside of quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Itself.
    Plain,
    /// The end of a word.
    End,
    /// Something else, looked at one by one.
    Special,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Plain; 256];
    let ends = b" \t\r\n;&|<>()";
    let mut at = 0;
    while at < ends.len() {
        classes[ends[at] as usize] = Class::End;
        at += 1;
    }
    let specials = b"\\'\"$`*?[]{}~";
    let mut at = 0;
    while at < specials.len() {
        classes[specials[at] as usize] = Class::Special;
        at += 1;
    }
    classes
};

/// Whether `byte` ends a word.
pub(super) fn ends_word(byte: Option<u8>) -> bool {
    byte.is_none_or(|byte| CLASSES[usize::from(byte)] == Class::End)
}

impl<'a> Reader<'a> {
    /// Reads the word that begins here. Moves on by at least one byte unless a word's end is here.
    pub(super) fn word(&mut self) -> Word<'a> {
        let start = self.at;
        let mut draft = Draft::new(start);
        let (mut bracket, mut brace) = (false, None);
        loop {
            let run = self.at;
            while self.peek().is_some_and(|byte| CLASSES[usize::from(byte)] == Class::Plain) {
                self.at += 1;
            }
            draft.keep(self.line, run..self.at);
            let Some(byte) = self.peek() else { break };
            match byte {
                b'(' if self.at > start && !self.is_function() => {
                    draft.expands = true;
                    self.parentheses(&mut draft);
                    continue;
                }
                b'<' | b'>' if self.at == start && self.next() == Some(b'(') => {
                    self.at += 2;
                    draft.expands = true;
                    self.substitution();
                    draft.keep(self.line, start..self.at);
                    continue;
                }
                b'\\' => {
                    self.escape(&mut draft);
                    continue;
                }
                b'\'' => {
                    self.single_quoted(&mut draft);
                    continue;
                }
                b'"' => {
                    self.double_quoted(&mut draft);
                    continue;
                }
                b'$' => {
                    self.dollar(&mut draft, false);
                    continue;
                }
                b'`' => {
                    self.backquoted(&mut draft, false);
                    continue;
                }
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
                b'{' => brace = Some(draft.length()),
                b'}' => {
                    if let Some(inner) = brace.take().and_then(|from| draft.text(self.line).get(from..)) {
                        draft.expands |= inner.contains(',') || inner.contains("..");
                    }
                }
                b'~' => {}
                _ => break,
            }
            draft.keep(self.line, self.at..self.at + 1);
            self.at += 1;
        }
        draft.word(self.line)
    }

    /// An array's words, at the opening parenthesis.
    pub(super) fn array(&mut self) -> Word<'a> {
        let mut draft = Draft::new(self.at);
        draft.expands = true;
        self.parentheses(&mut draft);
        draft.word(self.line)
    }

    /// A backslash outside of quotes.
    fn escape(&mut self, draft: &mut Draft) {
        self.at += 1;
        let from = self.at;
        self.skip_char();
        match self.line.get(from..self.at) {
            Some("\n") => {}
            // At the end of the line it stands for itself.
            Some("") => draft.keep(self.line, from - 1..from),
            _ => {
                draft.quoted = true;
                draft.keep(self.line, from..self.at);
            }
        }
    }

    fn single_quoted(&mut self, draft: &mut Draft) {
        self.at += 1;
        draft.quoted = true;
        let from = self.at;
        self.skip_until(|byte| byte == b'\'');
        draft.keep(self.line, from..self.at);
        self.at += usize::from(self.at < self.end);
    }

    fn double_quoted(&mut self, draft: &mut Draft) {
        self.at += 1;
        draft.quoted = true;
        loop {
            let run = self.at;
            self.skip_until(|byte| matches!(byte, b'"' | b'\\' | b'$' | b'`'));
            draft.keep(self.line, run..self.at);
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
                        Some(b'"' | b'\\' | b'$' | b'`') => draft.keep(self.line, self.at + 1..self.at + 2),
                        Some(next) if next.is_ascii() => draft.keep(self.line, self.at..self.at + 2),
                        _ => {
                            draft.keep(self.line, self.at..self.at + 1);
                            self.at += 1;
                            continue;
                        }
                    }
                    self.at += 2;
                }
            }
        }
        self.at = self.at.min(self.end);
    }

    /// A dollar sign: a variable, a substitution, arithmetic, a quote, or itself.
    fn dollar(&mut self, draft: &mut Draft, quoted: bool) {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'\'') if !quoted => return self.escaped_quoted(draft),
            Some(b'"') if !quoted => return self.double_quoted(draft),
            Some(b'(') => {
                if !self.arithmetic() {
                    self.at += 1;
                    self.substitution();
                }
            }
            Some(b'{') => self.parameter(quoted),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                self.skip_until(|byte| !byte.is_ascii_alphanumeric() && byte != b'_');
            }
            Some(byte) if byte.is_ascii_digit() || b"@*#?$!-".contains(&byte) => self.at += 1,
            _ => {
                draft.keep(self.line, start..self.at);
                return;
            }
        }
        self.expansion(draft, start, quoted);
    }

    /// Adds the expansion that was read from `start` on.
    fn expansion(&mut self, draft: &mut Draft, start: usize, quoted: bool) {
        let written = self.line.get(start..self.at).unwrap_or_default();
        let name = written.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let name = name.or_else(|| written.strip_prefix('$')).unwrap_or_default();
        if let Some(value) = self.value(name)
            && (quoted || !value.contains([' ', '\t', '\n']))
        {
            if value.base != Base::Plain {
                draft.expands |= draft.length() > 0;
                (draft.base, draft.base_length) = (value.base, value.base_length);
            }
            draft.own(self.line).push_str(&value);
            return;
        }
        let base = BASES.iter().find(|(text, _)| *text == written).filter(|_| draft.length() == 0);
        match base {
            Some((text, base)) => {
                draft.base = *base;
                draft.base_length = u8::try_from(text.len()).unwrap_or_default();
            }
            None => draft.expands = true,
        }
        draft.keep(self.line, start..self.at);
    }

    /// `${…}`: moves behind it; substitutions in it are read.
    fn parameter(&mut self, quoted: bool) {
        if !self.enter() {
            return;
        }
        self.at += 1;
        let mut unused = Draft::new(self.at);
        while let Some(byte) = self.peek() {
            match byte {
                b'}' => {
                    self.at += 1;
                    break;
                }
                b'\\' => self.escape(&mut unused),
                b'\'' if !quoted => self.single_quoted(&mut unused),
                b'"' => self.double_quoted(&mut unused),
                b'$' => self.dollar(&mut unused, quoted),
                b'`' => self.backquoted(&mut unused, quoted),
                _ => self.at += 1,
            }
        }
        self.leave();
    }

    /// `$((…))` or `((…))`, at its first parenthesis: moves behind it. `false`, without a move, when it is a subshell
    /// in a subshell after all.
    pub(super) fn arithmetic(&mut self) -> bool {
        /// Most bytes that are looked ahead for the end: longer arithmetic is nobody's.
        const WINDOW: usize = 2048;
        if self.next() != Some(b'(') {
            return false;
        }
        let bytes = self.line.as_bytes();
        let ahead = &bytes[self.at..self.end.min(self.at + WINDOW)];
        let mut depth = 0_u32;
        let closed = ahead.iter().enumerate().find_map(|(at, byte)| {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            (depth == 1 && *byte == b')').then_some(at)
        });
        let Some(closed) = closed.filter(|at| ahead.get(at + 1) == Some(&b')')) else { return false };
        let (end, behind) = (self.end, self.at + closed + 2);
        self.end = self.at + closed;
        self.at += 2;
        self.expansions();
        (self.at, self.end) = (behind, end);
        true
    }

    /// Reads what is expanded in text that is otherwise taken as it is, up to the end.
    pub(super) fn expansions(&mut self) {
        let mut unused = Draft::new(self.at);
        if !self.enter() {
            return;
        }
        loop {
            self.skip_until(|byte| matches!(byte, b'\\' | b'$' | b'`'));
            match self.peek() {
                None => break,
                Some(b'$') => self.dollar(&mut unused, true),
                Some(b'`') => self.backquoted(&mut unused, true),
                Some(_) => {
                    self.at += 1;
                    self.skip_char();
                }
            }
            unused = Draft::new(self.at);
        }
        self.leave();
    }

    /// A command substitution in backquotes.
    fn backquoted(&mut self, draft: &mut Draft, quoted: bool) {
        let start = self.at;
        self.at += 1;
        let from = self.at;
        let mut inner = String::new();
        let mut kept = from;
        loop {
            self.skip_until(|byte| matches!(byte, b'`' | b'\\'));
            match self.peek() {
                Some(b'\\') => {
                    let next = self.next();
                    if matches!(next, Some(b'`' | b'\\' | b'$')) || (quoted && next == Some(b'"')) {
                        inner.push_str(self.line.get(kept..self.at).unwrap_or_default());
                        kept = self.at + 1;
                    }
                    self.at += 1;
                    self.skip_char();
                }
                _ => break,
            }
        }
        let text = if kept == from {
            Cow::Borrowed(self.line.get(from..self.at).unwrap_or_default())
        } else {
            inner.push_str(self.line.get(kept..self.at).unwrap_or_default());
            Cow::Owned(inner)
        };
        self.at += usize::from(self.at < self.end);
        self.reread(text, true);
        self.expansion(draft, start, quoted);
    }

    /// `$'…'`: the escapes of ANSI C.
    fn escaped_quoted(&mut self, draft: &mut Draft) {
        self.at += 1;
        draft.quoted = true;
        loop {
            let run = self.at;
            self.skip_until(|byte| matches!(byte, b'\'' | b'\\'));
            draft.keep(self.line, run..self.at);
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
                                b'n' => draft.own(self.line).push('\n'),
                                b't' => draft.own(self.line).push('\t'),
                                b'r' => draft.own(self.line).push('\r'),
                                b'e' | b'E' => draft.own(self.line).push('\x1b'),
                                _ => draft.keep(self.line, from..self.at),
                            }
                            continue;
                        }
                    };
                    self.at += usize::from(base == 16);
                    let from = self.at;
                    while self.at < from + most && self.peek().is_some_and(|digit| char::from(digit).is_digit(base)) {
                        self.at += 1;
                    }
                    let digits = self.line.get(from..self.at).unwrap_or_default();
                    let code = u32::from_str_radix(digits, base).ok().and_then(char::from_u32);
                    draft.own(self.line).extend(code);
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
        let mut unused = Draft::new(from);
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
        draft.keep(self.line, from..self.at);
    }
}
