//! The guard rails, one by one.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use crewkit_scan::line_limit;
use serde::Serialize;

use super::project::{Project, text};

/// How grave a gap is, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Nothing stops a mistake.
    Critical,
    /// A mistake is seen late.
    Warning,
    /// Worth having.
    Info,
}

/// What was found, in the order of the report.
#[derive(Debug, Serialize)]
pub(crate) struct Hardening {
    pub(crate) project_root: String,
    pub(crate) project_type: Types,
    pub(crate) score: String,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) status: &'static str,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) checks: Vec<Rail>,
}

/// What a project is written in.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Types {
    pub(crate) node: bool,
    pub(crate) python: bool,
    pub(crate) database: bool,
    pub(crate) rust: bool,
    pub(crate) go: bool,
    pub(crate) java: bool,
}

/// A guard rail that is not there.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Gap {
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
}

/// A guard rail.
#[derive(Debug, Serialize)]
pub(crate) struct Rail {
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    pub(crate) pass: bool,
    /// Whether it counts for the score.
    pub(crate) scored: bool,
}

/// Looks at a project that its caller calls `shown`.
pub(crate) fn look(project: &Project, shown: &str) -> Hardening {
    let types = types(project);
    let mut checks: Vec<Rail> = Vec::new();
    let mut add = |name, severity, pass, scored| checks.push(Rail { name, severity, pass, scored });
    let commit_hooks = hooks(project, "pre-commit");
    add("pre-commit-exists", Severity::Critical, commit_hooks.exists, true);
    add("pre-commit-multi-check", Severity::Warning, commit_hooks.several, true);
    add("pre-push-exists", Severity::Warning, hooks(project, "pre-push").exists, true);
    add("commit-msg-hook", Severity::Info, hooks(project, "commit-msg").exists, true);
    if types.node {
        let eslint = |name: &str| name.starts_with("eslint.config.") || name.starts_with(".eslintrc");
        let prettier = |name: &str| name.starts_with(".prettierrc") || name.starts_with("prettier.config.");
        add("eslint-config", Severity::Critical, project.finds(3, eslint) || has_key(project, "eslintConfig"), true);
        add("prettier-config", Severity::Info, project.finds(3, prettier) || has_key(project, "prettier"), true);
    }
    if types.python {
        add("python-linter", Severity::Critical, has_python_linter(project), true);
    }
    add("secrets-scan-script", Severity::Critical, has_secrets_scan(project), true);
    add("env-example", Severity::Warning, project.any_has(".env.example"), true);
    let audits = ["scripts/quality/env-var-audit.sh", "scripts/env-var-audit.sh"];
    add("env-var-audit", Severity::Info, audits.iter().any(|name| project.has(name)), true);
    let debt = |name: &str| name.starts_with("debt-check") && has_ending(name, "sh");
    add("debt-check-script", Severity::Warning, project.finds(4, debt), true);
    let templates = templates(&project.root);
    add("pr-template-exists", Severity::Warning, !templates.is_empty(), true);
    let verified = templates.iter().filter_map(|path| text(path)).any(|text| text.contains("Verification Evidence"));
    add("pr-template-verification", Severity::Warning, verified, true);
    let records = ["docs/adr", "doc/adr", "adr"].map(|name| project.root.join(name));
    add("adr-directory", Severity::Info, records.iter().any(|folder| folder.is_dir()), true);
    let is_index = |name: &str| name.eq_ignore_ascii_case("index.md");
    add("adr-index", Severity::Info, records.iter().any(|folder| !named(folder, is_index).is_empty()), true);
    if types.rust {
        let any = |names: &[&str]| names.iter().any(|name| project.any_has(name));
        let lints =
            project.texts("Cargo.toml").any(|text| text.contains("[lints") || text.contains("[workspace.lints"));
        add("clippy-config", Severity::Warning, lints || any(&["clippy.toml", ".clippy.toml"]), false);
        add("rustfmt-config", Severity::Info, any(&["rustfmt.toml", ".rustfmt.toml"]), false);
        add("cargo-deny", Severity::Info, any(&["deny.toml"]), false);
    }
    if types.go {
        let golangci = |name: &str| name.starts_with(".golangci.");
        add("golangci-config", Severity::Warning, project.finds(3, golangci), false);
    }
    if types.java {
        let checkstyle = |name: &str| name.contains("checkstyle") && has_ending(name, "xml");
        let plugin = ["pom.xml", "build.gradle", "build.gradle.kts"].iter().any(|name| {
            project
                .texts(name)
                .any(|text| ["checkstyle", "spotless", "spotbugs"].iter().any(|part| text.contains(part)))
        });
        add("java-linter", Severity::Warning, project.finds(4, checkstyle) || plugin, false);
    }

    let scored: Vec<&Rail> = checks.iter().filter(|check| check.scored).collect();
    let passed = scored.iter().filter(|check| check.pass).count();
    let gaps: Vec<Gap> = scored
        .iter()
        .filter(|check| !check.pass)
        .map(|check| Gap { name: check.name, severity: check.severity })
        .collect();
    Hardening {
        project_root: shown.to_owned(),
        project_type: types,
        score: format!("{passed}/{}", scored.len()),
        passed,
        failed: gaps.len(),
        status: if gaps.is_empty() { "pass" } else { "gaps_found" },
        gaps,
        checks,
    }
}

fn types(project: &Project) -> Types {
    let prisma = ["prisma", "webapp/prisma", "webapp/frontend/prisma"];
    Types {
        node: project.any_has("package.json") || project.has("webapp/frontend/package.json"),
        python: project.any_has("requirements.txt") || project.any_has("pyproject.toml"),
        database: project.has("alembic.ini")
            || project.root.join("webapp/alembic").exists()
            || prisma.iter().any(|name| project.root.join(name).is_dir())
            || project.members.iter().any(|folder| folder.join("prisma").is_dir()),
        rust: project.any_has("Cargo.toml"),
        go: project.any_has("go.mod"),
        java: ["pom.xml", "build.gradle", "build.gradle.kts"].iter().any(|name| project.any_has(name)),
    }
}

/// What guards one of git's events.
struct Hooks {
    exists: bool,
    /// Whether more than five lines stand in it.
    several: bool,
}

/// The hook `name`: of husky, in `.githooks`, where `core.hooksPath` says, or of lefthook.
fn hooks(project: &Project, name: &str) -> Hooks {
    let husky = project.root.join(".husky").join(name);
    let told = project.hooks_path.as_ref().map(|folder| folder.join(name));
    let lefthook = lefthook(project, name);
    let exists = husky.is_file()
        || project.root.join(".githooks").join(name).is_file()
        || told.as_ref().is_some_and(|path| path.is_file())
        || lefthook.is_some();
    let long = [Some(husky), told].into_iter().flatten().filter_map(|path| text(&path));
    let several = long.map(|text| line_limit::count(&text)).chain(lefthook).any(|lines| lines > 5);
    Hooks { exists, several }
}

/// The number of lines that lefthook's configuration has for the hook `name`
/// (<https://lefthook.dev/configuration/>); `None` when it has none.
fn lefthook(project: &Project, name: &str) -> Option<usize> {
    let names = ["lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook.yaml", ".config/lefthook.yml"];
    if let Some(text) = names.iter().find_map(|name| project.text(name)) {
        let mut lines = text.lines().skip_while(|line| line.strip_suffix(':') != Some(name));
        lines.next()?;
        let inner = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '\t', '#']));
        return Some(1 + inner.filter(|line| !line.trim().is_empty()).count());
    }
    let toml = ["lefthook.toml", ".lefthook.toml"].iter().find_map(|name| project.text(name))?;
    let mine = |line: &str| line.starts_with(&format!("[{name}]")) || line.starts_with(&format!("[{name}."));
    let mut inside = false;
    let lines = toml.lines().filter(|line| {
        inside = if line.starts_with('[') { mine(line) } else { inside };
        inside && !line.trim().is_empty()
    });
    Some(lines.count()).filter(|count| *count > 0)
}

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

fn has_key(project: &Project, key: &str) -> bool {
    project.package.as_ref().is_some_and(|package| package.get(key).is_some())
}

/// Whether Python's code is linted; a file that may also hold other settings counts by its section.
fn has_python_linter(project: &Project) -> bool {
    let own = ["ruff.toml", ".ruff.toml", ".flake8", ".pylintrc", "pylintrc"];
    let sections = [
        ("pyproject.toml", &["[tool.ruff", "[tool.flake8", "[tool.pylint", "[tool.pycodestyle", "[tool.pylama"][..]),
        ("setup.cfg", &["[flake8", "[pylint", "[pycodestyle", "[tool:ruff", "[pylama"]),
        ("tox.ini", &["[flake8", "[pylint", "[pycodestyle"]),
    ];
    own.iter().any(|name| project.any_has(name))
        || sections.iter().any(|(file, heads)| {
            project
                .texts(file)
                .any(|text| text.lines().any(|line| heads.iter().any(|head| line.trim_start().starts_with(head))))
        })
}

/// Whether commits are searched for secrets; a configuration of pre-commit counts when a hook of it does that.
fn has_secrets_scan(project: &Project) -> bool {
    let scripts = ["scripts/quality/secrets-scan.sh", "scripts/secrets-scan.sh"];
    let hooks = ["gitleaks", "secret", "trufflehog", "detect-private-key", "detect-aws-credentials"];
    let config = project.text(".pre-commit-config.yaml").unwrap_or_default();
    let mut lines = config.lines().filter(|line| !line.trim_start().starts_with('#'));
    scripts.iter().any(|name| project.has(name))
        || lines.any(|line| hooks.iter().any(|hook| line.to_lowercase().contains(hook)))
}

/// The templates of pull requests, wherever GitHub looks for them.
fn templates(root: &Path) -> Vec<PathBuf> {
    let is_template = |name: &str| {
        let lower = name.to_lowercase();
        matches!(lower.as_str(), "pull_request_template.md" | "pull_request_template.txt")
    };
    let mut found: Vec<PathBuf> =
        [".github", "", "docs"].iter().flat_map(|folder| named(&root.join(folder), is_template)).collect();
    let folders = [".github", "", "docs"].map(|folder| root.join(folder).join("PULL_REQUEST_TEMPLATE"));
    found.extend(folders.iter().flat_map(|folder| named(folder, |name| has_ending(name, "md"))));
    found
}

/// The files of a folder whose names fit, in the order of their names.
fn named(folder: &Path, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(&fits))
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found
}
