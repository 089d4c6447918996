//! Takes `sudo`, `env` and the like off a command.

use super::programs::{Program, Wrapper, program};
use super::reader::State;
use super::records::{AssignmentRecord, CommandRecord, Rare, Span, WordRecord, short};

impl State<'_> {
    /// Takes the wrappers off the command at `index`. What `env` sets for it becomes its own.
    pub(super) fn unwrap(&mut self, index: usize) {
        let first_found = self.line.assignments.len();
        let CommandRecord { mut words, mut directory, mut rare, .. } = self.line.commands[index];
        while let Some(word) = self.word(words, 0).filter(|word| word.is_literal()) {
            let Some(Program::Wrapper(wrapper)) = program(self.line.get(word.text)) else { break };
            let before = self.line.assignments.len();
            let mut changed = None;
            let Some(behind) = self.behind_wrapper(wrapper, words.behind(1), &mut changed) else {
                self.line.assignments.truncate(before);
                break;
            };
            if let Some(to) = changed {
                directory = self.line.change(directory, Some(to));
            }
            words = behind;
        }
        let found = Span::new(first_found, self.line.assignments.len() - first_found);
        if found.length > 0 {
            let redirections = self.line.rare.get(rare as usize).map(|rare| rare.redirections);
            let redirections = redirections.unwrap_or_default();
            self.line.rare.push(Rare { assignments: found, redirections, outer: rare });
            rare = short(self.line.rare.len() - 1);
        }
        let command = &mut self.line.commands[index];
        (command.words, command.directory, command.rare) = (words, directory, rare);
    }

    /// The word at `index` of `words`.
    pub(super) fn word(&self, words: Span, index: usize) -> Option<WordRecord> {
        self.line.words.get(words.range())?.get(index).copied()
    }

    /// The words from the program on that `wrapper` runs; its arguments are `words`. `None` when it runs none.
    fn behind_wrapper(&mut self, wrapper: &Wrapper, mut words: Span, changed: &mut Option<WordRecord>) -> Option<Span> {
        loop {
            let word = self.word(words, 0)?;
            let text = self.line.get(word.text);
            if text == "--" {
                words = words.behind(1);
                break;
            }
            if !text.starts_with('-') {
                break;
            }
            words = words.behind(1);
            if let Some(long) = text.strip_prefix("--") {
                let next = self.word(words, 0);
                if wrapper.long.contains(&text) {
                    words = words.behind(1);
                }
                if wrapper.env && long == "chdir" {
                    *changed = next;
                } else if wrapper.env && long.starts_with("chdir=") {
                    *changed = Some(word.behind("--chdir=".len()));
                }
                continue;
            }
            let letters = text.get(1..).unwrap_or_default();
            if letters.contains(|letter| wrapper.instead.contains(letter)) {
                return None;
            }
            let value = letters.char_indices().find(|(_, letter)| wrapper.letters.contains(*letter));
            if let Some((before, letter)) = value {
                let attached = 1 + before + letter.len_utf8();
                let apart = attached == text.len();
                if wrapper.env && letter == 'C' {
                    *changed = if apart { self.word(words, 0) } else { Some(word.behind(attached)) };
                }
                words = words.behind(usize::from(apart));
            }
        }
        while wrapper.assignments
            && let Some(word) = self.word(words, 0)
            && let Some(assignment) = self.split_assignment(word)
        {
            self.line.assignments.push(assignment);
            words = words.behind(1);
        }
        words = words.behind(wrapper.arguments);
        (words.length > 0).then_some(words)
    }

    /// `NAME=VALUE` in its two parts.
    pub(super) fn split_assignment(&self, word: WordRecord) -> Option<AssignmentRecord> {
        let bytes = self.line.get(word.text).as_bytes();
        let length = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
        let valid = length > 0 && !bytes[0].is_ascii_digit() && bytes[length] == b'=';
        valid.then(|| AssignmentRecord { name: word.text.first(length), value: word.behind(length + 1) })
    }

    /// The program that `words` begin with, as it is called.
    #[inline]
    pub(super) fn program(&self, words: Span) -> &str {
        self.word(words, 0).map_or("", |word| self.line.get(word.text))
    }
}
