//! The answer: status, errors, warnings, in as few tokens as they take.

use std::collections::HashMap;
use std::fmt::Write as _;

use crewkit_digest::{cut, tokens};
use crewkit_tool::text::head;

use super::figures::Figures;
use super::found::{Finding, Found};
use super::lines::Listed;
pub(super) use super::shape::Status;
use super::shape::{Answer, Level};

/// Most errors listed where all keys are given, and where few are.
const MOST_ALL: usize = 10;
const MOST_FEW: usize = 50;
/// Most warnings listed.
const MOST_WARNINGS: usize = 5;
/// Most lines of the output's end beside errors.
const MOST_TAIL: usize = 5;
/// Most characters of an error and of a warning.
const LONGEST_ERROR: usize = 200;
const LONGEST_WARNING: usize = 150;
/// Most places named for one message.
const MOST_PLACES: usize = 6;

/// How many keys an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// Every key, also where it is 0 or empty; errors are the lines as printed.
    All,
    /// Those alone that say something; errors are place and message.
    Few,
}

/// What is known when the build has ended.
#[derive(Debug)]
pub(super) struct Known {
    /// What was built.
    pub(super) framework: String,
    /// The exit code, where it is known.
    pub(super) code: Option<i32>,
    /// What the readers found.
    pub(super) found: Found,
    /// What the rule for any line found.
    pub(super) lines: Listed,
    /// Routes, size, time.
    pub(super) figures: Figures,
    /// The last lines of the output.
    pub(super) tail: Vec<String>,
    /// Whether the exit code alone tells about lines that no tool's reader knows.
    pub(super) trusts_code: bool,
    /// Whether the time limit ended it.
    pub(super) timed_out: bool,
    /// The file with the whole output, and its bytes.
    pub(super) log: Option<(String, u64)>,
    /// The working directory with a slash at its end: few keys name files relative to it.
    pub(super) folder: String,
}

impl Known {
    /// What it came to.
    pub(super) fn status(&self) -> Status {
        let found = &self.found;
        let hard = found.hard > 0 || found.failure || found.unread;
        // A tool that says it succeeded has seen the lines that only sound like errors.
        let soft = found.soft > 0 && !found.success;
        match self.code {
            _ if self.timed_out => Status::Error,
            Some(0) if hard || (soft && !self.trusts_code) => Status::Unsure,
            Some(0) => Status::Ok,
            Some(_) => Status::Error,
            None if hard || soft => Status::Error,
            None if found.success => Status::Ok,
            None => Status::Unsure,
        }
    }

    /// The answer, of at most about `most` tokens.
    pub(super) fn answer(&self, keys: Keys, most: usize) -> String {
        let status = self.status();
        let content = self.content(keys, status);
        let mut level = Level {
            errors: content.errors.len().min(if keys == Keys::All { MOST_ALL } else { MOST_FEW }),
            error: LONGEST_ERROR,
            warnings: content.warnings.len().min(MOST_WARNINGS),
            warning: LONGEST_WARNING,
            details: content.details.len().min(MOST_ALL),
            tail: content.tail.len(),
        };
        loop {
            let text = self.render(keys, status, &content, level);
            if tokens::estimate(&text) <= most {
                return text;
            }
            let Some(next) = level.next() else { return text };
            level = next;
        }
    }

    fn content(&self, keys: Keys, status: Status) -> Content {
        let found = &self.found;
        let mut content = if keys == Keys::All {
            let Listed { errors, errors_total, warnings, warnings_total, .. } = self.lines.clone();
            // A list that is not full has left out nothing but repeats.
            let unlisted = if errors.len() < MOST_ALL { 0 } else { errors_total - errors.len() };
            Content {
                errors,
                errors_total,
                unlisted,
                warnings,
                warnings_total,
                details: self.details(),
                tail: Vec::new(),
            }
        } else {
            Content {
                errors: self.told(&found.errors),
                errors_total: found.errors_total(),
                unlisted: found.errors_dropped,
                warnings: self.told(&found.warnings),
                warnings_total: found.warning_count.max(found.told.1),
                details: Vec::new(),
                tail: Vec::new(),
            }
        };
        let failed = status == Status::Error || (status == Status::Unsure && (found.failure || self.code.is_none()));
        if content.errors.is_empty() && failed {
            if keys == Keys::Few && !found.sums.is_empty() {
                content.errors.clone_from(&found.sums);
                content.tail.clone_from(&self.tail);
            } else {
                content.errors.clone_from(&self.tail);
            }
            content.errors_total = content.errors.len();
        } else if status == Status::Unsure || (status == Status::Error && found.error_count == 0) {
            // The errors listed don't tell the cause: a manager says that its script failed, or the end was no failure.
            content.tail.clone_from(&self.tail);
        }
        let Content { errors, tail, .. } = &mut content;
        tail.retain(|line| !errors.iter().any(|error| error.trim() == line.trim()));
        let kept = tail.len().saturating_sub(MOST_TAIL);
        tail.drain(..kept);
        content
    }

    /// Errors with place and message, where the lines alone don't say both.
    fn details(&self) -> Vec<String> {
        let lines = &self.lines.errors;
        let says = |part: &str| part.is_empty() || lines.iter().any(|line| line.contains(part));
        let is_told = |finding: &Finding| {
            let name = finding.file.rsplit('/').next().unwrap_or_default();
            says(name) && says(head(&finding.msg, 30))
        };
        let first = &self.found.errors[..self.found.errors.len().min(MOST_ALL)];
        let hidden = first.iter().any(|finding| !finding.file.is_empty() && !is_told(finding));
        if hidden { self.told(first) } else { Vec::new() }
    }

    /// Findings as lines, those with the same message as one.
    fn told(&self, findings: &[Finding]) -> Vec<String> {
        let mut order: Vec<(&str, Vec<String>)> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for finding in findings {
            let at = *known.entry(&finding.msg).or_insert_with(|| {
                order.push((&finding.msg, Vec::new()));
                order.len() - 1
            });
            let file =
                finding.file.strip_prefix(&self.folder).filter(|_| self.folder.len() > 1).unwrap_or(&finding.file);
            let file = file.strip_prefix("./").unwrap_or(file);
            let place = match finding.line {
                Some(line) if !file.is_empty() => format!("{file}:{line}"),
                _ => file.to_owned(),
            };
            if !place.is_empty() && !order[at].1.contains(&place) {
                order[at].1.push(place);
            }
        }
        let line = |(msg, places): (&str, Vec<String>)| {
            let mut line = places[..places.len().min(MOST_PLACES)].join(", ");
            if places.len() > MOST_PLACES {
                let _ = write!(line, " (+{})", places.len() - MOST_PLACES);
            }
            let msg = cut::fold(msg);
            let msg = if self.folder.len() > 1 { msg.replace(&self.folder, "") } else { msg };
            if line.is_empty() {
                msg
            } else if msg.is_empty() {
                line
            } else {
                format!("{line}: {msg}")
            }
        };
        order.into_iter().map(line).collect()
    }

    fn render(&self, keys: Keys, status: Status, content: &Content, level: Level) -> String {
        let all = keys == Keys::All;
        let cut = |lines: &[String], count: usize, longest: usize| -> Vec<String> {
            let line = |line: &String| if all { head(line, longest).to_owned() } else { cut::short(line, longest) };
            lines.iter().take(count).map(line).collect()
        };
        let errors = cut(&content.errors, level.errors, level.error);
        let warnings = cut(&content.warnings, level.warnings, level.warning);
        let more = content.errors.len() - errors.len() + content.unlisted;
        let has_more_warnings = content.warnings_total > warnings.len();
        let Figures { routes, bundle_size, build_time } = &self.figures;
        let log = self.log.as_ref().filter(|_| status != Status::Ok || more > 0 || has_more_warnings);
        let answer = Answer {
            framework: &self.framework,
            status,
            exit_code: (all || self.code != Some(0)).then_some(self.code),
            routes: (all || *routes > 0).then_some(*routes),
            bundle_size: (all || !bundle_size.is_empty()).then_some(bundle_size),
            build_time: (all || !build_time.is_empty()).then_some(build_time),
            ts_errors: all.then_some(self.lines.ts_errors),
            errors_total: (content.errors_total > errors.len()).then_some(content.errors_total),
            errors: (all || !errors.is_empty()).then_some(errors),
            more: (more > 0).then_some(more),
            details: cut(&content.details, level.details, level.error),
            warnings_total: has_more_warnings.then_some(content.warnings_total),
            warnings: (all || !warnings.is_empty()).then_some(warnings),
            tail: cut(&content.tail[content.tail.len() - level.tail..], level.tail, level.error),
            timed_out: self.timed_out,
            log: log.map(|(path, _)| path.as_str()),
            log_bytes: log.map(|(_, bytes)| *bytes),
        };
        serde_json::to_string(&answer).unwrap_or_default()
    }
}

/// What an answer could list, before it is made to fit.
#[derive(Debug)]
struct Content {
    errors: Vec<String>,
    /// All errors, repeats too.
    errors_total: usize,
    /// Errors that came and are not in the list.
    unlisted: usize,
    warnings: Vec<String>,
    warnings_total: usize,
    details: Vec<String>,
    tail: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build_digest::found::Level as Severity;
    use serde_json::Value;

    fn known(code: Option<i32>, change: impl FnOnce(&mut Found)) -> Known {
        let mut found = Found::default();
        change(&mut found);
        Known {
            framework: "generic".into(),
            code,
            found,
            lines: Listed::default(),
            figures: Figures::default(),
            tail: vec!["the last line".into()],
            trusts_code: false,
            timed_out: false,
            log: Some(("/home/u/.cache/crewkit/logs/5891b5b522d5.log".into(), 4_000)),
            folder: "/app/".into(),
        }
    }

    #[test]
    fn only_what_was_seen_to_succeed_is_ok() {
        let hard = |found: &mut Found| found.push(Severity::Error, "tsc", None, "TS1: x");
        let soft = |found: &mut Found| found.push_soft(Severity::Error, "error: x");
        let calm = |found: &mut Found| {
            found.push_soft(Severity::Error, "error: x");
            found.success = true;
        };
        let status = |code, change: fn(&mut Found)| known(code, change).status();
        let none: fn(&mut Found) = |_| {};
        let said: fn(&mut Found) = |found| found.success = true;
        assert_eq!(
            [status(Some(0), none), status(Some(1), none), status(None, none)],
            [Status::Ok, Status::Error, Status::Unsure]
        );
        assert_eq!(
            [status(Some(0), said), status(Some(1), said), status(None, said)],
            [Status::Ok, Status::Error, Status::Ok]
        );
        assert_eq!(
            [status(Some(0), hard), status(Some(1), hard), status(None, hard)],
            [Status::Unsure, Status::Error, Status::Error]
        );
        assert_eq!([status(Some(0), soft), status(Some(0), calm)], [Status::Unsure, Status::Ok]);
        assert_eq!(Known { trusts_code: true, ..known(Some(0), soft) }.status(), Status::Ok);
        assert_eq!(Known { trusts_code: true, ..known(Some(0), hard) }.status(), Status::Unsure);
        assert_eq!(status(Some(0), |found| found.failure = true), Status::Unsure);
        assert_eq!(status(Some(0), |found| found.unread = true), Status::Unsure);
    }

    #[test]
    fn one_message_at_several_places_is_one_line() {
        let seen = known(Some(1), |found| {
            for line in [3, 9, 9] {
                found.push(Severity::Error, "tsc", Some(("/app/src/a.ts", Some(line))), "TS1: no");
            }
            found.push(Severity::Error, "tsc", Some(("./b.ts", None)), "TS2: in /app/src");
        });
        let answer: Value = serde_json::from_str(&seen.answer(Keys::Few, 2_000)).unwrap();
        assert_eq!(answer["errors"], serde_json::json!(["src/a.ts:3, src/a.ts:9: TS1: no", "b.ts: TS2: in src"]));
        assert_eq!((&answer["errors_total"], answer.get("more")), (&serde_json::json!(4), None));
    }

    #[test]
    fn a_cap_takes_detail_first_and_counts_what_it_takes() {
        let seen = known(Some(1), |found| {
            for number in 0..1_500 {
                let msg = format!("number {number} {}", "x ".repeat(100));
                found.push(Severity::Error, "gcc", Some(("a.c", Some(number))), &msg);
                found.push(Severity::Warning, "gcc", Some(("a.c", Some(number))), &msg);
            }
        });
        for most in [100, 300, 2_000, 20_000] {
            let text = seen.answer(Keys::Few, most);
            assert!(tokens::estimate(&text) <= most.max(120), "{most}: {text}");
            let answer: Value = serde_json::from_str(&text).unwrap();
            let listed = answer["errors"].as_array().unwrap().len() as u64;
            assert_eq!(
                (listed + answer["more"].as_u64().unwrap(), &answer["errors_total"]),
                (1_500, &1_500.into()),
                "{text}"
            );
            assert_eq!(answer["warnings_total"], 1_500);
        }
    }
}
