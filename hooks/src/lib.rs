//! Hooks: what an agent may do.

mod entry;
mod paths;
pub mod pre_commit;
pub mod session_end_tokens;
mod thor;
pub mod thor_commit_guard;
pub mod thor_git_hook;
pub mod track_tokens;
pub mod worktree_guard;
