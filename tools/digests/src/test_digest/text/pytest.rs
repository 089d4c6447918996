//! pytest: <https://docs.pytest.org/en/stable/how-to/output.html>. Names come from the short summary, messages and places
//! from the sections of errors and failures in any style of traceback.

use super::super::pieces::{counts, is_own, is_time, place};
use super::super::report::{Failure, Report};
use super::TextReader;

/// Most entries kept, and most lines of one message.
const MOST: usize = 1_000;
const MOST_LINES: usize = 6;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Pytest {
    section: Section,
    entries: Vec<Entry>,
    summary: Vec<Named>,
    internal: Vec<String>,
    report: Report,
    begun: bool,
    /// The entry that lines of a section belong to has begun in that section.
    titled: bool,
    crash: Option<Failure>,
    /// With `--tb=line`: file, line and message of each failure.
    places: Vec<(String, u32, String)>,
}

#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
enum Section {
    #[default]
    Other,
    Errors,
    Failures,
    Summary,
}

/// A part of the sections of errors and failures.
#[derive(Debug, Default)]
struct Entry {
    title: String,
    is_error: bool,
    lines: Vec<String>,
    /// Lines beginning with E have ended.
    told: bool,
    place: Option<(String, u32)>,
}

/// A line of the short summary.
#[derive(Debug)]
struct Named {
    is_error: bool,
    node: String,
    msg: String,
}

impl TextReader for Pytest {
    fn line(&mut self, line: &str) {
        match line.as_bytes().first() {
            Some(b'=') => return self.bar(line),
            // With -q the last line has no bars.
            Some(b'0'..=b'9' | b'n') if self.last(line) => return,
            Some(b'I') => {
                if let Some(rest) = line.strip_prefix("INTERNALERROR>") {
                    if self.internal.len() < MOST {
                        self.internal.push(rest.trim().to_owned());
                    }
                    return;
                }
            }
            _ => {}
        }
        match self.section {
            Section::Other => self.outside(line),
            Section::Summary => self.named(line),
            Section::Errors | Section::Failures => self.inside(line),
        }
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        if !self.begun && !self.report.complete && self.internal.is_empty() {
            return None;
        }
        self.tell();
        let mut report = std::mem::take(&mut self.report);
        report.framework = "pytest";
        if let Some(line) = self.internal.iter().rev().find(|line| !line.is_empty()) {
            report.fault(Failure { msg: format!("pytest itself failed: {line}"), ..Failure::default() });
        }
        if let Some(crash) = self.crash.filter(|_| !report.complete) {
            report.ran = true;
            report.fault(crash);
        }
        Some(report)
    }
}

impl Pytest {
    fn bar(&mut self, line: &str) {
        let title = line.trim_matches('=').trim();
        if title.is_empty() || !line.ends_with('=') || title.len() + 4 > line.len() {
            return;
        }
        self.titled = false;
        self.section = match title {
            "test session starts" => {
                self.begun = true;
                self.report.complete = false;
                Section::Other
            }
            "ERRORS" => Section::Errors,
            "FAILURES" => Section::Failures,
            "short test summary info" => Section::Summary,
            _ => {
                self.last(title);
                Section::Other
            }
        };
    }

    /// The line that says how it ended; whether `line` is it.
    fn last(&mut self, line: &str) -> bool {
        let line = line.trim();
        // `in 0.01s`, `in 61.20s (0:01:01)`: so that few lines are searched.
        if !line.ends_with(['s', ')']) {
            return false;
        }
        let Some((said, time)) = line.rsplit_once(" in ") else { return false };
        let time = time.split_once(" (").map_or(time, |(time, _)| time);
        if !is_time(time) {
            return false;
        }
        // `--collect-only` runs nothing.
        let collected = said.contains(" collected") && !said.contains("error");
        let none = collected || said == "no tests ran" || said.ends_with("deselected") && !said.contains(',');
        let found = if none { Vec::new() } else { counts(said).unwrap_or_default() };
        let known = |word: &str| {
            matches!(
                word,
                "passed"
                    | "failed"
                    | "skipped"
                    | "xfailed"
                    | "xpassed"
                    | "deselected"
                    | "error"
                    | "errors"
                    | "warning"
                    | "warnings"
                    | "rerun"
            ) || word.ends_with("subtests passed")
                || word == "subtests failed"
        };
        if !none && (found.is_empty() || !found.iter().all(|(_, word)| known(word))) {
            return false;
        }
        let of = |words: &[&str]| found.iter().filter(|(_, word)| words.contains(word)).map(|(count, _)| count).sum();
        let failed = of(&["failed", "error", "errors", "subtests failed"]);
        self.report.count(of(&["passed", "xpassed"]), failed, of(&["skipped", "xfailed"]));
        self.report.flaky += of(&["rerun"]).min(1);
        time.clone_into(&mut self.report.duration);
        self.report.complete = true;
        self.tell();
        self.section = Section::Other;
        true
    }

    /// A crash of the interpreter: its message, then the frames, the innermost first.
    fn outside(&mut self, line: &str) {
        match &mut self.crash {
            None if line.starts_with("ERROR: ") && self.begun => {
                self.report.fault(Failure { msg: line.to_owned(), ..Failure::default() });
            }
            None => {
                let said = line.find("Fatal Python error: ").filter(|_| self.begun);
                self.crash = said.map(|at| Failure { msg: line[at..].to_owned(), ..Failure::default() });
            }
            Some(crash) if crash.file.is_empty() => {
                if let Some((path, rest)) = line.strip_prefix("  File \"").and_then(|rest| rest.split_once("\", line "))
                    && is_own(path)
                    && let Some((line, rest)) = super::super::pieces::number(rest)
                {
                    path.clone_into(&mut crash.file);
                    crash.line = u32::try_from(line).ok();
                    rest.trim_start().strip_prefix("in ").unwrap_or_default().clone_into(&mut crash.test);
                }
            }
            Some(_) => {}
        }
    }

    fn named(&mut self, line: &str) {
        let (is_error, rest) = match (line.strip_prefix("FAILED "), line.strip_prefix("ERROR ")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return,
        };
        let (node, msg) = rest.split_once(" - ").unwrap_or((rest, ""));
        if self.summary.len() < MOST {
            self.summary.push(Named { is_error, node: node.trim().to_owned(), msg: msg.to_owned() });
        }
    }

    /// A line of the sections of errors and failures.
    fn inside(&mut self, line: &str) {
        if line.starts_with("___") && line.ends_with("___") {
            let title = line.trim_matches('_').trim().to_owned();
            let is_error = self.section == Section::Errors;
            if self.entries.len() < MOST {
                self.entries.push(Entry { title, is_error, ..Entry::default() });
            }
            self.titled = true;
            return;
        }
        let Some(entry) = self.entries.last_mut().filter(|_| self.titled) else {
            if let Some((path, number)) = place(line).filter(|(path, _)| is_own(path) && !path.starts_with(' ')) {
                let said = line.split_once(&format!(":{number}: ")).map_or("", |(_, said)| said);
                if self.places.len() < MOST {
                    self.places.push((path.to_owned(), number, said.to_owned()));
                }
            }
            return;
        };
        if let Some(rest) = line.strip_prefix('E').filter(|rest| rest.starts_with("   ") || rest.is_empty()) {
            if !entry.told && entry.lines.len() < MOST_LINES {
                entry.lines.push(rest.to_owned());
            }
            return;
        }
        entry.told = !entry.lines.is_empty();
        let at = match line.trim_start().strip_prefix("File \"").and_then(|rest| rest.split_once("\", line ")) {
            Some((path, rest)) => {
                super::super::pieces::number(rest).map(|(line, _)| (path, u32::try_from(line).unwrap_or(0)))
            }
            None if line.starts_with(char::is_whitespace) => None,
            None => place(line),
        };
        if let Some((path, line)) = at.filter(|(path, _)| is_own(path)) {
            entry.place = Some((path.to_owned(), line));
        }
    }

    /// Brings the short summary and the sections together.
    fn tell(&mut self) {
        let mut entries: Vec<Option<Entry>> = std::mem::take(&mut self.entries).into_iter().map(Some).collect();
        for named in std::mem::take(&mut self.summary) {
            let fits = |entry: &&mut Option<Entry>| {
                entry.as_ref().is_some_and(|entry| entry.is_error == named.is_error && is_of(&entry.title, &named.node))
            };
            let mut entry = entries.iter_mut().find(fits).and_then(Option::take);
            let own = named.node.split("::").next().unwrap_or_default();
            let at = self.places.iter().position(|(path, _, said)| path.ends_with(own) && *said == named.msg);
            if let Some((path, line, _)) = at.filter(|_| entry.is_none()).map(|at| self.places.remove(at)) {
                entry = Some(Entry { place: Some((path, line)), ..Entry::default() });
            }
            self.push(&named.node, entry, named.msg);
        }
        for entry in entries.into_iter().flatten() {
            let title = entry.title.clone();
            let title = title
                .strip_prefix("ERROR collecting ")
                .or_else(|| title.split_once(" of ").map(|(_, name)| name))
                .unwrap_or(&title);
            self.push(title, Some(entry), String::new());
        }
    }

    fn push(&mut self, node: &str, entry: Option<Entry>, said: String) {
        let (own, test) = node.split_once("::").map_or_else(
            || if node.contains('/') || node.contains(".py") { (node, "") } else { ("", node) },
            |(file, test)| (file, test),
        );
        let entry = entry.unwrap_or_default();
        let mut failure =
            Failure { test: test.to_owned(), file: own.to_owned(), msg: message(&entry.lines), ..Failure::default() };
        if failure.msg.is_empty() {
            without_name(&said).clone_into(&mut failure.msg);
        }
        if let Some((file, line)) = entry.place {
            if !own.is_empty() && !file.ends_with(own) {
                node.clone_into(&mut failure.test);
            }
            if !file.ends_with(own) || own.is_empty() {
                failure.file = file;
            }
            failure.line = Some(line);
        }
        if test.is_empty() && !self.report.complete {
            self.report.faults += 1;
        }
        self.report.push(failure);
    }
}

/// Whether the section's title (`TestCart.test_totals`, `ERROR at setup of test_x`) is about the test `node`.
fn is_of(title: &str, node: &str) -> bool {
    let name = title
        .strip_prefix("ERROR collecting ")
        .or_else(|| title.split_once(" of ").map(|(_, name)| name))
        .unwrap_or(title);
    let own = node.split_once("::").map_or(node, |(_, test)| test);
    name == node || own.replace("::", ".") == name
}

/// The lines marked E as one message: the exception's, else the comparison.
fn message(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| line.trim()).take_while(|line| !line.is_empty());
    let text: Vec<&str> = lines.filter(|line| !line.starts_with("Use -v") && !line.starts_with("+  where")).collect();
    let text = crewkit_digest::cut::fold(&text.join(" "));
    without_name(&text).to_owned()
}

/// A message without the name that every failed assertion has.
fn without_name(text: &str) -> &str {
    text.strip_prefix("AssertionError: ").filter(|rest| !rest.is_empty()).unwrap_or(text)
}
