//! Simple commands: assignments, words, redirections.

use super::Operator;
use super::here_documents::HereDocument;
use super::quoting::{NAME, REDIRECTION, class};
use super::reader::{Reader, State};
use super::records::{AssignmentRecord, NONE, RedirectionRecord, Span};
use super::run::Simple;

impl Reader<'_, '_, '_> {
    /// A simple command.
    pub(super) fn simple(&mut self) {
        let documents = self.state.here_documents.len();
        let (assignments, redirections) = (self.state.assignments.len(), self.state.redirections.len());
        let fed = std::mem::take(&mut self.state.piped) || self.state.fed > 0;
        let before = self.state.directory;
        let words = self.state.begin_words();
        let mut bare = true;
        loop {
            self.blanks();
            let Some(byte) = self.peek() else { break };
            match byte {
                b'\n' | b';' | b'|' | b')' => break,
                b'&' if self.next() != Some(b'>') => break,
                b'(' => {
                    if self.state.count_words(words) == 1 && self.is_function() {
                        self.skip_until(|byte| byte == b')');
                        self.at += 1;
                        self.state.function = true;
                        self.state.end_words(words);
                        self.state.line.words.truncate(self.state.line.words.len() - 1);
                        self.state.open = self.state.line.words.len();
                        self.state.assignments.truncate(assignments);
                        self.state.redirections.truncate(redirections);
                        return;
                    }
                    break;
                }
                _ => {}
            }
            if class(byte) & REDIRECTION != 0
                && let Some(redirection) = self.redirection()
            {
                self.state.redirections.push(redirection);
            } else if bare
                && class(byte) & NAME != 0
                && let Some(assignment) = self.assignment()
            {
                self.state.assignments.push(assignment);
            } else {
                self.add_word();
                bare = false;
            }
        }
        let words = self.state.end_words(words);
        let simple = Simple { words, assignments, redirections, directory: before, fed };
        let (command, group) = self.command(simple);
        if self.state.here_documents.len() > documents {
            for document in self.state.here_documents.iter_mut().skip(documents) {
                document.owner = document.owner.or(command.or(Some(NONE)));
            }
        }
        self.state.function = false;
        let pipe = self.behind_command(before, fed);
        if pipe && let Some(command) = command.and_then(|command| self.state.line.commands.get_mut(command as usize)) {
            command.piped_to = true;
        }
        if group != NONE {
            self.state.close_group(group, pipe);
        }
    }

    /// `NAME=VALUE`, if one is here.
    fn assignment(&mut self) -> Option<AssignmentRecord> {
        let bytes = self.rest();
        let length = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
        let name = Span::new(self.base + self.at, length);
        let mut behind = length;
        if bytes.get(behind) == Some(&b'[') {
            behind = self.closing_bracket(self.at + behind)? + 1 - self.at;
        }
        let simple = bytes.get(behind) == Some(&b'=') && behind == length;
        behind += usize::from(bytes.get(behind) == Some(&b'+'));
        if bytes.get(behind) != Some(&b'=') {
            return None;
        }
        self.at += behind + 1;
        let value = if self.peek() == Some(b'(') { self.array() } else { self.word() };
        let value = if simple { value } else { value.unknown() };
        Some(AssignmentRecord { name, value })
    }

    /// The closing bracket behind the opening one at `from`; only near ones are looked for.
    fn closing_bracket(&mut self, from: usize) -> Option<usize> {
        /// Most bytes of a subscript.
        const LONGEST: usize = 256;
        let (looked_from, looked_to) = self.no_bracket;
        let known = (looked_from..=looked_to).contains(&from);
        let start = if known { looked_to } else { from };
        let end = self.end().min(from + LONGEST).max(start);
        let ahead = self.text.as_bytes().get(start..end).unwrap_or_default();
        let at = start + ahead.iter().position(|byte| *byte == b']').unwrap_or(ahead.len());
        self.no_bracket = (if known { looked_from } else { from }, at);
        (at < self.end().min(from + LONGEST)).then_some(at)
    }

    /// A redirection, if one is here.
    pub(super) fn redirection(&mut self) -> Option<RedirectionRecord> {
        let start = self.at;
        let mut descriptor = None;
        if !matches!(self.peek(), Some(b'<' | b'>' | b'&' | b'0'..=b'9')) {
            return None;
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            let rest = self.rest();
            let digits = rest.iter().take(6).position(|byte| !byte.is_ascii_digit())?;
            if !matches!(rest.get(digits), Some(b'<' | b'>')) {
                return None;
            }
            descriptor = Some(self.text.get(start..start + digits)?.parse().unwrap_or(u16::MAX));
            self.at += digits;
        }
        let rest = self.rest();
        let (length, mut operator) = match rest {
            [b'&', b'>', b'>', ..] => (3, Operator::Both),
            [b'&', b'>', ..] => (2, Operator::Both),
            [b'<', b'<', b'<', ..] => (3, Operator::HereString),
            [b'<', b'<', ..] => (2, Operator::HereDocument),
            [b'<' | b'>', b'&', ..] => (2, Operator::Duplicate),
            [b'<', b'>', ..] => (2, Operator::Read),
            [b'<', ..] => (1, Operator::Read),
            [b'>', b'>', ..] => (2, Operator::Append),
            [b'>', b'|', ..] => (2, Operator::Write),
            [b'>', ..] => (1, Operator::Write),
            _ => return None,
        };
        if length == 1 && descriptor.is_none() && rest.get(1) == Some(&b'(') {
            return None;
        }
        self.at += length;
        let strip_tabs = operator == Operator::HereDocument && self.peek() == Some(b'-');
        self.at += usize::from(strip_tabs);
        self.blanks();
        let target = self.word();
        match operator {
            Operator::Duplicate if rest.starts_with(b">&") && !descriptor_text(self.state.line.get(target.text)) => {
                operator = Operator::Both;
            }
            Operator::HereDocument => {
                self.state.here_documents.push(HereDocument {
                    delimiter: target.text,
                    strip_tabs,
                    expands: !target.quoted,
                    owner: None,
                });
            }
            _ => {}
        }
        Some(RedirectionRecord { descriptor, operator, target })
    }
}

impl State<'_> {
    /// The words of a command follow. Gives what [`State::end_words`] takes.
    ///
    /// They are put where they stay, behind those of all commands before. The words so far of a command around this
    /// one, which has to have them side by side, are put aside until it ends.
    #[inline]
    fn begin_words(&mut self) -> usize {
        if self.open < self.line.words.len() {
            self.put_aside();
        }
        self.open = self.line.words.len();
        self.words.len()
    }

    fn put_aside(&mut self) {
        for index in self.open..self.line.words.len() {
            self.words.push(self.line.words[index]);
        }
        self.line.words.truncate(self.open);
    }

    /// The number of words of the command so far.
    fn count_words(&self, aside: usize) -> usize {
        self.words.len() - aside + self.line.words.len() - self.open
    }

    /// The words of the command, all of them.
    #[inline]
    fn end_words(&mut self, aside: usize) -> Span {
        if self.words.len() > aside {
            self.put_aside();
            for index in aside..self.words.len() {
                self.line.words.push(self.words[index]);
            }
            self.words.truncate(aside);
        }
        let words = Span::new(self.open, self.line.words.len() - self.open);
        self.open = self.line.words.len();
        words
    }
}

/// Whether the target of `>&` is a descriptor.
fn descriptor_text(target: &str) -> bool {
    target == "-" || target.strip_suffix('-').unwrap_or(target).bytes().all(|byte| byte.is_ascii_digit())
}
