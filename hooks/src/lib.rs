//! Hooks: what an agent may do.

mod called;
mod commit;
pub mod debug_hook_input;
mod entry;
pub mod env_vault_guard;
mod files;
pub mod inject_agent_context;
pub mod model_registry_refresh;
mod paths;
pub mod preserve_context;
mod programs;
pub mod secret_scanner;
pub mod version_check;
mod wildcard;
pub mod worktree_guard;

#[cfg(test)]
mod silence;
