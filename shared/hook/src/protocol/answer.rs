//! A hook's answers, each in the words of the event's sender.

use std::fmt::Write as _;

use crewkit_tool::{Outcome, exit_code, text};
use serde::Serialize;

use super::event::{Dialect, Event};

/// Most characters of text that an agent takes as context; a longer one would be replaced by a file's name and a
/// preview.
pub const MOST_CONTEXT: usize = 10_000;

/// Where advice stands as plain text, for an event in nobody's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// On standard output.
    Stdout,
    /// On standard error.
    Stderr,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Specific<'a> {
    hook_specific_output: SpecificOutput<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpecificOutput<'a> {
    hook_event_name: &'a str,
    additional_context: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SystemMessage<'a> {
    system_message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Flat<'a> {
    additional_context: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deny<'a> {
    permission_decision: &'static str,
    permission_decision_reason: &'a str,
}

impl Event {
    /// Forbids what the agent is about to do (or, after a tool, sends it back to mend what it did) for `reason`.
    /// A stop that a hook has blocked before is not blocked again: the reason is then shown to the user.
    pub fn block(&self, reason: &str) -> Outcome {
        let reason = fit(reason);
        if self.stop_hook_active() && matches!(self.name(), Some("Stop" | "SubagentStop")) {
            return Outcome::json(&SystemMessage { system_message: &reason });
        }
        match self.dialect() {
            Dialect::Copilot => {
                Outcome::json(&Deny { permission_decision: "deny", permission_decision_reason: &reason })
            }
            Dialect::Claude | Dialect::Bare => Outcome::silent().with_stderr(reason).with_code(exit_code::BLOCKED),
        }
    }

    /// Lets the agent go on and tells it `advice`; `plain` is the stream for an event in nobody's words.
    pub fn advise(&self, advice: &str, plain: Plain) -> Outcome {
        let advice = fit(advice);
        match (self.dialect(), plain) {
            (Dialect::Claude, _) => self.claude_context(&advice),
            (Dialect::Bare, Plain::Stdout) => Outcome::text(advice),
            (Dialect::Copilot, _) | (Dialect::Bare, Plain::Stderr) => Outcome::silent().with_stderr(advice),
        }
    }

    /// Gives the agent `context` to read.
    pub fn add_context(&self, context: &str) -> Outcome {
        let context = fit(context);
        match self.dialect() {
            Dialect::Claude => self.claude_context(&context),
            Dialect::Copilot | Dialect::Bare => Outcome::json(&Flat { additional_context: &context }),
        }
    }

    /// Gives the agent `context` to read, as plain text where that reaches it (an event in nobody's words,
    /// SessionStart, UserPromptSubmit), else as [`Event::add_context`].
    pub fn add_plain_context(&self, context: &str) -> Outcome {
        let plain = match self.dialect() {
            Dialect::Claude => matches!(self.name(), Some("SessionStart" | "UserPromptSubmit")),
            Dialect::Copilot => false,
            Dialect::Bare => true,
        };
        if plain { Outcome::text(fit(context)) } else { self.add_context(context) }
    }

    /// For an event in Claude Code's words. Never with a `permissionDecision`: `allow` would skip the user's prompt.
    fn claude_context(&self, text: &str) -> Outcome {
        match self.name() {
            Some(name) if takes_context(name) => Outcome::json(&Specific {
                hook_specific_output: SpecificOutput { hook_event_name: name, additional_context: text },
            }),
            _ => Outcome::json(&SystemMessage { system_message: text }),
        }
    }
}

/// Whether an answer to the event `name` of Claude Code may have a `hookSpecificOutput`.
pub(super) fn takes_context(name: &str) -> bool {
    let events =
        ["SessionStart", "SubagentStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"];
    events.contains(&name)
}

/// `text` for an agent and for a terminal: control characters other than line ends and tabs written as escapes, and
/// shorter than [`MOST_CONTEXT`], with a last line that counts what was cut.
pub(super) fn fit(given: &str) -> String {
    let mut out = String::with_capacity(given.len());
    for c in given.chars() {
        if text::is_unsafe(c) && c != '\n' && c != '\t' { out.extend(c.escape_default()) } else { out.push(c) }
    }
    let length = out.chars().count();
    if length >= MOST_CONTEXT {
        let kept = text::head(&out, MOST_CONTEXT - 100).len();
        out.truncate(kept);
        let _ = write!(out, "\n[{} more characters]", length - (MOST_CONTEXT - 100));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(value: &Value) -> Event {
        Event::parse(value.to_string().as_bytes()).unwrap()
    }

    fn claude(name: &str) -> Event {
        event(&json!({"hook_event_name": name}))
    }

    fn parts(outcome: &Outcome) -> (u8, Value, &str) {
        let stdout = if outcome.stdout.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&outcome.stdout).unwrap_or_else(|_| json!(String::from_utf8_lossy(&outcome.stdout)))
        };
        (outcome.code, stdout, std::str::from_utf8(&outcome.stderr).unwrap())
    }

    #[test]
    fn a_block_in_each_dialect() {
        let bare = event(&json!({"tool_name": "Bash"}));
        let copilot = event(&json!({"toolName": "bash"}));
        assert_eq!(parts(&claude("PreToolUse").block("no")), (2, Value::Null, "no\n"));
        assert_eq!(parts(&bare.block("no\n")), (2, Value::Null, "no\n"));
        let deny = json!({"permissionDecision": "deny", "permissionDecisionReason": "no"});
        assert_eq!(parts(&copilot.block("no")), (0, deny, ""));
    }

    #[test]
    fn a_stop_is_blocked_once() {
        assert_eq!(claude("Stop").block("no").code, 2);
        let again = event(&json!({"hook_event_name": "Stop", "stop_hook_active": true}));
        assert_eq!(parts(&again.block("no")), (0, json!({"systemMessage": "no"}), ""));
    }

    #[test]
    fn context_goes_where_the_event_takes_it() {
        for name in ["SessionStart", "SubagentStart", "UserPromptSubmit", "PreToolUse", "PostToolUse"] {
            let wanted = json!({"hookSpecificOutput": {"hookEventName": name, "additionalContext": "a\nb"}});
            assert_eq!(parts(&claude(name).add_context("a\nb")), (0, wanted.clone(), ""));
            assert_eq!(parts(&claude(name).advise("a\nb", Plain::Stderr)), (0, wanted, ""));
        }
        for name in ["PreCompact", "Stop", "SubagentStop", "SessionEnd", "Notification", "SomethingNew"] {
            assert_eq!(parts(&claude(name).add_context("a")), (0, json!({"systemMessage": "a"}), ""));
        }
        for other in [json!({"toolName": "bash"}), json!({})] {
            assert_eq!(parts(&event(&other).add_context("a")), (0, json!({"additionalContext": "a"}), ""));
        }
    }

    #[test]
    fn advice_and_plain_context_without_an_event() {
        let (bare, copilot) = (event(&json!({})), event(&json!({"toolName": "bash"})));
        assert_eq!(parts(&bare.advise("a", Plain::Stdout)), (0, json!("a\n"), ""));
        assert_eq!(parts(&bare.advise("a", Plain::Stderr)), (0, Value::Null, "a\n"));
        assert_eq!(parts(&copilot.advise("a", Plain::Stdout)), (0, Value::Null, "a\n"));
        assert_eq!(parts(&bare.add_plain_context("a")), (0, json!("a\n"), ""));
        assert_eq!(parts(&claude("SessionStart").add_plain_context("a")), (0, json!("a\n"), ""));
        assert_eq!(parts(&copilot.add_plain_context("a")), (0, json!({"additionalContext": "a"}), ""));
        let before = json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "additionalContext": "a"}});
        assert_eq!(parts(&claude("PreToolUse").add_plain_context("a")), (0, before, ""));
    }

    #[test]
    fn text_is_harmless_and_short_enough() {
        assert_eq!(fit("a\x1b[31m\nb\t\r\u{202e}"), "a\\u{1b}[31m\nb\t\\r\\u{202e}");
        assert_eq!(fit(&"é".repeat(MOST_CONTEXT - 1)).chars().count(), MOST_CONTEXT - 1);
        let cut = fit(&"é".repeat(MOST_CONTEXT + 7));
        assert!(cut.chars().count() < MOST_CONTEXT && cut.ends_with("\n[107 more characters]"), "{cut:.40}");
    }
}
