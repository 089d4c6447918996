use super::*;
use crewkit_tool::{Clock, Script};
use serde_json::{Value, json};
use std::path::PathBuf;

struct Place {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

impl Place {
    /// A home with stand-ins for formatters that write `formatted` into the file.
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() };
        for name in ["black", "ruff", "prettier", "gofmt", "rustfmt", "shfmt"] {
            place.stub(&format!("bin/{name}"), "for last; do :; done; echo noise; printf formatted > \"$last\"");
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn stub(&self, name: &str, body: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        self.write(name, &format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn ask(&self, event: &Value) -> Outcome {
        let search = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let pairs = [("HOME", self.folder.path().to_str().unwrap()), ("PATH", search.as_str())];
        let context = Context::scripted(Script {
            environment: pairs.iter().chain(&self.variables).map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            directory: self.folder.path().to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        answer(&context, &Event::parse(event.to_string().as_bytes()).unwrap()).unwrap()
    }

    /// Edits the file by `tool`; whether it was formatted.
    fn formats(&self, tool: &str, name: &str) -> bool {
        self.write(name, "as it was");
        let event = json!({"hook_event_name": "PostToolUse", "tool_name": tool, "tool_input": {"file_path": name}});
        let outcome = self.ask(&event);
        assert_eq!((outcome.code, outcome.stderr.len()), (0, 0));
        let formatted = fs::read_to_string(self.path(name)).unwrap() == "formatted";
        let said = String::from_utf8(outcome.stdout).unwrap();
        assert_eq!(said.contains("additionalContext") && said.contains("reformatted by"), formatted, "{said}");
        formatted
    }
}

#[test]
fn what_was_written_whole_is_formatted_and_what_was_edited_where_the_project_says_so() {
    let place = Place::new();
    for name in ["a.py", "a.tsx", "a.md", "a.go", "a.rs", "a.sh"] {
        assert!(place.formats("Write", name), "{name}");
        assert!(!place.formats("Edit", name), "{name}");
    }
    place.write(".prettierrc", "");
    place.write("rustfmt.toml", "");
    for (name, wanted) in [("src/a.tsx", true), ("a.md", true), ("a.rs", true), ("a.py", false)] {
        assert_eq!(place.formats("MultiEdit", name), wanted, "{name}");
    }
}

#[test]
fn others_are_let_be() {
    let place = Place::new();
    for name in ["a.xyz", "Makefile", "package-lock.json", "node_modules/a.js", "dist/a.css", "a.min.js", "a.swift"] {
        assert!(!place.formats("Write", name), "{name}");
    }
    for event in [
        json!({}),
        json!({"tool_name": "Write", "tool_input": {"file_path": "none.py"}}),
        json!({"tool_name": "Read", "tool_input": {"file_path": "a.py"}}),
        json!({"hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": {"file_path": "a.py"}}),
        json!({"hook_event_name": "SessionEnd"}),
    ] {
        place.write("a.py", "x");
        assert_eq!(place.ask(&event), Outcome::silent());
        assert_eq!(fs::read_to_string(place.path("a.py")).unwrap(), "x");
    }
}

#[test]
fn people_say_when() {
    let mut place = Place::new();
    place.variables = vec![("AUTO_FORMAT", "always")];
    assert!(place.formats("Edit", "a.py"));
    place.variables = vec![("AUTO_FORMAT", "configured")];
    assert!(!place.formats("Write", "a.py"));
    place.variables = vec![("AUTO_FORMAT", "off")];
    assert!(!place.formats("Write", "a.py"));
    place.variables.clear();
    place.write(".crewkit.toml", "[auto-format]\nmode = 'always'\nskip = ['md']\n");
    assert!(place.formats("Edit", "a.py") && !place.formats("Write", "a.md"));
}

#[test]
fn a_formatter_that_fails_hangs_or_changes_nothing_says_nothing() {
    let place = Place::new();
    place.write("a.py", "x");
    place.write(".crewkit.toml", "[auto-format]\nseconds = 1\n");
    let write = json!({"hook_event_name": "PostToolUse", "tool_name": "Write", "tool_input": {"file_path": "a.py"}});
    for body in ["echo broken >&2; exit 123", "sleep 60", "echo fine"] {
        place.stub("bin/black", body);
        let started = std::time::Instant::now();
        assert_eq!(place.ask(&write), Outcome::silent(), "{body}");
        assert!(started.elapsed() < Duration::from_secs(8), "{body}");
    }
}

#[test]
fn the_project_s_own_program_comes_first_and_rust_s_modules_are_not_followed() {
    let place = Place::new();
    place.stub("web/node_modules/.bin/prettier", "for last; do :; done; printf own > \"$last\"");
    place.write("web/src/a.ts", "x");
    let write = |name: &str| {
        place.ask(&json!({"tool_name": "Write", "tool_input": {"file_path": name}}));
        fs::read_to_string(place.path(name)).unwrap()
    };
    assert_eq!(write("web/src/a.ts"), "own");
    place.stub("bin/rustfmt", "printf '%s;' \"$@\"; cat");
    place.write("src/lib.rs", "mod x;\n");
    assert_eq!(write("src/lib.rs"), "--edition;2024;mod x;\n");
}
