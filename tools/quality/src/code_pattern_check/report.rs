//! What a run says: JSON, text for people.

use std::fmt::Write as _;

use crewkit_tool::text::{head, one_line};
use serde::Serialize;

use super::checks::Severity;

/// How many characters of a finding people see.
const SHOWN: usize = 100;

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) total_files: usize,
    pub(super) checks: usize,
    pub(super) p1: usize,
    pub(super) p2: usize,
    pub(super) p3: usize,
    pub(super) pass: bool,
    pub(super) results: Vec<CheckResult>,
    pub(super) verdict: Verdict,
    pub(super) line_limit: LineLimit,
    /// Findings that a comment waives.
    pub(super) waived: Vec<Waived>,
    /// Files that hold no text.
    pub(super) not_read: Vec<NotRead>,
    /// With changed lines alone: what they were compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) changed_since: Option<String>,
    /// The settings file, where one holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) settings: Option<&'static str>,
}

/// What follows from the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// Nothing of P1 or P2.
    Pass,
    /// P2 findings.
    Warn,
    /// P1 findings, or a file over the limit.
    Reject,
}

/// One check's findings.
#[derive(Debug, Serialize)]
pub(super) struct CheckResult {
    pub(super) check: &'static str,
    pub(super) severity: Severity,
    pub(super) pass: bool,
    pub(super) findings: Vec<Finding>,
    /// Whether settings turned it off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) off: bool,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    pub(super) file: String,
    /// From 1; `None` for what concerns a whole file.
    pub(super) line: Option<usize>,
    pub(super) body: String,
    /// All files concerned, of a name that several declare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) files: Option<Vec<String>>,
}

/// A finding that a comment waives.
#[derive(Debug, Serialize)]
pub(super) struct Waived {
    pub(super) check: &'static str,
    pub(super) file: String,
    pub(super) line: Option<usize>,
    pub(super) reason: String,
}

/// A file that was not checked.
#[derive(Debug, Serialize)]
pub(super) struct NotRead {
    pub(super) file: String,
    pub(super) reason: &'static str,
}

/// The limit on lines.
#[derive(Debug, Serialize)]
pub(super) struct LineLimit {
    pub(super) max_lines: usize,
    pub(super) pass: bool,
    pub(super) findings: Vec<TooLong>,
    /// With changed lines alone: files that were over the limit before and have not grown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) not_grown: Vec<TooLong>,
}

/// A file over the limit.
#[derive(Debug, Serialize)]
pub(super) struct TooLong {
    pub(super) file: String,
    pub(super) lines: usize,
}

impl Report {
    /// Text for people.
    pub(super) fn text(&self) -> String {
        let mut out = match self.total_files {
            1 => "1 file\n".to_owned(),
            files => format!("{files} files\n"),
        };
        for result in self.results.iter().filter(|result| !result.pass) {
            let _ = writeln!(out, "[{:?}] {}: {} finding(s)", result.severity, result.check, result.findings.len());
            for finding in &result.findings {
                let place =
                    finding.line.map_or_else(|| finding.file.clone(), |line| format!("{}:{line}", finding.file));
                // The line itself has its place before it already.
                let body = finding.body.strip_prefix(&format!("{place}:")).unwrap_or(&finding.body).trim();
                let _ = writeln!(out, "  {} {}", one_line(&place), one_line(head(body, SHOWN)));
            }
        }
        for long in &self.line_limit.findings {
            let _ = writeln!(
                out,
                "[limit] {}: {} lines, at most {}",
                one_line(&long.file),
                long.lines,
                self.line_limit.max_lines
            );
        }
        for long in &self.line_limit.not_grown {
            let _ = writeln!(out, "{}: {} lines, as before", one_line(&long.file), long.lines);
        }
        for waived in &self.waived {
            let line = waived.line.map_or_else(String::new, |line| format!(":{line}"));
            let place = one_line(&waived.file);
            let _ = writeln!(out, "waived: {place}{line} {} ({})", waived.check, one_line(head(&waived.reason, SHOWN)));
        }
        for file in &self.not_read {
            let _ = writeln!(out, "not checked: {} ({})", one_line(&file.file), file.reason);
        }
        if self.pass && self.line_limit.pass {
            out.push_str("RESULT: PASS\n");
            return out;
        }
        let _ = write!(out, "RESULT: {} P1, {} P2, {} P3", self.p1, self.p2, self.p3);
        if !self.line_limit.pass {
            let _ = write!(out, ", {} over the line limit", self.line_limit.findings.len());
        }
        let _ = writeln!(
            out,
            " ({})",
            match self.verdict {
                Verdict::Pass => "passes",
                Verdict::Warn => "a reviewer decides",
                Verdict::Reject => "rejects",
            }
        );
        out
    }
}
