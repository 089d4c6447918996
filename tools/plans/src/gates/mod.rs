//! The gates: what decides that work is done, as far as a program can judge it. A gate rejects on hard evidence only; what
//! a person or a validating agent has to judge is named in the report and keeps nothing back by itself.
//!
//! One file a gate or group of gates. [`task::judge`] and [`wave::judge`] run those of a level; [`report`] puts a verdict
//! into words.

pub(crate) mod build;
mod changes;
mod comments;
mod compliance;
mod constitution;
mod credentials;
mod patterns;
pub(crate) mod report;
pub(crate) mod task;
mod tests_first;
mod uncommitted;
pub(crate) mod wave;

use crewkit_tool::{Context, Refusal};
use serde::{Serialize, Serializer};

pub(crate) use compliance::requirements as requirements_of;
pub(crate) use tests_first::is_test_name;
pub(crate) use uncommitted::warning as uncommitted_warning;

/// What a gate found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// Nothing against the work.
    Pass,
    /// Hard evidence against it.
    Reject,
    /// A person or a validating agent has to judge, or the gate could not be run.
    Person,
    /// Not judged at this level, or there is nothing to judge it by.
    Skipped,
}

/// A gate's name and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) &'static str, pub(crate) &'static str);

impl Name {
    /// As the audit log has it: `4b patterns`.
    pub(crate) fn whole(self) -> String {
        format!("{} {}", self.0, self.1)
    }
}

pub(crate) const COMPLIANCE: Name = Name("1", "task compliance");
pub(crate) const QUALITY: Name = Name("2", "code quality");
pub(crate) const CREDENTIALS: Name = Name("3", "credentials");
pub(crate) const REPOSITORY: Name = Name("4", "repository");
pub(crate) const PATTERNS: Name = Name("4b", "patterns");
pub(crate) const DOCUMENTATION: Name = Name("5", "documentation");
pub(crate) const GIT: Name = Name("6", "git");
pub(crate) const PERFORMANCE: Name = Name("7", "performance");
pub(crate) const TESTS_FIRST: Name = Name("8", "tests first");
pub(crate) const CONSTITUTION: Name = Name("9", "constitution");

/// One thing that a gate found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What is wrong, in one line.
    pub(crate) issue: String,
    /// The file, from the top of the worktree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The line in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// The command that was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
    /// How that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    /// What to do.
    pub(crate) fix: String,
    /// Whether it is hard evidence; anything else is a person's to judge.
    pub(crate) rejects: bool,
}

impl Finding {
    /// A finding at a line of a file.
    pub(crate) fn at(file: &str, line: Option<usize>, issue: impl Into<String>, fix: &str) -> Self {
        Self { issue: issue.into(), file: Some(file.to_owned()), line, fix: fix.to_owned(), ..Self::default() }
    }

    /// A finding without a place.
    pub(crate) fn new(issue: impl Into<String>, fix: &str) -> Self {
        Self { issue: issue.into(), fix: fix.to_owned(), ..Self::default() }
    }

    /// Where it is: `path:line`, the path, or the command with its exit code; empty when nowhere.
    pub(crate) fn place(&self) -> String {
        match (&self.file, self.line, &self.command) {
            (Some(file), Some(line), _) => format!("{file}:{line}"),
            (Some(file), None, _) => file.clone(),
            (None, _, Some(command)) => match self.exit_code {
                Some(code) => format!("{command} (exit code {code})"),
                None => command.clone(),
            },
            (None, ..) => String::new(),
        }
    }

    /// Place and issue in one line.
    pub(crate) fn whole(&self) -> String {
        let place = self.place();
        if place.is_empty() { self.issue.clone() } else { format!("{place} {}", self.issue) }
    }
}

/// A gate with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Gate {
    /// Number and name.
    #[serde(flatten, serialize_with = "number_and_name")]
    pub(crate) name: Name,
    /// What it found.
    pub(crate) result: Verdict,
    /// What that rests on, a line each.
    pub(crate) evidence: Vec<String>,
    /// The same in parts, where something was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) findings: Vec<Finding>,
}

fn number_and_name<S: Serializer>(name: &Name, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap as _;
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("gate", name.0)?;
    map.serialize_entry("name", name.1)?;
    map.end()
}

impl Gate {
    /// Nothing found; `looked_at` says at what.
    pub(crate) fn pass(name: Name, looked_at: impl Into<String>) -> Self {
        Self { name, result: Verdict::Pass, evidence: vec![looked_at.into()], findings: Vec::new() }
    }

    /// Not judged.
    pub(crate) fn skipped(name: Name, why: impl Into<String>) -> Self {
        Self { name, result: Verdict::Skipped, evidence: vec![why.into()], findings: Vec::new() }
    }

    /// It could not be run, which is no pass.
    pub(crate) fn cannot_tell(name: Name, why: impl std::fmt::Display) -> Self {
        let evidence = vec![format!("cannot tell: {why}")];
        Self { name, result: Verdict::Person, evidence, findings: Vec::new() }
    }

    /// The verdict that follows from what was found: `rejected` reject, else `told` go to a person, else it passes.
    pub(crate) fn of(name: Name, rejected: Vec<Finding>, told: Vec<Finding>, looked_at: impl Into<String>) -> Self {
        let result = match (rejected.is_empty(), told.is_empty()) {
            (false, _) => Verdict::Reject,
            (true, false) => Verdict::Person,
            (true, true) => return Self::pass(name, looked_at),
        };
        let rejected = rejected.into_iter().map(|finding| Finding { rejects: true, ..finding });
        let findings: Vec<Finding> = rejected.chain(told).collect();
        Self { name, result, evidence: findings.iter().map(Finding::whole).collect(), findings }
    }
}

/// How strict the gates are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Hard evidence rejects.
    Enforce,
    /// The same findings are told, and nothing rejects.
    Warn,
    /// No gate is run.
    Off,
}

/// What the environment says of the gates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// `THOR_GATES`.
    pub(crate) mode: Mode,
    /// `MAX_REJECTIONS`: the round at which a task is blocked.
    pub(crate) most: i64,
    /// `THOR_RUN_VERIFY`: whether criteria are run as commands.
    pub(crate) run_verify: bool,
    /// `THOR_AUTO`: whether plan-db-safe validates.
    pub(crate) auto: bool,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// A value that cannot be understood, by name.
    pub(crate) fn read(context: &Context) -> Result<Self, Refusal> {
        let mode = match context.variable("THOR_GATES").as_deref() {
            None | Some("enforce") => Mode::Enforce,
            Some("warn") => Mode::Warn,
            Some("off") => Mode::Off,
            Some(other) => return Err(Refusal::new(format!("THOR_GATES '{other}' is none of: enforce, warn, off"))),
        };
        let most = match context.variable("MAX_REJECTIONS") {
            None => 3,
            Some(text) => text
                .parse()
                .ok()
                .filter(|most| *most > 0)
                .ok_or_else(|| Refusal::new(format!("MAX_REJECTIONS '{text}' is not a whole number above 0")))?,
        };
        let run_verify = flag(context, "THOR_RUN_VERIFY")?.unwrap_or(false);
        let auto = flag(context, "THOR_AUTO")?.unwrap_or(true);
        Ok(Self { mode, most, run_verify, auto })
    }
}

fn flag(context: &Context, name: &str) -> Result<Option<bool>, Refusal> {
    match context.variable(name).as_deref() {
        None => Ok(None),
        Some("1" | "true" | "yes" | "on") => Ok(Some(true)),
        Some("0" | "false" | "no" | "off") => Ok(Some(false)),
        Some(other) => Err(Refusal::new(format!("{name} '{other}' is neither 1 nor 0"))),
    }
}
