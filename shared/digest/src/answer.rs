//! Pieces of answers that all digests have in common.

use std::collections::HashSet;

use serde::Serialize;

/// Most tokens of an answer, unless the caller says otherwise.
pub const MAX_TOKENS: usize = 2_000;

/// What is said when there is nothing to report: goes with an exit code that is not 0.
#[derive(Debug, Clone, Serialize)]
pub struct Failure<'a> {
    /// Always `error`.
    pub status: &'static str,
    /// Why.
    pub msg: &'a str,
}

impl<'a> Failure<'a> {
    /// The object for `msg`.
    pub fn new(msg: &'a str) -> Self {
        Self { status: "error", msg }
    }
}

/// The exit code of a wrapped command as that of this process.
pub fn exit_code(code: i32) -> u8 {
    // What does not fit must not become 0.
    u8::try_from(code).unwrap_or(1)
}

/// A list of at most `most` different entries in order of appearance, and the number of all that came, repeats too.
#[derive(Debug)]
pub struct Capped {
    most: usize,
    kept: Vec<String>,
    seen: HashSet<String>,
    total: usize,
}

impl Capped {
    /// An empty list.
    pub fn new(most: usize) -> Self {
        Self { most, kept: Vec::new(), seen: HashSet::new(), total: 0 }
    }

    /// One more entry.
    pub fn push(&mut self, entry: String) {
        self.total += 1;
        if self.kept.len() < self.most && self.seen.insert(entry.clone()) {
            self.kept.push(entry);
        }
    }

    /// Every entry that came, repeats too.
    pub fn total(&self) -> usize {
        self.total
    }

    /// How many entries there were to tell: different ones as long as all could be kept, else all that came.
    pub fn found(&self) -> usize {
        if self.kept.len() < self.most { self.kept.len() } else { self.total }
    }

    /// The entries kept, in their order.
    pub fn kept(&self) -> &[String] {
        &self.kept
    }

    /// The entries kept.
    pub fn into_kept(self) -> Vec<String> {
        self.kept
    }
}

/// For serde: whether a count is 0 and can be left out.
pub fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capped_list_counts_what_it_drops() {
        let mut list = Capped::new(2);
        for entry in ["b", "a", "b", "c"] {
            list.push(entry.to_owned());
        }
        assert_eq!(list.found(), 4);
        assert_eq!((list.total(), list.into_kept()), (4, vec!["b".to_owned(), "a".to_owned()]));
    }

    #[test]
    fn a_strange_exit_code_is_no_success() {
        assert_eq!([0, 1, 143, 255, 256, -1].map(exit_code), [0, 1, 143, 255, 1, 1]);
    }
}
