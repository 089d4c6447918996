//! The directory that a command runs in.

use std::path::{Path, PathBuf};

use super::records::{Base, Span, WordRecord, short};
use super::{Line, Word};

/// Most changes by relative paths that are followed one after the other.
const MOST_STEPS: u8 = 32;

/// Where the line starts.
pub(super) const START: u32 = u32::MAX;
/// Known only when the line runs.
pub(super) const UNKNOWN: u32 = u32::MAX - 1;

/// What a path on a command line can start from.
#[derive(Clone, Copy)]
pub struct Places<'p> {
    /// The directory that the line starts in, absolute.
    pub start: &'p Path,
    /// The home folder.
    pub home: Option<&'p Path>,
    /// The top of the work tree that holds a directory, for `$(git rev-parse --show-toplevel)`; asked only for that.
    pub top: &'p dyn Fn(&Path) -> Option<PathBuf>,
}

impl std::fmt::Debug for Places<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Places").field("start", &self.start).field("home", &self.home).finish_non_exhaustive()
    }
}

/// One change of directory. A directory is known by the last change that leads to it, a place in [`Line::steps`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// The directory before, or [`START`].
    before: u32,
    /// The path; `None` for the home folder.
    to: Option<WordRecord>,
    depth: u8,
}

impl Line<'_> {
    /// The directory after a change from `before` to `word`, to the home folder without one.
    pub(super) fn change(&mut self, before: u32, to: Option<WordRecord>) -> u32 {
        let absolute = to.is_none_or(|word| match word.base {
            Base::Plain => self.get(word.text).starts_with('/'),
            base => base == Base::Home,
        });
        let (before, depth) = match self.steps.get(before as usize) {
            _ if to.is_some_and(|word| word.expands) => return UNKNOWN,
            _ if absolute => (START, 0),
            Some(step) if step.depth < MOST_STEPS => (before, step.depth + 1),
            None if before == START => (START, 0),
            _ => return UNKNOWN,
        };
        self.steps.push(Step { before, to, depth });
        short(self.steps.len() - 1)
    }

    /// The path of a directory, absolute; it need not exist.
    pub(super) fn resolve(&self, directory: u32, places: &Places<'_>) -> Option<PathBuf> {
        if directory == START {
            return Some(places.start.to_owned());
        }
        let step = self.steps.get(directory as usize)?;
        let Some(to) = step.to else { return places.home.map(Path::to_owned) };
        Word::of(self, to).path(&self.resolve(step.before, places)?, places)
    }

    /// The text of a span.
    pub(super) fn get(&self, span: Span) -> &str {
        let range = span.range();
        match range.start.checked_sub(self.text.len()) {
            Some(start) => self.made.get(start..start + range.len()),
            None => self.text.get(range),
        }
        .unwrap_or_default()
    }
}
