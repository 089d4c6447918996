//! What an audit found, whatever program made it.

use std::collections::{BTreeMap, HashMap};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// Information only
    Info,
    /// Low
    Low,
    /// Moderate
    Moderate,
    /// Found by a program that does not say how bad it is: it may be anything.
    #[value(skip)]
    Unrated,
    /// High
    High,
    /// Critical
    Critical,
}

impl Severity {
    /// By the word that registries and programs use.
    pub(super) fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" => Self::High,
            "moderate" | "medium" => Self::Moderate,
            "low" => Self::Low,
            "info" | "none" => Self::Info,
            _ => Self::Unrated,
        }
    }

    /// By a CVSS base score (FIRST, CVSS 3.1 specification, section 5).
    pub(super) fn of_score(score: f64) -> Self {
        match score {
            score if score >= 9.0 => Self::Critical,
            score if score >= 7.0 => Self::High,
            score if score >= 4.0 => Self::Moderate,
            score if score > 0.0 => Self::Low,
            _ => Self::Info,
        }
    }
}

/// A package with a known hole.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) package: String,
    pub(super) severity: Severity,
    pub(super) title: String,
    /// true, false, npm's object for a breaking fix; null where the program does not say whether a fix breaks anything.
    pub(super) fixable: Value,
    /// The versions that have the fix, where `fixable` does not say.
    pub(super) fix: String,
    pub(super) range: String,
    /// Whether the project itself asks for the package.
    pub(super) direct: Option<bool>,
    /// How the package comes into the project, from a direct dependency on.
    pub(super) path: Vec<String>,
    /// All advisories on it.
    pub(super) advisories: usize,
}

impl Finding {
    /// One with nothing but its package and severity.
    pub(super) fn new(package: &str, severity: Severity) -> Self {
        Self {
            package: package.to_owned(),
            severity,
            title: String::new(),
            fixable: Value::Null,
            fix: String::new(),
            range: String::new(),
            direct: None,
            path: Vec::new(),
            advisories: 1,
        }
    }
}

/// Findings by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) critical: usize,
    pub(super) high: usize,
    pub(super) moderate: usize,
    pub(super) low: usize,
    pub(super) info: usize,
    pub(super) unrated: usize,
    pub(super) total: usize,
}

impl Totals {
    /// One more.
    pub(super) fn add(&mut self, severity: Severity) {
        *match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Moderate => &mut self.moderate,
            Severity::Low => &mut self.low,
            Severity::Info => &mut self.info,
            Severity::Unrated => &mut self.unrated,
        } += 1;
        self.total += 1;
    }

    /// The worst severity that is present.
    pub(super) fn worst(&self) -> Option<Severity> {
        let counts = [
            (self.critical, Severity::Critical),
            (self.high, Severity::High),
            (self.unrated, Severity::Unrated),
            (self.moderate, Severity::Moderate),
            (self.low, Severity::Low),
            (self.info, Severity::Info),
        ];
        counts.iter().find(|(count, _)| *count > 0).map(|(_, severity)| *severity)
    }
}

/// An audit that took place.
#[derive(Debug, Default)]
pub(super) struct Audit {
    pub(super) totals: Totals,
    /// Packages with a fix that breaks nothing; `None` where the program does not say so.
    pub(super) fixable: Option<usize>,
    /// One for each package, worst first, then by name.
    pub(super) findings: Vec<Finding>,
    /// Packages that could not be looked up: the audit says nothing of them.
    pub(super) skipped: Vec<String>,
    /// What is no hole: unmaintained or yanked packages, by kind.
    pub(super) warnings: BTreeMap<String, usize>,
    /// Counts that contradict each other.
    pub(super) contradicts: bool,
}

impl Audit {
    /// From advisories, of which a package may have several: the worst one speaks for it.
    pub(super) fn of(advisories: Vec<Finding>, totals: Option<Totals>) -> Self {
        let mut counted = Totals::default();
        let mut by_package: HashMap<String, usize> = HashMap::new();
        let mut findings: Vec<Finding> = Vec::new();
        for finding in advisories {
            counted.add(finding.severity);
            match by_package.get(&finding.package) {
                None => {
                    by_package.insert(finding.package.clone(), findings.len());
                    findings.push(finding);
                }
                Some(at) => {
                    let known = &mut findings[*at];
                    let advisories = known.advisories + 1;
                    if finding.severity > known.severity {
                        *known = finding;
                    }
                    known.advisories = advisories;
                }
            }
        }
        findings.sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.package.cmp(&other.package)));
        let totals_given = totals.unwrap_or(counted);
        // More was found than counted, or worse.
        let contradicts = (counted.total > 0 && totals_given.total == 0) || counted.worst() > totals_given.worst();
        Self { totals: totals_given, findings, contradicts, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_advisory_speaks_for_its_package() {
        let finding =
            |name: &str, severity, title: &str| Finding { title: title.into(), ..Finding::new(name, severity) };
        let audit = Audit::of(
            vec![
                finding("b", Severity::High, "1"),
                finding("z", Severity::Critical, "2"),
                finding("b", Severity::Critical, "3"),
                finding("a", Severity::Low, "4"),
            ],
            None,
        );
        let seen: Vec<_> =
            audit.findings.iter().map(|it| (it.package.as_str(), it.title.as_str(), it.advisories)).collect();
        assert_eq!(seen, [("b", "3", 2), ("z", "2", 1), ("a", "4", 1)]);
        assert_eq!((audit.totals.critical, audit.totals.total, audit.contradicts), (2, 4, false));
        let none = Audit::of(vec![Finding::new("a", Severity::High)], Some(Totals::default()));
        assert!(none.contradicts);
    }
}
