//! Hooks: what an agent may do.

mod entry;
mod paths;
pub mod session_end_tokens;
pub mod track_tokens;
pub mod worktree_guard;
