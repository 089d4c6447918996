//! Hooks: what an agent may do.

mod paths;
pub mod worktree_guard;
