//! The directory that a command runs in.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Word;

/// Most changes by relative paths that are followed one after the other.
const MOST_STEPS: u8 = 32;

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

/// A directory by the changes that lead to it.
#[derive(Debug, Clone, Default)]
pub(super) enum Directory {
    /// Where the line starts.
    #[default]
    Start,
    /// After a change.
    After(Rc<Step>),
    /// Known only when the line runs.
    Unknown,
}

/// One change.
#[derive(Debug)]
pub(super) struct Step {
    before: Directory,
    to: Word<'static>,
    depth: u8,
}

impl Directory {
    /// The directory after a change to `word`.
    pub(super) fn change(&self, word: &Word<'_>) -> Self {
        let depth = match self {
            _ if !word.is_resolvable() => return Self::Unknown,
            _ if word.is_absolute() => {
                return Self::After(Rc::new(Step { before: Self::Start, to: word.clone().into_owned(), depth: 0 }));
            }
            Self::Start => 0,
            Self::After(step) if step.depth < MOST_STEPS => step.depth + 1,
            Self::After(_) | Self::Unknown => return Self::Unknown,
        };
        Self::After(Rc::new(Step { before: self.clone(), to: word.clone().into_owned(), depth }))
    }

    /// The path, absolute; it need not exist.
    pub(super) fn resolve(&self, places: &Places<'_>) -> Option<PathBuf> {
        match self {
            Self::Start => Some(places.start.to_owned()),
            Self::After(step) => step.to.path(&step.before.resolve(places)?, places),
            Self::Unknown => None,
        }
    }
}
