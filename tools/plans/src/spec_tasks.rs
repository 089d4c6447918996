//! The tasks of a spec as far as the checks before an import ask for them: codes, files, words, order. A spec that
//! import would refuse for other reasons is checked all the same; one whose tasks cannot be found is not.

use serde_json::{Map, Value};

use crate::plan_db::spec;

/// A wave of a spec.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WaveTasks {
    /// Its code; its place (`#2`) where it has none.
    pub(crate) code: String,
    /// Its tasks, in order.
    pub(crate) tasks: Vec<SpecTask>,
}

/// A task of a spec.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SpecTask {
    /// Its code; its place (`#2`) where it has none.
    pub(crate) code: String,
    /// The names in `files`.
    pub(crate) files: Vec<String>,
    /// What is to be done: `do`, else the description, else the title.
    pub(crate) text: String,
    /// The codes in `depends_on`.
    pub(crate) after: Vec<String>,
}

/// Reads the waves of a spec.
///
/// # Errors
/// What keeps the tasks from being found, in one line.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<WaveTasks>, String> {
    let root = spec::parse(bytes)?;
    objects(&root, "waves", "the spec")?
        .enumerate()
        .map(|(place, wave)| {
            let wave = wave?;
            let code = code(wave, place);
            let tasks = objects(wave, "tasks", &format!("wave {code}"))?;
            let tasks =
                tasks.enumerate().map(|(place, object)| task(object?, place, &code)).collect::<Result<_, _>>()?;
            Ok(WaveTasks { code, tasks })
        })
        .collect()
}

type Object = Map<String, Value>;

/// The objects in the list `field`, which has to be there.
fn objects<'a>(
    object: &'a Object,
    field: &'static str,
    place: &str,
) -> Result<impl Iterator<Item = Result<&'a Object, String>> + use<'a>, String> {
    let list = match object.get(field) {
        Some(Value::Array(list)) => list,
        None | Some(Value::Null) => return Err(format!("{place}: {field} is missing")),
        Some(other) => return Err(format!("{place}: {field} is {}, not a list", spec::kind_of(other))),
    };
    let place = place.to_owned();
    Ok(list.iter().map(move |value| {
        value.as_object().ok_or_else(|| format!("{place}: {field} holds {}, not an object", spec::kind_of(value)))
    }))
}

fn code(object: &Object, place: usize) -> String {
    let code = object.get("id").and_then(Value::as_str).filter(|code| !code.trim().is_empty());
    code.map_or_else(|| format!("#{}", place + 1), str::to_owned)
}

fn task(object: &Object, place: usize, wave: &str) -> Result<SpecTask, String> {
    let code = code(object, place);
    let files = match object.get("files") {
        None | Some(Value::Null) => Vec::new(),
        Some(files) => texts(files).ok_or_else(|| format!("wave {wave}, task {code}: files is not a list of text"))?,
    };
    let filled = |field: &str| object.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let text =
        filled("do").or_else(|| filled("description")).or_else(|| filled("title")).unwrap_or_default().to_owned();
    let after = match object.get("depends_on") {
        Some(Value::String(codes)) => spec::code_list(codes),
        Some(list) => texts(list).unwrap_or_default(),
        None => Vec::new(),
    };
    Ok(SpecTask { code, files, text, after })
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_checks_need_is_read() {
        let spec = r#"{"waves":[{"id":"W1","tasks":[{"id":"T1","do":"x","files":["a"]},{"title":"t","depends_on":["T1"]}]},{"tasks":[]}]}"#;
        let waves = read(spec.as_bytes()).unwrap();
        let codes: Vec<_> = waves.iter().map(|wave| wave.code.as_str()).collect();
        assert_eq!(codes, ["W1", "#2"]);
        assert_eq!((waves[0].tasks[0].files.as_slice(), waves[0].tasks[0].text.as_str()), (&["a".to_owned()][..], "x"));
        assert_eq!(
            (waves[0].tasks[1].code.as_str(), waves[0].tasks[1].after.as_slice()),
            ("#2", &["T1".to_owned()][..])
        );
    }

    #[test]
    fn what_cannot_be_checked_is_named() {
        for (spec, part) in [
            ("{\"waves\":[", "JSON"),
            ("[]", "object"),
            ("{}", "waves is missing"),
            ("{\"waves\":{}}", "waves is an object"),
            ("{\"waves\":[1]}", "waves holds a number"),
            ("{\"waves\":[{\"id\":\"W1\"}]}", "wave W1: tasks is missing"),
            ("{\"waves\":[{\"id\":\"W1\",\"tasks\":[{\"id\":\"T1\",\"files\":\"a\"}]}]}", "task T1: files"),
            ("{\"waves\":[{\"id\":\"W1\",\"tasks\":[{\"id\":\"T1\",\"files\":[1]}]}]}", "task T1: files"),
        ] {
            let fault = read(spec.as_bytes()).unwrap_err();
            assert!(fault.contains(part), "{spec}: {fault}");
        }
    }
}
