//! Worktrees.

mod list;
pub mod worktree_check;
pub mod worktree_create;
pub mod worktree_guard;
pub mod worktree_merge_check;
