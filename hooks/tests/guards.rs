//! Command lines as agents write them, and what each guard makes of them: `guards.txt`, a table for people to read and
//! to extend.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crewkit_hook::{Event, command_line};
use crewkit_hooks::{prefer_ci_summary, warn_bash_antipatterns, worktree_guard};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Clock, Context, Outcome, Script};
use serde_json::json;

const TABLE: &str = include_str!("guards.txt");

/// A repository on main with a second worktree beside it, and all compact tools in `PATH`.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let top = place.path().join("shop");
        for tool in [
            "git-digest",
            "diff-digest",
            "npm-digest",
            "audit-digest",
            "build-digest",
            "test-digest",
            "migration-digest",
            "service-digest",
            "pr-ops",
            "ci-digest",
        ] {
            place.write(&format!("bin/{tool}"), "");
            fs::set_permissions(place.path().join("bin").join(tool), fs::Permissions::from_mode(0o755)).unwrap();
        }
        place.write("shop/src/main.rs", "");
        place.write("shop/README.md", "");
        let context = place.context();
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
        for arguments in [
            &["init", "-q", "-b", "main"][..],
            &["add", "-A"],
            &["commit", "-q", "-m", "first"],
            &["worktree", "add", "-q", "-b", "agent/web", "../shop-web"],
        ] {
            let run = Run::new(&context, "git").args(identity).args(arguments).directory(&top);
            assert!(run.run().unwrap().ok(), "git {arguments:?}");
        }
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn context(&self) -> Context {
        let search = format!("{}:/usr/bin:/bin:/usr/local/bin", self.path().join("bin").display());
        let pairs = [("HOME", self.path().to_str().unwrap()), ("PATH", &search), ("GIT_CONFIG_NOSYSTEM", "1")];
        Context::scripted(Script {
            environment: pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            directory: self.path().join("shop"),
            clock: Clock::System,
            stdin: Vec::new(),
        })
    }

    /// What a guard says to `command`: its exit code and all of its text.
    fn ask(&self, answer: fn(&Context, &Event) -> Answer, command: &str) -> (u8, String) {
        let event = json!({
            "cwd": self.path().join("shop"), "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": command}
        });
        let context = self.context();
        let Outcome { stdout, stderr, code } =
            answer(&context, &Event::parse(event.to_string().as_bytes()).unwrap()).unwrap();
        assert!(context.take_notes().is_empty(), "{command}");
        (code, String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    /// The row of `command` in the table.
    fn row(&self, command: &str) -> String {
        let worktree = match self.ask(worktree_guard::answer, command) {
            (2, _) => "block",
            (_, said) if said.contains("WARNING") => "warn",
            _ => "-",
        };
        let (code, said) = self.ask(prefer_ci_summary::answer, command);
        let rule = said.rsplit_once("(rule ").map(|(_, rest)| rest.split(')').next().unwrap());
        let prefer = match (code, rule) {
            (2, Some(rule)) => format!("block:{rule}"),
            (_, Some(rule)) => format!("warn:{rule}"),
            _ if said.contains("--quick") => "hint".to_owned(),
            _ => "-".to_owned(),
        };
        let (code, said) = self.ask(warn_bash_antipatterns::answer, command);
        let tools = ["Glob", "Grep", "Read", "Edit", "Write"];
        let tool = tools.iter().find(|tool| said.contains(&format!("The {tool} tool"))).unwrap_or(&"-");
        assert_eq!(code, 0, "{command}");
        let line = command_line::read(command);
        let commit = line.commands().any(|one| one.git().is_some_and(|git| git.subcommand == "commit"));
        let commit = if commit { "commit" } else { "-" };
        format!("{worktree:5} {prefer:22} {tool:5} {commit:6} {}", command.replace('\n', "⏎")).trim_end().to_owned()
    }
}

#[test]
fn every_guard_makes_of_every_command_what_the_table_says() {
    let place = Place::new();
    let (mut wrong, mut rows) = (String::new(), 0);
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().take(4).collect();
        let mut command = line;
        for word in &words {
            command = command.trim_start().strip_prefix(word).unwrap();
        }
        let command = command.strip_prefix(' ').unwrap_or(command).trim_start_matches(' ').replace('⏎', "\n");
        let found = place.row(&command);
        let same = found.split_whitespace().take(4).eq(words.iter().copied());
        if !same {
            let _ = write!(wrong, "table: {line}\nfound: {found}\n\n");
        }
        rows += 1;
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(rows >= 300, "{rows} rows");
}
