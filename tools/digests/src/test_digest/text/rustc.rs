//! Errors of rustc and cargo in the text of a run.

use super::super::pieces::place;
use super::super::report::{Failure, Report};

/// Most errors that are waited for with their places.
const MOST: usize = 100;

/// Collects errors out of lines.
#[derive(Debug, Default)]
pub(super) struct Errors {
    found: Vec<Failure>,
    /// The first sentence that sums up others: it counts where those did not come.
    sum: Option<String>,
    dropped: usize,
    open: bool,
}

impl Errors {
    /// One more line, one that is not a test's own output.
    pub(super) fn line(&mut self, line: &str) {
        if line.starts_with("error") {
            self.open = false;
            if !is_error(line) {
                if line.starts_with("error: ") && !line.starts_with("error: no tests ") && self.sum.is_none() {
                    self.sum = Some(line.to_owned());
                }
                return;
            }
            if self.found.len() < MOST {
                self.found.push(Failure { msg: line.to_owned(), ..Failure::default() });
                self.open = true;
            } else {
                self.dropped += 1;
            }
        } else if self.open
            && let Some((path, number)) = line.trim_start().strip_prefix("--> ").and_then(place)
            && let Some(last) = self.found.last_mut()
        {
            path.clone_into(&mut last.file);
            last.line = Some(number);
            self.open = false;
        }
    }

    /// Puts what was found into `report`.
    pub(super) fn tell(self, report: &mut Report) {
        report.faults += self.dropped;
        for failure in self.found {
            report.fault(failure);
        }
        if let Some(sum) = self.sum.filter(|_| !report.is_bad()) {
            report.fault(Failure { msg: sum, ..Failure::default() });
        }
    }
}

/// An error by itself, not a sentence that sums up others or the failure of tests.
fn is_error(line: &str) -> bool {
    const SUMS: [&str; 9] = [
        "could not compile",
        "test failed",
        "doctest failed",
        "test run failed",
        "aborting due to",
        "build failed",
        "command `",
        "command failed",
        "no tests to run",
    ];
    let Some(message) = line.strip_prefix("error: ") else { return line.starts_with("error[") };
    let sums_targets = message.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(" target");
    !sums_targets && !SUMS.iter().any(|sum| message.starts_with(sum))
}
