//! The states of tasks and waves. A database of a later crewkit may hold others; those are only read.

/// The state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// Not begun.
    Pending,
    /// Begun.
    InProgress,
    /// Finished; waits for validation, or has it.
    Done,
    /// Waits for something outside.
    Blocked,
    /// Will not be done: counts as finished.
    Skipped,
}

/// The state of a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveStatus {
    /// Not begun.
    Pending,
    /// Begun.
    InProgress,
    /// All of it finished.
    Done,
    /// Waits for something outside.
    Blocked,
    /// Finished, and its branch is on its way into the main branch.
    Merging,
}

impl TaskStatus {
    /// All states, in the order people are told of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::InProgress, Self::Done, Self::Blocked, Self::Skipped];

    /// The word the database keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
        }
    }

    /// The state that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// All words, for a refusal.
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(" | ")
    }
}

impl WaveStatus {
    /// All states, in the order people are told of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::InProgress, Self::Done, Self::Blocked, Self::Merging];

    /// The word the database keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Blocked => "blocked",
            Self::Merging => "merging",
        }
    }

    /// The state that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// All words, for a refusal.
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(" | ")
    }
}

/// Whether a task in this state (the database's word) asks for no more work.
pub(super) fn is_finished(word: &str) -> bool {
    matches!(TaskStatus::parse(word), Some(TaskStatus::Done | TaskStatus::Skipped))
}
