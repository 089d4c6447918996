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

/// A context for tests in `directory`, outside any repository, with nothing but HOME and PATH.
#[cfg(test)]
pub(crate) fn scripted(directory: &std::path::Path) -> crewkit_tool::Context {
    let mut environment = std::collections::HashMap::from([("HOME".into(), directory.into())]);
    if let Some(path) = crewkit_tool::Context::process().environment.get("PATH") {
        environment.insert("PATH".into(), path);
    }
    crewkit_tool::Context::scripted(crewkit_tool::Script {
        environment,
        directory: directory.to_owned(),
        clock: crewkit_tool::Clock::System,
        stdin: Vec::new(),
    })
}
