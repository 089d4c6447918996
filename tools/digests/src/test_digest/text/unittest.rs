//! Python's unittest: <https://docs.python.org/3/library/unittest.html>.

use super::super::pieces::{is_own, number};
use super::super::report::{Failure, Report};
use super::TextReader;

/// Most failures and most lines of a message kept.
const MOST: usize = 1_000;
const MOST_LINES: usize = 3;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Unittest {
    report: Report,
    /// A double rule came: a title may follow.
    ruled: bool,
    open: Option<Failure>,
    lines: Vec<String>,
    found: Vec<Failure>,
    /// Those of `found` that belong to runs before this one.
    earlier: usize,
    count: Option<usize>,
    seen: bool,
}

impl TextReader for Unittest {
    fn line(&mut self, line: &str) {
        match line.as_bytes().first() {
            Some(b'=') if line.len() >= 70 && line.bytes().all(|byte| byte == b'=') => {
                self.close();
                self.ruled = true;
                return;
            }
            Some(b'R') => {
                if let Some(count) = line.strip_prefix("Ran ").and_then(ran) {
                    self.close();
                    self.seen = true;
                    self.report.complete = false;
                    self.count = Some(count.0);
                    count.1.clone_into(&mut self.report.duration);
                    return;
                }
            }
            Some(b'O' | b'F' | b'N') if self.count.is_some() => self.last(line),
            _ => {}
        }
        if std::mem::take(&mut self.ruled) {
            if let Some(name) = line.strip_prefix("FAIL: ").or_else(|| line.strip_prefix("ERROR: ")) {
                self.open = Some(Failure { test: full_name(name), ..Failure::default() });
            }
            return;
        }
        let Some(failure) = &mut self.open else { return };
        if let Some((path, rest)) = line.strip_prefix("  File \"").and_then(|rest| rest.split_once("\", line ")) {
            if is_own(path) {
                path.clone_into(&mut failure.file);
                failure.line = number(rest).and_then(|(line, _)| u32::try_from(line).ok());
            }
        } else if line.starts_with("Traceback (") {
            self.lines.clear();
        } else if !line.starts_with([' ', '-']) && !line.is_empty() && self.lines.len() < MOST_LINES {
            self.lines.push(line.to_owned());
        }
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.close();
        if !self.seen {
            return None;
        }
        let mut report = std::mem::take(&mut self.report);
        report.framework = "unittest";
        for failure in std::mem::take(&mut self.found) {
            report.push(failure);
        }
        Some(report)
    }
}

impl Unittest {
    fn close(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let Some(mut failure) = self.open.take() else { return };
        let text = lines.first().map(String::as_str).unwrap_or_default();
        text.strip_prefix("AssertionError: ").unwrap_or(text).clone_into(&mut failure.msg);
        if self.found.len() < MOST {
            self.found.push(failure);
        }
    }

    /// `OK`, `OK (skipped=1)`, `FAILED (failures=1, errors=2)`, `NO TESTS RAN`.
    fn last(&mut self, line: &str) {
        let (word, inner) = line.split_once(" (").unwrap_or((line, ""));
        if !matches!(word, "OK" | "FAILED" | "NO TESTS RAN") {
            return;
        }
        let Some(ran) = self.count.take() else { return };
        let of = |name: &str| {
            let parts = inner.trim_end_matches(')').split(", ");
            parts
                .filter_map(|part| part.split_once('='))
                .find(|(key, _)| *key == name)
                .and_then(|(_, count)| count.parse().ok())
        };
        let skipped = of("skipped").unwrap_or(0) + of("expected failures").unwrap_or(0);
        // What fails in setUpClass, and each part of a test, is told by itself, but is no test that ran.
        let (mut outside, mut inside): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for failure in &self.found[self.earlier..] {
            let name = failure.test.split_once(" (").map_or(failure.test.as_str(), |(name, _)| name);
            let list =
                if name.starts_with("setUp") || name.starts_with("tearDown") { &mut outside } else { &mut inside };
            if !list.contains(&name) {
                list.push(name);
            }
        }
        let told: usize = of("failures").unwrap_or(0) + of("errors").unwrap_or(0);
        let unexpected: usize = of("unexpected successes").unwrap_or(0);
        self.earlier = self.found.len();
        let failed = if self.found.len() >= MOST { told } else { inside.len() }.min(ran) + unexpected;
        let passed = ran.saturating_sub(failed + skipped);
        self.report.count(passed, failed + outside.len(), skipped);
        if word == "FAILED" && self.report.failed == 0 {
            self.report.failed = told.max(1);
        }
        self.report.complete = true;
    }
}

/// The count and the time of `3 tests in 0.001s`.
fn ran(rest: &str) -> Option<(usize, &str)> {
    let (count, rest) = number(rest)?;
    let time = rest.strip_prefix(" tests in ").or_else(|| rest.strip_prefix(" test in "))?;
    Some((count, time))
}

/// `test_a (test_mod.Cart.test_a) (i=0)` as `test_mod.Cart.test_a (i=0)`; `test_a (test_mod.Cart)` of older versions likewise.
fn full_name(title: &str) -> String {
    let Some((short, rest)) = title.split_once(" (") else { return title.to_owned() };
    let Some((path, rest)) = rest.split_once(')') else { return title.to_owned() };
    if short.starts_with("setUp") || short.starts_with("tearDown") {
        return title.to_owned();
    }
    if path.ends_with(short) { format!("{path}{rest}") } else { format!("{path}.{short}{rest}") }
}
