//! Hooks: what an agent may do.

mod entry;
mod paths;
pub mod worktree_guard;
