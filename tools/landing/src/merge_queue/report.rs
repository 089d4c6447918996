//! What merge-queue answers.

use std::path::Path;

use serde::Serialize;

use super::ground::Ground;
use super::validation::Failure;

/// How many characters of a commit's id are shown.
const SHORT: usize = 12;

/// What became of one entry.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Report {
    Merged(Merged),
    Failed(Failed),
    Blocked(Blocked),
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Merged {
    status: &'static str,
    pub(super) branch: String,
    /// The commit's short id.
    sha: String,
    pub(super) commit: String,
    target: String,
    /// The command it was validated with; null when it was not.
    pub(super) validated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<String>,
    /// It was part of the main branch before.
    #[serde(rename = "already_merged", skip_serializing_if = "is_false")]
    pub(super) already: bool,
    /// A processor that was killed had landed it.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) recovered: bool,
    /// Work trees that have the main branch checked out and could not be brought forward.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) left_behind: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pushed: Option<bool>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Failed {
    status: &'static str,
    pub(super) branch: String,
    pub(super) reason: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    reverted: bool,
    pub(super) error: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "is_false")]
    timed_out: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Blocked {
    status: &'static str,
    pub(super) branch: String,
    pub(super) reason: &'static str,
    pub(super) error: String,
}

impl Report {
    pub(super) fn is_merged(&self) -> bool {
        matches!(self, Self::Merged(_))
    }

    pub(super) fn is_blocked(&self) -> bool {
        matches!(self, Self::Blocked(_))
    }
}

impl Merged {
    pub(super) fn new(ground: &Ground<'_>, branch: &str, commit: &str) -> Self {
        Self {
            status: "merged",
            branch: branch.to_owned(),
            sha: commit.chars().take(SHORT).collect(),
            commit: commit.to_owned(),
            target: ground.target.clone(),
            validated: None,
            log: None,
            already: false,
            recovered: false,
            left_behind: Vec::new(),
            pushed: None,
        }
    }
}

impl Failed {
    pub(super) fn new(branch: &str, reason: &'static str, error: String, files: Vec<String>) -> Self {
        Self {
            status: "failed",
            branch: branch.to_owned(),
            reason,
            reverted: false,
            error,
            files,
            command: None,
            exit_code: None,
            timed_out: false,
            log: None,
        }
    }

    pub(super) fn validation(branch: &str, failure: &Failure, seconds: u64) -> Self {
        let how = if failure.timed_out {
            format!("took longer than {seconds} s")
        } else {
            format!("exit code {}", failure.code)
        };
        let mut error = format!("validation failed: {} ({how})", failure.command);
        if !failure.tail.is_empty() {
            error.push('\n');
            error.push_str(&failure.tail);
        }
        Self {
            reverted: true,
            command: Some(failure.command.clone()),
            exit_code: Some(failure.code),
            timed_out: failure.timed_out,
            log: Some(text_of(&failure.log)),
            ..Self::new(branch, "validation_failed", error, Vec::new())
        }
    }
}

impl Blocked {
    pub(super) fn new(branch: &str, reason: &'static str, error: String) -> Self {
        Self { status: "blocked", branch: branch.to_owned(), reason, error }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A path as JSON can hold it.
pub(super) fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
