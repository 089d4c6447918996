//! The answer: status, counts, failures, in as few tokens as they take.

use crewkit_digest::tokens;
use serde::Serialize;

use super::keys::{Answer, Entry, LONGEST_MESSAGE, Told, folded, is_long, name_of, plain};
use super::report::{Failure, Report};
use super::terse;

/// Most failures told in detail where all keys are given.
const MOST_FULL: usize = 10;
/// Most failures told in detail where few keys are.
const MOST_FEW: usize = 50;

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
    /// After a report without a fault something died (see [`super::trouble`]).
    pub(crate) trouble: bool,
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
                Some(0) if self.timed_out => Status::Fail,
                Some(0) if !self.needs_report && !self.trouble => Status::Pass,
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
            _ if self.trouble => Status::Unsure,
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
            folded(report.failures.iter().map(|failure| terse::of(failure, &self.folder)))
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
            trouble: false,
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
