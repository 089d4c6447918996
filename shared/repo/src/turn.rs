//! Changes to a repository that must not happen twice at once.
//!
//! Git guards single files (its configuration, a reference) with lock files and gives up at once when one is taken;
//! several agents that add or remove worktrees in the same moment run into each other there. So each takes its turn.

use std::path::Path;
use std::time::{Duration, Instant};

use crewkit_store::queue::{self, Turn};
use crewkit_tool::Refusal;

use crate::Repository;

/// How long a turn is waited for. A turn is short: nothing is checked out or downloaded in it.
const PATIENCE: Duration = Duration::from_mins(2);

impl Repository {
    /// Waits for this process's turn to change the list of worktrees, the branches or the exclude file. First come,
    /// first served; given up when the turn is dropped or the process ends.
    ///
    /// # Errors
    /// When the turn does not come, or the lock file cannot be made.
    pub fn turn(&self) -> Result<Turn, Refusal> {
        turn_at(&self.common_dir)
    }
}

fn turn_at(common_dir: &Path) -> Result<Turn, Refusal> {
    Ok(queue::wait(&common_dir.join("crewkit.lock"), Instant::now() + PATIENCE)?)
}
