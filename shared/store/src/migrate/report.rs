//! What an upgrade did, or would do.

use std::path::PathBuf;

use super::Kind;

/// What an upgrade did, or in a rehearsal would do.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The shape it began with.
    pub from: Kind,
    /// The copy of the database as it was; `None` for a database made new, and in memory.
    pub copy: Option<PathBuf>,
    /// Tables that were made.
    pub made: Vec<String>,
    /// Columns that were added, as table and column.
    pub added: Vec<(String, String)>,
    /// Tables made anew because a check, a type or a missing column asked for it.
    pub rebuilt: Vec<String>,
    /// The older copy that lost waves were restored from.
    pub restored_from: Option<PathBuf>,
    /// What could not be linked, restored or kept, each one sentence.
    pub warnings: Vec<String>,
}

impl Report {
    /// What people should be told, each a line.
    pub fn notices(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(copy) = &self.copy {
            lines.push(format!("database upgraded (it was {}); the old one is kept as {}", self.from, copy.display()));
        }
        lines.extend(self.warnings.iter().cloned());
        lines
    }

    pub(super) fn warn(&mut self, line: impl Into<String>) {
        self.warnings.push(line.into());
    }
}
