//! bats as it writes for a terminal; elsewhere it prints the test anything protocol.

use super::super::pieces::{counts, number};
use super::super::report::{Failure, Report};
use super::TextReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Bats {
    report: Report,
    open: Option<Failure>,
    seen: bool,
}

impl TextReader for Bats {
    fn line(&mut self, line: &str) {
        // One character is found much faster than a word.
        if let Some((_, test)) = line.contains('✗').then(|| line.rsplit_once(" ✗ ")).flatten() {
            self.close();
            self.open = Some(Failure { test: test.trim().to_owned(), ..Failure::default() });
        } else if line.starts_with(|c: char| c.is_ascii_digit()) {
            self.last(line);
        } else if let Some(failure) = &mut self.open
            && let Some(text) = line.strip_prefix("   ")
        {
            let text = text.trim();
            // The next test begins, with its number over the count: `adds 2/3`.
            let counts = |word: &str| {
                word.split_once('/')
                    .is_some_and(|(one, all)| all.parse::<u32>().is_ok() && one.ends_with(|c: char| c.is_ascii_digit()))
            };
            if text.split(' ').any(counts) {
                return self.close();
            }
            if let Some((path, rest)) =
                text.split_once("in test file ").and_then(|(_, rest)| rest.split_once(", line "))
            {
                path.clone_into(&mut failure.file);
                failure.line = number(rest).and_then(|(line, _)| u32::try_from(line).ok());
            } else if failure.msg.len() < 1_000 {
                failure.msg.push_str(text);
                failure.msg.push('\n');
            }
        }
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.close();
        self.report.framework = "bats";
        self.seen.then_some(self.report)
    }
}

impl Bats {
    fn close(&mut self) {
        if let Some(failure) = self.open.take() {
            self.report.push(failure);
        }
    }

    /// `3 tests, 1 failure, 1 skipped`.
    fn last(&mut self, line: &str) {
        let Some(found) = counts(line) else { return };
        let of = |words: &[&str]| found.iter().find(|(_, word)| words.contains(word)).map(|(count, _)| *count);
        let (Some(tests), Some(failed)) = (of(&["tests", "test"]), of(&["failures", "failure"])) else { return };
        self.close();
        let skipped = of(&["skipped"]).unwrap_or(0);
        self.report.count(tests.saturating_sub(failed + skipped), failed, skipped);
        self.report.complete = true;
        self.seen = true;
    }
}
