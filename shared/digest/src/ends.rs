//! The beginning and the end of something long.

use std::collections::VecDeque;

/// The first and the last lines of an output, with the number of those between them that were dropped. Memory is
/// bounded by the number of lines and their length.
#[derive(Debug, Clone)]
pub struct Ends {
    most_first: usize,
    most_last: usize,
    longest: usize,
    first: Vec<String>,
    last: VecDeque<String>,
    dropped: usize,
}

impl Ends {
    /// Keeps `first` lines of the beginning and `last` of the end, each of at most `longest` characters. Blank lines are
    /// not kept.
    pub fn new(first: usize, last: usize, longest: usize) -> Self {
        Self {
            most_first: first,
            most_last: last,
            longest,
            first: Vec::new(),
            last: VecDeque::with_capacity(last.min(1024)),
            dropped: 0,
        }
    }

    /// One more line.
    pub fn push(&mut self, line: &str) {
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        if self.first.len() < self.most_first {
            self.first.push(crate::cut::short(line, self.longest));
            return;
        }
        if self.most_last == 0 {
            self.dropped += 1;
            return;
        }
        // A line that falls out gives its memory to the one that comes in.
        let mut place = if self.last.len() == self.most_last {
            self.dropped += 1;
            self.last.pop_front().unwrap_or_default()
        } else {
            String::new()
        };
        place.clear();
        if line.len() <= self.longest {
            place.push_str(line);
        } else {
            place.push_str(&crate::cut::short(line, self.longest));
        }
        self.last.push_back(place);
    }

    /// The lines kept, in their order.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.first.iter().chain(&self.last).map(String::as_str)
    }

    /// The last `most` of the lines kept, in their order.
    pub fn last(&self, most: usize) -> Vec<&str> {
        let all: Vec<&str> = self.lines().collect();
        all[all.len().saturating_sub(most)..].to_vec()
    }

    /// The number of lines that were dropped between beginning and end.
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_are_kept_and_the_rest_is_counted() {
        let mut ends = Ends::new(2, 3, 10);
        for number in 0..100 {
            ends.push(&format!("line {number}"));
            ends.push("  ");
        }
        assert_eq!(ends.lines().collect::<Vec<_>>(), ["line 0", "line 1", "line 97", "line 98", "line 99"]);
        assert_eq!((ends.dropped(), ends.last(2)), (95, vec!["line 98", "line 99"]));
        ends.push("0123456789abc");
        assert_eq!(ends.last(1), ["012345678…"]);
    }

    #[test]
    fn nothing_at_the_end_is_possible() {
        let mut ends = Ends::new(1, 0, 10);
        ends.push("a");
        ends.push("b");
        assert_eq!((ends.last(5), ends.dropped()), (vec!["a"], 1));
    }
}
