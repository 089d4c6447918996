//! jest's default reporter: <https://jestjs.io/docs/cli>.

use super::super::pieces::{counts, is_own, is_time, js_frame};
use super::super::report::{Failure, Report};
use super::TextReader;

/// Most lines of a message kept.
const MOST_LINES: usize = 80;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Jest {
    report: Report,
    seen: bool,
    file: String,
    open: Option<Failure>,
    lines: Vec<String>,
    /// The message has ended, the code around the place follows.
    told: bool,
}

impl TextReader for Jest {
    fn line(&mut self, line: &str) {
        match line.as_bytes().first() {
            Some(b'F' | b'P') => {
                if let Some(path) = line.strip_prefix("FAIL ").or_else(|| line.strip_prefix("PASS ")) {
                    self.close();
                    let path = path.rsplit_once(" (").map_or(path, |(path, _)| path).trim();
                    path.strip_prefix("./").unwrap_or(path).clone_into(&mut self.file);
                    return;
                }
            }
            Some(b'N') if line == "No tests found, exiting with code 0" => {
                self.seen = true;
                self.report.complete = true;
                return;
            }
            Some(b'T') => {
                if let Some(rest) = line.strip_prefix("Tests:       ") {
                    self.close();
                    self.totals(rest);
                } else if let Some(rest) = line.strip_prefix("Time:        ") {
                    let time = rest.split(',').next().unwrap_or_default();
                    if is_time(time) {
                        time.clone_into(&mut self.report.duration);
                    }
                } else if let Some(rest) = line.strip_prefix("Test Suites: ") {
                    self.close();
                    self.seen = true;
                    let failed = counts(rest).unwrap_or_default().iter().any(|(_, word)| *word == "failed");
                    self.report.faults += usize::from(failed && self.report.failures.is_empty());
                }
                return;
            }
            Some(b' ') => {}
            Some(_) => return,
            None => {
                if self.open.is_some() && !self.lines.is_empty() && !self.told {
                    self.lines.push(String::new());
                }
                return;
            }
        }
        if let Some(title) = line.strip_prefix("  ● ") {
            self.close();
            let name = title.replace(" › ", " ");
            let test = if name == "Test suite failed to run" { String::new() } else { name };
            self.open = Some(Failure { test, file: self.file.clone(), ..Failure::default() });
            return;
        }
        self.inside(line.trim());
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.close();
        self.report.framework = "jest";
        self.seen.then_some(self.report)
    }
}

impl Jest {
    fn inside(&mut self, text: &str) {
        let Some(failure) = &mut self.open else { return };
        let is_code = text.starts_with("> ")
            || text.split_once(" |").is_some_and(|(number, _)| number.trim().parse::<u32>().is_ok());
        if let Some((path, line)) = js_frame(text) {
            self.told = true;
            if failure.line.is_none() && is_own(path) && !path.starts_with("..") {
                failure.line = Some(line);
                if !path.ends_with(failure.file.trim_start_matches("./")) {
                    path.clone_into(&mut failure.file);
                }
            }
        } else if is_code {
            self.told = true;
        } else if !self.told && self.lines.len() < MOST_LINES {
            self.lines.push(text.to_owned());
        }
    }

    fn close(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        self.told = false;
        let Some(mut failure) = self.open.take() else { return };
        failure.msg = lines.iter().filter(|line| !line.is_empty()).cloned().collect::<Vec<_>>().join("\n");
        if failure.test.is_empty() {
            self.report.fault(failure);
        } else {
            self.report.push(failure);
        }
    }

    fn totals(&mut self, rest: &str) {
        let Some(found) = counts(rest) else { return };
        let of = |word: &str| found.iter().find(|(_, name)| *name == word).map_or(0, |(count, _)| *count);
        self.seen = true;
        self.report.complete = true;
        self.report.count(of("passed"), of("failed"), of("skipped") + of("todo"));
    }
}
