use super::*;
use crewkit_tool::{Clock, Script};
use serde_json::json;
use std::path::Path;

struct Place {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

impl Place {
    /// A home whose `bin` holds all compact tools but those of `missing`.
    fn without(missing: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder, variables: Vec::new() };
        let all = RULES.iter().flat_map(|rule| rule.instead.split(';')).map(|line| line.split(' ').next().unwrap());
        for tool in all.filter(|tool| !missing.contains(tool)) {
            place.write(&format!("bin/{tool}"), "");
        }
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn ask(&self, command: &str) -> (u8, String) {
        self.ask_in(None, command)
    }

    fn ask_in(&self, session: Option<&str>, command: &str) -> (u8, String) {
        let bin = self.path().join("bin");
        let pairs = [("HOME", self.path().to_str().unwrap()), ("PATH", bin.to_str().unwrap())];
        let context = Context::scripted(Script {
            environment: pairs.iter().chain(&self.variables).map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            directory: self.path().to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        let event = json!({"tool_name": "Bash", "cwd": self.path(), "tool_input": {"command": command},
            "session_id": session});
        let outcome = answer(&context, &Event::parse(event.to_string().as_bytes()).unwrap()).unwrap();
        assert!(outcome.stdout.is_empty());
        let notes: String = context.take_notes().concat();
        (outcome.code, String::from_utf8(outcome.stderr).unwrap() + &notes)
    }
}

#[test]
fn a_refusal_names_the_command_the_way_on_and_the_rule() {
    let (code, said) = Place::without(&[]).ask("cd src && git  log -3 | head");
    assert_eq!(code, 2);
    for part in ["BLOCKED: git  log -3", "\n  git-digest\n", "(rule git-log)"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn without_a_way_on_it_only_advises() {
    let place = Place::without(&["git-digest", "service-digest"]);
    let (code, said) = place.ask("git log");
    assert!(code == 0 && said.contains("Not installed") && said.contains("git-digest"), "{said}");
    assert!(!said.contains("BLOCKED"));
    // One of two is enough, and only that one is named.
    let (code, said) = place.ask("git diff");
    assert!(code == 2 && said.contains("diff-digest") && !said.contains("git-digest"), "{said}");
    // Not there is no reason to look no further.
    let (code, said) = place.ask("git log && npm test");
    assert!(code == 2 && said.contains("test-digest"), "{said}");
    // Of the set, if not of this installation.
    let (code, said) = place.ask("gh run view 1 --log");
    assert!(code == 2 && said.contains("service-digest ci 1"), "{said}");
    place.write(".claude/scripts/git-digest.sh", "");
    let (code, said) = place.ask("git log");
    assert!(code == 2 && said.contains("~/.claude/scripts/git-digest.sh"), "{said}");
}

#[test]
fn advice_comes_once_a_session_and_a_block_always() {
    let place = Place::without(&["build-digest", "npm-digest"]);
    for (session, command, told) in [
        ("a", "cargo test", true),
        ("a", "cargo test --all", false),
        ("a", "npm install", true),
        ("a", "npm ci", false),
        ("b", "cargo test", true),
        ("a", "cargo build", false),
    ] {
        let (code, said) = place.ask_in(Some(session), command);
        assert_eq!((code, !said.is_empty()), (0, told), "{session} {command}: {said}");
    }
    assert_eq!([place.ask_in(Some("a"), "git log").0, place.ask_in(Some("a"), "git log").0], [2, 2]);
}

#[test]
fn the_project_s_own_summary_comes_first() {
    let place = Place::without(&[]);
    assert!(!place.ask("npm test").1.contains("ci-summary"));
    place.write("scripts/ci-summary.sh", "");
    for (command, option) in [
        ("npm test", "--unit"),
        ("npx playwright test", "--e2e"),
        ("npm run lint", "--quick"),
        ("npm run test:unit", "--full"),
    ] {
        let (code, said) = place.ask(command);
        assert!(code == 2 && said.contains(&format!("\n  ./scripts/ci-summary.sh {option}\n")), "{said}");
    }
}

#[test]
fn switches() {
    let mut place = Place::without(&[]);
    let mut ask = |variables: &[(&'static str, &'static str)], command: &str| {
        place.variables = variables.to_vec();
        place.ask(command)
    };
    assert_eq!(ask(&[("PREFER_CI_SUMMARY", "off")], "git log"), (0, String::new()));
    let (code, said) = ask(&[("PREFER_CI_SUMMARY", "warn")], "git log");
    assert!(code == 0 && said.starts_with("git log prints more"), "{said}");
    let (code, said) = ask(&[("PREFER_CI_SUMMARY", "loud")], "git log");
    assert!(code == 2 && said.contains("'loud'"), "{said}");
    assert_eq!(ask(&[("PREFER_CI_SUMMARY_OFF", "npm-test, git-log")], "git log").0, 0);
    assert_eq!(ask(&[("PREFER_CI_SUMMARY_OFF", "npm-test")], "git log").0, 2);
    assert_eq!(ask(&[("PREFER_CI_SUMMARY", "off"), ("PREFER_CI_SUMMARY_BLOCK", "git-log")], "git log").0, 2);
    assert_eq!(ask(&[], "cargo test").0, 0);
    assert_eq!(ask(&[("PREFER_CI_SUMMARY", "block")], "cargo test").0, 2);
    // Off unless asked for by name.
    assert_eq!(ask(&[], "git show HEAD"), (0, String::new()));
    assert_eq!(ask(&[("PREFER_CI_SUMMARY", "block")], "git show HEAD"), (0, String::new()));
    assert_eq!(ask(&[("PREFER_CI_SUMMARY_BLOCK", "git-show")], "git show HEAD").0, 2);
    let deep = format!("{}git log{}", "( ".repeat(200), ")".repeat(200));
    assert_eq!(ask(&[], &deep).0, 2);
    assert_eq!(ask(&[("PREFER_CI_SUMMARY", "warn")], &deep).0, 0);
    assert_eq!(ask(&[("PREFER_CI_SUMMARY_OFF", "unreadable")], &deep), (0, String::new()));
}

#[test]
fn people_set_modes_and_add_rules() {
    let place = Place::without(&[]);
    place.write("bin/doc-digest", "");
    place.write(
        ".crewkit.toml",
        "[prefer-ci-summary]\noff = [\"git-status\"]\nwarn = [\"git-log\"]\nblock = [\"cargo-test\"]\n\
         rules = [\"docs: cargo doc => doc-digest {1|CRATE}\", \"own: npm install --offline =>\", \"nonsense\"]\n",
    );
    assert!(place.ask("git status").1.contains("not a rule"), "a rule that cannot be read is named");
    for (command, code, part) in [
        ("git status", 0, ""),
        ("git log", 0, "git-digest"),
        ("cargo test", 2, "test-digest"),
        ("cargo doc core", 2, "doc-digest core"),
        ("npm install --offline", 0, ""),
        ("npm install", 2, "npm-digest"),
    ] {
        let (ended, said) = place.ask(command);
        assert!(ended == code && said.contains(part), "{command}: {ended} {said}");
    }
}

#[test]
fn a_hint_for_a_summary_of_everything() {
    let place = Place::without(&[]);
    for command in ["npm run ci:summary", "./scripts/ci-summary.sh", "scripts/ci-summary.sh -v"] {
        let (code, said) = place.ask(command);
        assert!(code == 0 && said.contains("--quick"), "{command}: {said}");
    }
    assert_eq!(place.ask("./scripts/ci-summary.sh --types"), (0, String::new()));
}

#[test]
fn what_is_not_about_to_run_in_a_shell_is_no_matter() {
    let context = Context::scripted(Script {
        environment: std::collections::HashMap::new(),
        directory: "/".into(),
        clock: Clock::System,
        stdin: Vec::new(),
    });
    for event in [
        json!({"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "git log"}}),
        json!({"hook_event_name": "PreToolUse", "tool_name": "Grep", "tool_input": {"command": "git log"}}),
        json!({"hook_event_name": "SessionEnd"}),
        json!({}),
    ] {
        let event = Event::parse(event.to_string().as_bytes()).unwrap();
        assert_eq!(answer(&context, &event).unwrap(), Outcome::silent());
    }
}
