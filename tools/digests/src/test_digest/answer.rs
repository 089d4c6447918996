//! The answer: status, counts, failures, in as few tokens as they take.

use std::collections::HashMap;

use crewkit_digest::{cut, tokens};
use crewkit_tool::text::head;
use serde::Serialize;

use super::pieces;
use super::report::{Failure, Report};

/// Most failures told in detail where all keys are given.
const MOST_FULL: usize = 10;
/// Most failures told in detail where few keys are.
const MOST_FEW: usize = 50;
/// Most characters of a name and of a message.
const LONGEST_TEST: usize = 100;
const LONGEST_MESSAGE: usize = 200;

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// Exit code 0, no error seen, and something ran.
    Pass,
    /// A test or something around the tests failed.
    Fail,
    /// No test was run.
    Empty,
    /// Exit code and report contradict each other, or there is no report.
    Unsure,
}

/// How many keys an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Every key, also where it is 0 or empty.
    All,
    /// Those alone that say something.
    Few,
}

/// What is known when the run has ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// The runner or runners.
    pub(crate) framework: String,
    /// The exit code, where it is known.
    pub(crate) code: Option<i32>,
    /// What the runner said.
    pub(crate) report: Option<Report>,
    /// Whether `pass` needs a report. `npm test` passes without one: its script may be anything.
    pub(crate) needs_report: bool,
    /// The last lines of the output, for a run whose failure nobody explains.
    pub(crate) tail: Vec<String>,
    /// The time limit ended it.
    pub(crate) timed_out: bool,
    /// The file with the whole output, and its bytes.
    pub(crate) log: Option<(String, u64)>,
    /// The working directory with a slash at its end: few keys name files relative to it.
    pub(crate) folder: String,
}

impl Run {
    /// What it came to.
    pub(crate) fn status(&self) -> Status {
        let Some(report) = &self.report else {
            return match self.code {
                Some(0) if !self.needs_report => Status::Pass,
                Some(0) | None => Status::Unsure,
                Some(_) => Status::Fail,
            };
        };
        let nothing = report.complete && !report.ran && !report.is_bad();
        match self.code {
            _ if self.timed_out => Status::Fail,
            Some(0) if report.is_bad() => Status::Unsure,
            None if report.is_bad() => Status::Fail,
            // Exit codes of their own for "no tests": 5 of pytest, 4 of nextest.
            Some(5) if nothing && report.framework == "pytest" => Status::Empty,
            Some(4) if nothing && report.framework == "nextest" => Status::Empty,
            Some(code) if code != 0 => Status::Fail,
            _ if nothing => Status::Empty,
            _ if report.complete => Status::Pass,
            _ => Status::Unsure,
        }
    }

    /// The answer, of at most about `most` tokens.
    pub(crate) fn answer(&self, keys: Keys, most: usize) -> String {
        let status = self.status();
        let empty = Report::default();
        let report = self.report.as_ref().unwrap_or(&empty);
        let mut failures = if keys == Keys::Few {
            folded(report.failures.iter().map(|failure| self.terse(failure)))
        } else {
            plain(&report.failures)
        };
        if failures.is_empty() && matches!(status, Status::Fail | Status::Unsure) {
            failures =
                self.tail.iter().map(|line| Told::of(Failure { msg: line.clone(), ..Failure::default() })).collect();
        }
        let told: usize = failures.iter().map(|failure| 1 + failure.also.len()).sum();
        // What was counted and never named: the runner did not, or there were too many to keep.
        let unnamed = (report.failed + report.faults).saturating_sub(told);
        let mut level = Level {
            details: if keys == Keys::All { MOST_FULL } else { MOST_FEW },
            message: LONGEST_MESSAGE,
            names: usize::MAX,
        };
        loop {
            let text = self.render(keys, status, report, &failures, unnamed, level);
            if tokens::estimate(&text) <= most {
                return text;
            }
            let Some(next) = level.next(failures.len()) else { return text };
            level = next;
        }
    }

    /// A failure with short paths and without the frames of its trace, of which the place is kept.
    fn terse(&self, failure: &Failure) -> Failure {
        let mut short = failure.clone();
        let has_folder = self.folder.len() > 1;
        if has_folder && let Some(file) = failure.file.strip_prefix(&self.folder) {
            file.clone_into(&mut short.file);
        }
        if failure.msg.contains('\n') {
            let is_frame = |line: &str| {
                line.trim_start().starts_with("at ") && (pieces::js_frame(line).is_some() || line.contains("(<"))
            };
            short.msg = failure.msg.lines().filter(|line| !is_frame(line)).collect::<Vec<_>>().join("\n");
        }
        if has_folder && short.msg.contains(&self.folder) {
            short.msg = short.msg.replace(&self.folder, "");
        }
        short
    }

    fn render(
        &self,
        keys: Keys,
        status: Status,
        report: &Report,
        failures: &[Told],
        unnamed: usize,
        level: Level,
    ) -> String {
        let all = keys == Keys::All;
        let (detailed, named) = failures.split_at(failures.len().min(level.details));
        let mut more = unnamed;
        let mut room = level.names;
        let mut take = |names: Vec<String>| {
            let kept = names.len().min(room);
            room -= kept;
            more += names.len() - kept;
            names.into_iter().take(kept).collect::<Vec<_>>()
        };
        let entries: Vec<Entry> = detailed.iter().map(|told| told.entry(all, level.message, &mut take)).collect();
        let others =
            take(named.iter().flat_map(|told| std::iter::once(&told.failure).chain(&told.also)).map(name_of).collect());
        let shown = |count: usize| (all || count > 0).then_some(count);
        let derivable = report.passed.is_some()
            && report.passed == report.total.and_then(|total| total.checked_sub(report.failed + report.skipped));
        // A report that is missing where it may be has no counts: the contract wants 0 there.
        let known = |count: Option<usize>| if self.report.is_none() && all { Some(0) } else { count };
        let passed = known(report.passed);
        let failed = shown(report.failed);
        let listed = detailed.len();
        let answer = Answer {
            framework: &self.framework,
            status,
            exit_code: (all || self.code != Some(0)).then_some(self.code),
            total: (all || self.report.is_some()).then_some(known(report.total)),
            passed: (all || (!derivable && passed.is_some())).then_some(passed),
            failed,
            skipped: shown(report.skipped),
            flaky: (report.flaky > 0).then_some(report.flaky),
            duration: (all || is_long(&report.duration)).then_some(&report.duration),
            failures: (all || !entries.is_empty()).then_some(entries),
            failures_total: (listed < failures.len() && report.failed + report.faults > report.failed)
                .then_some(report.failed + report.faults),
            others,
            more: (more > 0).then_some(more),
            timed_out: self.timed_out,
            log: self.log.as_ref().filter(|_| status != Status::Pass).map(|(path, _)| path.as_str()),
            log_bytes: self.log.as_ref().filter(|_| status != Status::Pass).map(|(_, bytes)| *bytes),
        };
        serde_json::to_string(&answer).unwrap_or_default()
    }
}

/// How much detail an answer has.
#[derive(Debug, Clone, Copy)]
struct Level {
    details: usize,
    message: usize,
    names: usize,
}

impl Level {
    /// A level with less: shorter messages, fewer failures in detail, and fewer names only at the end.
    fn next(self, failures: usize) -> Option<Self> {
        let details = self.details.min(failures);
        if self.message > 60 {
            return Some(Self { message: self.message * 2 / 3, ..self });
        }
        if details > 3 {
            return Some(Self { details: details * 2 / 3, ..self });
        }
        if self.names > 10 {
            let names = if self.names == usize::MAX { 1_000 } else { self.names * 2 / 3 };
            return Some(Self { names, ..self });
        }
        if details > 1 || self.names > 0 {
            return Some(Self { details: details / 2, names: self.names / 2, message: self.message.min(40) });
        }
        None
    }
}

#[derive(Debug, Serialize)]
#[expect(clippy::option_option, reason = "left out, null, and a value are three answers")]
struct Answer<'a> {
    framework: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<Option<i32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Option<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed: Option<Option<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flaky: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<Vec<Entry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures_total: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    timed_out: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    suite: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// File and line in one, where few keys are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
}

/// A failure and those that failed for the same reason at the same place.
#[derive(Debug)]
struct Told {
    failure: Failure,
    also: Vec<Failure>,
}

impl Told {
    fn of(failure: Failure) -> Self {
        Self { failure, also: Vec::new() }
    }

    fn entry(&self, all: bool, longest: usize, take: &mut impl FnMut(Vec<String>) -> Vec<String>) -> Entry<'_> {
        let Failure { suite, test, file, line, msg } = &self.failure;
        let given = |text: String| (all || !text.is_empty()).then_some(text);
        let msg = if all { head(msg, longest).to_owned() } else { cut::short(&cut::fold(msg), longest) };
        Entry {
            suite,
            test: given(head(test, if all { LONGEST_TEST } else { LONGEST_MESSAGE }).to_owned()),
            file: all.then_some(file),
            line: line.filter(|_| all),
            at: (!all && !file.is_empty()).then(|| line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))),
            msg: given(msg),
            also: take(self.also.iter().map(name_of).collect()),
        }
    }
}

/// Whether a time as runners print it is a second or more.
fn is_long(time: &str) -> bool {
    !time.is_empty() && !time.starts_with("0.") && !time.ends_with("ms")
}

fn name_of(failure: &Failure) -> String {
    let name = if failure.test.is_empty() { &failure.file } else { &failure.test };
    let name = if name.is_empty() { &failure.msg } else { name };
    let name = head(name, LONGEST_TEST);
    if failure.suite.is_empty() { name.to_owned() } else { format!("{} {name}", failure.suite) }
}

fn plain(failures: &[Failure]) -> Vec<Told> {
    failures.iter().cloned().map(Told::of).collect()
}

/// Failures with the same message at the same place as one.
fn folded(failures: impl Iterator<Item = Failure>) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut known: HashMap<(String, String, Option<u32>), usize> = HashMap::new();
    for mut failure in failures {
        let key = (failure.msg.clone(), failure.file.clone(), failure.line);
        match known.get(&key) {
            Some(at) if !failure.msg.is_empty() && !failure.test.is_empty() => {
                if failure.suite == told[*at].failure.suite {
                    failure.suite.clear();
                }
                told[*at].also.push(failure);
            }
            _ => {
                known.insert(key, told.len());
                told.push(Told::of(failure));
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn run(code: Option<i32>, change: impl FnOnce(&mut Report)) -> Run {
        let mut report = Report::of("cargo");
        report.count(3, 0, 0);
        report.complete = true;
        change(&mut report);
        Run {
            framework: "cargo".into(),
            code,
            report: Some(report),
            needs_report: true,
            tail: vec!["last line".into()],
            timed_out: false,
            log: Some(("/home/u/.cache/crewkit/logs/5891b5b522d5.log".into(), 4_000)),
            folder: "/app/".into(),
        }
    }

    #[test]
    fn only_what_was_seen_to_pass_is_a_pass() {
        let fault = |report: &mut Report| report.fault(Failure { msg: "x".into(), ..Failure::default() });
        let none = |report: &mut Report| *report = Report { complete: true, total: Some(0), ..Report::of("jest") };
        let half = |report: &mut Report| report.complete = false;
        assert_eq!(run(Some(0), |_| {}).status(), Status::Pass);
        assert_eq!(run(None, |_| {}).status(), Status::Pass);
        assert_eq!(run(Some(1), |_| {}).status(), Status::Fail);
        assert_eq!(run(Some(0), |report| report.count(0, 1, 0)).status(), Status::Unsure);
        assert_eq!(run(None, |report| report.count(0, 1, 0)).status(), Status::Fail);
        assert_eq!(run(Some(0), fault).status(), Status::Unsure);
        assert_eq!(run(Some(0), none).status(), Status::Empty);
        assert_eq!(run(Some(1), none).status(), Status::Fail);
        assert_eq!(run(Some(0), half).status(), Status::Unsure);
        let no_report = |code, needs_report| Run { report: None, needs_report, ..run(code, |_| {}) }.status();
        assert_eq!(
            [no_report(Some(0), false), no_report(Some(0), true), no_report(None, true), no_report(Some(2), false)],
            [Status::Pass, Status::Unsure, Status::Unsure, Status::Fail]
        );
    }

    #[test]
    fn failures_with_one_cause_are_one_entry() {
        let seen = run(Some(101), |report| {
            report.count(0, 3, 0);
            for test in ["a", "b", "c"] {
                let msg = if test == "c" { "other" } else { "no database" };
                report.push(Failure {
                    test: test.into(),
                    file: "src/db.rs".into(),
                    line: Some(3),
                    msg: msg.into(),
                    ..Failure::default()
                });
            }
        });
        let answer: Value = serde_json::from_str(&seen.answer(Keys::Few, 2_000)).unwrap();
        let wanted = json!([
            {"test": "a", "at": "src/db.rs:3", "msg": "no database", "also": ["b"]},
            {"test": "c", "at": "src/db.rs:3", "msg": "other"}
        ]);
        assert_eq!((&answer["failures"], &answer["failed"], &answer["total"]), (&wanted, &json!(3), &json!(6)));
        assert_eq!(answer.get("more"), None);
    }

    #[test]
    fn a_cap_takes_detail_first_and_counts_the_names_it_takes() {
        let seen = run(Some(101), |report| {
            report.count(0, 900, 0);
            for number in 0..900 {
                report.push(Failure {
                    test: format!("case {number}"),
                    msg: format!("number {number} {}", "x".repeat(300)),
                    ..Failure::default()
                });
            }
        });
        for keys in [Keys::Few, Keys::All] {
            for most in [300, 2_000, 20_000] {
                let text = seen.answer(keys, most);
                assert!(tokens::estimate(&text) <= most, "{keys:?} {most}: {text}");
                let answer: Value = serde_json::from_str(&text).unwrap();
                let count = |key: &str| answer[key].as_array().map_or(0, Vec::len) as u64;
                assert_eq!(count("failures") + count("others") + answer["more"].as_u64().unwrap_or(0), 900, "{text}");
            }
        }
    }
}
