//! The project's own lint, type check, build and tests, as its manifests name them.

use std::path::Path;
use std::time::Duration;

use crewkit_repo::without_repository;
use crewkit_tool::Context;
use crewkit_tool::process::Run;
use serde::Serialize;
use serde_json::Value;

use super::Finding;

/// How long one command may run.
const LIMIT: Duration = Duration::from_mins(30);

/// How many lines of a failing command are shown.
const SHOWN: usize = 10;

/// A command of the build with its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// The command line.
    pub(crate) command: String,
    /// Its exit code; 124 when its time was up.
    pub(crate) code: i32,
    /// The last lines of what a failing one wrote.
    pub(crate) tail: Vec<String>,
}

impl Step {
    pub(super) fn finding(&self) -> Finding {
        let issue = self.tail.iter().rev().find(|line| !line.trim().is_empty()).cloned().unwrap_or_default();
        Finding {
            command: Some(self.command.clone()),
            exit_code: Some(self.code),
            ..Finding::new(issue, "make the command end with 0")
        }
    }
}

/// Runs the build of the project in `directory` up to its first failure; `THOR_BUILD`, a command line, in its place. Empty
/// when none is known. `with_tests` also runs the tests of a package.json.
pub(crate) fn run(context: &Context, directory: &Path, with_tests: bool) -> Vec<Step> {
    let commands = match context.variable("THOR_BUILD") {
        Some(line) => vec![vec!["sh".to_owned(), "-c".to_owned(), line]],
        None => commands(context, directory, with_tests),
    };
    let mut steps = Vec::new();
    for command in commands {
        let step = one(context, directory, &command);
        let failed = step.code != 0;
        steps.push(step);
        if failed {
            break;
        }
    }
    steps
}

fn one(context: &Context, directory: &Path, command: &[String]) -> Step {
    let shown = match command {
        [shell, flag, line] if shell == "sh" && flag == "-c" => line.clone(),
        _ => command.join(" "),
    };
    let (program, arguments) = command.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    // npm asks its registry for a newer npm otherwise.
    let run = without_repository(Run::new(context, program)).variable("npm_config_update_notifier", "false");
    let run = run.args(arguments).directory(directory).limit(LIMIT);
    match run.run() {
        Ok(ended) => {
            // pytest's 5: there are no tests to run.
            let code = match ended.code {
                _ if ended.timed_out => 124,
                5 if program == "pytest" => 0,
                code => code,
            };
            let tail = if code == 0 { Vec::new() } else { tail(&ended.stdout, &ended.stderr) };
            Step { command: shown, code, tail }
        }
        Err(refusal) => Step { command: shown, code: i32::from(refusal.code), tail: vec![refusal.to_string()] },
    }
}

fn tail(stdout: &[u8], stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stdout) + "\n" + String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| (*line).to_owned()).collect()
}

/// The commands of the project's build.
fn commands(context: &Context, directory: &Path, with_tests: bool) -> Vec<Vec<String>> {
    let has = |name: &str| directory.join(name).is_file();
    let mut list: Vec<Vec<String>> = Vec::new();
    let mut add = |words: &[&str]| list.push(words.iter().map(|word| (*word).to_owned()).collect());
    if has("package.json") {
        let manager = [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun"), ("bun.lockb", "bun")];
        let manager = manager.into_iter().find(|(lock, _)| has(lock)).map_or("npm", |(_, manager)| manager);
        let text = std::fs::read_to_string(directory.join("package.json")).unwrap_or_default();
        let package: Value = serde_json::from_str(&text).unwrap_or_default();
        for name in ["lint", "typecheck", "build", "test"] {
            let script = package["scripts"][name].as_str();
            // What npm init writes.
            let wanted =
                name != "test" || with_tests && script.is_some_and(|script| !script.contains("no test specified"));
            if script.is_some() && wanted {
                add(&[manager, "run", name]);
            }
        }
    }
    if has("Cargo.toml") {
        add(&["cargo", "clippy", "--quiet", "--all-targets", "--", "-D", "warnings"]);
        add(&["cargo", "build", "--quiet"]);
        add(&["cargo", "test", "--quiet"]);
    }
    if has("pyproject.toml") || has("setup.py") {
        if context.find_program("ruff").is_some() {
            add(&["ruff", "check", "."]);
        } else if context.find_program("flake8").is_some() {
            add(&["flake8"]);
        }
        add(&["pytest", "-q"]);
    }
    if has("go.mod") {
        for verb in ["vet", "build", "test"] {
            add(&["go", verb, "./..."]);
        }
    }
    if has("pom.xml") {
        add(&["mvn", "-q", "verify"]);
    }
    list
}
