//! Hooks: what an agent may do.

mod entry;
mod marks;
mod paths;
pub mod prefer_ci_summary;
pub mod warn_bash_antipatterns;
pub mod worktree_guard;
