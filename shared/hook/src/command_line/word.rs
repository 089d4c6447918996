//! Words with their quotes taken off.

use std::borrow::Cow;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

use super::Places;

/// A word of a command with its quotes taken off. Dereferences to its text; expansions stand in it as written, except
/// a variable that the line itself has set to plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'a> {
    text: Cow<'a, str>,
    start: u32,
    quoted: bool,
    expands: bool,
    pub(super) base: Base,
    pub(super) base_length: u8,
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

/// The expansions that stand for a [`Base`].
pub(super) const BASES: [(&str, Base); 8] = [
    ("~", Base::Home),
    ("$HOME", Base::Home),
    ("${HOME}", Base::Home),
    ("$PWD", Base::Here),
    ("${PWD}", Base::Here),
    ("$(pwd)", Base::Here),
    ("`pwd`", Base::Here),
    ("$(git rev-parse --show-toplevel)", Base::Top),
];

impl Deref for Word<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl PartialEq<str> for Word<'_> {
    fn eq(&self, text: &str) -> bool {
        self.text == text
    }
}

impl<'a> Word<'a> {
    /// Whether the text is what the program gets: no expansion and no file name pattern in it.
    pub fn is_literal(&self) -> bool {
        !self.expands && self.base == Base::Plain
    }

    /// Whether any part of it was quoted or escaped.
    pub fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// The text behind the last slash.
    pub fn file_name(&self) -> &str {
        self.rsplit('/').next().unwrap_or_default()
    }

    /// The word as a path, made absolute against `here`. `~`, `$HOME`, `$PWD`, `$(pwd)` and
    /// `$(git rev-parse --show-toplevel)` at its beginning are understood; `None` for any other expansion.
    pub fn path(&self, here: &Path, places: &Places<'_>) -> Option<PathBuf> {
        if self.expands {
            return None;
        }
        let base = match self.base {
            Base::Plain => return Some(here.join(&*self.text)),
            Base::Home => places.home?.to_owned(),
            Base::Here => here.to_owned(),
            Base::Top => (places.top)(here)?,
        };
        let rest = self.text.get(usize::from(self.base_length)..).unwrap_or_default();
        match rest.strip_prefix('/') {
            Some(rest) => Some(base.join(rest.trim_start_matches('/'))),
            None if rest.is_empty() => Some(base),
            None => {
                let mut joined = base.into_os_string();
                joined.push(rest);
                Some(joined.into())
            }
        }
    }

    /// Where it begins in the text that was read.
    pub(super) fn start(&self) -> usize {
        self.start as usize
    }

    /// Whether it can be made a path without running anything.
    pub(super) fn is_resolvable(&self) -> bool {
        !self.expands
    }

    /// Whether it is a path that does not depend on a directory.
    pub(super) fn is_absolute(&self) -> bool {
        !self.expands && (self.base == Base::Home || self.base == Base::Plain && self.text.starts_with('/'))
    }

    /// Whether it depends on the directory it is written in.
    pub(super) fn depends_on_here(&self) -> bool {
        matches!(self.base, Base::Here | Base::Top)
    }

    /// `~`.
    pub(super) fn home() -> Self {
        Self { text: Cow::Borrowed("~"), start: 0, quoted: false, expands: false, base: Base::Home, base_length: 1 }
    }

    /// The same word as one that is only known when the line runs.
    pub(super) fn unknown(self) -> Self {
        Self { expands: true, base: Base::Plain, base_length: 0, ..self }
    }

    /// A part of the word as a word.
    pub(super) fn part(&self, range: std::ops::RangeFrom<usize>) -> Word<'_> {
        Word {
            text: Cow::Borrowed(self.text.get(range).unwrap_or_default()),
            start: self.start,
            quoted: self.quoted,
            expands: self.expands || self.base != Base::Plain,
            base: Base::Plain,
            base_length: 0,
        }
    }

    /// The text, borrowed from the line where possible.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        self.text
    }

    pub(super) fn into_owned(self) -> Word<'static> {
        let Self { text, start, quoted, expands, base, base_length } = self;
        Word { text: Cow::Owned(text.into_owned()), start, quoted, expands, base, base_length }
    }
}

/// A word that is being read.
pub(super) struct Draft {
    start: usize,
    /// The text so far, while it is one piece of the line.
    piece: Range<usize>,
    /// The text so far, when it is not.
    owned: Option<String>,
    pub(super) quoted: bool,
    pub(super) expands: bool,
    pub(super) base: Base,
    pub(super) base_length: u8,
}

impl Draft {
    pub(super) fn new(start: usize) -> Self {
        Self {
            start,
            piece: start..start,
            owned: None,
            quoted: false,
            expands: false,
            base: Base::Plain,
            base_length: 0,
        }
    }

    pub(super) fn length(&self) -> usize {
        self.owned.as_ref().map_or(self.piece.len(), String::len)
    }

    /// Adds a piece of `line`.
    pub(super) fn keep(&mut self, line: &str, piece: Range<usize>) {
        match &mut self.owned {
            Some(owned) => owned.push_str(line.get(piece).unwrap_or_default()),
            None if piece.is_empty() => {}
            None if self.piece.is_empty() => self.piece = piece,
            None if self.piece.end == piece.start => self.piece.end = piece.end,
            None => self.own(line).push_str(line.get(piece).unwrap_or_default()),
        }
    }

    pub(super) fn own(&mut self, line: &str) -> &mut String {
        let piece = self.piece.clone();
        self.owned.get_or_insert_with(|| line.get(piece).unwrap_or_default().to_owned())
    }

    pub(super) fn text<'d>(&'d self, line: &'d str) -> &'d str {
        self.owned.as_deref().unwrap_or_else(|| line.get(self.piece.clone()).unwrap_or_default())
    }

    pub(super) fn word(self, line: &str) -> Word<'_> {
        let text = match self.owned {
            Some(owned) => Cow::Owned(owned),
            None => Cow::Borrowed(line.get(self.piece).unwrap_or_default()),
        };
        Word {
            text,
            start: u32::try_from(self.start).unwrap_or(u32::MAX),
            quoted: self.quoted,
            expands: self.expands,
            base: self.base,
            base_length: self.base_length,
        }
    }
}
