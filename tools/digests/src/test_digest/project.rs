//! Which runner a project has, and the command that starts it.

use std::path::{Path, PathBuf};

use crewkit_digest::Streams;
use crewkit_tool::{Context, Refusal};

/// The runners that `--suite` can name, besides `unit`, `e2e` and `all`.
pub(crate) const RUNNERS: [&str; 12] =
    ["vitest", "jest", "playwright", "npm", "cargo", "nextest", "pytest", "unittest", "go", "mocha", "node", "bats"];

/// A runner and how it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Its name in the answer.
    pub(crate) framework: &'static str,
    /// The program, looked up in PATH unless it holds a slash.
    pub(crate) program: String,
    /// Its arguments, without those of the caller.
    pub(crate) arguments: Vec<&'static str>,
    /// The folder it has to be started in, where that is not the working directory.
    pub(crate) folder: Option<PathBuf>,
    /// Apart where a machine's report is expected on standard output.
    pub(crate) streams: Streams,
}

/// The runner for `suite` (`all`, `unit`, `e2e`, or a runner's name) of the project in the working directory, or, where
/// there is none, in the nearest folder above it that belongs to the same repository.
///
/// # Errors
/// When there is no project, or the project has no runner for `e2e`.
pub(crate) fn plan(context: &Context, suite: &str) -> Result<Plan, Refusal> {
    let folder = context.directory()?;
    if let Some(name) = RUNNERS.iter().find(|name| **name == suite) {
        return Ok(of(context, folder, name));
    }
    let (mut place, mut named) = (folder, runner(folder, suite));
    if named.is_none() && folder.ancestors().any(|above| above.join(".git").exists()) {
        while named.is_none() && !place.join(".git").exists() {
            let Some(above) = place.parent() else { break };
            place = above;
            named = runner(place, suite);
        }
    }
    match named {
        Some(name) => {
            let plan = of(context, place, name);
            // These look for their configuration where they are started.
            let moves = place != folder && matches!(name, "vitest" | "playwright");
            Ok(Plan { folder: moves.then(|| place.to_owned()), ..plan })
        }
        None if std::fs::read_dir(folder).is_err() => {
            Err(Refusal::new(format!("the working directory cannot be read: {}", folder.display())))
        }
        None if suite == "e2e" => Err(Refusal::new("no e2e tests here: package.json does not name playwright")),
        None => Err(Refusal::new(
            "no project here: looked for package.json, Cargo.toml, pyproject.toml, pytest.ini, conftest.py, go.mod, \
             *.bats, test*.py; name a runner (--suite) or a command (-- CMD)",
        )),
    }
}

/// The runner of the project in `folder`.
fn runner(folder: &Path, suite: &str) -> Option<&'static str> {
    let package = std::fs::read_to_string(folder.join("package.json")).ok();
    let names = |name: &str| package.as_ref().is_some_and(|text| text.contains(&format!("\"{name}\"")));
    let has_playwright = names("playwright") || names("@playwright/test");
    if suite == "e2e" {
        let configured = ["ts", "js", "mjs"].iter().any(|end| folder.join(format!("playwright.config.{end}")).exists());
        return (has_playwright || configured).then_some("playwright");
    }
    if names("vitest") {
        Some("vitest")
    } else if names("jest") {
        Some("jest")
    } else if has_playwright && suite != "unit" {
        Some("playwright")
    } else if package.as_deref().is_some_and(has_test_script) {
        Some("npm")
    } else {
        beyond(folder).or_else(|| package.map(|_| "npm"))
    }
}

/// Whether a package.json has a script for `npm test` that is more than npm's own stand-in.
fn has_test_script(package: &str) -> bool {
    let value: serde_json::Value = serde_json::from_str(package).unwrap_or_default();
    value["scripts"]["test"].as_str().is_some_and(|script| !script.contains("no test specified"))
}

/// The runner of a project that is none of Node.js's.
fn beyond(folder: &Path) -> Option<&'static str> {
    let has = |name: &str| folder.join(name).exists();
    let any = |places: &[&str], fits: &dyn Fn(&str) -> bool| {
        places
            .iter()
            .filter_map(|place| std::fs::read_dir(folder.join(place)).ok())
            .any(|entries| entries.flatten().take(2_000).any(|entry| entry.file_name().to_str().is_some_and(fits)))
    };
    let ends = |name: &str, ending: &str| Path::new(name).extension().is_some_and(|found| found == ending);
    if has("Cargo.toml") {
        return Some(if has(".config/nextest.toml") { "nextest" } else { "cargo" });
    }
    if ["pyproject.toml", "pytest.ini", "conftest.py", "tests/conftest.py"].iter().any(|name| has(name)) {
        return Some("pytest");
    }
    if has("go.mod") {
        return Some("go");
    }
    if any(&["", "test", "tests"], &|name| ends(name, "bats")) {
        return Some("bats");
    }
    any(&["", "tests"], &|name| name.starts_with("test") && ends(name, "py")).then_some("unittest")
}

fn of(context: &Context, folder: &Path, framework: &'static str) -> Plan {
    let own = |name: &str| python(context, folder, name);
    let (program, arguments): (String, &[&str]) = match framework {
        "vitest" => ("npx".into(), &["vitest", "run", "--reporter=json"]),
        "jest" => ("npx".into(), &["jest", "--json", "--silent"]),
        "playwright" => ("npx".into(), &["playwright", "test", "--reporter=json"]),
        "mocha" => ("npx".into(), &["mocha"]),
        "cargo" => ("cargo".into(), &["test"]),
        "nextest" => ("cargo".into(), &["nextest", "run"]),
        "pytest" => own("pytest").map_or_else(|| ("python3".into(), &["-m", "pytest"][..]), |path| (path, &[][..])),
        "unittest" => (own("python").unwrap_or_else(|| "python3".into()), &["-m", "unittest"]),
        "go" => ("go".into(), &["test", "-json"]),
        "node" => ("node".into(), &["--test"]),
        "bats" => ("bats".into(), &[]),
        _ => match manager(context, folder) {
            // `bun test` is a runner of its own.
            "bun" => ("bun".into(), &["run", "test"]),
            name => (name.into(), &["test"]),
        },
    };
    let is_json = matches!(framework, "vitest" | "jest" | "playwright");
    let streams = if is_json { Streams::Apart } else { Streams::Joined };
    Plan { framework, program, arguments: arguments.to_vec(), folder: None, streams }
}

/// The package manager that the lock file in `folder` belongs to, when it is installed; else npm.
fn manager(context: &Context, folder: &Path) -> &'static str {
    const LOCKS: [(&str, &str); 4] =
        [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun"), ("bun.lockb", "bun")];
    let fits = |(lock, name): &&(&str, &str)| folder.join(lock).exists() && context.find_program(name).is_some();
    LOCKS.iter().find(fits).map_or("npm", |(_, name)| name)
}

/// A program of the project's virtual environment, else one in PATH.
fn python(context: &Context, folder: &Path, name: &str) -> Option<String> {
    let own = [".venv", "venv"].iter().map(|place| folder.join(place).join("bin").join(name));
    let path = context.variable_path("PATH").unwrap_or_default();
    let found: Option<PathBuf> =
        own.into_iter().chain(std::env::split_paths(&path).map(|place| place.join(name))).find(|file| file.is_file());
    found.and_then(|file| file.into_os_string().into_string().ok())
}

impl Plan {
    /// The runner's own option for what failed last.
    pub(crate) fn last_failed(&self) -> Option<&'static str> {
        match self.framework {
            "pytest" | "playwright" => Some("--last-failed"),
            "jest" => Some("--onlyFailures"),
            _ => None,
        }
    }

    /// What goes before the caller's `arguments`, or in their place when there are none.
    pub(crate) fn bridge(&self, arguments_given: bool) -> &'static [&'static str] {
        match (self.framework, arguments_given) {
            // Without it npm takes options for its own; the others would hand it on.
            ("npm", true) if self.program == "npm" => &["--"],
            ("go", false) => &["./..."],
            ("bats", false) => &["-r", "."],
            _ => &[],
        }
    }
}

/// The runner that a wrapped command line names.
pub(crate) fn named_by(command: &[std::ffi::OsString]) -> Option<&'static str> {
    let words: Vec<&str> = command.iter().filter_map(|word| word.to_str()).collect();
    let base = |word: &'_ str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let program = base(words.first()?);
    let has = |word: &str| words.contains(&word);
    match program.as_str() {
        "cargo" => {
            let command = words.iter().skip(1).find(|word| !word.starts_with(['+', '-']))?;
            return match *command {
                "nextest" => Some("nextest"),
                "test" | "t" => Some("cargo"),
                // A command of the project's own may run anything.
                _ => None,
            };
        }
        "go" if has("test") => return Some("go"),
        "node" if has("--test") => return Some("node"),
        "py.test" => return Some("pytest"),
        _ => {}
    }
    let runners = ["vitest", "jest", "playwright", "pytest", "unittest", "mocha", "bats"];
    let starters = ["npx", "pnpm", "yarn", "bunx", "python", "python3", "uv", "poetry", "pipenv", "coverage"];
    let searched = if starters.contains(&program.as_str()) { words.len().min(5) } else { 1 };
    words[..searched].iter().find_map(|word| runners.into_iter().find(|runner| *runner == base(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn chosen(files: &[(&str, &str)], suite: &str) -> Result<&'static str, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let context = Context::scripted(Script {
            environment: std::collections::HashMap::default(),
            directory: folder.path().to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        plan(&context, suite).map(|plan| plan.framework).map_err(|refusal| refusal.message)
    }

    #[test]
    fn the_table_is_followed_in_its_order() {
        let package = |text: &'static str| [("package.json", text)];
        let all = r#"{"devDependencies":{"jest":"1","vitest":"1","@playwright/test":"1"}}"#;
        assert_eq!(chosen(&package(all), "all").unwrap(), "vitest");
        assert_eq!(chosen(&package(all), "e2e").unwrap(), "playwright");
        assert_eq!(chosen(&package(r#"{"devDependencies":{"jest":"1","playwright":"1"}}"#), "all").unwrap(), "jest");
        let only = r#"{"devDependencies":{"playwright":"1"}}"#;
        assert_eq!(chosen(&package(only), "all").unwrap(), "playwright");
        assert_eq!(chosen(&package(only), "unit").unwrap(), "npm");
        assert!(chosen(&package("{}"), "e2e").unwrap_err().contains("playwright"));
        assert_eq!(chosen(&package("{}"), "all").unwrap(), "npm");
        assert!(chosen(&[], "all").unwrap_err().contains("Cargo.toml"));
    }

    #[test]
    fn other_projects_are_known_by_their_files() {
        let script = ("package.json", r#"{"scripts":{"test":"mocha"}}"#);
        let none = ("package.json", r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#);
        assert_eq!(chosen(&[("Cargo.toml", "")], "all").unwrap(), "cargo");
        assert_eq!(chosen(&[("Cargo.toml", ""), script], "all").unwrap(), "npm");
        assert_eq!(chosen(&[("Cargo.toml", ""), none], "all").unwrap(), "cargo");
        assert_eq!(chosen(&[("Cargo.toml", ""), (".config/nextest.toml", "")], "unit").unwrap(), "nextest");
        assert_eq!(chosen(&[("pyproject.toml", "")], "all").unwrap(), "pytest");
        assert_eq!(chosen(&[("go.mod", "")], "all").unwrap(), "go");
        assert_eq!(chosen(&[("test/a.bats", "")], "all").unwrap(), "bats");
        assert_eq!(chosen(&[("tests/test_a.py", "")], "all").unwrap(), "unittest");
        assert_eq!(chosen(&[], "nextest").unwrap(), "nextest");
    }

    #[test]
    fn a_wrapped_command_names_its_runner() {
        let named = |line: &str| named_by(&line.split(' ').map(Into::into).collect::<Vec<_>>());
        assert_eq!(named("cargo nextest run"), Some("nextest"));
        assert_eq!(named("/usr/bin/cargo +nightly test"), Some("cargo"));
        assert_eq!(named("python3 -m pytest -q"), Some("pytest"));
        assert_eq!(named("npx --yes vitest run"), Some("vitest"));
        assert_eq!(named("./node_modules/.bin/jest"), Some("jest"));
        assert_eq!(named("make test"), None);
        assert_eq!(named("cargo xtask test"), None);
    }
}
