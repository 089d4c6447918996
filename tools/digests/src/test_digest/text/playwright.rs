//! Playwright's reporters for people: <https://playwright.dev/docs/test-reporters>.

use super::super::pieces::{is_time, number, place};
use super::super::report::{Failure, Report};
use super::TextReader;

/// Most lines of a message kept.
const MOST_LINES: usize = 80;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Playwright {
    report: Report,
    seen: bool,
    ended: bool,
    open: Option<Failure>,
    lines: Vec<String>,
    told: bool,
    /// Among the names of those that passed at a later attempt.
    in_flaky: bool,
    counts: [usize; 3],
}

impl TextReader for Playwright {
    fn line(&mut self, line: &str) {
        if line.starts_with("Running ") && line.contains(" using ") && line.contains(" worker") {
            self.seen = true;
            return;
        }
        if !self.seen {
            return;
        }
        if self.in_flaky
            && let Some(title) = line.strip_prefix("    ")
        {
            // It passed in the end.
            let flaky = named(title);
            self.report.failures.retain(|failure| (&failure.test, &failure.file) != (&flaky.test, &flaky.file));
            return;
        }
        let Some((count, rest)) = line.strip_prefix("  ").and_then(number) else {
            return self.inside(line);
        };
        if let Some(title) = rest.strip_prefix(") ") {
            self.close();
            self.open = Some(named(title));
            return;
        }
        self.count(count, rest.trim(), line);
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.close();
        if !self.seen {
            return None;
        }
        self.report.framework = "playwright";
        let [passed, failed, skipped] = self.counts;
        self.report.count(passed, failed, skipped);
        self.report.complete = self.ended;
        Some(self.report)
    }
}

impl Playwright {
    fn count(&mut self, count: usize, rest: &str, line: &str) {
        self.in_flaky = false;
        let (word, time) = rest.split_once(" (").unwrap_or((rest, ""));
        let at = match word {
            "passed" => 0,
            "flaky" => {
                self.in_flaky = true;
                self.report.flaky += count;
                0
            }
            "failed" | "interrupted" => 1,
            "skipped" | "did not run" => 2,
            _ => return self.inside(line),
        };
        self.close();
        self.ended = true;
        self.counts[at] += count;
        let time = time.trim_end_matches(')');
        if is_time(time) {
            time.clone_into(&mut self.report.duration);
        }
    }

    fn inside(&mut self, line: &str) {
        let Some(failure) = &mut self.open else { return };
        let text = line.trim();
        if let Some(rest) = text.strip_prefix("at ") {
            self.told = true;
            if let Some((path, line)) =
                place(rest.trim_start_matches('(')).filter(|(path, _)| path.ends_with(&failure.file))
            {
                let _ = path;
                failure.line = Some(line);
            }
        } else if text.starts_with("> ")
            || text.contains(" | ") && number(text).is_some()
            || text.starts_with("Error Context: ")
            || text.starts_with("Retry #")
        {
            self.told = true;
        } else if !self.told && !text.is_empty() && self.lines.len() < MOST_LINES {
            self.lines.push(text.to_owned());
        }
    }

    fn close(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        self.told = false;
        if let Some(mut failure) = self.open.take() {
            failure.msg = lines.join("\n");
            self.report.push(failure);
        }
    }
}

/// `[chromium] › login.spec.ts:3:5 › signed in › sees the board ──────`.
fn named(title: &str) -> Failure {
    let title = title.trim_end_matches(['─', ' ']);
    let mut parts: Vec<&str> = title.split(" › ").collect();
    let at = parts.iter().position(|part| place(part).is_some());
    let (file, line) =
        at.and_then(|at| place(parts[at])).map_or((String::new(), None), |(file, line)| (file.to_owned(), Some(line)));
    parts.drain(..at.map_or(0, |at| at + 1));
    Failure { test: parts.join(" "), file, line, ..Failure::default() }
}
