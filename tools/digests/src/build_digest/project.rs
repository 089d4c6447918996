//! What builds a project, and the command that starts it.

use std::ffi::OsString;
use std::path::Path;

use crewkit_digest::Streams;
use crewkit_tool::{Context, Refusal};

/// The names that `--suite` takes.
pub(super) const SUITES: [&str; 18] = [
    "npm", "cargo", "clippy", "tsc", "eslint", "ruff", "mypy", "go", "vet", "next", "vite", "webpack", "make", "maven",
    "gradle", "javac", "gcc", "clang",
];

/// A command that builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Its name in the answer.
    pub(super) framework: &'static str,
    /// The program, looked up in PATH unless it holds a slash.
    pub(super) program: String,
    /// Its arguments, without those of the caller.
    pub(super) arguments: Vec<&'static str>,
    /// Its arguments where the caller has none.
    pub(super) default: &'static [&'static str],
    /// Apart where a machine's report is expected on standard output.
    pub(super) streams: Streams,
    /// Whether it is a script of package.json.
    pub(super) is_script: bool,
}

impl Plan {
    fn of(framework: &'static str, program: &str, arguments: &[&'static str]) -> Self {
        Self {
            framework,
            program: program.to_owned(),
            arguments: arguments.to_vec(),
            default: &[],
            streams: Streams::Joined,
            is_script: false,
        }
    }

    /// The command line with the caller's arguments: those before `--`, and those after it.
    pub(super) fn command(&self, rest: Vec<OsString>, after: Option<Vec<OsString>>) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec![self.program.clone().into()];
        command.extend(self.arguments.iter().map(Into::into));
        if rest.is_empty() && after.is_none() {
            command.extend(self.default.iter().map(Into::into));
        }
        // npm takes what stands before the dashes for its own options; the others hand everything on.
        let bridges = self.is_script && self.program == "npm" && !rest.is_empty() && after.is_none();
        if bridges {
            command.push("--".into());
        }
        command.extend(rest);
        if let Some(after) = after {
            if !self.is_script || self.program == "npm" {
                command.push("--".into());
            }
            command.extend(after);
        }
        command
    }
}

/// What builds the project in the working directory, or what `suite` names.
///
/// # Errors
/// When the suite has no command of its own.
pub(super) fn plan(context: &Context, suite: Option<&str>) -> Result<Plan, Refusal> {
    let folder = context.directory()?;
    let Some(suite) = suite else { return Ok(by_files(folder)) };
    let bin = |name: &str| local(folder, "node_modules/.bin", name);
    let node = |framework, name: &'static str, arguments: &[&'static str]| match bin(name) {
        Some(path) => Plan::of(framework, &path, arguments),
        None => Plan::of(framework, "npx", &[&["--no-install", name], arguments].concat()),
    };
    let python = |framework, name: &'static str, arguments: &[&'static str]| {
        let path = [".venv/bin", "venv/bin"].iter().find_map(|place| local(folder, place, name));
        Plan::of(framework, path.as_deref().unwrap_or(name), arguments)
    };
    Ok(match suite {
        "npm" => script(folder),
        "cargo" => Plan::of("cargo", "cargo", &["build"]),
        "clippy" => Plan::of("cargo", "cargo", &["clippy"]),
        "tsc" => node("tsc", "tsc", &["--noEmit", "--pretty", "false"]),
        "eslint" => {
            Plan { streams: Streams::Apart, default: &["."], ..node("eslint", "eslint", &["--format", "json"]) }
        }
        "ruff" => Plan { streams: Streams::Apart, ..python("ruff", "ruff", &["check", "--output-format", "json"]) },
        "mypy" => Plan { default: &["."], ..python("mypy", "mypy", &[]) },
        "go" => Plan { default: &["./..."], ..Plan::of("go", "go", &["build"]) },
        "vet" => Plan { default: &["./..."], ..Plan::of("go", "go", &["vet"]) },
        "next" => node("nextjs", "next", &["build"]),
        "vite" => node("vite", "vite", &["build"]),
        "webpack" => node("webpack", "webpack", &[]),
        "make" => Plan::of("make", "make", &[]),
        "maven" => maven(folder),
        "gradle" => gradle(folder),
        _ => {
            return Err(Refusal::new(format!("--suite {suite} has no command of its own: use -- CMD, or --stdin")));
        }
    })
}

fn local(folder: &Path, place: &str, name: &str) -> Option<String> {
    folder.join(place).join(name).exists().then(|| format!("./{place}/{name}"))
}

fn maven(folder: &Path) -> Plan {
    let program = if folder.join("mvnw").exists() { "./mvnw" } else { "mvn" };
    Plan { default: &["compile"], ..Plan::of("maven", program, &["-B"]) }
}

fn gradle(folder: &Path) -> Plan {
    let program = if folder.join("gradlew").exists() { "./gradlew" } else { "gradle" };
    Plan { default: &["assemble"], ..Plan::of("gradle", program, &["--console=plain"]) }
}

/// The script `build` of package.json, by the package manager whose lock file is there.
fn script(folder: &Path) -> Plan {
    let has = |name: &str| folder.join(name).exists();
    let program = if has("package-lock.json") {
        "npm"
    } else if has("pnpm-lock.yaml") {
        "pnpm"
    } else if has("yarn.lock") {
        "yarn"
    } else if has("bun.lock") || has("bun.lockb") {
        "bun"
    } else {
        "npm"
    };
    let any = |name: &str, endings: &[&str]| endings.iter().any(|ending| has(&format!("{name}.{ending}")));
    let framework = if any("next.config", &["js", "mjs", "ts", "cjs", "mts"]) {
        "nextjs"
    } else if any("vite.config", &["ts", "js", "mjs", "mts", "cjs", "cts"]) {
        "vite"
    } else {
        "generic"
    };
    Plan { is_script: true, ..Plan::of(framework, program, &["run", "build"]) }
}

fn by_files(folder: &Path) -> Plan {
    let has = |name: &str| folder.join(name).exists();
    if has_build_script(folder) {
        return script(folder);
    }
    if has("Cargo.toml") {
        return Plan::of("cargo", "cargo", &["build"]);
    }
    if has("go.mod") {
        return Plan { default: &["./..."], ..Plan::of("go", "go", &["build"]) };
    }
    if has("pom.xml") {
        return maven(folder);
    }
    if ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"].iter().any(|name| has(name)) {
        return gradle(folder);
    }
    if ["GNUmakefile", "makefile", "Makefile"].iter().any(|name| has(name)) {
        return Plan::of("make", "make", &[]);
    }
    script(folder)
}

fn has_build_script(folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    value["scripts"]["build"].is_string()
}

/// The tool that a wrapped command line names.
pub(super) fn named_by(command: &[OsString]) -> Option<&'static str> {
    let words: Vec<&str> = command.iter().filter_map(|word| word.to_str()).collect();
    let base = |word: &str| word.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let known = |word: &str| {
        Some(match base(word).as_str() {
            "cargo" | "rustc" | "clippy-driver" => "cargo",
            "tsc" | "vue-tsc" => "tsc",
            "eslint" => "eslint",
            "ruff" => "ruff",
            "mypy" | "dmypy" => "mypy",
            "go" => "go",
            "next" => "nextjs",
            "vite" => "vite",
            "webpack" => "webpack",
            "make" | "gmake" | "ninja" | "cmake" => "make",
            "gcc" | "g++" | "cc" | "c++" => "gcc",
            "clang" | "clang++" => "clang",
            "javac" => "javac",
            "mvn" | "mvnw" => "maven",
            "gradle" | "gradlew" => "gradle",
            _ => return None,
        })
    };
    let first = words.first()?;
    let starters = ["npx", "pnpm", "yarn", "bunx", "bun", "uv", "uvx", "poetry", "pipenv", "python", "python3", "env"];
    let is_starter = starters.contains(&base(first).as_str());
    // A script of package.json may be called as a tool is.
    let runs_script =
        words.iter().take(3).any(|word| *word == "run") && !["uv", "poetry", "pipenv"].contains(&base(first).as_str());
    let searched = if is_starter && !runs_script { words.len().min(5) } else { 1 };
    words[..searched].iter().find_map(|word| known(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn line(
        files: &[(&str, &str)],
        suite: Option<&str>,
        rest: &[&str],
        after: Option<&[&str]>,
    ) -> (String, &'static str) {
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
        let plan = plan(&context, suite).unwrap();
        let words = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
        let command = plan.command(words(rest), after.map(words));
        let text: Vec<String> = command.into_iter().map(|word| word.into_string().unwrap()).collect();
        (text.join(" "), plan.framework)
    }

    const APP: (&str, &str) = ("package.json", r#"{"scripts":{"build":"x"}}"#);

    #[test]
    fn scripts_get_their_arguments_as_each_manager_wants_them() {
        let npm = |rest: &[&str], after: Option<&[&str]>| line(&[APP], None, rest, after).0;
        assert_eq!(npm(&[], None), "npm run build");
        assert_eq!(npm(&["--mode", "x"], None), "npm run build -- --mode x");
        assert_eq!(npm(&[], Some(&["--mode", "x"])), "npm run build -- --mode x");
        assert_eq!(npm(&["-w", "a"], Some(&["--mode", "x"])), "npm run build -w a -- --mode x");
        let lock = |name: &'static str| line(&[APP, (name, "")], None, &["--mode"], None).0;
        assert_eq!(lock("pnpm-lock.yaml"), "pnpm run build --mode");
        assert_eq!(lock("yarn.lock"), "yarn run build --mode");
        assert_eq!(lock("bun.lockb"), "bun run build --mode");
        assert_eq!(lock("package-lock.json"), "npm run build -- --mode");
        assert_eq!(line(&[APP, ("yarn.lock", "")], None, &[], Some(&["--x"])).0, "yarn run build --x");
    }

    #[test]
    fn a_project_is_known_by_its_files() {
        let of = |files: &[(&str, &str)]| line(files, None, &[], None);
        for ending in ["js", "mjs", "ts", "cjs"] {
            let (next, vite) = (format!("next.config.{ending}"), format!("vite.config.{ending}"));
            assert_eq!(of(&[APP, (&next, ""), (&vite, "")]).1, "nextjs");
            assert_eq!(of(&[APP, (&vite, "")]).1, "vite");
        }
        assert_eq!(of(&[APP, ("Cargo.toml", "")]), ("npm run build".to_owned(), "generic"));
        assert_eq!(of(&[("package.json", "{}"), ("Cargo.toml", "")]), ("cargo build".to_owned(), "cargo"));
        assert_eq!(of(&[("go.mod", "")]).0, "go build ./...");
        assert_eq!(of(&[("pom.xml", ""), ("mvnw", "")]).0, "./mvnw -B compile");
        assert_eq!(of(&[("build.gradle.kts", "")]).0, "gradle --console=plain assemble");
        assert_eq!(of(&[("Makefile", "")]), ("make".to_owned(), "make"));
        assert_eq!(of(&[]).0, "npm run build");
    }

    #[test]
    fn a_suite_names_its_command() {
        let of = |suite: &str, files: &[(&str, &str)], rest: &[&str]| line(files, Some(suite), rest, None).0;
        assert_eq!(of("tsc", &[], &[]), "npx --no-install tsc --noEmit --pretty false");
        assert_eq!(
            of("eslint", &[("node_modules/.bin/eslint", "")], &[]),
            "./node_modules/.bin/eslint --format json ."
        );
        assert_eq!(of("eslint", &[], &["src"]), "npx --no-install eslint --format json src");
        assert_eq!(of("ruff", &[(".venv/bin/ruff", "")], &[]), "./.venv/bin/ruff check --output-format json");
        assert_eq!(of("clippy", &[], &["--all-targets"]), "cargo clippy --all-targets");
        assert_eq!(of("vet", &[], &[]), "go vet ./...");
        for suite in SUITES {
            assert!(matches!(suite, "gcc" | "clang" | "javac") || !of(suite, &[], &[]).is_empty());
        }
    }

    #[test]
    fn a_wrapped_command_names_its_tool() {
        let named = |line: &str| named_by(&line.split(' ').map(Into::into).collect::<Vec<_>>());
        assert_eq!(named("cargo +nightly clippy"), Some("cargo"));
        assert_eq!(named("/usr/bin/make -j2"), Some("make"));
        assert_eq!(named("npx tsc -p ."), Some("tsc"));
        assert_eq!(named("python3 -m mypy ."), Some("mypy"));
        assert_eq!(named("uv run ruff check"), Some("ruff"));
        assert_eq!(named("./gradlew build"), Some("gradle"));
        assert_eq!(named("yarn run vite"), None);
        assert_eq!(named("sh -c make"), None);
    }
}
