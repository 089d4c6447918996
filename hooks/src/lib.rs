//! Hooks: what an agent may do.

pub mod auto_format;
pub mod enforce_line_limit;
mod entry;
mod glob;
mod log;
mod marks;
mod paths;
pub mod pre_commit;
pub mod prefer_ci_summary;
pub mod session_file_lock;
pub mod session_file_unlock;
pub mod session_reaper;
mod thor;
pub mod thor_commit_guard;
pub mod thor_git_hook;
pub mod warn_bash_antipatterns;
pub mod worktree_guard;
