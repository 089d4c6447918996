//! The words of a command. Most commands have one or two: those are kept without memory of their own, for a line may hold
//! very many commands, and fresh memory costs more than reading them.

use std::ops::Deref;

use super::Word;

/// The words of a command, as a slice.
#[derive(Debug, Clone)]
pub struct Words<'a>(Kept<'a>);

#[derive(Debug, Clone)]
enum Kept<'a> {
    One([Word<'a>; 1]),
    Two([Word<'a>; 2]),
    Many(Vec<Word<'a>>),
}

impl<'a> Deref for Words<'a> {
    type Target = [Word<'a>];

    fn deref(&self) -> &[Word<'a>] {
        match &self.0 {
            Kept::One(words) => words,
            Kept::Two(words) => words,
            Kept::Many(words) => words,
        }
    }
}

impl<'a> Words<'a> {
    /// The words of a command that is being read.
    pub(super) fn draft(words: Vec<Word<'a>>) -> Self {
        Self(Kept::Many(words))
    }

    /// Takes the first `count` words out of a draft.
    pub(super) fn cut(&mut self, count: usize) {
        if let Kept::Many(words) = &mut self.0 {
            words.drain(..count);
        }
    }

    /// Keeps a draft in as little memory as it needs; gives the draft's own back, empty, for the next.
    pub(super) fn settle(&mut self) -> Vec<Word<'a>> {
        let Kept::Many(draft) = &mut self.0 else { return Vec::new() };
        let mut draft = std::mem::take(draft);
        let mut words = draft.drain(..);
        self.0 = match (words.len(), words.next(), words.next()) {
            (1, Some(one), _) => Kept::One([one]),
            (2, Some(one), Some(two)) => Kept::Two([one, two]),
            (count, one, two) => {
                let mut all = Vec::with_capacity(count);
                all.extend(one);
                all.extend(two);
                all.extend(words);
                self.0 = Kept::Many(all);
                return draft;
            }
        };
        drop(words);
        draft
    }

    pub(super) fn into_owned(self) -> Words<'static> {
        Words(match self.0 {
            Kept::One(words) => Kept::One(words.map(Word::into_owned)),
            Kept::Two(words) => Kept::Two(words.map(Word::into_owned)),
            Kept::Many(words) => Kept::Many(words.into_iter().map(Word::into_owned).collect()),
        })
    }
}

impl<'w, 'a> IntoIterator for &'w Words<'a> {
    type Item = &'w Word<'a>;
    type IntoIter = std::slice::Iter<'w, Word<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
