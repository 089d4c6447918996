//! Gate 4b: code-pattern-check on the changed files, its findings on changed lines. P1 rejects, P2 goes to a person, P3 is
//! noted.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use crewkit_tool::Context;
use crewkit_tool::process::Run;
use serde::Deserialize;

use super::changes::{ChangedFile, Changes};
use super::{Finding, Gate, PATTERNS};

const CHECKER: &str = "code-pattern-check";

/// The endings that it reads.
const ENDINGS: [&str; 10] = ["ts", "tsx", "js", "jsx", "mjs", "cjs", "py", "sh", "sql", "prisma"];

const LIMIT: Duration = Duration::from_mins(2);

#[derive(Debug, Deserialize)]
struct Checked {
    results: Vec<Check>,
    #[serde(default)]
    waived: Vec<Waived>,
    #[serde(default)]
    not_read: Vec<NotRead>,
    /// The file that turns checks on and off, where there is one.
    settings: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Waived {
    check: String,
    file: String,
    line: Option<usize>,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct NotRead {
    file: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Check {
    #[serde(rename = "check")]
    name: String,
    severity: String,
    #[serde(default)]
    findings: Vec<Found>,
}

#[derive(Debug, Deserialize)]
struct Found {
    file: String,
    line: Option<usize>,
    #[serde(default)]
    body: String,
}

pub(super) fn judge(context: &Context, changes: &Changes) -> Gate {
    let files: Vec<_> = changes.files.iter().filter(|file| ENDINGS.contains(&file.ending().as_str())).collect();
    if files.is_empty() {
        return Gate::pass(PATTERNS, format!("{}, none that {CHECKER} reads", changes.looked_at()));
    }
    // A name that begins with a dash is no option.
    let is_dashed = |path: &Path| path.as_os_str().as_encoded_bytes().starts_with(b"-");
    let names = files
        .iter()
        .map(|file| if is_dashed(&file.path) { Path::new(".").join(&file.path) } else { file.path.clone() });
    let run = Run::tool(context, CHECKER)
        .and_then(|run| run.args(["--json", "--files"]).args(names).directory(&changes.top).limit(LIMIT).run());
    let ended = match run {
        Ok(ended) => ended,
        Err(refusal) => return Gate::cannot_tell(PATTERNS, refusal),
    };
    if ended.timed_out {
        return Gate::cannot_tell(PATTERNS, format!("{CHECKER} took more than {} s", LIMIT.as_secs()));
    }
    let read = serde_json::from_slice::<Checked>(&ended.stdout);
    let Ok(checked) = read else {
        let why = format!("{CHECKER} ended with {} and no verdict: {}", ended.code, ended.complaint());
        return Gate::cannot_tell(PATTERNS, why);
    };
    verdict(checked, &files)
}

/// The gate's verdict on what the checker found in `files`, as far as it stands on changed lines.
fn verdict(checked: Checked, files: &[&ChangedFile]) -> Gate {
    let by_name: HashMap<&str, &ChangedFile> = files.iter().map(|file| (file.name.as_str(), *file)).collect();
    let own = |file: &str, line: Option<usize>| -> Option<String> {
        let name = file.strip_prefix("./").unwrap_or(file);
        let changed = by_name.get(name)?;
        line.is_none_or(|line| changed.has(line)).then(|| name.to_owned())
    };
    let (mut rejected, mut told, mut noted) = (Vec::new(), Vec::new(), 0);
    for check in checked.results {
        for found in check.findings {
            let Some(name) = own(&found.file, found.line) else { continue };
            // Some bodies begin with the place, which the finding has anyway.
            let place = found.line.map(|line| format!("{}:{line}:", found.file)).unwrap_or_default();
            let body = found.body.strip_prefix(&place).unwrap_or(&found.body).trim();
            let issue = format!("{} {}: {body}", check.severity, check.name);
            let finding =
                Finding::at(&name, found.line, issue, "guard it as the check asks, or waive it with a reason");
            match check.severity.as_str() {
                "P1" => rejected.push(finding),
                "P2" => told.push(finding),
                _ => noted += 1,
            }
        }
    }
    // Who writes the code must not be the only one to know what it is excused from.
    for waived in checked.waived {
        if let Some(name) = own(&waived.file, waived.line) {
            let issue = format!("waived: {} ({})", waived.check, waived.reason);
            told.push(Finding::at(&name, waived.line, issue, "judge the reason"));
        }
    }
    for unread in checked.not_read {
        told.push(Finding::at(&unread.file, None, format!("not checked: {}", unread.reason), "look into it"));
    }
    let mut gate = Gate::of(PATTERNS, rejected, told, format!("{} files by {CHECKER}", files.len()));
    if noted > 0 {
        gate.evidence.push(format!("noted: {noted} findings of P3"));
    }
    if let Some(settings) = checked.settings {
        gate.evidence.push(format!("noted: {settings} changes the checks"));
    }
    gate
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs;

    use super::super::Verdict;
    use super::super::changes::{self, Ground, Scope};
    use super::*;
    use crewkit_tool::{Clock, Script};

    #[test]
    fn a_checker_that_gives_no_verdict_is_no_pass() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let environment = HashMap::from([
            ("PATH".into(), Context::process().environment.get("PATH").unwrap_or_default()),
            ("HOME".into(), top.clone().into_os_string()),
        ]);
        let script = Script { environment, directory: top.clone(), clock: Clock::System, stdin: Vec::new() };
        let context = Context::scripted(script);
        assert!(Run::new(&context, "git").args(["init", "-q"]).run().unwrap().ok());
        fs::write(top.join("a.ts"), "const a = 1;\n").unwrap();
        // The running program is the one of the tests, which knows no tool.
        let Ground::Changes(changes) = changes::ground(&context, Some(&top), Scope::Whole) else { panic!() };
        let gate = judge(&context, &changes);
        assert_eq!(gate.result, Verdict::Person);
        assert!(gate.evidence[0].starts_with("cannot tell: code-pattern-check ended with"), "{gate:?}");
    }
}
