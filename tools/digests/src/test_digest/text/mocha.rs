//! mocha's summary, which all its reporters for people print: <https://mochajs.org/#reporters>.

use super::super::pieces::{is_own, is_time, js_frame, number};
use super::super::report::{Failure, Report};
use super::TextReader;

/// Most lines of a message kept.
const MOST_LINES: usize = 8;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Mocha {
    report: Report,
    counts: [Option<usize>; 3],
    open: Option<Failure>,
    titles: Vec<String>,
    lines: Vec<String>,
    told: bool,
}

impl TextReader for Mocha {
    fn line(&mut self, line: &str) {
        let Some(text) = line.strip_prefix("  ") else {
            if let Some(failure) = &self.open
                && !self.told
                && !failure.test.is_empty()
                && !line.is_empty()
                && self.lines.len() < MOST_LINES
            {
                self.lines.push(line.trim().to_owned());
            }
            return;
        };
        if let Some((count, rest)) = number(text) {
            if self.count(count, rest) {
                return;
            }
            if self.counts[2].is_some()
                && let Some(title) = rest.strip_prefix(") ")
            {
                self.close();
                self.open = Some(Failure::default());
                self.titles.push(title.trim().to_owned());
                self.end_of_title(title);
                return;
            }
        }
        self.inside(text);
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.close();
        let [passed, pending, failed] = self.counts;
        self.report.framework = "mocha";
        self.report.count(passed?, failed.unwrap_or(0), pending.unwrap_or(0));
        self.report.complete = true;
        Some(self.report)
    }
}

impl Mocha {
    /// `2 passing (5ms)`, `1 pending`, `1 failing`; whether it is one of them.
    fn count(&mut self, count: usize, rest: &str) -> bool {
        let at = match rest.trim() {
            "pending" => 1,
            "failing" => 2,
            rest => {
                let Some(time) = rest.strip_prefix("passing (").and_then(|time| time.strip_suffix(')')) else {
                    return false;
                };
                if is_time(time) {
                    time.clone_into(&mut self.report.duration);
                }
                0
            }
        };
        self.counts[at] = Some(self.counts[at].unwrap_or(0) + count);
        true
    }

    /// The name is whole with the line that ends in a colon.
    fn end_of_title(&mut self, title: &str) {
        if let (Some(failure), true) = (&mut self.open, title.trim().ends_with(':')) {
            let name = self.titles.join(" ");
            name.trim_end_matches(':').clone_into(&mut failure.test);
            self.titles.clear();
        }
    }

    fn inside(&mut self, text: &str) {
        let Some(failure) = &mut self.open else { return };
        if failure.test.is_empty() {
            self.titles.push(text.trim().to_owned());
            self.end_of_title(text);
        } else if let Some((path, line)) = js_frame(text) {
            self.told = true;
            if failure.line.is_none() && is_own(path) {
                failure.line = Some(line);
                path.clone_into(&mut failure.file);
            }
        } else if !self.told && !text.trim().is_empty() && self.lines.len() < MOST_LINES {
            self.lines.push(text.trim().to_owned());
        }
    }

    fn close(&mut self) {
        let (lines, titles) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.titles));
        self.told = false;
        let Some(mut failure) = self.open.take() else { return };
        if failure.test.is_empty() {
            failure.test = titles.join(" ");
        }
        failure.msg = lines.join("\n");
        self.report.push(failure);
    }
}
