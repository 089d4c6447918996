use super::*;
use crewkit_tool::{Clock, Script};
use serde_json::json;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(files: &[(&str, usize)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        for (name, lines) in files {
            place.write(name, &"x\n".repeat(*lines));
        }
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn ask(&self, variables: &[(&str, &str)], event: &Value) -> Outcome {
        let pairs = [("HOME", self.folder.path().to_str().unwrap())];
        let context = Context::scripted(Script {
            environment: pairs.iter().chain(variables).map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            directory: self.folder.path().to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        answer(&context, &Event::parse(event.to_string().as_bytes()).unwrap()).unwrap()
    }

    fn said(&self, variables: &[(&str, &str)], event: &Value) -> (u8, String) {
        let outcome = self.ask(variables, event);
        (outcome.code, String::from_utf8(outcome.stderr).unwrap())
    }
}

fn edit(file: &str) -> Value {
    json!({"tool_name": "Edit", "tool_input": {"file_path": file}})
}

#[test]
fn more_than_the_limit_is_a_block_that_names_all() {
    let place = Place::new(&[("at.rs", 250), ("over.rs", 251)]);
    assert_eq!(place.ask(&[], &edit("at.rs")), Outcome::silent());
    let (code, said) = place.said(&[], &edit("over.rs"));
    assert!(code == 2 && ["over.rs", "251", "250", "Split"].iter().all(|part| said.contains(part)), "{said}");
    place.write("at.rs", &("x\n".repeat(250) + "x"));
    assert_eq!(place.said(&[], &edit("at.rs")).0, 2, "a last line without an end counts");
    let many = json!({"tool_name": "MultiEdit", "tool_input": {"files": ["none.rs", "over.rs", "at.rs"]}});
    assert_eq!(place.said(&[], &many).1.lines().count(), 2);
    assert_eq!(place.said(&[("CLAUDE_FILE_PATH", "over.rs")], &json!({})).0, 2);
}

#[test]
fn what_is_no_edit_of_a_long_file_is_silent() {
    let place = Place::new(&[("over.rs", 251), ("folder/x", 1), ("a/Cargo.lock", 999), ("build/x.rs", 999)]);
    for event in [
        json!({"tool_name": "Read", "tool_input": {"file_path": "over.rs"}}),
        json!({"hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": {"file_path": "over.rs"}}),
        json!({"hook_event_name": "SessionEnd"}),
        json!({}),
        edit("none.rs"),
        edit("folder"),
        edit("a/Cargo.lock"),
        edit("build/x.rs"),
    ] {
        assert_eq!(place.ask(&[], &event), Outcome::silent(), "{event}");
    }
}

#[test]
fn a_folder_above_the_repository_exempts_nothing() {
    let place = Place::new(&[("build/shop/over.rs", 251), ("build/shop/dist/over.rs", 251)]);
    place.write("build/shop/.git/HEAD", "ref: refs/heads/main\n");
    fs::create_dir_all(place.folder.path().join("build/shop/.git/objects")).unwrap();
    fs::create_dir_all(place.folder.path().join("build/shop/.git/refs")).unwrap();
    assert_eq!(place.said(&[], &edit("build/shop/over.rs")).0, 2);
    assert_eq!(place.said(&[], &edit("build/shop/dist/over.rs")).0, 0);
}

#[test]
fn limits_by_variable_and_by_file() {
    let place = Place::new(&[("a.rs", 30), ("doc/a.md", 30), ("gen/a.rs", 900), ("long.md", 60)]);
    assert_eq!(place.said(&[("LINE_LIMIT", "29")], &edit("a.rs")).0, 2);
    assert_eq!(place.said(&[("LINE_LIMIT", "0")], &edit("gen/a.rs")).0, 0);
    assert_eq!(place.said(&[("LINE_LIMIT", "many")], &edit("gen/a.rs")).0, 2);
    place.write(
        ".crewkit.toml",
        "[enforce-line-limit]\nmax_lines = 20\nlimits = ['*.md = 50', '*/gen/* = 0', 'nonsense']\n",
    );
    for (file, code) in [("a.rs", 2), ("doc/a.md", 0), ("long.md", 2), ("gen/a.rs", 0)] {
        assert_eq!(place.said(&[], &edit(file)).0, code, "{file}");
    }
    assert_eq!(place.said(&[("LINE_LIMIT", "40")], &edit("a.rs")).0, 0, "the variable wins");
}

#[test]
fn one_that_was_too_long_before_is_only_mentioned() {
    let place = Place::new(&[("a.rs", 300)]);
    let ask = |input: Value, response: Value| {
        let event = json!({"tool_name": "Edit", "tool_input": input, "tool_response": response});
        place.said(&[], &event)
    };
    let (code, said) = ask(
        json!({"file_path": "a.rs", "old_string": "a", "new_string": "b"}),
        json!({"originalFile": "x\n".repeat(280)}),
    );
    assert!(code == 0 && said.contains("280 before"), "{said}");
    assert_eq!(ask(json!({"file_path": "a.rs"}), json!({"originalFile": "x\n".repeat(250)})).0, 2);
    assert_eq!(ask(json!({"file_path": "a.rs"}), json!({"originalFile": null})).0, 2);
    assert_eq!(ask(json!({"file_path": "a.rs", "old_string": "a", "new_string": "b"}), Value::Null).0, 0);
    let grown = "n\n".repeat(60);
    assert_eq!(ask(json!({"file_path": "a.rs", "old_string": "a", "new_string": grown}), Value::Null).0, 2);
    let everywhere = json!({"file_path": "a.rs", "old_string": "a", "new_string": "b", "replace_all": true});
    assert_eq!(ask(everywhere, Value::Null).0, 2, "not told how many places");
    let edits = json!([{"old_string": "a\n", "new_string": "b"}, {"old_string": "c", "new_string": grown}]);
    assert_eq!(ask(json!({"file_path": "a.rs", "edits": edits}), Value::Null).0, 2);
}

#[test]
fn before_the_write_it_is_said_and_nothing_more() {
    let place = Place::new(&[]);
    let ask = |lines: usize| {
        let input = json!({"file_path": "new.rs", "content": "x\n".repeat(lines)});
        place.ask(&[], &json!({"hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": input}))
    };
    assert_eq!(ask(250), Outcome::silent());
    let outcome = ask(251);
    let said = String::from_utf8(outcome.stdout).unwrap();
    assert!(outcome.code == 0 && said.contains("additionalContext") && said.contains("251"), "{said}");
    assert!(!said.contains("permissionDecision"));
}
