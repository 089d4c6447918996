//! The five gates. Each gives what keeps it from passing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crewkit_tool::Context;
use serde_json::Value;

type Gate = fn(&Context, &Path) -> Vec<String>;

/// All gates, in the order of `list`.
pub(super) const GATES: [(&str, Gate); 5] = [
    ("pre-deploy-deps", dependencies),
    ("env-var-audit", variables),
    ("security-checklist", secrets),
    ("doc-sync", documents),
    ("e2e-stability", end_to_end),
];

/// Keys of reports of end-to-end tests that count failures: of Playwright (`stats.unexpected`), Cypress (`totalFailed`),
/// Jest (`numFailedTests`), Mocha (`stats.failures`), and plain ones.
const FAILURES: [&str; 8] = [
    "failed",
    "failures",
    "unexpected",
    "totalFailed",
    "numFailedTests",
    "numFailedTestSuites",
    "failedTests",
    "errors",
];

fn dependencies(context: &Context, _root: &Path) -> Vec<String> {
    let wanted =
        list(context, "QUALITY_GATE_DEPS").unwrap_or_else(|| ["jq", "git", "curl"].map(str::to_owned).to_vec());
    let search = context.environment.get("PATH").unwrap_or_default();
    let is_there = |name: &str| {
        std::env::split_paths(&search).any(|folder| {
            let program = fs::metadata(folder.join(name));
            program.is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
        })
    };
    wanted.into_iter().filter(|name| !is_there(name)).map(|name| format!("{name} is not in PATH")).collect()
}

fn variables(context: &Context, root: &Path) -> Vec<String> {
    let names = match fs::read(root.join(".env.example")) {
        Ok(text) => example(&String::from_utf8_lossy(&text)),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
            list(context, "QUALITY_GATE_ENV").unwrap_or_default()
        }
        Err(fault) => return vec![format!(".env.example cannot be read: {fault}")],
    };
    let missing = names.into_iter().filter(|name| context.environment.get(name).is_none());
    missing.map(|name| format!("{name} is not set")).collect()
}

/// The names that a file such as `.env.example` assigns, each once.
fn example(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, _)) = line.split_once('=') else { continue };
        let name = name.trim();
        let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if word && !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn secrets(_context: &Context, root: &Path) -> Vec<String> {
    match fs::metadata(root.join(".env")) {
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(fault) => vec![format!(".env cannot be looked at: {fault}")],
        Ok(data) => {
            let mode = data.permissions().mode() & 0o777;
            if mode & 0o044 == 0 { Vec::new() } else { vec![format!(".env can be read by others (mode {mode:03o})")] }
        }
    }
}

fn documents(_context: &Context, root: &Path) -> Vec<String> {
    if root.join("README.md").is_file() { Vec::new() } else { vec!["README.md is not there".to_owned()] }
}

fn end_to_end(_context: &Context, root: &Path) -> Vec<String> {
    let name = "e2e-results.json";
    let bytes = match fs::read(root.join(name)) {
        Ok(bytes) => bytes,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return vec![format!("{name} is not there")],
        Err(fault) => return vec![format!("{name} cannot be read: {fault}")],
    };
    let Ok(value) = serde_json::from_slice::<Value>(&bytes) else { return vec![format!("{name} is no JSON")] };
    let parts = [("", &value), ("stats.", &value["stats"]), ("summary.", &value["summary"])];
    let mut findings = Vec::new();
    for (at, part) in parts {
        for key in FAILURES {
            let count = match &part[key] {
                Value::Number(number) => number.as_u64().unwrap_or(u64::from(number.as_f64() != Some(0.0))),
                Value::Array(list) => list.len() as u64,
                Value::Bool(failed) => u64::from(*failed),
                _ => 0,
            };
            if count > 0 {
                findings.push(format!("{name}: {at}{key} is {count}"));
            }
        }
    }
    let worded = value["status"].as_str().is_some_and(|word| matches!(word, "failed" | "failure" | "fail" | "error"));
    if worded && findings.is_empty() {
        findings.push(format!("{name}: status is {}", value["status"]));
    }
    findings
}

/// The words of a variable, between blanks or commas; `None` when it is not set.
fn list(context: &Context, name: &str) -> Option<Vec<String>> {
    let text = context.variable(name)?;
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    Some(words.map(str::to_owned).collect())
}
