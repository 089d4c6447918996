//! Specs that import takes, and those it refuses.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn spec(value: &Value) -> Spec {
    read(value.to_string().as_bytes(), &[]).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn faults(value: &Value) -> Vec<String> {
    read(value.to_string().as_bytes(), &["W9".to_owned()]).expect_err("faults")
}

fn one_task(task: Value) -> Value {
    json!({ "waves": [{ "id": "W1", "name": "One", "tasks": [task] }] })
}

fn task(value: Value) -> crewkit_store::plans::NewTask {
    spec(&one_task(value)).waves.remove(0).tasks.remove(0)
}

#[test]
fn a_task_of_the_new_form_is_put_together() {
    let made = task(json!({
        "id": "T1-01", "do": "Add \"it\"\nnow", "title": "other", "files": ["Makefile", "a b.ts"], "ref": "F-01, F-02",
        "verify": ["x", "y"], "priority": "P3", "type": "refactor", "model": "gpt-5", "effort": 3
    }));
    assert_eq!(made.title, "Add \"it\" now");
    assert_eq!(made.description, "Add \"it\"\nnow | Files: Makefile, a b.ts | Ref: F-01, F-02");
    assert_eq!(made.test_criteria.as_deref(), Some(r#"{"verify":["x","y"]}"#));
    assert_eq!(made.files.as_deref(), Some(r#"["Makefile","a b.ts"]"#));
    assert_eq!(made.requirements, ["F-01", "F-02"]);
    assert_eq!((made.priority.as_str(), made.kind.as_str(), made.effort), ("P3", "refactor", 3));
    assert_eq!(made.executor_agent.as_deref(), Some("copilot"));
    let bare = task(json!({ "id": "T1-01", "do": "x", "verify": [], "files": [], "ref": null }));
    assert_eq!((bare.description.as_str(), bare.test_criteria, bare.files), ("x", None, None));
    assert_eq!(
        (bare.priority.as_str(), bare.kind.as_str(), bare.model.as_str(), bare.effort),
        ("P1", "feature", "sonnet", 1)
    );
}

#[test]
fn criteria_of_the_old_form_are_wrapped_once() {
    for (given, wanted) in [
        (json!(["works"]), Some(r#"{"verify":["works"]}"#)),
        (json!({ "verify": ["a"], "by": "b" }), Some(r#"{"verify":["a"],"by":"b"}"#)),
        (json!({ "by": "b" }), Some(r#"{"verify":{"by":"b"}}"#)),
        (json!("works"), Some(r#"{"verify":["works"]}"#)),
        (json!([]), None),
        (json!(null), None),
    ] {
        let made = task(json!({ "id": "T1-01", "title": "t", "description": "", "test_criteria": given }));
        assert_eq!((made.test_criteria.as_deref(), made.description.as_str()), (wanted, "t"));
    }
    let made = task(json!({ "id": "T1-01", "title": "t", "description": "a\nb", "files": ["x"], "do": " " }));
    assert_eq!((made.description.as_str(), made.files.as_deref()), ("a\nb", Some(r#"["x"]"#)));
}

#[test]
fn the_executor_follows_the_model() {
    for (extra, wanted) in [
        (json!({}), "claude"),
        (json!({ "model": "gpt-5.3-codex", "codex": true }), "copilot"),
        (json!({ "model": "gemini-2.5-pro" }), "gemini"),
        (json!({ "model": "manual" }), "manual"),
        (json!({ "codex": true }), "codex"),
        (json!({ "codex": false }), "claude"),
        (json!({ "model": "gpt-5", "executor_agent": "claude" }), "claude"),
    ] {
        let mut object = json!({ "id": "T1-01", "do": "x" });
        object.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(task(object).executor_agent.as_deref(), Some(wanted), "{extra}");
    }
}

#[test]
fn waves_keep_what_they_wait_for() {
    let made = spec(&json!({ "waves": [
        { "id": "W1", "name": "a\nb", "tasks": [], "depends_on": ["W2", "W3"], "precondition": [{ "type": "x" }], "estimated_hours": 2.5 },
        { "id": "WF", "name": "c", "tasks": [], "depends_on": "", "precondition": {} },
    ]}));
    let wave = &made.waves[0].wave;
    assert_eq!((wave.name.as_str(), wave.depends_on.as_deref()), ("a b", Some("W2,W3")));
    assert_eq!(wave.precondition.as_deref(), Some(r#"[{"type":"x"}]"#));
    assert!((wave.estimated_hours - 2.5).abs() < f64::EPSILON);
    assert_eq!(
        (made.waves[1].wave.depends_on.as_deref(), made.waves[1].wave.precondition.as_deref()),
        (None, Some("{}"))
    );
    let unknown = "waves that depend on W2, which neither the spec nor the plan has: W1";
    assert!(made.warnings.iter().any(|line| line == unknown), "{:?}", made.warnings);
}

#[test]
fn the_description_is_given_or_the_first_line_of_the_request() {
    let description = |value: Value| {
        let mut value = value;
        value["waves"] = json!([]);
        spec(&value).description
    };
    assert_eq!(description(json!({ "user_request": "\n Add login \nsoon" })).as_deref(), Some("Add login"));
    assert_eq!(description(json!({ "user_request": "a", "description": "b\nc" })).as_deref(), Some("b\nc"));
    assert_eq!(description(json!({ "user_request": "ż".repeat(300) })), Some("ż".repeat(200)));
    assert_eq!(description(json!({})), None);
}

#[test]
fn every_fault_is_named_with_its_place() {
    let wave = |more: Value| {
        let mut wave = json!({ "id": "W1", "name": "One", "tasks": [] });
        wave.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "waves": [wave] })
    };
    let with = |more: Value| {
        let mut task = json!({ "id": "T1-01", "do": "x" });
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        one_task(task)
    };
    let plain = json!({ "id": "W1", "name": "One", "tasks": [] });
    for (value, parts) in [
        (json!([]), &["object", "a list"][..]),
        (json!({}), &["waves is missing"]),
        (json!({ "waves": {} }), &["waves", "not a list"]),
        (json!({ "waves": [1] }), &["wave 1", "a number"]),
        (json!({ "waves": [], "user_request": 1 }), &["user_request", "not text"]),
        (json!({ "waves": [], "description": [] }), &["description", "not text"]),
        (json!({ "waves": [], "requirements": {} }), &["requirements", "not a list"]),
        (json!({ "waves": [], "requirements": ["F-01"] }), &["requirement 1", "not an object"]),
        (json!({ "waves": [plain, plain] }), &["wave W1", "twice"]),
        (json!({ "waves": [{ "id": "W9", "name": "x", "tasks": [] }] }), &["wave W9", "already"]),
        (wave(json!({ "id": "" })), &["wave 1", "id is empty"]),
        (wave(json!({ "id": null })), &["wave 1", "id is missing"]),
        (wave(json!({ "id": 1 })), &["wave 1", "id is a number"]),
        (wave(json!({ "name": null })), &["wave W1", "name is missing"]),
        (wave(json!({ "estimated_hours": "8" })), &["wave W1", "estimated_hours", "not a number"]),
        (wave(json!({ "depends_on": [1] })), &["wave W1", "depends_on"]),
        (wave(json!({ "precondition": "x" })), &["wave W1", "precondition", "text"]),
        (wave(json!({ "tasks": null })), &["wave W1", "tasks is missing"]),
        (wave(json!({ "tasks": {} })), &["wave W1", "tasks", "not a list"]),
        (wave(json!({ "tasks": ["x"] })), &["wave W1, task 1", "not an object"]),
        (wave(json!({ "tasks": [{ "id": "T1", "do": "x" }, { "id": "T1", "do": "y" }] })), &["wave W1", "T1 twice"]),
        (with(json!({ "id": null })), &["wave W1, task 1", "id is missing"]),
        (with(json!({ "do": "" })), &["T1-01", "do and title"]),
        (with(json!({ "do": 5 })), &["T1-01", "do is a number"]),
        (with(json!({ "files": "a.ts" })), &["T1-01", "files", "not a list"]),
        (with(json!({ "files": [1] })), &["T1-01", "files", "not text"]),
        (with(json!({ "ref": 1 })), &["T1-01", "ref", "not text"]),
        (with(json!({ "verify": "x" })), &["T1-01", "verify", "not a list"]),
        (with(json!({ "description": 1 })), &["T1-01", "description", "not text"]),
        (with(json!({ "priority": "P4" })), &["T1-01", "priority", "P4"]),
        (with(json!({ "model": 4 })), &["T1-01", "model", "not text"]),
        (with(json!({ "effort": 9 })), &["T1-01", "effort", "9"]),
        (with(json!({ "effort": "2" })), &["T1-01", "effort"]),
        (with(json!({ "depends_on": {} })), &["T1-01", "depends_on"]),
        (with(json!({ "depends_on": "T1-01" })), &["T1-01", "circle: T1-01 -> T1-01"]),
        (wave(json!({ "depends_on": "W1" })), &["wave W1", "circle: W1 -> W1"]),
    ] {
        let found = faults(&value);
        assert!(found.iter().all(|fault| fault.starts_with("line 1: ") || value.is_array()), "{found:?}");
        assert!(found.len() == 1 && parts.iter().all(|part| found[0].contains(part)), "{value}: {found:?}");
    }
    let circle = json!({ "waves": [{ "id": "W1", "name": "a", "tasks": [], "depends_on": ["W2"] },
        { "id": "W2", "name": "b", "tasks": [], "depends_on": "W1" }] });
    assert_eq!(faults(&circle), ["line 1: wave W1: depends_on runs in a circle: W1 -> W2 -> W1"]);
    let several = json!({ "waves": [{ "tasks": [{}, { "id": "T1", "do": "x", "effort": 0 }] }] });
    assert_eq!(faults(&several).len(), 5);
    assert!(read(b"{\"waves\":[", &[]).expect_err("faults")[0].contains("no JSON"));
    assert!(read(b"\xef\xbb\xbf{\"waves\":[]}", &[]).is_ok());
}

#[test]
fn all_faults_of_all_tasks_are_named_with_their_lines() {
    let text = r#"{
 "user_request": 1,
 "waves": [
  {"id": "W1", "name": "One", "tasks": [
   {"id": "T1-01",
    "do": 5,
    "files": "a.ts",
    "priority": "P9"},
   {"do": "",
    "effort": 9,
    "verify": "x"}
  ]},
  7
 ]
}"#;
    let wanted = [
        "line 2: user_request is a number, not text",
        "line 6: wave W1, task T1-01: do is a number, not text",
        "line 7: wave W1, task T1-01: files is text, not a list",
        "line 8: wave W1, task T1-01: priority \"P9\" is none of P0, P1, P2, P3",
        "line 9: wave W1, task 2: both do and title are missing or empty",
        "line 9: wave W1, task 2: id is missing",
        "line 10: wave W1, task 2: effort 9 is not 1, 2 or 3",
        "line 11: wave W1, task 2: verify is text, not a list",
        "line 13: wave 2: a number, not an object",
    ];
    let mut found = read(text.as_bytes(), &[]).expect_err("faults");
    found.sort_by_key(|fault| {
        (fault.trim_start_matches("line ").split(':').next().and_then(|line| line.parse::<usize>().ok()), fault.clone())
    });
    assert_eq!(found, wanted);
    let yaml = "waves:\n- id: W1\n  name: One\n  tasks:\n  - id: T1-01\n    do: x\n    model: 4\n";
    assert_eq!(
        read(yaml.as_bytes(), &[]).expect_err("faults"),
        ["line 7: wave W1, task T1-01: model is a number, not text"]
    );
}

#[test]
fn warnings_are_gathered() {
    let tasks: Vec<Value> = (1..=7).map(|n| json!({ "id": format!("T1-0{n}"), "do": "x", "type": "odd" })).collect();
    let made = spec(&json!({ "waves": [{ "id": "W1", "name": "n", "tasks": tasks }] }));
    let odd = "tasks of the unknown type 'odd': T1-01, T1-02, T1-03, T1-04, T1-05 and 2 more";
    assert!(made.warnings.iter().any(|line| line == odd), "{:?}", made.warnings);
    let whole = json!({ "user_request": "u", "requirements": [{ "id": "F-01", "text": "t", "wave": "W1" }], "waves": [
        { "id": "W1", "name": "n", "tasks": [{ "id": "TF-pr", "do": "x", "files": [], "ref": "F-01", "verify": ["v"],
          "priority": "P1", "type": "fix", "model": "opus", "effort": 1 }] }] });
    assert_eq!(spec(&whole).warnings, Vec::<String>::new());
}

proptest! {
    #[test]
    fn any_bytes_are_a_spec_or_faults(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(faults) = read(&bytes, &[]) {
            prop_assert!(!faults.is_empty());
        }
    }

    #[test]
    fn any_value_in_any_field_is_taken_or_refused(field in 0_usize..16, pick in 0_usize..7) {
        let fields = ["id", "do", "title", "files", "ref", "verify", "description", "test_criteria", "priority", "type",
            "model", "effort", "executor_agent", "codex", "skip_if", "tasks"];
        let values = [json!(null), json!(true), json!(-1.5), json!("te\nxt"), json!([1, "a"]), json!({"a": {}}), json!("")];
        let mut task = json!({ "id": "T1-01", "do": "x" });
        task[fields[field]] = values[pick].clone();
        if let Ok(spec) = read(one_task(task).to_string().as_bytes(), &[]) {
            let task = &spec.waves[0].tasks[0];
            prop_assert!(!task.title.contains('\n') && !task.title.is_empty() && !task.code.is_empty());
        }
    }
}
