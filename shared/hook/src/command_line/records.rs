//! What is kept of a line: numbers only. A word is a place in the text, a command a few places in the lists of words,
//! directories and the like, so that a line of very many commands costs no memory for each of them, and little in all.

use super::Operator;

/// A piece of text, in bytes; or a part of a list, in entries. Text up to the length of the line is the line's, what lies
/// behind is text that had to be made ([`super::Line::get`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) at: u32,
    pub(super) length: u32,
}

impl Span {
    pub(super) fn new(at: usize, length: usize) -> Self {
        Self { at: short(at), length: short(length) }
    }

    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.at as usize..self.at as usize + self.length as usize
    }

    /// All but the first `count` bytes or entries.
    pub(super) fn behind(self, count: usize) -> Self {
        let count = short(count).min(self.length);
        Self { at: self.at + count, length: self.length - count }
    }

    /// The first `count` bytes or entries.
    pub(super) fn first(self, count: usize) -> Self {
        Self { length: short(count).min(self.length), ..self }
    }
}

/// A place in text, or in a list that grows with it.
#[expect(clippy::cast_possible_truncation, reason = "longer lines are not read: super::MOST_TEXT")]
pub(super) fn short(place: usize) -> u32 {
    place as u32
}

/// What the first part of a word stands for, where that can be told without running anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// Itself.
    Plain,
    /// `~`, `$HOME`, `${HOME}`: the home folder.
    Home,
    /// `$PWD`, `${PWD}`, `$(pwd)`, `` `pwd` ``: the directory that the command runs in.
    Here,
    /// `$(git rev-parse --show-toplevel)`: the top of the work tree.
    Top,
}

/// A word.
#[derive(Debug, Clone, Copy)]
pub(super) struct WordRecord {
    pub(super) text: Span,
    /// Where it begins in what was read.
    pub(super) start: u32,
    pub(super) quoted: bool,
    pub(super) expands: bool,
    pub(super) base: Base,
    /// The bytes of the text that stand for the base.
    pub(super) base_length: u8,
}

impl WordRecord {
    /// A word without quotes and expansions.
    pub(super) fn plain(at: usize, length: usize) -> Self {
        let text = Span::new(at, length);
        Self { text, start: text.at, quoted: false, expands: false, base: Base::Plain, base_length: 0 }
    }

    /// The same word as one that is only known when the line runs.
    pub(super) fn unknown(self) -> Self {
        Self { expands: true, base: Base::Plain, base_length: 0, ..self }
    }

    /// All but its first `count` bytes, as a word.
    pub(super) fn behind(self, count: usize) -> Self {
        let expands = self.expands || self.base != Base::Plain;
        Self { text: self.text.behind(count), expands, base: Base::Plain, base_length: 0, ..self }
    }

    /// Whether the text is what the program gets.
    pub(super) fn is_literal(self) -> bool {
        !self.expands && self.base == Base::Plain
    }

    /// Whether it depends on the directory it is written in.
    pub(super) fn depends_on_here(self) -> bool {
        matches!(self.base, Base::Here | Base::Top)
    }
}

/// A command.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommandRecord {
    pub(super) words: Span,
    /// The end of its source, blanks included.
    pub(super) end: u32,
    /// Its place among [`super::Line::steps`], or one of the special ones.
    pub(super) directory: u32,
    /// Its place among [`super::Line::rare`], or [`NONE`].
    pub(super) rare: u32,
    /// Its place among [`super::Line::groups`], or [`NONE`].
    pub(super) group: u32,
    pub(super) piped_from: bool,
    pub(super) piped_to: bool,
    pub(super) substituted: bool,
}

/// No place in a list.
pub(super) const NONE: u32 = u32::MAX;

/// What few commands have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rare {
    pub(super) assignments: Span,
    pub(super) redirections: Span,
    /// Another one whose assignments count too, or [`NONE`].
    pub(super) outer: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct AssignmentRecord {
    pub(super) name: Span,
    pub(super) value: WordRecord,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RedirectionRecord {
    pub(super) descriptor: Option<u16>,
    pub(super) operator: Operator,
    pub(super) target: WordRecord,
}

/// Commands that are piped together: a subshell, a compound command, the text that a shell is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// The one around it, or [`NONE`].
    pub(super) outer: u32,
    pub(super) piped_to: bool,
}
