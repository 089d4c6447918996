//! What was done and what was not, for people and for programs.

use crewkit_repo::{Worktree, branch_or_detached};
use crewkit_store::worktrees::Holder;
use crewkit_tool::{Outcome, exit_code, text};
use serde::Serialize;

use super::size::Size;

/// Why a worktree stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Why {
    /// One of the words of the tool's help.
    pub(crate) word: &'static str,
    /// For people.
    pub(crate) text: String,
}

impl Why {
    pub(crate) fn new(word: &'static str, text: impl Into<String>) -> Self {
        Self { word, text: text.into() }
    }
}

/// The answer with `--json`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) dry_run: bool,
    pub(crate) cleaned: Vec<Cleaned>,
    pub(crate) kept: Vec<Kept>,
    pub(crate) freed_bytes: u64,
    /// Entries of git's list whose folder was gone.
    pub(crate) pruned: Vec<String>,
    /// Merged branches that had no worktree.
    pub(crate) deleted_branches: Vec<String>,
    /// The plans and waves whose worktree was taken from the database.
    pub(crate) released: Vec<Released>,
    pub(crate) errors: Vec<String>,
    #[serde(skip)]
    pub(crate) lines: String,
    #[serde(skip)]
    pub(crate) refused: bool,
}

/// A worktree that went, or would go.
#[derive(Debug, Serialize)]
pub(crate) struct Cleaned {
    pub(crate) path: String,
    pub(crate) branch: String,
    /// Whether its branch went too; `null` in a dry run.
    pub(crate) branch_deleted: Option<bool>,
    #[serde(flatten)]
    pub(crate) size: Size,
    /// What git ignored in it.
    pub(crate) ignored: Vec<String>,
}

/// A worktree that stays.
#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    path: String,
    branch: String,
    reason: &'static str,
    detail: String,
    /// `null` where it was not measured.
    size: Option<Size>,
}

/// A row of the database.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Released {
    Plan(i64),
    Wave(i64),
}

impl From<Holder> for Released {
    fn from(holder: Holder) -> Self {
        match holder {
            Holder::Plan(id) => Self::Plan(id),
            Holder::Wave(id) => Self::Wave(id),
        }
    }
}

impl Report {
    pub(crate) fn say(&mut self, line: impl AsRef<str>) {
        self.lines += &text::one_line(line.as_ref());
        self.lines.push('\n');
    }

    pub(crate) fn refuse(&mut self, line: impl Into<String>) {
        self.errors.push(line.into());
        self.refused = true;
    }

    /// Notes a worktree that stays.
    pub(crate) fn keep(&mut self, tree: &Worktree, why: &Why, size: Option<Size>) {
        self.kept.push(Kept {
            path: tree.path.to_string_lossy().into_owned(),
            branch: branch_or_detached(&tree.head).to_owned(),
            reason: why.word,
            detail: why.text.clone(),
            size,
        });
    }

    pub(crate) fn outcome(&self, json: bool) -> Outcome {
        let code = if self.refused { exit_code::REFUSED } else { exit_code::DONE };
        let outcome = if json { Outcome::json(self) } else { Outcome::text(self.lines.clone()) };
        self.errors.iter().fold(outcome.with_code(code), Outcome::with_note)
    }
}
