//! The answers of several hooks to one event as one answer, by the rules that an agent has for hooks it calls one by
//! one: a block wins, of permission decisions the strictest, texts are joined.

use std::collections::HashSet;

use crewkit_tool::{Outcome, exit_code, text};
use serde_json::{Map, Value};

use super::answer::{MOST_CONTEXT, fit, takes_context};
use super::event::{Dialect, Event};

/// One hook's answer.
#[derive(Debug, Clone)]
pub struct Given {
    /// The hook's name.
    pub hook: &'static str,
    /// What it answered.
    pub outcome: Outcome,
    /// Whether its context comes only once (an unread message), so that others are shortened before it.
    pub once: bool,
}

impl Given {
    /// Whether the answer forbids what the event is about.
    pub fn blocks(&self) -> bool {
        let Outcome { stdout, code, .. } = &self.outcome;
        let says = |words: &[u8]| stdout.windows(words.len()).any(|part| part == words);
        *code == exit_code::BLOCKED
            || (*code == exit_code::DONE && (says(b"\"deny\"") || says(b"\"block\"")) && forbids(stdout))
    }
}

fn forbids(stdout: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice::<Value>(stdout) else { return false };
    let permission = [&answer, &answer["hookSpecificOutput"]].map(|part| part.get("permissionDecision"));
    permission.into_iter().flatten().any(|decision| decision == "deny")
        || matches!(answer["decision"].as_str(), Some("deny" | "block"))
}

/// Permission decisions, the strictest first.
const DECISIONS: [&str; 4] = ["deny", "defer", "ask", "allow"];

/// Keys of an answer that are merged by a rule of their own, at its top or in `hookSpecificOutput`.
const KNOWN: [&str; 12] = [
    "continue",
    "stopReason",
    "suppressOutput",
    "systemMessage",
    "decision",
    "reason",
    "hookSpecificOutput",
    "hookEventName",
    "permissionDecision",
    "permissionDecisionReason",
    "updatedInput",
    "additionalContext",
];

impl Event {
    /// The answers of several hooks to this event as one.
    pub fn merge(&self, mut given: Vec<Given>) -> Outcome {
        given.retain(|one| one.outcome != Outcome::silent());
        if given.len() == 1 && matches!(given[0].outcome.code, exit_code::DONE | exit_code::BLOCKED) {
            return given.swap_remove(0).outcome;
        }
        let mut sum = Sum::default();
        for one in &given {
            sum.add(one, self.dialect());
        }
        sum.answer(self)
    }
}

/// What the answers come to.
#[derive(Default)]
struct Sum {
    /// Reasons of those that block by their exit code.
    blocks: Vec<String>,
    /// Reasons of those that block by `decision`.
    decided: Vec<String>,
    /// The strictest permission decision, as a place in [`DECISIONS`], with its reasons.
    permission: Option<(usize, Vec<String>)>,
    /// The changed input, and whose it is.
    updated: Option<(Value, &'static str)>,
    contexts: Vec<Context>,
    messages: Vec<String>,
    /// Reasons of those that stop the agent altogether.
    stops: Option<Vec<String>>,
    suppress: bool,
    /// Keys that nobody here knows, of the top and of `hookSpecificOutput`.
    others: Map<String, Value>,
    other_specifics: Map<String, Value>,
    stderr: Vec<String>,
}

struct Context {
    text: String,
    plain: bool,
    once: bool,
}

impl Sum {
    fn add(&mut self, given: &Given, dialect: Dialect) {
        let outcome = &given.outcome;
        let stderr = String::from_utf8_lossy(&outcome.stderr).trim_end().to_owned();
        if outcome.code == exit_code::BLOCKED {
            self.blocks.push(if stderr.is_empty() { format!("blocked by {}", given.hook) } else { stderr });
            return;
        }
        if !stderr.is_empty() {
            self.stderr.push(stderr);
        }
        if outcome.code != exit_code::DONE {
            self.stderr.push(format!("{} ended with exit code {}", given.hook, outcome.code));
            return;
        }
        if outcome.stdout.trim_ascii().is_empty() {
            return;
        }
        let Ok(Value::Object(mut top)) = serde_json::from_slice(&outcome.stdout) else {
            let text = String::from_utf8_lossy(&outcome.stdout).trim_end().to_owned();
            self.contexts.push(Context { text, plain: true, once: given.once });
            return;
        };
        if top.get("continue") == Some(&Value::Bool(false)) {
            self.stops.get_or_insert_default().extend(text_of(&top, "stopReason"));
        }
        self.suppress |= top.get("suppressOutput") == Some(&Value::Bool(true));
        self.messages.extend(text_of(&top, "systemMessage"));
        if top.get("decision").is_some_and(|decision| decision == "block" || decision == "deny") {
            self.decided.push(text_of(&top, "reason").unwrap_or_else(|| format!("blocked by {}", given.hook)));
        }
        if dialect == Dialect::Claude {
            let specific = top.shift_remove("hookSpecificOutput");
            self.add_specific(specific.as_ref().and_then(Value::as_object).unwrap_or(&Map::new()), given);
        } else {
            self.add_specific(&top, given);
        }
        self.others.extend(top.into_iter().filter(|(key, _)| !KNOWN.contains(&key.as_str())));
    }

    /// Adds what Claude Code wants in `hookSpecificOutput` and Copilot at the top.
    fn add_specific(&mut self, specific: &Map<String, Value>, given: &Given) {
        if let Some(rank) = text_of(specific, "permissionDecision")
            .and_then(|decision| DECISIONS.iter().position(|known| *known == decision))
        {
            let reason = text_of(specific, "permissionDecisionReason");
            match &mut self.permission {
                Some((strictest, reasons)) if *strictest == rank => reasons.extend(reason),
                Some((strictest, _)) if *strictest < rank => {}
                permission => *permission = Some((rank, reason.into_iter().collect())),
            }
        }
        if let Some(updated) = specific.get("updatedInput") {
            if let Some((other, hook)) = &self.updated
                && other != updated
            {
                let last = given.hook;
                self.messages.push(format!("{hook} and {last} both change the tool's input; that of {last} is used"));
            }
            self.updated = Some((updated.clone(), given.hook));
        }
        if let Some(text) = text_of(specific, "additionalContext") {
            self.contexts.push(Context { text, plain: false, once: given.once });
        }
        let unknown = specific.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str()));
        self.other_specifics.extend(unknown.map(|(key, value)| (key.clone(), value.clone())));
    }

    fn answer(mut self, event: &Event) -> Outcome {
        let dialect = event.dialect();
        if dialect == Dialect::Copilot {
            return self.flat_answer();
        }
        if !self.blocks.is_empty() {
            // Standard output counts for nothing then: what it would have said follows the reasons.
            let denials = self.permission.take().filter(|(rank, _)| *rank == 0).map(|(_, reasons)| reasons);
            let mut parts = self.blocks;
            parts.append(&mut self.decided);
            parts.extend(denials.into_iter().flatten());
            parts.extend(self.contexts.into_iter().map(|context| context.text));
            parts.append(&mut self.messages);
            return Outcome::silent().with_stderr(fit(&reasons_once(&parts))).with_code(exit_code::BLOCKED);
        }
        if dialect == Dialect::Bare {
            return if self.contexts.iter().all(|context| context.plain) && self.is_context_alone() {
                self.plain_answer()
            } else {
                self.flat_answer()
            };
        }
        let name = event.name().unwrap_or_default();
        if !matches!(name, "SessionStart" | "UserPromptSubmit") {
            // Nobody reads plain text of other events.
            let (plain, seen) = std::mem::take(&mut self.contexts).into_iter().partition(|context| context.plain);
            self.contexts = seen;
            let plain: Vec<Context> = plain;
            self.stderr.extend(plain.into_iter().map(|context| context.text));
        } else if self.contexts.iter().all(|context| context.plain) && self.is_context_alone() {
            return self.plain_answer();
        }
        let mut top = self.top();
        let mut specific = Map::new();
        self.specific(&mut specific);
        if takes_context(name) {
            if !specific.is_empty() {
                let mut named = Map::new();
                named.insert("hookEventName".to_owned(), name.into());
                named.append(&mut specific);
                top.insert("hookSpecificOutput".to_owned(), Value::Object(named));
            }
        } else if let Some(Value::String(context)) = specific.shift_remove("additionalContext") {
            let before = text_of(&top, "systemMessage").map(|message| message + "\n").unwrap_or_default();
            top.insert("systemMessage".to_owned(), fit(&(before + &context)).into());
        }
        self.finish(top)
    }

    /// Whether there is nothing but contexts.
    fn is_context_alone(&self) -> bool {
        self.messages.is_empty()
            && self.decided.is_empty()
            && self.permission.is_none()
            && self.updated.is_none()
            && self.stops.is_none()
            && !self.suppress
            && self.others.is_empty()
            && self.other_specifics.is_empty()
    }

    fn plain_answer(mut self) -> Outcome {
        let text = joined(std::mem::take(&mut self.contexts), "\n");
        with_stderr(Outcome::text(text), &self.stderr)
    }

    fn flat_answer(mut self) -> Outcome {
        if !self.blocks.is_empty() {
            let mut reasons = std::mem::take(&mut self.blocks);
            if let Some((0, denials)) = self.permission.take() {
                reasons.extend(denials);
            }
            self.permission = Some((0, reasons));
        }
        let mut top = self.top();
        self.specific(&mut top);
        self.finish(top)
    }

    /// The keys at the top of an answer.
    fn top(&mut self) -> Map<String, Value> {
        let mut top = Map::new();
        if let Some(reasons) = self.stops.take() {
            top.insert("continue".to_owned(), false.into());
            if !reasons.is_empty() {
                top.insert("stopReason".to_owned(), fit(&reasons.join("\n")).into());
            }
        }
        if self.suppress {
            top.insert("suppressOutput".to_owned(), true.into());
        }
        if !self.decided.is_empty() {
            top.insert("decision".to_owned(), "block".into());
            top.insert("reason".to_owned(), fit(&self.decided.join("\n")).into());
        }
        if !self.messages.is_empty() {
            top.insert("systemMessage".to_owned(), fit(&self.messages.join("\n")).into());
        }
        top.append(&mut self.others);
        top
    }

    /// The keys of `hookSpecificOutput`.
    fn specific(&mut self, into: &mut Map<String, Value>) {
        let denied = self.permission.as_ref().is_some_and(|(rank, _)| *rank == 0);
        if let Some((rank, reasons)) = self.permission.take() {
            into.insert("permissionDecision".to_owned(), DECISIONS[rank].into());
            if !reasons.is_empty() {
                into.insert("permissionDecisionReason".to_owned(), fit(&reasons_once(&reasons)).into());
            }
        }
        if let Some((updated, _)) = self.updated.take().filter(|_| !denied) {
            into.insert("updatedInput".to_owned(), updated);
        }
        if !self.contexts.is_empty() {
            into.insert("additionalContext".to_owned(), joined(std::mem::take(&mut self.contexts), "\n\n").into());
        }
        into.append(&mut self.other_specifics);
    }

    fn finish(self, top: Map<String, Value>) -> Outcome {
        let outcome = if top.is_empty() { Outcome::silent() } else { Outcome::json(&top) };
        with_stderr(outcome, &self.stderr)
    }
}

fn with_stderr(outcome: Outcome, lines: &[String]) -> Outcome {
    if lines.is_empty() { outcome } else { outcome.with_stderr(lines.join("\n")) }
}

/// `reasons` without the lines that stand in an earlier one already, the mark `[BLOCKED]` aside: two hooks that find the
/// same say it once.
fn reasons_once(reasons: &[String]) -> String {
    let bare = |line: &'_ str| line.trim().trim_start_matches("[BLOCKED] ").to_owned();
    let mut said = HashSet::new();
    let mut lines = Vec::new();
    for reason in reasons {
        let new: Vec<&str> = reason.lines().filter(|line| !said.contains(&bare(line))).collect();
        said.extend(new.iter().map(|line| bare(line)));
        lines.extend(new);
    }
    lines.join("\n")
}

fn text_of(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// All contexts, shorter together than [`MOST_CONTEXT`] characters; those that come again are cut first.
fn joined(mut contexts: Vec<Context>, between: &str) -> String {
    let length = |text: &str| text.chars().count();
    let gaps = between.len() * contexts.len().saturating_sub(1);
    let total: usize = gaps + contexts.iter().map(|context| length(&context.text)).sum::<usize>();
    if total >= MOST_CONTEXT {
        let once: usize = contexts.iter().filter(|context| context.once).map(|context| length(&context.text)).sum();
        let mut room = (MOST_CONTEXT - 1).saturating_sub(once + gaps);
        for context in contexts.iter_mut().filter(|context| !context.once) {
            let given = length(&context.text);
            if given > room {
                let note = format!("\n[{given} characters, cut]");
                let kept = text::head(&context.text, room.saturating_sub(note.len())).to_owned();
                context.text = if room > note.len() { kept + &note } else { String::new() };
            }
            room = room.saturating_sub(length(&context.text));
        }
        contexts.retain(|context| !context.text.is_empty());
    }
    let texts: Vec<&str> = contexts.iter().map(|context| context.text.as_str()).collect();
    fit(&texts.join(between))
}

#[cfg(test)]
mod tests;
