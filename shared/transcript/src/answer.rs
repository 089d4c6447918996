//! One line of a transcript that tells what an answer used.
//!
//! The shape is that of Claude Code 1.0 to 2.1: `type`, `requestId`, `sessionId`, `timestamp`, `uuid`, `isSidechain`,
//! `agentId`, `gitBranch`, `cwd`, and `message` as the Messages API answers it, with `id`, `model` and `usage`.

use crewkit_store::token_usage::Amounts;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// What an answer of the model used, as one line of a transcript tells it. An answer may stand on several lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// `message.id`.
    pub message_id: Option<String>,
    /// `requestId`.
    pub request_id: Option<String>,
    /// `uuid` of the line.
    pub line_id: Option<String>,
    /// `message.model`.
    pub model: Option<String>,
    /// UTC, `YYYY-MM-DD HH:MM:SS`.
    pub at: Option<String>,
    /// Whether a subagent gave it.
    pub sidechain: bool,
    /// `gitBranch`.
    pub branch: Option<String>,
    /// `cwd`: the directory that the agent worked in.
    pub directory: Option<String>,
    /// Whether the faster, dearer inference was used (`usage.speed`).
    pub fast: bool,
    /// The tokens.
    pub amounts: Amounts,
    /// The byte of the file that the line begins at.
    pub offset: u64,
}

impl Answer {
    /// Reads a line that begins at byte `offset`; `None` where it is not an answer with tokens, or no JSON.
    pub fn of_line(line: &[u8], offset: u64) -> Option<Self> {
        let line: Line = serde_json::from_slice(line).ok()?;
        let message = line.message?;
        let kind = line.kind.0.as_deref().or(message.role.0.as_deref());
        if kind != Some("assistant") {
            return None;
        }
        let usage = message.usage?;
        let amounts = usage.amounts();
        if amounts.is_nothing() {
            return None;
        }
        Some(Self {
            message_id: message.id.0,
            request_id: line.request_id.0,
            line_id: line.uuid.0,
            model: message.model.0,
            at: line.timestamp.0.as_deref().and_then(utc),
            sidechain: line.is_sidechain.0,
            branch: line.git_branch.0,
            directory: line.cwd.0,
            fast: usage.speed.0.as_deref() == Some("fast"),
            amounts,
            offset,
        })
    }
}

/// `2026-01-02T03:04:05.678Z` as the database writes it; `None` for anything else.
fn utc(text: &str) -> Option<String> {
    let seconds = text.get(..19)?;
    let shape = b"0000-00-00T00:00:00";
    let fits = seconds
        .bytes()
        .zip(shape)
        .all(|(byte, wanted)| if *wanted == b'0' { byte.is_ascii_digit() } else { byte == *wanted });
    let zone = text[19..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    (fits && (zone == "Z" || zone == "+00:00")).then(|| seconds.replace('T', " "))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    request_id: Text,
    #[serde(default)]
    uuid: Text,
    #[serde(default)]
    timestamp: Text,
    #[serde(default)]
    is_sidechain: Flag,
    #[serde(default)]
    git_branch: Text,
    #[serde(default)]
    cwd: Text,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    id: Text,
    #[serde(default)]
    role: Text,
    #[serde(default)]
    model: Text,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
    #[serde(default)]
    cache_creation_input_tokens: Count,
    #[serde(default)]
    cache_read_input_tokens: Count,
    #[serde(default)]
    cache_creation: Option<CacheCreation>,
    #[serde(default)]
    speed: Text,
}

#[derive(Deserialize)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_5m_input_tokens: Count,
    #[serde(default)]
    ephemeral_1h_input_tokens: Count,
}

impl Usage {
    fn amounts(&self) -> Amounts {
        let (five_minutes, hour) = self
            .cache_creation
            .as_ref()
            .map_or((0, 0), |made| (made.ephemeral_5m_input_tokens.0, made.ephemeral_1h_input_tokens.0));
        // What the total holds beyond its parts was written for the usual five minutes.
        let written = self.cache_creation_input_tokens.0.max(five_minutes.saturating_add(hour));
        Amounts {
            input: self.input_tokens.0,
            output: self.output_tokens.0,
            cache_write_5m: written - hour,
            cache_write_1h: hour,
            cache_read: self.cache_read_input_tokens.0,
        }
    }
}

/// More tokens than one answer can have: a number beyond is a mistake, and sums stay far from overflowing.
const MOST: i64 = 1 << 40;

/// Text that is not empty; anything else counts as not there.
#[derive(Default)]
struct Text(Option<String>);

/// A number of tokens; anything else counts as 0.
#[derive(Default)]
struct Count(i64);

/// `true`; anything else is false.
#[derive(Default)]
struct Flag(bool);

/// A value of whatever type that must not make its whole line unreadable.
struct Lenient;

enum Found {
    Text(String),
    Count(i64),
    Flag(bool),
    Other,
}

impl<'de> Visitor<'de> for Lenient {
    type Value = Found;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Found, E> {
        Ok(Found::Flag(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Found, E> {
        Ok(Found::Count(value.max(0)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Found, E> {
        Ok(Found::Count(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "casts from floats saturate, and what is too large is cut anyway"
    )]
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Found, E> {
        Ok(Found::Count((value as i64).max(0)))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Found, E> {
        Ok(Found::Text(value.to_owned()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Found::Other)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match from.deserialize_any(Lenient)? {
            Found::Text(text) if !text.is_empty() => Self(Some(text)),
            _ => Self(None),
        })
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match from.deserialize_any(Lenient)? {
            Found::Count(count) => Self(count.min(MOST)),
            _ => Self(0),
        })
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(matches!(from.deserialize_any(Lenient)?, Found::Flag(true))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn answer(line: &Value) -> Option<Answer> {
        Answer::of_line(line.to_string().as_bytes(), 7)
    }

    #[test]
    fn a_whole_line_is_read() {
        let line = json!({
            "parentUuid": null, "isSidechain": true, "userType": "external", "cwd": "/w/shop", "sessionId": "s",
            "version": "2.1.0", "gitBranch": "main", "agentId": "a1", "type": "assistant", "requestId": "req_1",
            "uuid": "u1", "timestamp": "2026-01-02T03:04:05.678Z",
            "message": {
                "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
                "content": [{"type": "text", "text": "{\"usage\": 1}\n\u{1f600}"}], "stop_reason": null,
                "usage": {
                    "input_tokens": 3, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000,
                    "cache_creation": {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 60},
                    "output_tokens": 9, "service_tier": "standard", "speed": "fast", "server_tool_use": {"x": 1}
                }
            }
        });
        let wanted = Answer {
            message_id: Some("msg_1".into()),
            request_id: Some("req_1".into()),
            line_id: Some("u1".into()),
            model: Some("claude-opus-4-6".into()),
            at: Some("2026-01-02 03:04:05".into()),
            sidechain: true,
            branch: Some("main".into()),
            directory: Some("/w/shop".into()),
            fast: true,
            amounts: Amounts { input: 3, output: 9, cache_write_5m: 40, cache_write_1h: 60, cache_read: 1000 },
            offset: 7,
        };
        assert_eq!(answer(&line), Some(wanted));
    }

    #[test]
    fn only_answers_with_tokens_count() {
        let usage = json!({"input_tokens": 1, "output_tokens": 2});
        for line in [
            json!({"type": "user", "toolUseResult": {"usage": usage}, "message": {"role": "user", "content": []}}),
            json!({"type": "user", "message": {"role": "user", "usage": usage}}),
            json!({"type": "progress", "data": {"message": {"message": {"usage": usage}}}}),
            json!({"type": "assistant", "message": {"usage": {"input_tokens": 0, "output_tokens": 0}}}),
            json!({"type": "assistant", "message": {"usage": null}}),
            json!({"type": "assistant", "usage": usage}),
            json!({"type": "assistant", "message": {"model": "<synthetic>", "usage": {"input_tokens": 0}}}),
        ] {
            assert_eq!(answer(&line), None, "{line}");
        }
        assert!(answer(&json!({"message": {"role": "assistant", "usage": usage}})).is_some());
    }

    #[test]
    fn values_of_other_types_count_as_not_there() {
        let line = json!({
            "type": "assistant", "requestId": 7, "uuid": [], "timestamp": "soon", "isSidechain": "true", "gitBranch": "",
            "message": {"id": {"a": [1]}, "model": null, "usage": {
                "input_tokens": -4, "output_tokens": 2.0, "cache_read_input_tokens": "many",
                "cache_creation_input_tokens": 1e30, "cache_creation": {}
            }}
        });
        let read = answer(&line).unwrap();
        assert_eq!((read.request_id, read.line_id, read.at, read.branch, read.model), (None, None, None, None, None));
        assert!(!read.sidechain);
        assert_eq!((read.amounts.input, read.amounts.output, read.amounts.cache_read), (0, 2, 0));
        assert_eq!(read.amounts.cache_write_5m, MOST);
    }

    #[test]
    fn writes_of_the_cache_are_told_apart() {
        let amounts =
            |usage: Value| answer(&json!({"type": "assistant", "message": {"usage": usage}})).unwrap().amounts;
        let old = amounts(json!({"cache_creation_input_tokens": 10}));
        assert_eq!((old.cache_write_5m, old.cache_write_1h), (10, 0));
        let parts = amounts(json!({"cache_creation": {"ephemeral_1h_input_tokens": 10}}));
        assert_eq!((parts.cache_write_5m, parts.cache_write_1h), (0, 10));
        let more =
            amounts(json!({"cache_creation_input_tokens": 30, "cache_creation": {"ephemeral_1h_input_tokens": 10}}));
        assert_eq!((more.cache_write_5m, more.cache_write_1h), (20, 10));
    }

    #[test]
    fn white_space_is_free() {
        let line = b"\t { \"type\" :\r \"assistant\" , \"message\":{\"usage\" \t: {\"input_tokens\" : 5 }} } \r";
        assert_eq!(Answer::of_line(line, 0).unwrap().amounts.input, 5);
    }

    #[test]
    fn times_are_utc_or_none() {
        for (text, wanted) in [
            ("2026-01-02T03:04:05Z", Some("2026-01-02 03:04:05")),
            ("2026-01-02T03:04:05.1+00:00", Some("2026-01-02 03:04:05")),
            ("2026-01-02T03:04:05+02:00", None),
            ("2026-01-02 03:04:05", None),
            ("2026-01-02T03:04:0żZ", None),
            ("", None),
        ] {
            assert_eq!(utc(text).as_deref(), wanted, "{text}");
        }
    }
}
