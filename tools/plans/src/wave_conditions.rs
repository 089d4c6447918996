//! What a wave waits for: the waves it depends on and its preconditions.
//!
//! A precondition is a list of objects with a `type` (`wave_status`, `output_match`, `skip_if`), or one such object. What
//! cannot be judged is not met.

use crewkit_store::plans::{WorkPlan, WorkWave};
use serde_json::Value;

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

/// Judges `wave` of `plan`.
pub(crate) fn judge(plan: &WorkPlan, wave: &WorkWave) -> Ready {
    if matches!(wave.status.as_str(), "blocked" | "merging") {
        return Ready::No(format!("the wave is {}", wave.status));
    }
    let precondition = wave.precondition.trim();
    let conditions = match serde_json::from_str::<Value>(precondition) {
        _ if precondition.is_empty() => Vec::new(),
        Ok(Value::Null) => Vec::new(),
        Ok(Value::Array(list)) => list,
        Ok(one @ Value::Object(_)) => vec![one],
        _ => return Ready::No("its precondition cannot be read".to_owned()),
    };
    let mut waits = Vec::new();
    for code in code_list(&wave.depends_on) {
        if !has_status(plan, &code, "done") {
            waits.push(format!("wave {code}"));
        }
    }
    let mut skip = false;
    for condition in &conditions {
        match judge_one(plan, condition) {
            Met::Yes => {}
            Met::Skip => skip = true,
            Met::No(what) => waits.push(what),
        }
    }
    match (skip, waits.is_empty()) {
        (true, _) => Ready::Skip,
        (false, true) => Ready::Yes,
        (false, false) => Ready::No(waits.join(", ")),
    }
}

enum Met {
    Yes,
    No(String),
    Skip,
}

fn judge_one(plan: &WorkPlan, condition: &Value) -> Met {
    let text = |key: &str| condition.get(key).and_then(Value::as_str);
    match text("type") {
        Some("wave_status") => {
            let (code, status) = (text("wave_id").unwrap_or_default(), text("status").unwrap_or_default());
            if has_status(plan, code, status) { Met::Yes } else { Met::No(format!("wave {code} {status}")) }
        }
        Some(kind @ ("output_match" | "skip_if")) => {
            let task = text("task_id").unwrap_or_default();
            let met = output_matches(plan, task, text("output_path"), condition.get("equals")).unwrap_or(false);
            match (kind, met) {
                ("skip_if", true) => Met::Skip,
                ("skip_if", false) | (_, true) => Met::Yes,
                _ => Met::No(format!("output of {task}")),
            }
        }
        Some(_) => Met::No("an unknown condition".to_owned()),
        None => match condition.get("wave_status").and_then(Value::as_object) {
            Some(wanted) => {
                let met = |(code, status): (&String, &Value)| {
                    status.as_str().is_some_and(|status| has_status(plan, code, status))
                };
                let open: Vec<&str> =
                    wanted.iter().filter(|entry| !met(*entry)).map(|(code, _)| code.as_str()).collect();
                if open.is_empty() { Met::Yes } else { Met::No(format!("wave {}", open.join(", "))) }
            }
            // A command in a spec is never run.
            None => Met::No("a condition that evaluate-wave tells".to_owned()),
        },
    }
}

/// Whether the wave `code` is there and every one of that code has this status.
fn has_status(plan: &WorkPlan, code: &str, status: &str) -> bool {
    let mut of_code = plan.waves.iter().filter(|wave| wave.code == code).peekable();
    of_code.peek().is_some() && of_code.all(|wave| wave.status == status)
}

/// Whether the value at `path` in the output of the task `code` is `equals`, as text; `None` when that cannot be told.
fn output_matches(plan: &WorkPlan, code: &str, path: Option<&str>, equals: Option<&Value>) -> Option<bool> {
    let mut tasks = plan.tasks.iter().filter(|task| task.code == code && !task.output_data.is_empty());
    let (task, None) = (tasks.next()?, tasks.next()) else { return None };
    let output: Value = serde_json::from_str(&task.output_data).ok()?;
    Some(as_text(at(&output, path?)?) == as_text(equals?))
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
            let (inner, after) = match index.strip_prefix('"') {
                Some(_) => {
                    let mut stream = serde_json::Deserializer::from_str(index).into_iter::<String>();
                    let key = stream.next()?.ok()?;
                    let after = index[stream.byte_offset()..].strip_prefix(']')?;
                    (value.get(&key), after)
                }
                None => {
                    let (number, after) = index.split_once(']')?;
                    (value.get(number.parse::<usize>().ok()?), after)
                }
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
            ("", r#"[{"skip_if":"rm -rf x"}]"#, no("a condition that evaluate-wave tells")),
            ("", "{broken", no("its precondition cannot be read")),
        ] {
            assert_eq!(judged(depends_on, precondition), wanted, "{depends_on} {precondition}");
        }
        let merging = WorkWave { status: "merging".into(), ..WorkWave::default() };
        assert_eq!(judge(&plan(), &merging), no("the wave is merging"));
    }
}
