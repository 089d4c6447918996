//! Every tool, once. Dispatch, `crewkit list`, links, man pages and completions come from this table.

use crewkit_tool::Tool;

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// The folder under `tools/` (or `hooks`) that holds it.
    pub(crate) family: &'static str,
    /// The tool.
    pub(crate) tool: Tool,
    /// The file names it answers to in the agent's folder, relative to that.
    pub(crate) drop_ins: &'static [&'static str],
}

const fn entry(family: &'static str, tool: Tool, drop_ins: &'static [&'static str]) -> Entry {
    Entry { family, tool, drop_ins }
}

/// All tools and hooks, by family and name.
pub(crate) const TOOLS: &[Entry] = &[
    entry("plans", crewkit_plans::plan_db::TOOL, &["scripts/plan-db.sh"]),
    entry("plans", crewkit_plans::register_project::TOOL, &["scripts/register-project.sh"]),
    entry("plans", crewkit_plans::wave_overlap::TOOL, &["scripts/wave-overlap.sh"]),
    entry("locks", crewkit_locks::file_lock::TOOL, &["scripts/file-lock.sh"]),
    entry("locks", crewkit_locks::file_lock_session::TOOL, &["scripts/file-lock-session.sh"]),
    entry("locks", crewkit_locks::file_lock_utils::TOOL, &["scripts/file-lock-utils.sh"]),
    entry("locks", crewkit_locks::stale_check::TOOL, &["scripts/stale-check.sh"]),
    entry("worktrees", crewkit_worktrees::setup_worktrees::TOOL, &["scripts/setup-worktrees.sh"]),
    entry("worktrees", crewkit_worktrees::worktree_check::TOOL, &["scripts/worktree-check.sh"]),
    entry("worktrees", crewkit_worktrees::worktree_cleanup::TOOL, &["scripts/worktree-cleanup.sh"]),
    entry("worktrees", crewkit_worktrees::worktree_create::TOOL, &["scripts/worktree-create.sh"]),
    entry("worktrees", crewkit_worktrees::worktree_guard::TOOL, &["scripts/worktree-guard.sh"]),
    entry("worktrees", crewkit_worktrees::worktree_merge_check::TOOL, &["scripts/worktree-merge-check.sh"]),
    entry("worktrees", crewkit_worktrees::worktree_safety::TOOL, &["scripts/worktree-safety.sh"]),
    entry("landing", crewkit_landing::merge_queue::TOOL, &["scripts/merge-queue.sh"]),
    entry("landing", crewkit_landing::wave_worktree::TOOL, &["scripts/wave-worktree.sh"]),
    entry("comms", crewkit_comms::comms::TOOL, &["scripts/comms.py"]),
    entry("comms", crewkit_comms::comms_hook::TOOL, &["scripts/comms.sh"]),
    entry("digests", crewkit_digests::diff_digest::TOOL, &["scripts/diff-digest.sh"]),
    entry("digests", crewkit_digests::git_digest::TOOL, &["scripts/git-digest.sh"]),
    entry("digests", crewkit_digests::merge_digest::TOOL, &["scripts/merge-digest.sh"]),
    entry("sessions", crewkit_sessions::memory_save::TOOL, &["scripts/memory-save.sh"]),
    entry("sessions", crewkit_sessions::repo_index::TOOL, &["scripts/repo-index.sh"]),
    entry("sessions", crewkit_sessions::session_cleanup::TOOL, &["scripts/session-cleanup.sh"]),
    entry("sessions", crewkit_sessions::session_recovery::TOOL, &["scripts/session-recovery.sh"]),
    entry("digests", crewkit_digests::test_digest::TOOL, &["scripts/test-digest.sh"]),
    entry("state", crewkit_state::init_dashboard_db::TOOL, &["scripts/init-dashboard-db.sh"]),
    entry(
        "hooks",
        crewkit_hooks::worktree_guard::TOOL,
        &["hooks/worktree-guard.sh", "scripts/hooks/worktree-guard.sh"],
    ),
];

/// The row of the tool called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    TOOLS.iter().find(|entry| entry.tool.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::Kind;
    use std::collections::HashSet;

    #[test]
    fn names_and_places_are_unique() {
        let names: HashSet<_> = TOOLS.iter().map(|entry| entry.tool.name).collect();
        assert_eq!(names.len(), TOOLS.len());
        let places: Vec<_> = TOOLS.iter().flat_map(|entry| entry.drop_ins).collect();
        assert_eq!(places.iter().collect::<HashSet<_>>().len(), places.len());
    }

    #[test]
    fn a_hook_is_named_as_one() {
        for entry in TOOLS {
            assert_eq!(entry.tool.kind == Kind::Hook, entry.family == "hooks", "{}", entry.tool.name);
        }
    }
}
