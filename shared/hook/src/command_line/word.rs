//! Words with their quotes taken off.

use std::ops::{Deref, Range, RangeFrom};
use std::path::{Path, PathBuf};

use super::records::{Base, WordRecord};
use super::{Line, Places};

/// A word of a command with its quotes taken off. Dereferences to its text; expansions stand in it as written, except
/// a variable that the line itself has set to plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'l> {
    text: &'l str,
    quoted: bool,
    expands: bool,
    base: Base,
    base_length: u8,
}

impl Deref for Word<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.text
    }
}

impl PartialEq<str> for Word<'_> {
    fn eq(&self, text: &str) -> bool {
        self.text == text
    }
}

impl PartialEq<&str> for Word<'_> {
    fn eq(&self, text: &&str) -> bool {
        self.text == *text
    }
}

impl<'l> Word<'l> {
    /// The word that `record` tells of.
    pub(super) fn of(line: &'l Line<'_>, record: WordRecord) -> Self {
        let WordRecord { text, start: _, quoted, expands, base, base_length } = record;
        Self { text: line.get(text), quoted, expands, base, base_length }
    }

    /// Its text.
    pub fn text(self) -> &'l str {
        self.text
    }

    /// Whether the text is what the program gets: no expansion and no file name pattern in it.
    pub fn is_literal(self) -> bool {
        !self.expands && self.base == Base::Plain
    }

    /// Whether any part of it was quoted or escaped.
    pub fn is_quoted(self) -> bool {
        self.quoted
    }

    /// The text behind the last slash.
    pub fn file_name(self) -> &'l str {
        file_name(self.text)
    }

    /// The word as a path, made absolute against `here`. `~`, `$HOME`, `$PWD`, `$(pwd)` and
    /// `$(git rev-parse --show-toplevel)` at its beginning are understood; `None` for any other expansion.
    pub fn path(self, here: &Path, places: &Places<'_>) -> Option<PathBuf> {
        if self.expands {
            return None;
        }
        let base = match self.base {
            Base::Plain => return Some(here.join(self.text)),
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

    /// Whether it is a path that does not depend on a directory.
    pub(super) fn is_absolute(self) -> bool {
        !self.expands && (self.base == Base::Home || self.base == Base::Plain && self.text.starts_with('/'))
    }

    /// A part of the word as a word.
    pub(super) fn part(self, range: RangeFrom<usize>) -> Self {
        Self {
            text: self.text.get(range).unwrap_or_default(),
            expands: self.expands || self.base != Base::Plain,
            base: Base::Plain,
            base_length: 0,
            ..self
        }
    }
}

/// What stands behind the last slash of `path`.
pub(super) fn file_name(path: &str) -> &str {
    match path.bytes().rposition(|byte| byte == b'/') {
        Some(slash) => path.get(slash + 1..).unwrap_or_default(),
        None => path,
    }
}

/// The words of a command, or a part of them.
#[derive(Debug, Clone, Copy)]
pub struct Words<'l> {
    line: &'l Line<'l>,
    records: &'l [WordRecord],
}

impl<'l> Words<'l> {
    pub(super) fn new(line: &'l Line<'l>, records: &'l [WordRecord]) -> Self {
        Self { line, records }
    }

    /// How many they are.
    pub fn len(self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.records.is_empty()
    }

    /// The word at `index`, the first being 0.
    pub fn get(self, index: usize) -> Option<Word<'l>> {
        self.records.get(index).map(|record| Word::of(self.line, *record))
    }

    /// The first word.
    pub fn first(self) -> Option<Word<'l>> {
        self.get(0)
    }

    /// The words in `range`; none where it does not lie in them.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Self {
        Self { records: self.records.get(range).unwrap_or_default(), ..self }
    }

    /// All but the first `count`.
    #[must_use]
    pub fn behind(self, count: usize) -> Self {
        Self { records: self.records.get(count..).unwrap_or_default(), ..self }
    }

    /// The first word and those behind it.
    pub fn split_first(self) -> Option<(Word<'l>, Self)> {
        self.first().map(|first| (first, self.behind(1)))
    }

    /// The words in their order.
    pub fn iter(self) -> WordIter<'l> {
        WordIter { line: self.line, records: self.records.iter() }
    }
}

impl<'l> IntoIterator for Words<'l> {
    type Item = Word<'l>;
    type IntoIter = WordIter<'l>;

    fn into_iter(self) -> WordIter<'l> {
        self.iter()
    }
}

/// Words in their order.
#[derive(Debug, Clone)]
pub struct WordIter<'l> {
    line: &'l Line<'l>,
    records: std::slice::Iter<'l, WordRecord>,
}

impl<'l> Iterator for WordIter<'l> {
    type Item = Word<'l>;

    fn next(&mut self) -> Option<Word<'l>> {
        self.records.next().map(|record| Word::of(self.line, *record))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl DoubleEndedIterator for WordIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.records.next_back().map(|record| Word::of(self.line, *record))
    }
}

impl ExactSizeIterator for WordIter<'_> {}
