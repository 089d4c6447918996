//! The spec of a plan: reading it, and every fault in it at once.
//!
//! A spec is an object, in JSON or YAML, with `user_request`, `requirements` and `waves`, each wave with its `tasks`. A task with
//! `do` is of the new form (`files`, `ref`, `verify`, `depends_on`), one with `title` alone of the old (`description`,
//! `test_criteria`). What import cannot do without is a fault; what the published schema asks beyond that is a warning.

mod cycles;
mod lines;
mod task;

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crewkit_store::plans::{NewWave, SpecWave};
use crewkit_tool::text;
use serde_json::{Map, Value};

use crate::yaml;

/// Characters of the request's first line that become the plan's description.
const REQUEST_CHARACTERS: usize = 200;
/// Codes named in a warning that holds for several.
const NAMED: usize = 5;

/// A spec as import enters it.
#[derive(Debug, Default)]
pub(crate) struct Spec {
    /// What the plan is about.
    pub(crate) description: Option<String>,
    /// The waves with their tasks, in order.
    pub(crate) waves: Vec<SpecWave>,
    /// What the schema asks and the spec lacks, a line each.
    pub(crate) warnings: Vec<String>,
}

impl Spec {
    /// The number of tasks.
    pub(crate) fn tasks(&self) -> usize {
        self.waves.iter().map(|wave| wave.tasks.len()).sum()
    }
}

/// Reads a spec; `known` are the codes of the plan's waves.
///
/// # Errors
/// All faults, a line each with its line in the spec, at least one.
pub(crate) fn read(bytes: &[u8], known: &[String]) -> Result<Spec, Vec<String>> {
    let root = parse(bytes).map_err(|fault| vec![fault])?;
    let mut reader = Reader { known, ..Reader::default() };
    let spec = reader.spec(&root);
    if reader.faults.is_empty() {
        return Ok(Spec { warnings: reader.warnings.into_iter().map(Warning::line).collect(), ..spec });
    }
    let places: Vec<&str> = reader.faults.iter().map(|fault| fault.pointer.as_str()).collect();
    let lines = lines::of(without_mark(bytes), &places);
    Err(reader.faults.iter().zip(lines).map(|(fault, line)| format!("line {line}: {}", fault.what)).collect())
}

/// The object that a spec is: JSON when it begins as that, else YAML.
///
/// # Errors
/// Why it is none, in one line.
pub(crate) fn parse(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    let bytes = without_mark(bytes);
    let value = if is_json(bytes) {
        serde_json::from_slice(bytes).map_err(|fault| format!("no JSON: {fault}"))?
    } else {
        let text = str::from_utf8(bytes).map_err(|_| "neither JSON nor YAML: not UTF-8".to_owned())?;
        yaml::parse(text).map_err(|fault| format!("neither JSON nor YAML: {fault}"))?
    };
    match value {
        Value::Object(root) => Ok(root),
        other => Err(format!("an object is wanted, this is {}", kind_of(&other))),
    }
}

/// A spec as JSON text: as it is, or what its YAML says.
///
/// # Errors
/// As [`parse`].
pub(crate) fn as_json(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if is_json(without_mark(&bytes)) {
        return Ok(bytes);
    }
    serde_json::to_vec_pretty(&parse(&bytes)?).map_err(|fault| fault.to_string())
}

/// The text behind a byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn is_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first().is_none_or(|first| matches!(first, b'{' | b'['))
}

/// A warning and the codes it holds for.
#[derive(Debug)]
struct Warning {
    what: String,
    codes: Vec<String>,
}

impl Warning {
    fn line(self) -> String {
        let mut line = self.what;
        if !self.codes.is_empty() {
            let _ = write!(line, ": {}", self.codes[..self.codes.len().min(NAMED)].join(", "));
        }
        if self.codes.len() > NAMED {
            let _ = write!(line, " and {} more", self.codes.len() - NAMED);
        }
        line
    }
}

/// A part of a spec: what people call it, and where it is (a JSON Pointer, RFC 6901).
#[derive(Debug, Clone, Default)]
struct Place {
    name: String,
    pointer: String,
}

impl Place {
    fn new(name: impl Into<String>, pointer: impl Into<String>) -> Self {
        Self { name: name.into(), pointer: pointer.into() }
    }
}

#[derive(Debug)]
struct Fault {
    pointer: String,
    what: String,
}

#[derive(Debug, Default)]
struct Reader<'a> {
    known: &'a [String],
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
    warned: HashMap<String, usize>,
}

impl Reader<'_> {
    /// A fault of a place, or, where `field` is not empty, of that field of it.
    fn fault(&mut self, place: &Place, field: &str, what: impl AsRef<str>) {
        let what = what.as_ref();
        let Place { name, pointer } = place;
        let pointer = if field.is_empty() { pointer.clone() } else { format!("{pointer}/{field}") };
        let what = if name.is_empty() { what.to_owned() } else { format!("{name}: {what}") };
        self.faults.push(Fault { pointer, what });
    }

    fn warn(&mut self, what: impl Into<String>, code: Option<&str>) {
        let what = what.into();
        let codes: Vec<String> = code.map(str::to_owned).into_iter().collect();
        if let Some(&place) = self.warned.get(&what) {
            self.warnings[place].codes.extend(codes);
        } else {
            self.warned.insert(what.clone(), self.warnings.len());
            self.warnings.push(Warning { what, codes });
        }
    }

    /// The text of a field; a fault when it is something else, `None` when it is absent.
    fn text<'v>(&mut self, place: &Place, object: &'v Map<String, Value>, field: &str) -> Option<&'v str> {
        match object.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(other) => {
                self.fault(place, field, format!("{field} is {}, not text", kind_of(other)));
                None
            }
        }
    }

    /// A list of a field; a fault when it is something else, `None` when it is absent.
    fn list<'v>(&mut self, place: &Place, object: &'v Map<String, Value>, field: &str) -> Option<&'v [Value]> {
        match object.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::Array(list)) => Some(list),
            Some(other) => {
                self.fault(place, field, format!("{field} is {}, not a list", kind_of(other)));
                None
            }
        }
    }

    /// A code or name: one line that says something; a fault otherwise.
    fn name(&mut self, place: &Place, object: &Map<String, Value>, field: &str) -> String {
        let absent = matches!(object.get(field), None | Some(Value::Null));
        let name = self.text(place, object, field).map(text::fold_line_ends).unwrap_or_default();
        if name.trim().is_empty() && (absent || object[field].is_string()) {
            self.fault(place, field, format!("{field} is {}", if absent { "missing" } else { "empty" }));
        }
        name
    }

    fn spec(&mut self, root: &Map<String, Value>) -> Spec {
        let top = Place::default();
        let request = self.text(&top, root, "user_request");
        if request.is_none_or(|request| request.trim().is_empty()) {
            self.warn("the spec has no user_request", None);
        }
        let first = request.and_then(|request| request.lines().find(|line| !line.trim().is_empty()));
        let first = first.map(|line| text::head(line.trim(), REQUEST_CHARACTERS).to_owned());
        let description = self.text(&top, root, "description").filter(|text| !text.is_empty());
        let description = description.map(str::to_owned).or(first);
        self.requirements(root);
        let mut waves = Vec::new();
        match self.list(&top, root, "waves") {
            Some(list) => {
                if list.is_empty() {
                    self.warn("the spec has no wave", None);
                }
                let mut codes = HashSet::new();
                for (index, value) in list.iter().enumerate() {
                    let wave = self.wave(index, value);
                    let code = wave.wave.code.clone();
                    let place = Place::new(format!("wave {code}"), format!("/waves/{index}"));
                    if !code.is_empty() && self.known.contains(&code) {
                        self.fault(&place, "id", "the plan has this wave already");
                    }
                    if !code.is_empty() && !codes.insert(code) {
                        self.fault(&place, "id", "twice in the spec");
                    }
                    waves.push(wave);
                }
                self.dependencies(&waves, &codes);
                self.circle(&waves);
            }
            None if !root.contains_key("waves") || root["waves"].is_null() => self.fault(&top, "", "waves is missing"),
            None => {}
        }
        Spec { description, waves, warnings: Vec::new() }
    }

    fn requirements(&mut self, root: &Map<String, Value>) {
        let list = self.list(&Place::default(), root, "requirements").unwrap_or_default();
        if list.is_empty() {
            self.warn("the spec has no requirements", None);
        }
        for (index, value) in list.iter().enumerate() {
            let Value::Object(requirement) = value else {
                let place = Place::new(format!("requirement {}", index + 1), format!("/requirements/{index}"));
                self.fault(&place, "", format!("{}, not an object", kind_of(value)));
                continue;
            };
            let named = |field: &str| requirement.get(field).and_then(Value::as_str).unwrap_or_default();
            let (id, wave) = (named("id"), named("wave"));
            let number = id.strip_prefix("F-").unwrap_or_default();
            if !(2..=3).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                self.warn("requirements whose id is not F- and two or three digits", Some(id));
            }
            if !begins_as(wave, 'W') {
                self.warn("requirements whose wave is not W and a digit or F", Some(id));
            }
            if named("text").trim().is_empty() {
                self.warn("requirements without text", Some(id));
            }
        }
    }

    fn dependencies(&mut self, waves: &[SpecWave], codes: &HashSet<String>) {
        for SpecWave { wave, .. } in waves {
            let named = wave.depends_on.as_deref().unwrap_or_default();
            for other in named.split(|c: char| c == ',' || c.is_whitespace()).filter(|other| !other.is_empty()) {
                if !codes.contains(other) && !self.known.iter().any(|known| known == other) {
                    self.warn(
                        format!("waves that depend on {other}, which neither the spec nor the plan has"),
                        Some(&wave.code),
                    );
                }
            }
        }
    }

    fn wave(&mut self, index: usize, value: &Value) -> SpecWave {
        let pointer = format!("/waves/{index}");
        let nameless = Place::new(format!("wave {}", index + 1), &pointer);
        let Value::Object(object) = value else {
            self.fault(&nameless, "", format!("{}, not an object", kind_of(value)));
            return SpecWave::default();
        };
        let code = self.name(&nameless, object, "id");
        let place = if code.is_empty() { nameless } else { Place::new(format!("wave {code}"), pointer) };
        if !code.is_empty() && !begins_as(&code, 'W') {
            self.warn("waves whose id is not W and a digit or F", Some(&code));
        }
        let estimated_hours = match object.get("estimated_hours") {
            None | Some(Value::Null) => 8.0,
            Some(Value::Number(number)) => number.as_f64().unwrap_or(8.0),
            Some(other) => {
                self.fault(&place, "estimated_hours", format!("estimated_hours is {}, not a number", kind_of(other)));
                8.0
            }
        };
        if estimated_hours < 0.0 {
            self.warn("waves whose estimated_hours are below 0", Some(&code));
        }
        let wave = NewWave {
            name: self.name(&place, object, "name"),
            estimated_hours,
            depends_on: self.codes(&place, object, "depends_on"),
            precondition: self.precondition(&place, object),
            code: code.clone(),
            ..NewWave::default()
        };
        let list = match object.get("tasks") {
            None | Some(Value::Null) => {
                self.fault(&place, "", "tasks is missing");
                &[]
            }
            Some(_) => self.list(&place, object, "tasks").unwrap_or_default(),
        };
        if list.is_empty() {
            self.warn("waves without tasks", Some(&code));
        }
        let mut codes = HashSet::new();
        let mut tasks = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            let task = self.task(&place, index, value);
            if !task.code.is_empty() && !codes.insert(task.code.clone()) {
                let task_place = Place::new(&place.name, format!("{}/tasks/{index}", place.pointer));
                self.fault(&task_place, "id", format!("task {} twice", task.code));
            }
            tasks.push(task);
        }
        self.circle_of_tasks(&place, list);
        SpecWave { wave, tasks }
    }

    /// Codes given as text or as a list, separated by commas; `None` when the field is absent.
    fn codes(&mut self, place: &Place, object: &Map<String, Value>, field: &str) -> Option<String> {
        let codes = match object.get(field) {
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) => text::fold_line_ends(text).trim().to_owned(),
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                list.iter().filter_map(Value::as_str).map(str::trim).collect::<Vec<_>>().join(",")
            }
            Some(other) => {
                self.fault(place, field, format!("{field} is {}, neither text nor a list of text", kind_of(other)));
                return None;
            }
        };
        (!codes.is_empty()).then_some(codes)
    }

    fn precondition(&mut self, place: &Place, object: &Map<String, Value>) -> Option<String> {
        match object.get("precondition") {
            None | Some(Value::Null) => None,
            Some(conditions @ (Value::Array(_) | Value::Object(_))) => Some(conditions.to_string()),
            Some(other) => {
                self.fault(
                    place,
                    "precondition",
                    format!("precondition is {}, neither a list nor an object", kind_of(other)),
                );
                None
            }
        }
    }
}

/// Whether a code is `letter` and then a digit or F.
fn begins_as(code: &str, letter: char) -> bool {
    code.strip_prefix(letter).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == 'F'))
}

/// The codes in a text: separated by commas, or, where there is none, by blanks.
pub(crate) fn code_list(text: &str) -> Vec<String> {
    let comma = text.contains(',');
    let codes = text.split(|c: char| if comma { c == ',' } else { c.is_whitespace() });
    codes.map(str::trim).filter(|code| !code.is_empty()).map(str::to_owned).collect()
}

/// A JSON value's kind, in words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
