//! What is expanded in words: variables, substitutions, arithmetic.

use super::draft::{Draft, append};
use super::list::Until;
use super::reader::{Reader, Scope};
use super::records::{Base, short};

/// What stands for a [`Base`], and that.
fn base(expansion: &str) -> Option<Base> {
    match expansion {
        "$HOME" | "${HOME}" => Some(Base::Home),
        "$PWD" | "${PWD}" | "$(pwd)" | "`pwd`" => Some(Base::Here),
        "$(git rev-parse --show-toplevel)" => Some(Base::Top),
        _ => None,
    }
}

impl Reader<'_, '_, '_> {
    /// A dollar sign: a variable, a substitution, arithmetic, a quote, or itself.
    pub(super) fn dollar(&mut self, draft: &mut Draft, quoted: bool) {
        let start = self.at;
        self.at += 1;
        let mut name = self.at..self.at;
        match self.peek() {
            Some(b'\'') if !quoted => return self.escaped_quoted(draft),
            Some(b'"') if !quoted => return self.double_quoted(draft),
            Some(b'(') => {
                if !self.arithmetic() {
                    self.at += 1;
                    self.substitution(Until::Parenthesis);
                }
            }
            Some(b'{') => {
                self.parameter(quoted);
                if self.since(start).ends_with('}') {
                    name = start + 2..self.at - 1;
                }
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                self.skip_until(|byte| !byte.is_ascii_alphanumeric() && byte != b'_');
                name.end = self.at;
            }
            Some(byte) if byte.is_ascii_digit() || b"@*#?$!-".contains(&byte) => self.at += 1,
            _ => {
                self.keep(draft, start, self.at);
                return;
            }
        }
        let name = self.text.get(name).unwrap_or_default();
        self.expansion(draft, start, name, quoted);
    }

    /// Adds the expansion that was read from `start` on; of the variable `name`, or of none.
    fn expansion(&mut self, draft: &mut Draft, start: usize, name: &str, quoted: bool) {
        if let Some(value) = self.state.value(name, quoted) {
            if value.base != Base::Plain {
                draft.expands |= self.length(draft) > 0;
                (draft.base, draft.base_length) = (value.base, value.base_length);
            }
            self.add_span(draft, value.text);
            return;
        }
        let written = self.since(start);
        match base(written) {
            Some(base) if self.length(draft) == 0 => {
                draft.base = base;
                draft.base_length = u8::try_from(written.len()).unwrap_or_default();
            }
            _ => draft.expands = true,
        }
        self.keep(draft, start, self.at);
    }

    /// `${…}`: moves behind it; substitutions in it are read.
    fn parameter(&mut self, quoted: bool) {
        if !self.enter() {
            return;
        }
        self.at += 1;
        let mut unused = Draft::unused();
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
        /// Most bytes from beginning to end: longer arithmetic is nobody's.
        const LONGEST: usize = 2048;
        if self.next() != Some(b'(') {
            return false;
        }
        let text = self.text;
        let closings = self.closings.get_or_insert_with(|| closings(text));
        let closing = closings.get(self.at + 1).map_or(0, |closing| *closing as usize);
        let behind = closing + 2;
        let closed = closing > 0 && text.as_bytes().get(closing + 1) == Some(&b')');
        if !closed || behind > self.end().min(self.at + LONGEST) {
            return false;
        }
        let from = self.at + 2;
        self.within(from, closing, Self::expansions);
        self.at = behind;
        true
    }

    /// Reads what is expanded in text that is otherwise taken as it is, up to the end.
    pub(super) fn expansions(&mut self) {
        let mut unused = Draft::unused();
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
        }
        self.leave();
    }

    /// A command substitution in backquotes.
    pub(super) fn backquoted(&mut self, draft: &mut Draft, quoted: bool) {
        let start = self.at;
        self.at += 1;
        let from = self.at;
        let mut unescaped: Option<String> = None;
        let mut kept = from;
        loop {
            self.skip_until(|byte| matches!(byte, b'`' | b'\\'));
            if self.peek() != Some(b'\\') {
                break;
            }
            let next = self.next();
            if matches!(next, Some(b'`' | b'\\' | b'$')) || (quoted && next == Some(b'"')) {
                let text = unescaped.get_or_insert_with(|| self.state.spare.pop().unwrap_or_default());
                append(text, self.text.get(kept..self.at).unwrap_or_default());
                kept = self.at + 1;
            }
            self.at += 1;
            self.skip_char();
        }
        let to = self.at;
        self.at += usize::from(to < self.end());
        match unescaped {
            // Nothing is read twice: no other backquote is in it.
            None => {
                if to > from && self.enter() {
                    self.within(from, to, |reader| reader.apart(Scope::Substitution, false));
                    self.leave();
                }
            }
            Some(mut text) => {
                append(&mut text, self.text.get(kept..to).unwrap_or_default());
                if self.state.draw(text.len()) {
                    self.read_made(text, Scope::Substitution, false);
                }
            }
        }
        self.expansion(draft, start, "", quoted);
    }
}

/// For each byte that is an opening parenthesis the place of the one that closes it, or 0.
fn closings(text: &str) -> Vec<u32> {
    let mut closings = vec![0; text.len()];
    let mut open = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open.push(at),
            b')' => {
                if let Some(opened) = open.pop().and_then(|opened: usize| closings.get_mut(opened)) {
                    *opened = short(at);
                }
            }
            _ => {}
        }
    }
    closings
}
