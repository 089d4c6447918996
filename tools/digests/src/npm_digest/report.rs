//! What a package manager said of its work, read line by line.

use std::collections::{BTreeSet, VecDeque};

use crewkit_digest::{answer::Capped, cut};

use super::{cargo, node, npm, python};
use crate::package_manager::Manager;

/// Most error lines kept.
const MOST_ERRORS: usize = 400;
/// Most warnings about peers kept.
const MOST_WARNINGS: usize = 50;
/// Most characters kept of a line.
const LONGEST: usize = 200;
/// Most lines that belong to the error line before them.
const LONGEST_BLOCK: usize = 12;
/// Lines before the first error that may tell its cause.
const BEFORE: usize = 3;

/// Findings of an audit by severity, as the summary counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) critical: usize,
    pub(super) high: usize,
    pub(super) moderate: usize,
    pub(super) low: usize,
    pub(super) info: usize,
    /// Findings that the summary counts without a severity.
    pub(super) unrated: usize,
}

/// What was said. A count that was not printed is `None`.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) manager: Manager,
    pub(super) packages: Option<usize>,
    pub(super) added: Option<usize>,
    pub(super) removed: Option<usize>,
    pub(super) changed: Option<usize>,
    pub(super) audited: bool,
    pub(super) findings: Findings,
    pub(super) deprecated: usize,
    pub(super) peer_warnings: Capped,
    /// Whether the manager itself said how it ended.
    pub(super) complete: bool,
    errors: Vec<String>,
    errors_total: usize,
    /// The lines before the first error.
    before: VecDeque<String>,
    /// How many lines more belong to the last error.
    block: usize,
    /// Reading npm's usage text, which it appends to some errors.
    pub(super) in_usage: bool,
    /// The package whose peers pnpm lists.
    pub(super) peers_of: Option<String>,
    /// Names that came and went: one that did both has changed.
    pub(super) came: BTreeSet<String>,
    pub(super) went: BTreeSet<String>,
}

impl Report {
    pub(super) fn new(manager: Manager) -> Self {
        Self {
            manager,
            packages: None,
            added: None,
            removed: None,
            changed: None,
            audited: false,
            findings: Findings::default(),
            deprecated: 0,
            peer_warnings: Capped::new(MOST_WARNINGS),
            complete: false,
            errors: Vec::new(),
            errors_total: 0,
            before: VecDeque::new(),
            block: 0,
            in_usage: false,
            peers_of: None,
            came: BTreeSet::new(),
            went: BTreeSet::new(),
        }
    }

    /// One more line.
    pub(super) fn line(&mut self, line: &str) {
        let text = line.trim();
        if text.is_empty() {
            return;
        }
        if self.audit_summary(text) {
            return;
        }
        match self.manager {
            Manager::Npm => npm::line(self, line),
            Manager::Pnpm => node::pnpm(self, line),
            Manager::Yarn => node::yarn(self, line),
            Manager::Bun => node::bun(self, line),
            Manager::Cargo => cargo::line(self, line),
            Manager::Pip => python::pip(self, line),
            Manager::Uv => python::uv(self, line),
        }
    }

    /// The summary of findings that npm, pnpm and yarn print: "5 vulnerabilities (2 low, 3 high)", "found 1 high
    /// severity vulnerability", "found 0 vulnerabilities".
    fn audit_summary(&mut self, text: &str) -> bool {
        let said = text.strip_prefix("found ").unwrap_or(text);
        let Some((number, rest)) = said.split_once(' ') else { return false };
        let Ok(total) = number.parse::<usize>() else { return false };
        let mut findings = Findings::default();
        let mut add = |severity: &str, count: usize| {
            match severity {
                "critical" => findings.critical += count,
                "high" => findings.high += count,
                "moderate" => findings.moderate += count,
                "low" => findings.low += count,
                "info" => findings.info += count,
                _ => return 0,
            }
            count
        };
        let rated = if let Some(list) = rest.strip_prefix("vulnerabilities (").or(rest.strip_prefix("vulnerability ("))
        {
            let list = list.split(')').next().unwrap_or_default();
            list.split(", ")
                .filter_map(|part| part.split_once(' '))
                .filter_map(|(count, severity)| Some(add(severity, count.parse().ok()?)))
                .sum()
        } else if let Some((severity, rest)) = rest.split_once(" severity vulnerabilit")
            && (rest.starts_with('y') || rest.starts_with("ies"))
        {
            add(severity, total)
        } else if matches!(rest, "vulnerabilities" | "vulnerability" | "vulnerabilities found") {
            0
        } else {
            return false;
        };
        findings.unrated = total.saturating_sub(rated);
        self.findings = findings;
        self.audited = true;
        true
    }

    /// A line of an error.
    pub(super) fn error(&mut self, line: &str) {
        self.errors_total += 1;
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(cut::short(line.trim_end(), LONGEST));
        }
    }

    /// The first line of an error, which lines without a mark of their own may follow.
    pub(super) fn error_block(&mut self, line: &str) {
        self.block = LONGEST_BLOCK;
        self.error(line);
    }

    /// A line without a mark: of the last error, when that is not over. Says so.
    pub(super) fn follows(&mut self, line: &str) -> bool {
        if self.block == 0 {
            if self.errors_total == 0 {
                self.unmarked(line);
            }
            return false;
        }
        self.block -= 1;
        self.error(line.trim_start());
        true
    }

    /// A line that is neither the manager's nor an error's, for instance of a script that it runs.
    pub(super) fn unmarked(&mut self, line: &str) {
        // What npm and pnpm print above a script's own words.
        if line.starts_with("> ") {
            return;
        }
        if self.before.len() == BEFORE {
            self.before.pop_front();
        }
        self.before.push_back(cut::short(line.trim_end(), LONGEST));
    }

    /// The last error is over.
    pub(super) fn end_block(&mut self) {
        self.block = 0;
    }

    /// All error lines, the left out ones too.
    pub(super) fn errors_total(&self) -> usize {
        self.errors_total
    }

    /// At most `most` error lines in their order: all, or the first ones and those that sound like causes. A script's
    /// last words before its failure go first.
    pub(super) fn chosen_errors(&self, most: usize) -> Vec<&str> {
        let ends = ["ommand failed", "ELIFECYCLE", "exited with", "ailed with exit code"];
        let is_script = self.errors.iter().any(|line| ends.iter().any(|end| line.contains(end)));
        let mut chosen: Vec<&str> = Vec::new();
        if is_script {
            chosen.extend(self.before.iter().map(String::as_str));
        }
        let mut distinct: Vec<&str> = Vec::new();
        for line in &self.errors {
            if !distinct.contains(&line.as_str()) {
                distinct.push(line);
            }
        }
        chosen.truncate(most / 2);
        let room = most - chosen.len();
        if distinct.len() <= room {
            chosen.extend(distinct);
            return chosen;
        }
        let first = room / 2;
        let mut picked: BTreeSet<usize> = (0..first).collect();
        let causes = (first..distinct.len()).filter(|at| sounds_like_a_cause(distinct[*at]));
        picked.extend(causes.take(room - first));
        picked.extend(
            (first..distinct.len()).filter(|at| !picked.contains(at)).take(room - picked.len()).collect::<Vec<_>>(),
        );
        chosen.extend(picked.into_iter().map(|at| distinct[at]));
        chosen
    }
}

fn sounds_like_a_cause(line: &str) -> bool {
    let words =
        ["rror:", "ERR! stack", "fatal", "annot ", "not found", "No such", "o matching", "onflict", "peer ", "Because"];
    words.iter().any(|word| line.contains(word)) && !line.ends_with("ERR!")
}

/// The number before `word` (or `word` with an s) in `text`: 312 of "added 312 packages".
pub(super) fn number_before(text: &str, word: &str) -> Option<usize> {
    let mut before = None;
    for piece in text.split_whitespace() {
        let piece = piece.trim_end_matches([',', '.', ':']);
        if piece == word || piece.strip_suffix('s') == Some(word) {
            return before;
        }
        before = piece.replace(',', "").parse().ok();
    }
    None
}
