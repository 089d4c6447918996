//! The answer: status, counts, what was warned of and what failed, in as few tokens as they take.

use crewkit_digest::{cut, tokens};
use crewkit_tool::text::head;
use serde::Serialize;

use super::report::Report;
use crate::package_manager::Manager;

/// Most entries of each list, and most characters of each entry.
const ERRORS: (usize, usize) = (10, 200);
const WARNINGS: (usize, usize) = (5, 150);
/// Most names of packages that the project asks for anew.
const NAMES: usize = 20;

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// Exit code 0, no error seen.
    Ok,
    /// The same, with critical or high findings.
    Vulnerable,
    /// The exit code says that it failed.
    Error,
    /// Exit code and output contradict each other, or nothing is known.
    Unsure,
}

/// What is known when the run has ended.
pub(super) struct Run {
    pub(super) word: String,
    /// A command that installs and removes nothing: its output itself is what is wanted of it.
    pub(super) is_other: bool,
    pub(super) code: Option<i32>,
    pub(super) report: Report,
    /// Packages that the manifest names since the run.
    pub(super) added_names: Vec<String>,
    pub(super) lockfile_changed: bool,
    /// The last lines of the output, for what nobody explains.
    pub(super) tail: Vec<String>,
    pub(super) timed_out: bool,
    /// The file with the whole output, and its bytes.
    pub(super) log: Option<(String, u64)>,
    /// All keys of the contract, also where they are 0 or empty.
    pub(super) all_keys: bool,
}

impl Run {
    /// What it came to.
    pub(super) fn status(&self) -> Status {
        let report = &self.report;
        let is_bad = report.errors_total() > 0;
        match self.code {
            _ if self.timed_out => Status::Error,
            Some(code) if code != 0 => Status::Error,
            None if is_bad => Status::Error,
            None if !report.complete => Status::Unsure,
            Some(0) if is_bad => Status::Unsure,
            // Findings that were counted and not rated may be of any severity.
            _ if report.findings.unrated > 0 => Status::Unsure,
            _ if report.findings.critical + report.findings.high > 0 => Status::Vulnerable,
            _ => Status::Ok,
        }
    }

    /// The answer, of at most about `most` tokens.
    pub(super) fn answer(&self, most: usize) -> String {
        let mut levels =
            [(ERRORS, WARNINGS, NAMES), ((10, 120), (3, 100), 10), ((5, 100), (1, 80), 0), ((3, 80), (0, 0), 0)]
                .into_iter()
                .chain([((1, 60), (0, 0), 0)])
                .peekable();
        loop {
            let Some((errors, warnings, names)) = levels.next() else { return String::new() };
            let text = self.render(errors, warnings, names);
            if levels.peek().is_none() || tokens::estimate(&text) <= most {
                return text;
            }
        }
    }

    fn render(&self, errors: (usize, usize), warnings: (usize, usize), names: usize) -> String {
        let (all, report, status) = (self.all_keys, &self.report, self.status());
        let unexplained = report.errors_total() == 0 && matches!(status, Status::Error | Status::Unsure);
        let chosen: Vec<&str> = if unexplained {
            self.tail[self.tail.len().saturating_sub(errors.0)..].iter().map(String::as_str).collect()
        } else {
            report.chosen_errors(errors.0)
        };
        let short = |line: &str, most: usize| {
            if all { head(line, most).to_owned() } else { cut::short(&cut::fold(line), most) }
        };
        let listed = |lines: &[&str], most: usize| lines.iter().map(|line| short(line, most)).collect::<Vec<_>>();
        let peers: Vec<&str> = report.peer_warnings.kept().iter().take(warnings.0).map(String::as_str).collect();
        let hidden = if unexplained { 0 } else { report.errors_total().saturating_sub(chosen.len()) };
        let more = hidden + report.peer_warnings.found() - peers.len() + self.added_names.len().saturating_sub(names);
        let count = |count: Option<usize>| match (all, count) {
            (true, count) => Some(count.unwrap_or(0)),
            (false, count) => count.filter(|count| *count > 0),
        };
        let findings = &report.findings;
        let seen = |count: usize| (count > 0).then_some(count);
        let audit = Audit {
            critical: findings.critical,
            high: findings.high,
            moderate: findings.moderate,
            low: seen(findings.low),
            info: seen(findings.info),
            unrated: seen(findings.unrated),
        };
        let tells_log = status != Status::Ok || more > 0 || (self.is_other && !report.complete);
        let answer = Answer {
            manager: (!all || report.manager != Manager::Npm).then_some(report.manager),
            cmd: &self.word,
            status,
            exit_code: (all || self.code != Some(0)).then_some(self.code),
            packages: count(report.packages.or(report.added)),
            added: count(report.added),
            removed: count(report.removed),
            changed: count(report.changed),
            audit: (all || report.audited).then_some(audit),
            // Zeros of an audit that nobody made are no clean audit.
            audited: (all && !report.audited).then_some(false),
            peer_warnings: (all || !peers.is_empty()).then(|| listed(&peers, warnings.1)),
            errors: (all || !chosen.is_empty()).then(|| listed(&chosen, errors.1)),
            output: if self.is_other && !report.complete && !unexplained {
                listed(&self.tail.iter().map(String::as_str).collect::<Vec<_>>(), errors.1)
            } else {
                Vec::new()
            },
            deprecated: seen(report.deprecated),
            added_names: self.added_names.iter().take(names).map(String::as_str).collect(),
            lockfile_changed: self.lockfile_changed,
            more: seen(more),
            timed_out: self.timed_out,
            log: self.log.as_ref().filter(|_| tells_log).map(|(path, _)| path.as_str()),
            log_bytes: self.log.as_ref().filter(|_| tells_log).map(|(_, bytes)| *bytes),
        };
        serde_json::to_string(&answer).unwrap_or_default()
    }
}

#[derive(Debug, Serialize)]
#[expect(clippy::option_option, reason = "left out, null, and a value are three answers")]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    manager: Option<Manager>,
    cmd: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<Option<i32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<Audit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audited: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_warnings: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    output: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    added_names: Vec<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lockfile_changed: bool,
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
struct Audit {
    critical: usize,
    high: usize,
    moderate: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unrated: Option<usize>,
}
