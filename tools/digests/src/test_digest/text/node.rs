//! The spec reporter of Node.js's own runner: <https://nodejs.org/api/test.html#test-reporters>.

use super::super::pieces::{is_own, js_frame, number, place};
use super::super::report::{Failure, Report};
use super::TextReader;

/// Most lines of a message kept.
const MOST_LINES: usize = 8;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Node {
    report: Report,
    totals: Totals,
    /// After `✖ failing tests:`.
    failing: bool,
    at: Option<(String, u32)>,
    open: Option<Failure>,
    lines: Vec<String>,
    told: bool,
}

/// The totals that both reporters of Node.js end with.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Totals {
    tests: Option<usize>,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Totals {
    /// A line without its mark: `tests 5`, `pass 1`, `duration_ms 115.2`.
    pub(super) fn line(&mut self, line: &str, duration: &mut String) {
        let Some((word, value)) = line.split_once(' ') else { return };
        if word == "duration_ms" && number(value).is_some() {
            *duration = format!("{}ms", value.split('.').next().unwrap_or_default());
            return;
        }
        let Ok(count) = value.parse::<usize>() else { return };
        match word {
            "tests" => self.tests = Some(self.tests.unwrap_or(0) + count),
            "pass" => self.passed += count,
            "fail" | "cancelled" => self.failed += count,
            "skipped" | "todo" => self.skipped += count,
            _ => {}
        }
    }

    /// Puts them into `report`; whether they came.
    pub(super) fn tell(self, report: &mut Report) -> bool {
        if self.tests.is_some() {
            report.count(self.passed, self.failed, self.skipped);
            report.complete = true;
        }
        self.tests.is_some()
    }
}

impl TextReader for Node {
    fn line(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("ℹ ") {
            self.totals.line(rest, &mut self.report.duration);
        } else if line.starts_with("✖ failing tests:") {
            self.failing = true;
        } else if !self.failing {
        } else if let Some(rest) = line.strip_prefix("test at ") {
            self.close();
            self.at = place(rest).map(|(path, line)| (path.to_owned(), line));
        } else if let Some(rest) = line.strip_prefix("✖ ") {
            self.close();
            let test = rest.rsplit_once(" (").map_or(rest, |(name, _)| name).to_owned();
            let (file, line) = self.at.take().map_or((String::new(), None), |(file, line)| (file, Some(line)));
            self.open = Some(Failure { test, file, line, ..Failure::default() });
        } else if let Some(failure) = &mut self.open {
            let text = line.trim();
            if let Some((path, line)) = js_frame(text) {
                if !self.told && is_own(path) && path.ends_with(&failure.file) {
                    failure.line = Some(line);
                }
                self.told = true;
            } else if !self.told && !text.is_empty() && self.lines.len() < MOST_LINES {
                self.lines.push(text.to_owned());
            }
        }
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.close();
        self.report.framework = "node";
        self.totals.tell(&mut self.report).then_some(self.report)
    }
}

impl Node {
    fn close(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        self.told = false;
        if let Some(mut failure) = self.open.take() {
            failure.msg = lines.join("\n");
            self.report.push(failure);
        }
    }
}
