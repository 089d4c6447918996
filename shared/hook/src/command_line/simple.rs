//! Simple commands: assignments, words, redirections, here-documents.

use std::borrow::Cow;

use super::list::Reader;
use super::run::reads_commands;
use super::{Assignment, Command, Operator, Rare, Redirection, Word, Words};

/// Most variables whose values are kept, and the most bytes of such a value: for paths, not for data.
const MOST_VARIABLES: usize = 64;
const MOST_VALUE: usize = 4096;

/// A here-document whose text is still to come.
pub(super) struct HereDocument {
    delimiter: String,
    strip_tabs: bool,
    expands: bool,
    /// The command it is fed to, once that is known.
    owner: Option<usize>,
}

impl<'a> Reader<'a> {
    /// A simple command.
    pub(super) fn simple(&mut self) {
        let (first, documents) = (self.commands.len(), self.here_documents.len());
        let before = self.directory.clone();
        let fed = std::mem::take(&mut self.piped) || self.fed > 0;
        let mut words = std::mem::take(&mut self.spare);
        let mut assignments = Vec::new();
        let mut redirections = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None | Some(b'\n' | b';' | b'|' | b')') => break,
                Some(b'&') if self.next() != Some(b'>') => break,
                Some(b'(') => {
                    if words.len() == 1 && self.is_function() {
                        self.skip_until(|byte| byte == b')');
                        self.at += 1;
                        self.function = true;
                        words.clear();
                        self.spare = words;
                        return;
                    }
                    break;
                }
                Some(_) => {}
            }
            if let Some(redirection) = self.redirection() {
                redirections.push(redirection);
            } else if let Some(assignment) = if words.is_empty() { self.assignment() } else { None } {
                assignments.push(assignment);
            } else {
                words.push(self.word());
            }
        }
        let bare = assignments.is_empty() && redirections.is_empty();
        let command = Command {
            words: Words::draft(words),
            rare: if bare { None } else { Some(Box::new(Rare { assignments, redirections })) },
            piped_from: fed,
            piped_to: false,
            substituted: self.level > 0,
            source: Cow::Borrowed(""),
            directory: before.clone(),
            level: self.level,
        };
        let owner = self.run(command, self.at);
        for document in self.here_documents.iter_mut().skip(documents) {
            document.owner = document.owner.or(Some(owner));
        }
        self.function = false;
        self.behind_command(first, before, fed);
    }

    /// `NAME=VALUE`, if one is here.
    fn assignment(&mut self) -> Option<Assignment<'a>> {
        let rest = self.line.get(self.at..self.end)?;
        let bytes = rest.as_bytes();
        if !bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
            return None;
        }
        let length = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
        let name = rest.get(..length)?;
        let mut behind = length;
        if bytes.get(behind) == Some(&b'[') {
            behind += bytes.iter().skip(behind).take(256).position(|byte| *byte == b']')? + 1;
        }
        let simple = bytes.get(behind) == Some(&b'=') && behind == length;
        behind += usize::from(bytes.get(behind) == Some(&b'+'));
        if bytes.get(behind) != Some(&b'=') {
            return None;
        }
        self.at += behind + 1;
        let value = if self.peek() == Some(b'(') { self.array() } else { self.word() };
        let value = if simple { value } else { value.unknown() };
        Some(Assignment { name: Cow::Borrowed(name), value })
    }

    /// A redirection, if one is here.
    pub(super) fn redirection(&mut self) -> Option<Redirection<'a>> {
        let start = self.at;
        let mut descriptor = None;
        if !matches!(self.peek(), Some(b'<' | b'>' | b'&' | b'0'..=b'9')) {
            return None;
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            let rest = self.line.as_bytes().get(start..self.end)?;
            let digits = rest.iter().take(6).position(|byte| !byte.is_ascii_digit())?;
            if !matches!(rest.get(digits), Some(b'<' | b'>')) {
                return None;
            }
            descriptor = Some(self.line.get(start..start + digits)?.parse().unwrap_or(u16::MAX));
            self.at += digits;
        }
        let rest = self.line.get(self.at..self.end)?;
        let (length, mut operator) = [
            ("&>>", Operator::Both),
            ("&>", Operator::Both),
            ("<<<", Operator::HereString),
            ("<<", Operator::HereDocument),
            ("<&", Operator::Duplicate),
            ("<>", Operator::Read),
            ("<", Operator::Read),
            (">>", Operator::Append),
            (">&", Operator::Duplicate),
            (">|", Operator::Write),
            (">", Operator::Write),
        ]
        .iter()
        .find(|(text, _)| rest.starts_with(text))
        .map(|(text, operator)| (text.len(), *operator))?;
        if length == 1 && descriptor.is_none() && rest.as_bytes().get(1) == Some(&b'(') {
            return None;
        }
        self.at += length;
        let strip_tabs = operator == Operator::HereDocument && self.peek() == Some(b'-');
        self.at += usize::from(strip_tabs);
        self.blanks();
        let target = self.word();
        match operator {
            Operator::Duplicate if rest.starts_with(">&") && !descriptor_text(&target) => operator = Operator::Both,
            Operator::HereDocument => self.here_documents.push(HereDocument {
                delimiter: (*target).to_owned(),
                strip_tabs,
                expands: !target.is_quoted(),
                owner: None,
            }),
            _ => {}
        }
        Some(Redirection { descriptor, operator, target })
    }

    /// A line end, and the here-documents that begin behind it.
    pub(super) fn line_end(&mut self) {
        self.at += 1;
        for document in std::mem::take(&mut self.here_documents) {
            let from = self.at;
            let mut to = self.end;
            while self.at < self.end {
                let start = self.at;
                self.skip_until(|byte| byte == b'\n');
                let line = self.line.get(start..self.at).unwrap_or_default();
                let line = line.strip_suffix('\r').unwrap_or(line);
                let line = if document.strip_tabs { line.trim_start_matches('\t') } else { line };
                let behind = line.strip_prefix(&*document.delimiter);
                if behind == Some("") {
                    to = start;
                    self.at += usize::from(self.at < self.end);
                    break;
                }
                // bash takes the end of a substitution for the end of the text.
                if let Some(behind) = behind
                    && behind.starts_with(')')
                    && self.level > 0
                    && !document.delimiter.is_empty()
                {
                    to = start;
                    self.at -= behind.len();
                    break;
                }
                self.at += usize::from(self.at < self.end);
            }
            self.here_document(&document, from, to.min(self.at));
        }
    }

    /// The text of a here-document: commands when it is fed to a shell, else text that may hold substitutions.
    fn here_document(&mut self, document: &HereDocument, from: usize, to: usize) {
        let owner = document.owner.and_then(|owner| self.commands.get(owner));
        if owner.is_some_and(reads_commands) {
            let text = self.line.get(from..to).unwrap_or_default();
            self.reread(Cow::Borrowed(text), false);
        } else if document.expands {
            let (at, end) = (self.at, self.end);
            (self.at, self.end) = (from, to);
            self.expansions();
            (self.at, self.end) = (at, end);
        }
    }

    /// The value of a variable that the line has set to plain text.
    pub(super) fn value(&mut self, name: &str) -> Option<Word<'a>> {
        if name.is_empty() || self.variables.is_empty() {
            return None;
        }
        let (_, value) = self.variables.iter().rev().find(|(known, _)| known == name)?;
        if !value.is_resolvable() {
            return None;
        }
        let value = value.clone();
        self.budget = self.budget.checked_sub(value.len())?;
        Some(value)
    }

    /// Keeps the value of a variable.
    pub(super) fn set(&mut self, name: Cow<'a, str>, value: Word<'a>) {
        let sure = self.conditional == 0 && !self.function && value.is_resolvable() && value.len() <= MOST_VALUE;
        let scope = self.variables.get_mut(self.outer_variables..).unwrap_or_default();
        if sure && let Some((_, known)) = scope.iter_mut().rev().find(|(known, _)| *known == name) {
            *known = value;
        } else if sure && self.variables.len() < MOST_VARIABLES {
            self.variables.push((name, value));
        } else {
            self.unset(&name);
        }
    }

    /// A variable whose value is no longer known.
    pub(super) fn unset(&mut self, name: &str) {
        for (known, value) in &mut self.variables {
            if known == name && value.is_resolvable() {
                *value = value.clone().unknown();
            }
        }
    }
}

/// Whether the target of `>&` is a descriptor.
fn descriptor_text(target: &str) -> bool {
    target == "-" || target.strip_suffix('-').unwrap_or(target).bytes().all(|byte| byte.is_ascii_digit())
}
