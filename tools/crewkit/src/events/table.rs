//! Every hook of every event, once: what `crewkit hook EVENT` runs, in this order, and what an installation configures.

use crewkit_comms::comms_hook;
use crewkit_hook::Event;
use crewkit_hooks::{
    auto_format, debug_hook_input, enforce_line_limit, env_vault_guard, inject_agent_context, model_registry_refresh,
    prefer_ci_summary, preserve_context, secret_scanner, session_end_tokens, session_file_lock, session_file_unlock,
    session_reaper, thor_commit_guard, track_tokens, version_check, warn_bash_antipatterns, worktree_guard,
};
use crewkit_tool::{Answer, Context};

/// When a hook has its turn among those of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Always: it judges or advises.
    Judge,
    /// Not when another has blocked: it does something that a blocked call has no use for.
    Act,
    /// As [`Turn::Act`], and its context comes only once.
    Deliver,
}

/// A hook at one event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hook {
    /// The name in settings, and of its table there.
    pub(crate) name: &'static str,
    /// The event; `*` for all.
    pub(crate) event: &'static str,
    /// What the event has to be about: names of tools, or of sources, triggers, agent types. Empty: anything.
    pub(crate) matcher: &'static [&'static str],
    /// The hook itself.
    pub(crate) answer: fn(&Context, &Event) -> Answer,
    /// When it runs.
    pub(crate) turn: Turn,
    /// Whether it runs where nobody has set anything.
    pub(crate) default: bool,
    /// The program that is this hook alone, in the agent's folder, and its argument.
    pub(crate) program: (&'static str, &'static str),
    /// Seconds that it may take at most.
    pub(crate) seconds: u32,
}

const fn hook(
    name: &'static str,
    event: &'static str,
    matcher: &'static [&'static str],
    answer: fn(&Context, &Event) -> Answer,
    program: &'static str,
) -> Hook {
    Hook { name, event, matcher, answer, turn: Turn::Judge, default: true, program: (program, ""), seconds: 5 }
}

impl Hook {
    const fn argument(mut self, argument: &'static str) -> Self {
        self.program.1 = argument;
        self
    }

    const fn turn(mut self, turn: Turn) -> Self {
        self.turn = turn;
        self
    }

    /// Runs only where people switch it on.
    const fn on_demand(mut self) -> Self {
        self.default = false;
        self
    }

    const fn seconds(mut self, seconds: u32) -> Self {
        self.seconds = seconds;
        self
    }
}

const COMMS: &str = "scripts/comms.sh";
const TOKENS: &str = "hooks/session-end-tokens.sh";
const TRACK: &str = "hooks/track-tokens.sh";

/// Tools that change files.
const EDITS: &[&str] = &["Edit", "MultiEdit", "Write"];

/// Sources of a session that begins; a compacted or cleared one goes on.
const STARTS: &[&str] = &["startup", "resume"];

/// All hooks, by event; within an event in the order in which they run: those that judge first.
pub(crate) const HOOKS: &[Hook] = &[
    hook("debug-hook-input", "*", &[], debug_hook_input::answer, "hooks/debug-hook-input.sh").on_demand(),
    hook("preserve-context", "SessionStart", &["compact"], preserve_context::answer, "hooks/preserve-context.sh"),
    hook("version-check", "SessionStart", STARTS, version_check::answer, "hooks/version-check.sh").seconds(10),
    hook(
        "model-registry-refresh",
        "SessionStart",
        STARTS,
        model_registry_refresh::answer,
        "hooks/model-registry-refresh.sh",
    )
    .seconds(10),
    hook("comms-session-start", "SessionStart", &[], comms_hook::session_start, COMMS)
        .argument("session-start")
        .turn(Turn::Act)
        .seconds(10),
    hook("session-reaper", "SessionStart", &[], session_reaper::answer, "hooks/session-reaper.sh").turn(Turn::Act),
    hook("comms-check", "UserPromptSubmit", &[], comms_hook::check, COMMS).argument("check").turn(Turn::Deliver),
    hook("worktree-guard", "PreToolUse", &["Bash"], worktree_guard::answer, "hooks/worktree-guard.sh"),
    hook("thor-commit-guard", "PreToolUse", &["Bash"], thor_commit_guard::answer, "scripts/hooks/thor-commit-guard.sh"),
    hook("secret-scanner", "PreToolUse", &["Bash"], secret_scanner::answer, "hooks/secret-scanner.sh").seconds(10),
    hook("env-vault-guard", "PreToolUse", &["Bash"], env_vault_guard::answer, "hooks/env-vault-guard.sh").seconds(10),
    hook("prefer-ci-summary", "PreToolUse", &["Bash"], prefer_ci_summary::answer, "hooks/prefer-ci-summary.sh"),
    hook(
        "warn-bash-antipatterns",
        "PreToolUse",
        &["Bash"],
        warn_bash_antipatterns::answer,
        "hooks/warn-bash-antipatterns.sh",
    ),
    hook("enforce-line-limit", "PreToolUse", &["Write"], enforce_line_limit::answer, "hooks/enforce-line-limit.sh"),
    // For any tool: a call of whatever kind is a sign of life of the session's locks.
    hook("session-file-lock", "PreToolUse", &[], session_file_lock::answer, "hooks/session-file-lock.sh")
        .turn(Turn::Act),
    hook("comms-check", "PreToolUse", &[], comms_hook::check, COMMS).argument("check").turn(Turn::Deliver),
    // Before the lines are counted: it changes their number.
    hook("auto-format", "PostToolUse", EDITS, auto_format::answer, "hooks/auto-format.sh").on_demand().seconds(30),
    hook("enforce-line-limit", "PostToolUse", EDITS, enforce_line_limit::answer, "hooks/enforce-line-limit.sh"),
    hook("comms-git-detect", "PostToolUse", &["Bash"], comms_hook::git_detect, COMMS)
        .argument("git-detect")
        .turn(Turn::Act)
        .seconds(15),
    hook("inject-agent-context", "SubagentStart", &[], inject_agent_context::answer, "hooks/inject-agent-context.sh"),
    hook("preserve-context", "PreCompact", &[], preserve_context::answer, "hooks/preserve-context.sh"),
    hook("session-end-tokens", "SubagentStop", &[], session_end_tokens::answer, TOKENS).turn(Turn::Act),
    hook("session-end-tokens", "Stop", &[], session_end_tokens::answer, TOKENS).turn(Turn::Act),
    hook("track-tokens", "TeammateIdle", &[], track_tokens::answer, TRACK).turn(Turn::Act),
    hook("track-tokens", "TaskCompleted", &[], track_tokens::answer, TRACK).turn(Turn::Act),
    hook("session-file-unlock", "SessionEnd", &[], session_file_unlock::answer, "hooks/session-file-unlock.sh")
        .turn(Turn::Act),
    hook("session-reaper", "SessionEnd", &[], session_reaper::answer, "hooks/session-reaper.sh").turn(Turn::Act),
    hook("session-end-tokens", "SessionEnd", &[], session_end_tokens::answer, TOKENS).turn(Turn::Act),
    hook("comms-session-end", "SessionEnd", &[], comms_hook::session_end, COMMS)
        .argument("session-end")
        .turn(Turn::Act),
];

/// Events of agents that a hook may be called for (Claude Code's hooks reference).
pub(crate) const EVENTS: &[&str] = &[
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PostToolUseFailure",
    "Notification",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "TeammateIdle",
    "TaskCompleted",
    "PreCompact",
    "SessionEnd",
];

/// The event that `name` means: Claude Code's, or Copilot's spelling of it.
pub(crate) fn event_named(name: &str) -> Option<&'static str> {
    let name = if name.eq_ignore_ascii_case("userPromptSubmitted") { "UserPromptSubmit" } else { name };
    EVENTS.iter().find(|event| event.eq_ignore_ascii_case(name)).copied()
}

/// The hooks of `event` that are there, switched on or not, in the order in which they run.
pub(crate) fn of_event(event: &str) -> impl Iterator<Item = &'static Hook> {
    HOOKS.iter().filter(move |hook| hook.event == "*" || hook.event == event)
}

/// The events that an installation calls hooks for, with the tools (or sources...) that they are about; `None` for
/// anything. Only hooks that run by default count.
pub(crate) fn configured() -> Vec<(&'static str, Option<String>, u32)> {
    let mut rows = Vec::new();
    for event in EVENTS {
        let hooks: Vec<&Hook> = HOOKS.iter().filter(|hook| hook.default && hook.event == *event).collect();
        if hooks.is_empty() {
            continue;
        }
        // One process does all of it one after the other, each with a little to spare.
        let seconds = hooks.iter().map(|hook| hook.seconds).sum::<u32>().clamp(10, 60);
        let mut names: Vec<&str> = Vec::new();
        for name in hooks.iter().flat_map(|hook| hook.matcher) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        let all = hooks.iter().any(|hook| hook.matcher.is_empty());
        rows.push((*event, (!all).then(|| names.join("|")), seconds));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_that_judge_come_first_and_events_are_known() {
        for event in EVENTS {
            let turns: Vec<Turn> = of_event(event).map(|hook| hook.turn).collect();
            let judges = turns.iter().take_while(|turn| **turn == Turn::Judge).count();
            assert!(turns[judges..].iter().all(|turn| *turn != Turn::Judge), "{event}");
            assert!(
                turns.iter().filter(|turn| **turn == Turn::Deliver).count() < 2,
                "{event}: only one may fill the context"
            );
        }
        for hook in HOOKS {
            assert!(hook.event == "*" || EVENTS.contains(&hook.event), "{}", hook.name);
        }
        assert_eq!(event_named("preToolUse"), Some("PreToolUse"));
        assert_eq!(event_named("userPromptSubmitted"), Some("UserPromptSubmit"));
        assert_eq!(event_named("SessionStop"), None);
    }

    #[test]
    fn a_hook_stands_once_at_an_event_and_its_program_is_one_of_ours() {
        for (at, hook) in HOOKS.iter().enumerate() {
            let again = HOOKS[at + 1..].iter().any(|other| (other.name, other.event) == (hook.name, hook.event));
            assert!(!again, "{} {}", hook.name, hook.event);
            let known = crate::table::TOOLS.iter().any(|entry| entry.drop_ins.contains(&hook.program.0));
            assert!(known, "{}: {}", hook.name, hook.program.0);
        }
    }

    #[test]
    fn an_event_is_called_for_all_that_its_hooks_want() {
        let rows = configured();
        let of = |event: &str| rows.iter().find(|row| row.0 == event).map(|row| row.1.clone());
        assert_eq!((of("PreToolUse"), of("Notification")), (Some(None), None));
        assert!(of("PostToolUse").unwrap().is_some_and(|matcher| matcher.split('|').any(|tool| tool == "Bash")));
    }
}
