//! What a wave waits for: the waves it depends on and its preconditions.
//!
//! A precondition is a list of objects with a `type` (`wave_status`, `output_match`, `skip_if`), or one such object. What
//! cannot be judged is not met; a command in a condition is never run.

use crewkit_store::plans::{WorkPlan, WorkWave};
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::plan_db::spec::code_list;

/// Whether a wave may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ready {
    /// It may.
    Yes,
    /// It may not: what it waits for, in words.
    No(String),
    /// It is to be left out.
    Skip,
}

/// A condition with its verdict.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    /// As it is kept.
    pub(crate) condition: Value,
    /// Whether it holds.
    pub(crate) met: bool,
    /// Why it cannot be judged.
    pub(crate) error: Option<String>,
    /// What was found in place of what it asks for: the wave's state, the value in the output; `None` where there is none.
    pub(crate) actual: Option<Value>,
    kind: Kind,
    waits_for: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Needed,
    Skips,
}

/// Judges `wave` of `plan`, its own state too.
pub(crate) fn judge(plan: &WorkPlan, wave: &WorkWave) -> Ready {
    if matches!(wave.status.as_str(), "blocked" | "merging") {
        return Ready::No(format!("the wave is {}", wave.status));
    }
    match conditions(plan, wave) {
        Some(judged) => ready(&judged),
        None => Ready::No("its precondition cannot be read".to_owned()),
    }
}

/// What the verdicts on its conditions say of a wave.
pub(crate) fn ready(judged: &[Judged]) -> Ready {
    if judged.iter().any(|one| one.kind == Kind::Skips && one.met) {
        return Ready::Skip;
    }
    let waits = judged.iter().filter(|one| one.kind == Kind::Needed && !one.met);
    let waits: Vec<&str> = waits.map(|one| one.waits_for.as_str()).collect();
    if waits.is_empty() { Ready::Yes } else { Ready::No(waits.join(", ")) }
}

/// The conditions of `wave` with their verdicts: those of `depends_on` first, without the ones that the precondition holds
/// as well. `None` when the precondition cannot be read.
pub(crate) fn conditions(plan: &WorkPlan, wave: &WorkWave) -> Option<Vec<Judged>> {
    let own = precondition(wave)?;
    let depends = code_list(&wave.depends_on).into_iter();
    let depends = depends.map(|code| json!({"type": "wave_status", "wave_id": code, "status": "done"}));
    let mut all: Vec<Value> = depends.filter(|condition| !own.contains(condition)).collect();
    all.dedup();
    all.extend(own);
    Some(all.into_iter().map(|condition| judge_one(plan, condition)).collect())
}

/// The conditions that a wave's precondition holds; `None` when it cannot be read.
pub(crate) fn precondition(wave: &WorkWave) -> Option<Vec<Value>> {
    let text = wave.precondition.trim();
    match serde_json::from_str::<Value>(text) {
        _ if text.is_empty() => Some(Vec::new()),
        Ok(Value::Null) => Some(Vec::new()),
        Ok(Value::Array(list)) => Some(list),
        Ok(one @ Value::Object(_)) => Some(vec![one]),
        _ => None,
    }
}

/// The codes of the waves that a condition names.
pub(crate) fn waves_named(condition: &Value) -> Vec<String> {
    if condition.get("type").is_none() {
        let wanted = condition.get("wave_status").and_then(Value::as_object);
        return wanted.map(|wanted| wanted.keys().cloned().collect()).unwrap_or_default();
    }
    let is_wave = condition["type"] == "wave_status";
    condition["wave_id"].as_str().filter(|_| is_wave).map(str::to_owned).into_iter().collect()
}

fn judge_one(plan: &WorkPlan, condition: Value) -> Judged {
    let mut judged = Judged {
        condition: Value::Null,
        met: false,
        error: None,
        actual: None,
        kind: Kind::Needed,
        waits_for: String::new(),
    };
    let text = |key: &str| condition.get(key).and_then(Value::as_str);
    match text("type") {
        Some("wave_status") => {
            let (code, status) = (text("wave_id").unwrap_or_default(), text("status").unwrap_or_default());
            judged.waits_for = if status == "done" { format!("wave {code}") } else { format!("wave {code} {status}") };
            judged.met = has_status(plan, code, status);
            judged.actual = plan.waves.iter().find(|wave| wave.code == code).map(|wave| json!(wave.status));
        }
        Some(kind @ ("output_match" | "skip_if")) => {
            let task = text("task_id").unwrap_or_default();
            judged.waits_for = format!("output of {task}");
            if kind == "skip_if" {
                judged.kind = Kind::Skips;
            }
            match output_at(plan, task, text("output_path")) {
                Ok(Some(found)) => {
                    let wanted = condition.get("equals");
                    judged.met = wanted.is_some_and(|wanted| as_text(&found) == as_text(wanted));
                    judged.error = wanted.is_none().then(|| "equals is missing".to_owned());
                    judged.actual = Some(found);
                }
                Ok(None) => {}
                Err(error) => judged.error = Some(error),
            }
        }
        Some(_) => "an unknown condition".clone_into(&mut judged.waits_for),
        None => documented(plan, &condition, &mut judged),
    }
    Judged { condition, ..judged }
}

/// The forms without a `type` that the documentation of specs shows.
fn documented(plan: &WorkPlan, condition: &Value, judged: &mut Judged) {
    if let Some(wanted) = condition.get("wave_status").and_then(Value::as_object) {
        let met =
            |(code, status): &(&String, &Value)| status.as_str().is_some_and(|status| has_status(plan, code, status));
        let open: Vec<&str> = wanted.iter().filter(|entry| !met(entry)).map(|(code, _)| code.as_str()).collect();
        judged.met = open.is_empty();
        judged.waits_for = format!("wave {}", open.join(", "));
        return;
    }
    if let Some(wanted) = condition.get("output_match").and_then(Value::as_object) {
        let text = |key: &str| wanted.get(key).and_then(Value::as_str);
        let task = text("task").unwrap_or_default();
        judged.waits_for = format!("output of {task}");
        match (text("pattern").map(Regex::new), output_of(plan, task)) {
            (None, _) => judged.error = Some("pattern is missing".to_owned()),
            (Some(Err(_)), _) => judged.error = Some("pattern cannot be read".to_owned()),
            (Some(Ok(_)), Err(error)) => judged.error = Some(error),
            (Some(Ok(pattern)), Ok(output)) => {
                judged.met = output.is_some_and(|output| pattern.is_match(output));
                judged.actual = output.map(|output| json!(output));
            }
        }
        return;
    }
    if condition.get("skip_if").is_some() {
        judged.kind = Kind::Skips;
        judged.error = Some("a command is never run".to_owned());
        return;
    }
    "an unknown condition".clone_into(&mut judged.waits_for);
}

/// Whether the wave `code` is there and every one of that code has this status.
fn has_status(plan: &WorkPlan, code: &str, status: &str) -> bool {
    let mut of_code = plan.waves.iter().filter(|wave| wave.code == code).peekable();
    of_code.peek().is_some() && of_code.all(|wave| wave.status == status)
}

/// The output of the task `code`, `None` when it has none.
///
/// # Errors
/// When several tasks of that code have output.
fn output_of<'a>(plan: &'a WorkPlan, code: &str) -> Result<Option<&'a str>, String> {
    let mut tasks = plan.tasks.iter().filter(|task| task.code == code && !task.output_data.is_empty());
    match (tasks.next(), tasks.next()) {
        (Some(_), Some(_)) => Err(format!("several tasks have the code {code}")),
        (first, _) => Ok(first.map(|task| task.output_data.as_str())),
    }
}

/// The value at `path` in the output of the task `code`; `None` when it has no output.
///
/// # Errors
/// When the output is no JSON or the path cannot be read.
fn output_at(plan: &WorkPlan, code: &str, path: Option<&str>) -> Result<Option<Value>, String> {
    let path = path.ok_or("output_path is missing")?;
    at(&Value::Null, path).ok_or("output_path cannot be read")?;
    let Some(output) = output_of(plan, code)? else { return Ok(None) };
    let output: Value = serde_json::from_str(output).map_err(|_| "the output is no JSON".to_owned())?;
    Ok(at(&output, path).cloned())
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The value at a path `.a.b`, `.a[0]`, `.["a b"]` or `.`; null where a key is missing, `None` for what is no path.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = value;
    let mut rest = path.trim().strip_prefix('.')?;
    let mut first = true;
    while !rest.is_empty() {
        if let Some(index) = rest.strip_prefix('[') {
            let (inner, after) = if index.starts_with('"') {
                let mut stream = serde_json::Deserializer::from_str(index).into_iter::<String>();
                let key = stream.next()?.ok()?;
                let after = index[stream.byte_offset()..].strip_prefix(']')?;
                (value.get(&key), after)
            } else {
                let (number, after) = index.split_once(']')?;
                (value.get(number.parse::<usize>().ok()?), after)
            };
            value = inner.unwrap_or(&Value::Null);
            rest = after;
        } else {
            let name = if first { rest } else { rest.strip_prefix('.')? };
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                // `.a.["b"]` is a path as well.
                (!first && name.starts_with('[')).then_some(())?;
                rest = name;
                continue;
            }
            value = value.get(&name[..end]).unwrap_or(&Value::Null);
            rest = &name[end..];
        }
        first = false;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_store::plans::WorkTask;
    use serde_json::json;

    fn plan() -> WorkPlan {
        let wave =
            |code: &str, status: &str| WorkWave { code: code.into(), status: status.into(), ..WorkWave::default() };
        let output_data = r#"{"a":{"b c":[1,"x"]},"ok":true}"#.to_owned();
        let task = WorkTask { code: "T1".into(), output_data, ..WorkTask::default() };
        WorkPlan { waves: vec![wave("W1", "done"), wave("W2", "pending")], tasks: vec![task], ..WorkPlan::default() }
    }

    fn judged(depends_on: &str, precondition: &str) -> Ready {
        let wave = WorkWave { depends_on: depends_on.into(), precondition: precondition.into(), ..WorkWave::default() };
        judge(&plan(), &wave)
    }

    #[test]
    fn paths_lead_to_values() {
        let value = json!({"a": {"b c": [1, "x"]}, "ok": true});
        for (path, wanted) in [
            (".", Some(value.clone())),
            (".ok", Some(json!(true))),
            (".a[\"b c\"][1]", Some(json!("x"))),
            (".a.[\"b c\"][0]", Some(json!(1))),
            (".a.none.more", Some(Value::Null)),
            (".[\"ok\"]", Some(json!(true))),
            ("ok", None),
            (".a..b", None),
            (".a[", None),
            (".a[x]", None),
            ("", None),
        ] {
            assert_eq!(at(&value, path).cloned(), wanted, "{path}");
        }
    }

    #[test]
    fn a_wave_waits_for_everything_it_names() {
        let no = |what: &str| Ready::No(what.to_owned());
        for (depends_on, precondition, wanted) in [
            ("", "", Ready::Yes),
            ("W1", "null", Ready::Yes),
            ("W1, W2", "[]", no("wave W2")),
            ("W1 W9", "", no("wave W9")),
            ("", r#"{"type":"wave_status","wave_id":"W1","status":"done"}"#, Ready::Yes),
            ("", r#"[{"wave_status":{"W1":"done","W2":"done"}}]"#, no("wave W2")),
            ("", r#"[{"type":"output_match","task_id":"T1","output_path":".ok","equals":"true"}]"#, Ready::Yes),
            ("", r#"[{"type":"output_match","task_id":"T1","output_path":".ok","equals":false}]"#, no("output of T1")),
            ("", r#"[{"type":"output_match","task_id":"T9","output_path":".ok","equals":""}]"#, no("output of T9")),
            ("W2", r#"[{"type":"skip_if","task_id":"T1","output_path":".ok","equals":"true"}]"#, Ready::Skip),
            ("", r#"[{"type":"skip_if","task_id":"T1","output_path":".no","equals":"true"}]"#, Ready::Yes),
            ("", r#"[{"type":"moon"}]"#, no("an unknown condition")),
            ("", r#"[{"skip_if":"rm -rf x"}]"#, Ready::Yes),
            ("", r#"[{"output_match":{"task":"T1","pattern":"bXc\\W+1"}}]"#, no("output of T1")),
            ("", r#"[{"output_match":{"task":"T1","pattern":"b c\\W+1"}}]"#, Ready::Yes),
            ("", r#"[{"output_match":{"task":"T1","pattern":"("}}]"#, no("output of T1")),
            ("W1", r#"[{"type":"wave_status","wave_id":"W1","status":"done"}]"#, Ready::Yes),
            ("", "{broken", no("its precondition cannot be read")),
        ] {
            assert_eq!(judged(depends_on, precondition), wanted, "{depends_on} {precondition}");
        }
        let merging = WorkWave { status: "merging".into(), ..WorkWave::default() };
        assert_eq!(judge(&plan(), &merging), no("the wave is merging"));
    }
}
