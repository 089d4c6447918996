//! Hooks: what an agent may do.

mod entry;
mod paths;
pub mod pre_commit;
mod thor;
pub mod thor_commit_guard;
pub mod thor_git_hook;
pub mod worktree_guard;
