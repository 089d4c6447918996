//! vitest's default reporter: <https://vitest.dev/guide/reporters>.

use super::super::pieces::{counts, is_own, is_time, number, place};
use super::super::report::{Failure, Report};
use super::TextReader;

/// Most lines of a message kept.
const MOST_LINES: usize = 80;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Vitest {
    report: Report,
    seen: bool,
    begun: bool,
    open: Option<Failure>,
    lines: Vec<String>,
    told: bool,
}

impl TextReader for Vitest {
    fn line(&mut self, line: &str) {
        let text = line.trim();
        if text.starts_with('⎯') {
            self.close();
            let title = text.trim_matches(['⎯', ' ']);
            if title.starts_with("Unhandled ") && title != "Unhandled Errors" || title.starts_with("Uncaught ") {
                self.open = Some(Failure::default());
            }
            return;
        }
        if let Some(title) = line.strip_prefix(" FAIL  ") {
            self.close();
            self.open = Some(named(title));
        } else if let Some(rest) = text.strip_prefix("Tests  ") {
            self.totals(rest);
        } else if let Some(rest) = text.strip_prefix("Test Files  ") {
            self.close();
            self.seen = true;
            let failed = rest.split(" | ").any(|part| part.contains("failed"));
            self.report.faults += usize::from(failed && self.report.failures.is_empty());
        } else if line.starts_with(" RUN  v") {
            self.close();
            self.begun = true;
            self.report.complete = false;
        } else if let Some(rest) = text.strip_prefix("Errors  ") {
            // Outside the tests, as nobody's failure; each is told above.
            let told = self.report.faults;
            self.report.faults = told.max(number(rest).map_or(0, |(count, _)| count));
        } else if text == "No test files found, exiting with code 0" {
            self.seen = true;
            self.report.complete = true;
        } else if let Some(rest) = text.strip_prefix("Duration  ") {
            let time = rest.split(" (").next().unwrap_or_default();
            if is_time(time) {
                time.clone_into(&mut self.report.duration);
            }
        } else if let Some(failure) = &mut self.open {
            if let Some((path, line)) = text.strip_prefix("❯ ").and_then(|rest| place(rest.rsplit(' ').next()?)) {
                self.told = true;
                if failure.line.is_none() && is_own(path) {
                    failure.line = Some(line);
                    path.clone_into(&mut failure.file);
                }
            } else if !self.told && !text.is_empty() && self.lines.len() < MOST_LINES {
                self.lines.push(text.to_owned());
            }
        }
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.close();
        self.report.framework = "vitest";
        (self.seen || self.begun).then_some(self.report)
    }
}

impl Vitest {
    fn close(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        self.told = false;
        let Some(mut failure) = self.open.take() else { return };
        failure.msg = lines.join("\n");
        if failure.test.is_empty() {
            self.report.fault(failure);
        } else {
            self.report.push(failure);
        }
    }

    /// `3 failed | 1 passed | 1 skipped (5)`.
    fn totals(&mut self, rest: &str) {
        let (said, total) = rest.rsplit_once(" (").unwrap_or((rest, ""));
        let Some(found) = counts(said) else {
            if rest.starts_with("no tests") {
                self.seen = true;
            }
            return;
        };
        let of = |word: &str| found.iter().find(|(_, name)| *name == word).map_or(0, |(count, _)| *count);
        self.seen = true;
        self.report.complete = true;
        self.report.count(of("passed"), of("failed"), of("skipped") + of("todo"));
        if let Some((total, _)) = number(total) {
            self.report.total = self.report.total.map(|known| known.max(total));
        }
    }
}

/// `cart.test.js > cart > totals`, `broken.test.js [ broken.test.js ]`, either with `|project|` before it.
fn named(title: &str) -> Failure {
    let title = title.trim();
    let title = title.strip_prefix('|').and_then(|rest| rest.split_once("| ")).map_or(title, |(_, rest)| rest.trim());
    if let Some((file, test)) = title.split_once(" > ") {
        return Failure { test: test.replace(" > ", " "), file: file.to_owned(), ..Failure::default() };
    }
    Failure { file: title.split(" [").next().unwrap_or_default().to_owned(), ..Failure::default() }
}
