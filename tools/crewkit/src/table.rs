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
    entry("plans", crewkit_plans::fix_counters::TOOL, &["scripts/fix-counters.sh"]),
    entry("plans", crewkit_plans::generate_task_md::TOOL, &["scripts/generate-task-md.sh"]),
    entry("plans", crewkit_plans::plan_db::TOOL, &["scripts/plan-db.sh"]),
    entry("plans", crewkit_plans::plan_db_safe::TOOL, &["scripts/plan-db-safe.sh"]),
    entry("plans", crewkit_plans::planner_init::TOOL, &["scripts/planner-init.sh"]),
    entry("plans", crewkit_plans::register_project::TOOL, &["scripts/register-project.sh"]),
    entry("plans", crewkit_plans::task_quick::TOOL, &["scripts/task-quick.sh"]),
    entry("plans", crewkit_plans::thor_audit_log::TOOL, &["scripts/thor-audit-log.sh"]),
    entry("plans", crewkit_plans::thor_validate::TOOL, &["scripts/thor-validate.sh"]),
    entry("plans", crewkit_plans::track_plan_change::TOOL, &["scripts/track-plan-change.sh"]),
    entry("plans", crewkit_plans::verify_task_update::TOOL, &["scripts/verify-task-update.sh"]),
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
    entry("quality", crewkit_quality::code_pattern_check::TOOL, &["scripts/code-pattern-check.sh"]),
    entry("quality", crewkit_quality::context_audit::TOOL, &["scripts/context-audit.sh"]),
    entry("quality", crewkit_quality::context_check::TOOL, &["scripts/context-check.sh"]),
    entry("quality", crewkit_quality::hardening_check::TOOL, &["scripts/hardening-check.sh"]),
    entry("quality", crewkit_quality::project_audit::TOOL, &["scripts/project-audit.sh"]),
    entry("quality", crewkit_quality::quality_gate_templates::TOOL, &["scripts/quality-gate-templates.sh"]),
    entry("digests", crewkit_digests::audit_digest::TOOL, &["scripts/audit-digest.sh"]),
    entry("digests", crewkit_digests::build_digest::TOOL, &["scripts/build-digest.sh"]),
    entry("digests", crewkit_digests::diff_digest::TOOL, &["scripts/diff-digest.sh"]),
    entry("digests", crewkit_digests::digest_stats::TOOL, &["scripts/digest-stats.sh"]),
    entry("digests", crewkit_digests::error_digest::TOOL, &["scripts/error-digest.sh"]),
    entry("digests", crewkit_digests::git_digest::TOOL, &["scripts/git-digest.sh"]),
    entry("digests", crewkit_digests::merge_digest::TOOL, &["scripts/merge-digest.sh"]),
    entry("digests", crewkit_digests::migration_digest::TOOL, &["scripts/migration-digest.sh"]),
    entry("digests", crewkit_digests::npm_digest::TOOL, &["scripts/npm-digest.sh"]),
    entry("digests", crewkit_digests::test_digest::TOOL, &["scripts/test-digest.sh"]),
    entry("sessions", crewkit_sessions::memory_save::TOOL, &["scripts/memory-save.sh"]),
    entry("sessions", crewkit_sessions::repo_index::TOOL, &["scripts/repo-index.sh"]),
    entry("sessions", crewkit_sessions::session_cleanup::TOOL, &["scripts/session-cleanup.sh"]),
    entry("sessions", crewkit_sessions::session_recovery::TOOL, &["scripts/session-recovery.sh"]),
    entry("forge", crewkit_forge_tools::review_gate::TOOL, &["scripts/review-gate.sh"]),
    entry("state", crewkit_state::init_dashboard_db::TOOL, &["scripts/init-dashboard-db.sh"]),
    entry("state", crewkit_state::token_report::TOOL, &["scripts/token-report.sh"]),
    entry("hooks", crewkit_hooks::auto_format::TOOL, &["hooks/auto-format.sh", "scripts/hooks/auto-format.sh"]),
    entry(
        "hooks",
        crewkit_hooks::debug_hook_input::TOOL,
        &["hooks/debug-hook-input.sh", "scripts/hooks/debug-hook-input.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::enforce_line_limit::TOOL,
        &["hooks/enforce-line-limit.sh", "scripts/hooks/enforce-line-limit.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::env_vault_guard::TOOL,
        &["hooks/env-vault-guard.sh", "scripts/hooks/env-vault-guard.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::inject_agent_context::TOOL,
        &["hooks/inject-agent-context.sh", "scripts/hooks/inject-agent-context.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::model_registry_refresh::TOOL,
        &["hooks/model-registry-refresh.sh", "scripts/hooks/model-registry-refresh.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::prefer_ci_summary::TOOL,
        &["hooks/prefer-ci-summary.sh", "scripts/hooks/prefer-ci-summary.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::preserve_context::TOOL,
        &["hooks/preserve-context.sh", "scripts/hooks/preserve-context.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::secret_scanner::TOOL,
        &["hooks/secret-scanner.sh", "scripts/hooks/secret-scanner.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::session_end_tokens::TOOL,
        &["hooks/session-end-tokens.sh", "scripts/hooks/session-end-tokens.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::session_file_lock::TOOL,
        &["hooks/session-file-lock.sh", "scripts/hooks/session-file-lock.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::session_file_unlock::TOOL,
        &["hooks/session-file-unlock.sh", "scripts/hooks/session-file-unlock.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::session_reaper::TOOL,
        &["hooks/session-reaper.sh", "scripts/hooks/session-reaper.sh"],
    ),
    entry(
        "hooks",
        crewkit_hooks::thor_commit_guard::TOOL,
        &["hooks/thor-commit-guard.sh", "scripts/hooks/thor-commit-guard.sh"],
    ),
    entry("hooks", crewkit_hooks::thor_git_hook::TOOL, &["hooks/thor-git-hook.sh", "scripts/hooks/thor-git-hook.sh"]),
    entry("hooks", crewkit_hooks::track_tokens::TOOL, &["hooks/track-tokens.sh", "scripts/hooks/track-tokens.sh"]),
    entry("hooks", crewkit_hooks::version_check::TOOL, &["hooks/version-check.sh", "scripts/hooks/version-check.sh"]),
    entry(
        "hooks",
        crewkit_hooks::warn_bash_antipatterns::TOOL,
        &["hooks/warn-bash-antipatterns.sh", "scripts/hooks/warn-bash-antipatterns.sh"],
    ),
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
    fn a_hook_is_of_the_hooks() {
        for entry in TOOLS {
            // git's hooks end with 1 when they refuse, as tools do.
            let of_git = entry.tool.name == "thor-git-hook";
            assert_eq!(entry.tool.kind == Kind::Hook || of_git, entry.family == "hooks", "{}", entry.tool.name);
        }
    }
}
