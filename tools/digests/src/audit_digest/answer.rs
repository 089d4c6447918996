//! The answer: the worst severity, the counts, and what is critical or high.

use std::collections::BTreeMap;

use crewkit_digest::{cut, tokens};
use serde::Serialize;
use serde_json::Value;

use super::finding::{Audit, Finding, Severity};
use crate::package_manager::Manager;

/// Most findings told.
const MOST: usize = 15;
/// Most packages named that were passed over.
const MOST_SKIPPED: usize = 5;
/// Most characters of a title.
const LONGEST_TITLE: usize = 200;

/// A report that was made.
pub(super) struct Told<'a> {
    pub(super) manager: Manager,
    pub(super) audit: &'a Audit,
    /// Why it is not to be trusted; empty when it is.
    pub(super) doubt: String,
    /// The end of the output, where it is not to be trusted.
    pub(super) tail: &'a [String],
    pub(super) log: Option<(String, u64)>,
}

impl Told<'_> {
    /// The answer, of at most about `most` tokens.
    pub(super) fn answer(&self, most: usize) -> String {
        let mut levels = [(MOST, LONGEST_TITLE, true), (MOST, 60, true), (MOST, 60, false), (8, 50, false)]
            .into_iter()
            .chain([(3, 40, false), (0, 0, false)])
            .peekable();
        loop {
            let Some((items, title, detail)) = levels.next() else { return String::new() };
            let text = self.render(items, title, detail);
            if levels.peek().is_none() || tokens::estimate(&text) <= most {
                return text;
            }
        }
    }

    fn render(&self, items: usize, title: usize, detail: bool) -> String {
        let audit = self.audit;
        let totals = &audit.totals;
        let is_told = |finding: &&Finding| finding.severity >= Severity::Unrated;
        let severe = audit.findings.iter().filter(is_told).count();
        let listed: Vec<Item> =
            audit.findings.iter().filter(is_told).take(items).map(|finding| item(finding, title, detail)).collect();
        let is_clean = totals.worst().is_none() && self.doubt.is_empty();
        // A program that rates nothing counts nothing by severity.
        let rates = totals.total == 0 || totals.unrated < totals.total;
        let rated = |count: usize| rates.then_some(count);
        let log = self.log.as_ref().filter(|_| !is_clean || !audit.skipped.is_empty());
        let answer = Answer {
            manager: (self.manager != Manager::Npm).then_some(self.manager),
            status: match totals.worst() {
                _ if !self.doubt.is_empty() => "unsure",
                Some(Severity::Critical) => "critical",
                Some(Severity::High) => "high",
                Some(Severity::Unrated) => "unrated",
                Some(Severity::Moderate) => "moderate",
                Some(Severity::Low | Severity::Info) => "low",
                None => "clean",
            },
            msg: &self.doubt,
            total: totals.total,
            critical: rated(totals.critical),
            high: rated(totals.high),
            moderate: rated(totals.moderate),
            low: rated(totals.low),
            info: (totals.info > 0).then_some(totals.info),
            unrated: (totals.unrated > 0).then_some(totals.unrated),
            fixable: if totals.total == 0 { Some(0) } else { audit.fixable },
            more: (severe > listed.len()).then_some(severe - listed.len()),
            items: listed,
            skipped: (!audit.skipped.is_empty()).then_some(audit.skipped.len()),
            skipped_names: &audit.skipped[..audit.skipped.len().min(if detail { MOST_SKIPPED } else { 0 })],
            warnings: &audit.warnings,
            tail: if detail { self.tail } else { &[] },
            log: log.map(|(path, _)| path.as_str()),
            log_bytes: log.map(|(_, bytes)| *bytes),
        };
        serde_json::to_string(&answer).unwrap_or_default()
    }
}

fn item(finding: &Finding, title: usize, detail: bool) -> Item<'_> {
    Item {
        package: &finding.package,
        severity: (finding.severity != Severity::Unrated).then_some(finding.severity),
        title: cut::short(&cut::fold(&finding.title), title),
        fixable: &finding.fixable,
        fix: &finding.fix,
        range: &finding.range,
        direct: finding.direct.filter(|direct| detail && *direct),
        path: if detail { finding.path.join(" > ") } else { String::new() },
        advisories: (finding.advisories > 1).then_some(finding.advisories),
    }
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    manager: Option<Manager>,
    status: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    msg: &'a str,
    total: usize,
    critical: Option<usize>,
    high: Option<usize>,
    moderate: Option<usize>,
    low: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unrated: Option<usize>,
    fixable: Option<usize>,
    items: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<usize>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    skipped_names: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    warnings: &'a BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tail: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    package: &'a str,
    severity: Option<Severity>,
    title: String,
    fixable: &'a Value,
    #[serde(skip_serializing_if = "str::is_empty")]
    fix: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    range: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    direct: Option<bool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advisories: Option<usize>,
}
