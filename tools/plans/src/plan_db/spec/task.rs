//! The tasks of a spec.

use std::fmt::Write as _;

use crewkit_store::plans::NewTask;
use crewkit_tool::text;
use serde_json::{Map, Value, json};

use super::super::add::{KINDS, requirement_ids};
use super::{Place, Reader, begins_as, code_list, kind_of};

impl Reader<'_> {
    pub(super) fn task(&mut self, wave: &Place, index: usize, value: &Value) -> NewTask {
        let pointer = format!("{}/tasks/{index}", wave.pointer);
        let nameless = Place::new(format!("{}, task {}", wave.name, index + 1), &pointer);
        let Value::Object(object) = value else {
            self.fault(&nameless, "", format!("{}, not an object", kind_of(value)));
            return NewTask::default();
        };
        let code = self.name(&nameless, object, "id");
        let place = if code.is_empty() { nameless } else { Place::new(format!("{}, task {code}", wave.name), pointer) };
        let number =
            code.strip_prefix('T').unwrap_or_default().trim_start_matches(|c: char| c.is_ascii_digit() || c == 'F');
        let usual = begins_as(&code, 'T') && number.len() > 1 && number.starts_with('-');
        if !code.is_empty() && !usual {
            self.warn("tasks whose id is not T, a digit or F, a dash and a number", Some(&code));
        }
        let filled = |text: &&str| !text.trim().is_empty();
        let to_do = self.text(&place, object, "do").filter(filled);
        let title = self.text(&place, object, "title").filter(filled);
        let texts = [object.get("do"), object.get("title")];
        if to_do.or(title).is_none() && texts.into_iter().flatten().all(|value| value.is_null() || value.is_string()) {
            self.fault(&place, "do", "both do and title are missing or empty");
        }
        let heading = to_do.or(title).unwrap_or_default();
        let files = self.files(&place, object);
        let reference =
            self.text(&place, object, "ref").map(text::fold_line_ends).filter(|text| !text.trim().is_empty());
        let verify = self.list(&place, object, "verify").unwrap_or_default();
        let own_description = self.text(&place, object, "description");
        let after = self.codes(&place, object, "depends_on");
        let (description, test_criteria) = if to_do.is_some() {
            for field in ["description", "test_criteria"] {
                if object.get(field).is_some_and(|value| !value.is_null()) {
                    self.warn(format!("tasks whose {field} is not taken over, because they have 'do'"), Some(&code));
                }
            }
            let mut description = heading.to_owned();
            if let Some(codes) = &after {
                let _ = write!(description, " | After: {}", code_list(codes).join(", "));
            }
            if !files.is_empty() {
                let _ = write!(description, " | Files: {}", files.join(", "));
            }
            if let Some(reference) = &reference {
                let _ = write!(description, " | Ref: {reference}");
            }
            (description, (!verify.is_empty()).then(|| json!({ "verify": verify }).to_string()))
        } else {
            self.warn("tasks without 'do'", Some(&code));
            let description = own_description.filter(|text| !text.is_empty()).unwrap_or(heading).to_owned();
            (description, object.get("test_criteria").and_then(old_criteria))
        };
        if to_do.is_some() {
            self.asked_of_a_task(&code, object);
        }
        let model =
            self.text(&place, object, "model").filter(filled).map_or_else(|| "sonnet".to_owned(), text::fold_line_ends);
        NewTask {
            title: text::fold_line_ends(heading),
            description,
            priority: self.priority(&place, object),
            kind: self.kind(&code, object),
            assignee: String::new(),
            test_criteria,
            executor_agent: Some(executor(object, &model)),
            model,
            effort: self.effort(&place, object),
            files: (!files.is_empty()).then(|| json!(files).to_string()),
            requirements: reference.as_deref().map(requirement_ids).unwrap_or_default(),
            code,
        }
    }

    /// What the schema asks of a task beyond what import needs.
    fn asked_of_a_task(&mut self, code: &str, object: &Map<String, Value>) {
        for field in ["files", "ref", "verify", "priority", "type", "model", "effort"] {
            let empty = match object.get(field) {
                None | Some(Value::Null) => true,
                Some(Value::Array(list)) => list.is_empty() && field == "verify",
                Some(_) => false,
            };
            if empty {
                self.warn(format!("tasks without {field}"), Some(code));
            }
        }
    }

    fn files<'v>(&mut self, place: &Place, object: &'v Map<String, Value>) -> Vec<&'v str> {
        let list = self.list(place, object, "files").unwrap_or_default();
        if list.iter().any(|file| !file.is_string()) {
            self.fault(place, "files", "files holds something that is not text");
        }
        list.iter().filter_map(Value::as_str).collect()
    }

    fn priority(&mut self, place: &Place, object: &Map<String, Value>) -> String {
        match object.get("priority") {
            None | Some(Value::Null) => "P1".to_owned(),
            Some(Value::String(priority)) if matches!(priority.as_str(), "P0" | "P1" | "P2" | "P3") => priority.clone(),
            Some(other) => {
                self.fault(place, "priority", format!("priority {other} is none of P0, P1, P2, P3"));
                String::new()
            }
        }
    }

    fn kind(&mut self, code: &str, object: &Map<String, Value>) -> String {
        let kind = match object.get("type") {
            None | Some(Value::Null) => return "feature".to_owned(),
            Some(Value::String(kind)) => text::fold_line_ends(kind),
            Some(other) => other.to_string(),
        };
        if !KINDS.contains(&kind.as_str()) {
            self.warn(format!("tasks of the unknown type '{kind}'"), Some(code));
        }
        kind
    }

    fn effort(&mut self, place: &Place, object: &Map<String, Value>) -> i64 {
        match object.get("effort") {
            None | Some(Value::Null) => 1,
            Some(effort) => {
                if let Some(effort @ 1..=3) = effort.as_i64() {
                    return effort;
                }
                self.fault(place, "effort", format!("effort {effort} is not 1, 2 or 3"));
                1
            }
        }
    }
}

/// Criteria of the old form as the column keeps them.
fn old_criteria(criteria: &Value) -> Option<String> {
    match criteria {
        Value::Null => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Object(object) if object.contains_key("verify") => Some(criteria.to_string()),
        Value::String(one) => (!one.is_empty()).then(|| json!({ "verify": [one] }).to_string()),
        other => Some(json!({ "verify": other }).to_string()),
    }
}

/// Who works on a task: named by the spec, else by the model.
fn executor(object: &Map<String, Value>, model: &str) -> String {
    match object.get("executor_agent") {
        Some(Value::String(agent)) if !agent.trim().is_empty() => return text::fold_line_ends(agent),
        _ => {}
    }
    let codex = object.get("codex").is_some_and(|codex| *codex == Value::Bool(true));
    let agent = match model {
        _ if model.starts_with("gpt-") => "copilot",
        _ if model.starts_with("gemini") => "gemini",
        "manual" => "manual",
        _ if codex => "codex",
        _ => "claude",
    };
    agent.to_owned()
}
