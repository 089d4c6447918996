//! Getting finished branches into the main branch.

pub mod merge_queue;
pub mod wave_worktree;
