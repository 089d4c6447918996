//! Lines that mark a test as passed or failed, for runners that nobody knows: ✓ ✔ PASS, ✗ ✘ FAIL.

use super::super::report::{Failure, Report};

/// Most failures kept.
const MOST: usize = 200;

/// Counts marks.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    passed: usize,
    failed: Vec<String>,
    dropped: usize,
}

impl Marks {
    /// One more line.
    pub(crate) fn line(&mut self, line: &str) {
        let text = line.trim();
        if text.starts_with(['✓', '✔']) || has_word(text, "PASS") {
            self.passed += 1;
        } else if text.starts_with(['✗', '✘', '✖']) || has_word(text, "FAIL") {
            if self.failed.len() < MOST { self.failed.push(text.to_owned()) } else { self.dropped += 1 }
        }
    }

    /// What the marks say; `None` without any.
    pub(crate) fn report(self) -> Option<Report> {
        let failed = self.failed.len() + self.dropped;
        if self.passed + failed == 0 {
            return None;
        }
        let mut report = Report::of("npm");
        report.count(self.passed, failed, 0);
        for msg in self.failed {
            report.push(Failure { msg, ..Failure::default() });
        }
        report.complete = true;
        Some(report)
    }
}

/// Whether `word` stands in `text` by itself, not inside another word such as FAILOVER.
fn has_word(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(part_of_word)
            && !text[at + word.len()..].chars().next().is_some_and(part_of_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_words_not_letters() {
        let mut marks = Marks::default();
        for line in ["✓ one", "PASS two", "PASSED? no", "FAILOVER done", "  ✗ three", "COMPASS", "it FAIL: four"] {
            marks.line(line);
        }
        let report = marks.report().unwrap();
        assert_eq!((report.passed, report.failed), (Some(2), 2));
        assert_eq!(report.failures[0].msg, "✗ three");
    }
}
