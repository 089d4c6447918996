//! Worktrees.

mod list;
mod make;
mod place;
pub mod setup_worktrees;
pub mod worktree_check;
pub mod worktree_cleanup;
pub mod worktree_create;
pub mod worktree_guard;
pub mod worktree_merge_check;
pub mod worktree_safety;
