//! Worktrees.

mod list;
pub mod worktree_create;
