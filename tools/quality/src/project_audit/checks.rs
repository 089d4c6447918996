//! The eleven further checks.

use std::fs;

use crewkit_scan::line_limit;

use super::{Check, Finding, Severity, prose};
use crate::hardening_check::project::Project;

/// Most lines of a CLAUDE.md here.
const MOST_CLAUDE_LINES: usize = 500;

/// Folders that are made, and that nobody commits.
pub(super) const MADE: [&str; 4] = ["node_modules", "dist", "coverage", "__pycache__"];

/// Files that may hold credentials.
pub(super) const SECRETS: [&str; 3] = [".env.local", "*.pem", "*.key"];

/// The checks, in the order of the report; `shown` is the root as its caller calls it.
pub(super) fn all(project: &Project, shown: &str) -> Vec<Check> {
    let place = |name: &str| format!("{shown}/{name}");
    let found =
        |file: &str, body: String| Finding { file: if file.is_empty() { String::new() } else { place(file) }, body };
    let check = |name, severity, findings: Vec<Finding>| Check { name, severity, pass: findings.is_empty(), findings };
    let missing = |there: bool, name: &str| {
        if there { Vec::new() } else { vec![found("", format!("there is no {name}"))] }
    };

    let claude = project.text("CLAUDE.md");
    let structure = claude.as_ref().map_or_else(Vec::new, |text| {
        let headings: Vec<String> =
            text.lines().filter(|line| line.trim_start().starts_with('#')).map(str::to_lowercase).collect();
        let lacks = ["Build", "Test", "Lint"].into_iter().filter(|word| {
            let word = word.to_lowercase();
            !headings.iter().any(|heading| heading.contains(&word))
        });
        lacks.map(|word| found("CLAUDE.md", format!("it has no heading with {word}"))).collect()
    });
    let lines = claude.as_ref().map_or(0, line_limit::count);
    let too_long = if lines > MOST_CLAUDE_LINES {
        let body = format!("{lines} lines, at most {MOST_CLAUDE_LINES} (context-audit warns from 100, fails from 150)");
        vec![found("CLAUDE.md", body)]
    } else {
        Vec::new()
    };
    let gitignore = project.text(".gitignore");
    let completeness = match &gitignore {
        None => missing(false, ".gitignore"),
        Some(text) => {
            lacking(project, text).into_iter().map(|line| found(".gitignore", format!("it lacks {line}"))).collect()
        }
    };
    let secrets = gitignore.as_deref().map_or_else(Vec::new, |text| {
        lacking_secrets(text).into_iter().map(|line| found(".gitignore", format!("it lacks {line}"))).collect()
    });
    let (density, severity) = prose::densities(project);
    let density = density.into_iter().map(|(file, body)| found(&file, body)).collect();
    let verbose = prose::verbose(project).into_iter().map(|(file, body)| found(&file, body)).collect();

    vec![
        check("claude_md_exists", Severity::P1, missing(claude.is_some(), "CLAUDE.md")),
        check("claude_md_structure", Severity::P2, structure),
        check("claude_md_line_count", Severity::P2, too_long),
        check("agents_md_exists", Severity::P2, missing(project.has("AGENTS.md"), "AGENTS.md")),
        check("gitignore_completeness", Severity::P1, completeness),
        check("gitignore_secrets", Severity::P2, secrets),
        check(
            "package_json_scripts",
            Severity::P2,
            scripts(project).into_iter().map(|body| found("package.json", body)).collect(),
        ),
        check("ci_workflow_exists", Severity::P2, missing(has_workflow(project), "workflow in .github/workflows")),
        check(
            "a11y_config",
            Severity::P3,
            accessibility(project).into_iter().map(|body| found("package.json", body)).collect(),
        ),
        check("token_aware_comment_density", severity, density),
        check("token_aware_doc_verbosity", Severity::P3, verbose),
    ]
}

/// The patterns of a .gitignore, without what makes them apply to one folder alone.
fn patterns(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| {
        let line = line.trim();
        line.strip_prefix("**/").unwrap_or(line).trim_start_matches('/')
    })
}

/// The lines that a .gitignore lacks: `.env`, and each folder that is there and is made.
pub(super) fn lacking(project: &Project, text: &str) -> Vec<&'static str> {
    let folders = MADE.into_iter().filter(|folder| project.root.join(folder).is_dir());
    std::iter::once(".env").chain(folders).filter(|name| !patterns(text).any(|line| line.starts_with(name))).collect()
}

/// The patterns for credentials that a .gitignore lacks.
pub(super) fn lacking_secrets(text: &str) -> Vec<&'static str> {
    let wide = |name: &str| {
        name == ".env.local" && patterns(text).any(|line| matches!(line, ".env*" | ".env.*" | ".env*.local"))
    };
    SECRETS.into_iter().filter(|name| !patterns(text).any(|line| line == *name) && !wide(name)).collect()
}

/// What is wrong with the scripts of package.json.
fn scripts(project: &Project) -> Vec<String> {
    if !project.has("package.json") {
        return Vec::new();
    }
    let Some(package) = &project.package else { return vec!["it is no JSON".to_owned()] };
    let lacks = ["build", "test", "lint"].into_iter().filter(|name| package["scripts"].get(*name).is_none());
    lacks.map(|name| format!("it has no script {name}")).collect()
}

fn has_workflow(project: &Project) -> bool {
    let entries = fs::read_dir(project.root.join(".github/workflows")).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .any(|path| path.is_file() && path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml"))
}

/// What is wrong with the checks for accessibility: React without its linter.
fn accessibility(project: &Project) -> Vec<String> {
    let Some(package) = &project.package else { return Vec::new() };
    let kinds = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];
    let depends = |name: &str| kinds.iter().any(|kind| package[*kind].get(name).is_some());
    if depends("react") && !depends("eslint-plugin-jsx-a11y") {
        return vec!["react is a dependency, eslint-plugin-jsx-a11y is not".to_owned()];
    }
    Vec::new()
}
