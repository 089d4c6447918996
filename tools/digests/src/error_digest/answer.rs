//! The answer: errors, their count, and what was cut.

use crewkit_digest::tokens;
use crewkit_tool::text::head;
use serde::Serialize;

use super::faults::Fault;
use super::frames::Place;
use super::scan::{Findings, LONGEST};

/// What is known when the input has ended.
#[derive(Debug)]
pub(super) struct Known {
    /// What was found in it.
    pub(super) findings: Findings,
    /// The command's exit code; `None` for a filter.
    pub(super) code: Option<i32>,
    /// The last lines of a command that failed without an error.
    pub(super) tail: Vec<String>,
    /// Whether the time limit ended the command.
    pub(super) timed_out: bool,
    /// The file with all of the input, and its bytes.
    pub(super) log: Option<(String, u64)>,
    /// Whether only the final error is wanted.
    pub(super) last: bool,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    errors: Vec<Entry<'a>>,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    assertions: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tail: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    timed_out: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    msg: &'a str,
    file: &'a str,
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<String>,
}

/// How much detail an answer has.
#[derive(Debug, Clone, Copy)]
struct Level {
    longest: usize,
    assertions: usize,
    errors: usize,
}

impl Level {
    fn next(self) -> Option<Self> {
        if self.longest > 60 {
            return Some(Self { longest: self.longest * 2 / 3, ..self });
        }
        if self.assertions > 0 {
            return Some(Self { assertions: self.assertions / 2, ..self });
        }
        (self.errors > 1).then_some(Self { errors: self.errors - 1, ..self })
    }
}

impl Known {
    /// The answer, of at most about `most` tokens. `snippet` gives the source line of a place.
    pub(super) fn answer(&self, most: usize, snippet: &dyn Fn(&Place) -> Option<String>) -> String {
        let mut level = Level { longest: LONGEST, assertions: usize::MAX, errors: usize::MAX };
        level.assertions = self.findings.assertions.len();
        level.errors = self.findings.faults.kept.len();
        loop {
            let text = self.render(level, snippet);
            if tokens::estimate(&text) <= most {
                return text;
            }
            let Some(next) = level.next() else { return text };
            level = next;
        }
    }

    fn render(&self, level: Level, snippet: &dyn Fn(&Place) -> Option<String>) -> String {
        let faults = &self.findings.faults;
        let entry = |fault: &'_ Fault, times: usize| (fault.clone(), times);
        let shown: Vec<(Fault, usize)> = if self.last {
            faults.last.iter().map(|fault| entry(fault, 1)).collect()
        } else {
            faults.kept.iter().take(level.errors).map(|(fault, times)| entry(fault, *times)).collect()
        };
        let told: usize = shown.iter().map(|(_, times)| times).sum();
        let errors = shown.iter().map(|(fault, times)| Entry {
            kind: head(&fault.kind, level.longest),
            msg: head(&fault.msg, level.longest),
            file: fault.place.as_ref().map_or("", |place| &place.file),
            line: fault.place.as_ref().map(|place| place.line),
            times: (*times > 1).then_some(*times),
            snippet: fault.place.as_ref().and_then(snippet),
        });
        let more = faults.count - told;
        let log = self.log.as_ref().filter(|_| faults.count > 0 || self.code.is_some_and(|code| code != 0));
        let answer = Answer {
            errors: errors.collect(),
            count: faults.count,
            more: (more > 0).then_some(more),
            assertions: self
                .findings
                .assertions
                .iter()
                .take(level.assertions)
                .map(|line| head(line, level.longest))
                .collect(),
            exit_code: self.code,
            tail: &self.tail,
            timed_out: self.timed_out,
            log: log.map(|(path, _)| path.as_str()),
            log_bytes: log.map(|(_, bytes)| *bytes),
        };
        serde_json::to_string(&answer).unwrap_or_default()
    }
}
