//! What a conversation says of plans and requirements. Transcripts are JSON Lines, an object a line with `type` user or
//! assistant and `message.content`, a string or blocks; also read is one JSON array with `type` human and `message` as
//! string. A line that cannot be read is skipped.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use crewkit_tool::Refusal;
use serde_json::Value;

/// How many of the person's messages are looked at for a plan.
const LAST_MESSAGES: usize = 20;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    /// The plan that the person named last.
    pub(super) plan: Option<i64>,
    /// The numbers of requirements as written, by number.
    requirements: BTreeSet<(u64, String)>,
    said: VecDeque<Option<i64>>,
}

impl Transcript {
    /// Reads the transcript at `path`; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Refusal> {
        let cannot = |fault: std::io::Error| Refusal::new(format!("{}: {fault}", path.display()));
        // A pipe of that name would never end.
        if !fs::metadata(path).is_ok_and(|data| data.is_file()) {
            return Ok(None);
        }
        let mut lines = BufReader::with_capacity(1 << 16, File::open(path).map_err(cannot)?);
        let mut found = Self::default();
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(cannot)? > 0 {
            if found.said.is_empty() && found.requirements.is_empty() && line.trim_ascii_start().starts_with(b"[") {
                std::io::Read::read_to_end(&mut lines, &mut line).map_err(cannot)?;
                let entries: Vec<Value> = serde_json::from_slice(&line).unwrap_or_default();
                for entry in &entries {
                    found.entry(entry);
                }
                break;
            }
            // Most lines are the results of tools, which are long and need not be parsed.
            if (holds(&line, b"\"user\"") || holds(&line, b"\"human\"") || holds(&line, b"F-"))
                && let Ok(entry) = serde_json::from_slice::<Value>(&line)
            {
                found.entry(&entry);
            }
            line.clear();
        }
        found.plan = found.said.iter().rev().find_map(|plan| *plan);
        Ok(Some(found))
    }

    /// All requirements, `F-01`, by number.
    pub(super) fn requirements(&self) -> Vec<&str> {
        self.requirements.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn entry(&mut self, entry: &Value) {
        let kind = entry.get("type").and_then(Value::as_str);
        let person = matches!(kind, Some("user" | "human"));
        if !person && kind != Some("assistant") {
            return;
        }
        let is = |key: &str| entry.get(key).and_then(Value::as_bool).unwrap_or(false);
        let Some(message) = entry.get("message") else { return };
        let content = if message.is_object() { message.get("content") } else { Some(message) };
        let texts: Vec<&str> = match content {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(blocks)) => blocks.iter().filter_map(text_of_block).collect(),
            _ => Vec::new(),
        };
        for text in &texts {
            self.requirements.extend(requirements_in(text));
        }
        // What the agent's program or a subagent's task says in the person's place was not said by the person.
        if person && !texts.is_empty() && !is("isMeta") && !is("isSidechain") {
            if self.said.len() == LAST_MESSAGES {
                self.said.pop_front();
            }
            self.said.push_back(texts.iter().rev().find_map(|text| plan_in(text)));
        }
    }
}

fn text_of_block(block: &Value) -> Option<&str> {
    match block {
        Value::String(text) => Some(text),
        block if block.get("type").and_then(Value::as_str) == Some("text") => block.get("text")?.as_str(),
        _ => None,
    }
}

/// The plan that `text` names last: `plan-12`, `plan_12`, `plan12`, `plan 12`, in capitals or not.
fn plan_in(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let mut found = None;
    for (at, word) in bytes.windows(4).enumerate() {
        if !word.eq_ignore_ascii_case(b"plan") || !begins(bytes, at) {
            continue;
        }
        let rest = &bytes[at + 4..];
        let rest = rest.strip_prefix(b"-").or(rest.strip_prefix(b"_")).or(rest.strip_prefix(b" ")).unwrap_or(rest);
        let rest = rest.strip_prefix(b"#").unwrap_or(rest);
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = rest.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        found = number.filter(|number| *number > 0).or(found);
    }
    found
}

/// The requirements that `text` names.
fn requirements_in(text: &str) -> impl Iterator<Item = (u64, String)> {
    let bytes = text.as_bytes();
    bytes.windows(2).enumerate().filter_map(move |(at, mark)| {
        let digits = bytes.get(at + 2..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let named = mark == b"F-" && (2..=6).contains(&digits) && begins(bytes, at);
        let number = named.then(|| text.get(at + 2..at + 2 + digits)).flatten()?;
        Some((number.parse().ok()?, format!("F-{number}")))
    })
}

/// Whether a word begins at `at`.
fn begins(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

fn holds(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<i64>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        fs::write(&path, text).unwrap();
        let found = Transcript::read(&path).unwrap().unwrap();
        (found.plan, found.requirements().into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn plans_by_all_their_spellings() {
        for (text, plan) in [
            ("plan-12", Some(12)),
            ("Plan_12.", Some(12)),
            ("the PLAN12", Some(12)),
            ("plan 12 and plan 34", Some(34)),
            ("plan #7", Some(7)),
            ("plan for 12", None),
            ("airplan 12", None),
            ("plans 12", None),
            ("plan-0", None),
            ("plan 99999999999999999999", None),
        ] {
            assert_eq!(plan_in(text), plan, "{text}");
        }
    }

    #[test]
    fn requirements_are_words_of_their_own() {
        let found = |text| requirements_in(text).map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(found("F-01, (F-123) UTF-16 PDF-17 F-1 F-x F-"), ["F-01", "F-123"]);
    }

    #[test]
    fn both_forms_of_a_transcript() {
        let lines = r#"{"type":"summary","summary":"plan 9"}
{"type":"user","message":{"role":"user","content":"go on with plan 34 (F-07)"}}
not json "user"
{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"plan 5: F-10, F-9"}]}}
{"type":"user","isMeta":true,"message":{"role":"user","content":"plan 6"}}
{"type":"user","message":{"role":"user","content":[{"type":"tool_result","content":"plan 7 F-77"}]}}
{"type":"user","message":{"role":"user","content":[{"type":"text","text":"yes"}]}}"#;
        assert_eq!(read(lines), (Some(34), vec!["F-07".to_owned(), "F-10".to_owned()]));
        let array = r#"[{"type":"human","message":"plan-12 F-02"},
            {"type":"assistant","message":"F-01"}, {"type":"human","message":"plan_34"}]"#;
        assert_eq!(read(array), (Some(34), vec!["F-01".to_owned(), "F-02".to_owned()]));
        assert_eq!(read(""), (None, vec![]));
        assert_eq!(read("[1, null"), (None, vec![]));
    }

    #[test]
    fn only_the_last_messages_name_a_plan() {
        let said = |text: &str| format!("{}\n", serde_json::json!({"type": "user", "message": {"content": text}}));
        let old = said("plan 1") + &said("x").repeat(LAST_MESSAGES);
        assert_eq!(read(&old).0, None);
        let new = said("plan 1") + &said("x").repeat(LAST_MESSAGES - 1);
        assert_eq!(read(&new).0, Some(1));
    }
}
