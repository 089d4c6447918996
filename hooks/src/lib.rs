//! Hooks: what an agent may do.

pub mod auto_format;
mod called;
mod commit;
pub mod debug_hook_input;
pub mod enforce_line_limit;
mod entry;
pub mod env_vault_guard;
mod files;
mod glob;
pub mod inject_agent_context;
mod log;
mod marks;
pub mod model_registry_refresh;
mod paths;
pub mod pre_commit;
pub mod prefer_ci_summary;
pub mod preserve_context;
mod programs;
pub mod secret_scanner;
pub mod session_end_tokens;
pub mod session_file_lock;
pub mod session_file_unlock;
pub mod session_reaper;
mod thor;
pub mod thor_commit_guard;
pub mod thor_git_hook;
pub mod track_tokens;
pub mod version_check;
pub mod warn_bash_antipatterns;
mod wildcard;
pub mod worktree_guard;

#[cfg(test)]
mod silence;
