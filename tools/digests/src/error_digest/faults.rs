//! Errors, each different one once, and how many there were.

use super::frames::Place;

/// Most errors kept with their words.
const MOST_ERRORS: usize = 10;

/// An error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The type.
    pub(super) kind: String,
    /// The first line of the message.
    pub(super) msg: String,
    /// The first frame that is the project's own.
    pub(super) place: Option<Place>,
}

/// Different errors in order of appearance, how often each came, and the number of all.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The first ones, each with the number of times it came.
    pub(super) kept: Vec<(Fault, usize)>,
    /// The very last one.
    pub(super) last: Option<Fault>,
    /// All, repeats too.
    pub(super) count: usize,
}

impl Faults {
    /// One more.
    pub(super) fn push(&mut self, fault: Fault) {
        self.count += 1;
        if let Some((_, times)) = self.kept.iter_mut().find(|(known, _)| *known == fault) {
            *times += 1;
        } else if self.kept.len() < MOST_ERRORS {
            self.kept.push((fault.clone(), 1));
        }
        self.last = Some(fault);
    }
}
