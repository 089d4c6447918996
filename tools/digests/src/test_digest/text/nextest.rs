//! `cargo nextest run`: <https://nexte.st/docs/reporting/>.

use super::super::pieces::number;
use super::super::report::{Failure, Report};
use super::TextReader;
use super::cargo::of_lines;
use super::panics::Panics;
use super::rustc::Errors;

/// Most lines kept of a failed test's output.
const MOST_LINES: usize = 200;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Nextest {
    seen: bool,
    /// After the summary failures are told again.
    summed: bool,
    report: Report,
    current: Option<Test>,
    errors: Errors,
}

/// A test that failed, with its output.
#[derive(Debug, Default)]
struct Test {
    failure: Failure,
    panics: Panics,
    lines: Vec<String>,
}

impl TextReader for Nextest {
    fn line(&mut self, line: &str) {
        let text = line.trim_start();
        if text.starts_with("Nextest run ID ") || text.starts_with("Starting ") && text.contains(" across ") {
            self.seen = true;
            self.summed = false;
            self.report.complete = false;
            return;
        }
        if !self.seen {
            self.errors.line(line);
            return;
        }
        if let Some(rest) = text.strip_prefix("Summary [") {
            self.close();
            self.summary(rest);
        } else if text.starts_with("error: no tests to run") || text.starts_with("error: no tests were run") {
            self.report.complete = true;
        } else if let Some((status, name)) = status(line) {
            if !self.summed {
                self.test(status, name);
            }
        } else if let Some(current) = &mut self.current {
            // Captured output stands four blanks in, in older versions none.
            let inner = line.strip_prefix("    ").unwrap_or(line);
            current.panics.line(inner);
            if current.lines.len() < MOST_LINES && !inner.trim().is_empty() {
                current.lines.push(inner.trim().to_owned());
            }
        } else {
            self.errors.line(line);
        }
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.close();
        let mut report = std::mem::take(&mut self.report);
        report.framework = "nextest";
        report.ran |= self.seen && !report.complete;
        self.errors.tell(&mut report);
        (self.seen || report.faults > 0).then_some(report)
    }
}

impl Nextest {
    fn test(&mut self, status: &str, name: &str) {
        self.close();
        let (suite, test) = name.split_once(' ').unwrap_or(("", name));
        if matches!(status, "PASS" | "LEAK" | "SLOW" | "SKIP")
            || status.ends_with("PASS")
            || status.starts_with("FLAKY")
        {
            // An earlier attempt had failed.
            self.report.failures.retain(|other| (other.suite.as_str(), other.test.as_str()) != (suite, test));
            return;
        }
        let mut failure = Failure { suite: suite.to_owned(), test: test.to_owned(), ..Failure::default() };
        if !status.ends_with("FAIL") {
            let last = status.rsplit(' ').next().unwrap_or_default();
            failure.msg = if ["TIMEOUT", "TERMINATING", "TMT", "TRMNTG"].contains(&last) {
                "timed out".to_owned()
            } else {
                status.to_owned()
            };
        }
        self.current = Some(Test { failure, ..Test::default() });
    }

    fn close(&mut self) {
        let Some(Test { mut failure, panics, lines }) = self.current.take() else { return };
        let overflow = lines.iter().any(|line| line.ends_with("has overflowed its stack"));
        if let Some(panic) = panics.all.first() {
            if let Some((file, line)) = &panic.place {
                file.clone_into(&mut failure.file);
                failure.line = Some(*line);
            }
            failure.msg = panic.message();
        } else if overflow {
            failure.msg = format!("stack overflow ({})", failure.msg);
        } else if failure.msg.is_empty() {
            let told = of_lines(&lines, &failure.test);
            failure = Failure { suite: failure.suite, ..told };
        }
        // A test that is tried again is told with its last attempt.
        self.report.failures.retain(|other| (&other.suite, &other.test) != (&failure.suite, &failure.test));
        self.report.push(failure);
    }

    fn summary(&mut self, rest: &str) {
        let Some((time, rest)) = rest.split_once("] ") else { return };
        self.summed = true;
        self.report.complete = true;
        time.trim().clone_into(&mut self.report.duration);
        let Some((_, counts)) = rest.split_once(": ") else { return };
        let mut of = [0_usize; 3];
        for part in counts.split(", ") {
            let Some((count, what)) = number(part.trim()) else { continue };
            let what = what.trim();
            if what.starts_with("passed") {
                of[0] += count;
                if let Some((flaky, _)) =
                    what.split_once('(').and_then(|(_, inner)| number(inner)).filter(|_| what.contains("flaky"))
                {
                    self.report.flaky += flaky;
                }
            } else if what.starts_with("skipped") {
                of[2] += count;
            } else if ["failed", "timed out", "exec failed"].iter().any(|word| what.starts_with(word)) {
                of[1] += count;
            }
        }
        self.report.count(of[0], of[1], of[2]);
    }
}

/// The status and the name of a line about a test: `FAIL [   0.006s] (2/8) demo tests::x`.
fn status(line: &str) -> Option<(&str, &str)> {
    let indent = line.len() - line.trim_start().len();
    if !(2..=16).contains(&indent) {
        return None;
    }
    let (status, rest) = line.trim_start().split_once(" [")?;
    let known =
        ["PASS", "FAIL", "LEAK", "SLOW", "SIG", "ABORT", "TIMEOUT", "TERMINATING", "TRY ", "FLAKY", "XFAIL", "SKIP"];
    let plain = status
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b' ' | b'/' | b'-' | b'+'));
    if !plain || !known.iter().any(|word| status.starts_with(word)) {
        return None;
    }
    let (time, rest) = rest.split_once("] ")?;
    if !time.trim().trim_start_matches('>').ends_with('s') {
        return None;
    }
    let rest = rest.trim_start();
    let name = match rest.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
        Some((_, name)) => name.trim_start(),
        None => rest,
    };
    (!name.is_empty()).then_some((status, name))
}
