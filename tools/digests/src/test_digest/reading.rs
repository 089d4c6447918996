//! All that looks at a run's output while it comes, and what it comes to when the run has ended.

use std::path::Path;

use crewkit_digest::{Captured, Ends, Reader, Source};

use super::Work;
use super::answer;
use super::machine::Machine;
use super::report::Report;
use super::text::{self, Marks, TextReader};
use super::trouble;

/// Lines of the end of an output that stand for an unexplained failure.
const TAIL: usize = 10;
/// Most characters of one of them.
const LONGEST_LINE: usize = 200;

/// All that looks at a run's output.
pub(super) struct Reading {
    machine: Machine,
    texts: Vec<Box<dyn TextReader>>,
    marks: Marks,
    out: Ends,
    err: Ends,
    alarms: Vec<String>,
    framework: Option<&'static str>,
}

impl Reading {
    pub(super) fn new(work: &Work, folder: &Path) -> Self {
        let ends = || Ends::new(0, trouble::LINES, LONGEST_LINE);
        Self {
            machine: Machine::new(folder),
            texts: text::readers(work.framework.filter(|_| work.chosen)),
            marks: Marks::default(),
            out: ends(),
            err: ends(),
            alarms: Vec::new(),
            framework: work.framework,
        }
    }

    /// What is known of the run. `from_file` is the report of `--junit`, which, where it `is_wanted`, counts alone.
    pub(super) fn finish(
        self,
        work: &Work,
        captured: &Captured,
        code: Option<i32>,
        from_file: Option<Report>,
        is_wanted: bool,
        folder: &Path,
    ) -> answer::Run {
        let mut texts = text::reports(self.texts);
        if let Some(framework) = self.framework {
            for report in texts.iter_mut().filter(|report| report.framework == "tap") {
                if matches!(framework, "node" | "bats") {
                    report.framework = framework;
                }
            }
            if texts.iter().any(|report| report.framework == framework) {
                texts.retain(|report| report.framework == framework);
            }
        }
        let machine = if is_wanted { from_file.into_iter().collect() } else { self.machine.reports(self.framework) };
        let has_machine = !machine.is_empty();
        let is_npm = work.chosen && self.framework == Some("npm");
        let found = if is_wanted { timed(machine, &texts) } else { together(machine, texts) };
        let joined = Report::join(found).or_else(|| {
            let marks = self.marks.report().filter(|_| is_npm)?;
            Some((marks.framework.to_owned(), marks))
        });
        let (named, report) = joined.map_or((String::new(), None), |(named, report)| (named, Some(report)));
        let framework = match self.framework {
            Some(framework) if work.chosen || named.is_empty() => framework.to_owned(),
            _ if named.is_empty() => "unknown".to_owned(),
            _ => named,
        };
        let is_green = report.as_ref().is_none_or(|report| !report.is_bad());
        let trouble = is_green && trouble::after(self.out.lines().chain(self.err.lines()), code.is_some());
        let mut tail = tail(&self.out, &self.err, self.alarms, has_machine);
        if tail.is_empty() && (!is_green || has_machine && code.is_some_and(|code| code != 0)) {
            tail.push("the report names no failure".to_owned());
        }
        if captured.timed_out {
            tail.insert(0, "ended by the time limit".to_owned());
        } else if let Some(signal) = code.map(|code| code - 128).filter(|signal| (1..=64).contains(signal)) {
            tail.insert(0, format!("ended by signal {signal}{}", name_of(signal)));
        }
        if let Some(refusal) = &captured.refusal {
            tail.insert(0, refusal.clone());
        }
        answer::Run {
            framework,
            code,
            report,
            needs_report: !is_npm,
            tail,
            trouble,
            timed_out: captured.timed_out,
            folder: format!("{}/", folder.display()),
            log: captured.log.as_ref().map(|log| (log.path.to_string_lossy().into_owned(), captured.bytes)),
        }
    }
}

impl Reader for Reading {
    fn line(&mut self, source: Source, line: &str) {
        for reader in &mut self.texts {
            reader.line(line);
        }
        if self.framework == Some("npm") {
            self.marks.line(line);
        }
        if self.alarms.len() < 3 && is_alarm(line) {
            self.alarms.push(crewkit_digest::cut::short(line.trim(), LONGEST_LINE));
        }
        match source {
            Source::Out => self.out.push(line),
            Source::Err => self.err.push(line),
        }
    }

    fn raw(&mut self, source: Source, bytes: &[u8]) {
        if source == Source::Out {
            self.machine.push(bytes);
        }
    }
}

/// The name of a signal that often ends a runner.
fn name_of(signal: i32) -> &'static str {
    match signal {
        2 => " (SIGINT)",
        6 => " (SIGABRT)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// A machine's reports with what only the text says: how long it took.
fn timed(mut machine: Vec<Report>, texts: &[Report]) -> Vec<Report> {
    let duration = texts.iter().map(|text| &text.duration).find(|duration| !duration.is_empty());
    if let (Some(duration), [report]) = (duration, machine.as_mut_slice())
        && report.duration.is_empty()
    {
        duration.clone_into(&mut report.duration);
    }
    machine
}

/// The reports of machines and those texts that tell of other runs. A runner may say the same twice, in both forms; a
/// bad word of it is never dropped for a good one.
fn together(machine: Vec<Report>, texts: Vec<Report>) -> Vec<Report> {
    if machine.is_empty() {
        return texts;
    }
    let is_js = |name: &str| matches!(name, "jest" | "vitest");
    let says_the_same = |text: &Report| {
        machine.iter().any(|report| {
            let same_runner = report.framework == text.framework
                || is_js(report.framework) && is_js(text.framework)
                || report.framework == "junit" && (report.total == text.total || text.total.is_none());
            same_runner && (report.is_bad() || !text.is_bad())
        })
    };
    let (same, others): (Vec<_>, Vec<_>) = texts.into_iter().partition(says_the_same);
    let mut all = timed(machine, &same);
    all.extend(others);
    all
}

/// Whether a line sounds as if it told why a run failed.
fn is_alarm(line: &str) -> bool {
    if line.len() >= 2_000 || line.starts_with('{') {
        return false;
    }
    let bytes = line.as_bytes();
    // By the first two letters in one pass: this looks at every line of outputs of any length.
    bytes.windows(2).enumerate().any(|(at, two)| {
        let words: &[&str] = match two {
            b"rr" => &["rror:"],
            b"RR" => &["RROR"],
            b"an" => &["anicked", "annot "],
            b"at" => &["atal"],
            b"nh" => &["nhandled"],
            b"no" => &["not found"],
            b"eg" => &["egmentation"],
            _ => return false,
        };
        words.iter().any(|word| bytes[at..].starts_with(word.as_bytes()))
    })
}

/// The lines that tell most about a failure nobody explains: what sounds like an error, then the end of the output.
fn tail(out: &Ends, err: &Ends, alarms: Vec<String>, has_machine: bool) -> Vec<String> {
    let text = |line: &&str| !(has_machine && line.trim_start().starts_with(['{', '"', '}', ']', '<', '[']));
    let mut last: Vec<String> = out.last(TAIL).into_iter().filter(text).map(str::to_owned).collect();
    last.extend(err.last(TAIL).into_iter().map(str::to_owned));
    let most = TAIL - alarms.iter().filter(|line| !last.contains(line)).count();
    last.drain(..last.len().saturating_sub(most));
    let mut all: Vec<String> =
        alarms.into_iter().filter(|line| !last.iter().any(|other| other.trim() == line)).collect();
    all.extend(last);
    all.dedup();
    all
}
