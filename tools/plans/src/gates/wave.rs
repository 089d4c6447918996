//! The gates of a wave, on everything that its worktree changed: those of a task, and build, documents, git, performance.

use std::path::Path;
use std::time::Duration;

use crewkit_repo::Git;
use crewkit_scan::names;
use crewkit_tool::Context;
use crewkit_tool::process::Run;
use serde_json::Value;

use super::changes::{self, Changes, Ground, Scope};
use super::{
    CONSTITUTION, CREDENTIALS, DOCUMENTATION, Finding, GIT, Gate, Mode, Name, PATTERNS, PERFORMANCE, QUALITY,
    REPOSITORY, Settings, TESTS_FIRST, build, constitution, credentials, patterns, task, tests_first,
};

/// The least coverage of a changed file, in percent of its lines.
const LEAST_COVERAGE: f64 = 80.0;

/// Where coverage is looked for.
const SUMMARY: &str = "coverage/coverage-summary.json";

/// How long a performance check may run.
const LIMIT: Duration = Duration::from_mins(30);

const ALL: [Name; 9] =
    [QUALITY, CREDENTIALS, REPOSITORY, PATTERNS, DOCUMENTATION, GIT, PERFORMANCE, TESTS_FIRST, CONSTITUTION];

/// Runs the gates on the wave that works in `worktree` (as the database keeps it); `own` says whether that is the wave's
/// own and not the plan's.
pub(crate) fn judge(context: &Context, settings: &Settings, worktree: Option<&Path>, own: bool) -> Vec<Gate> {
    if settings.mode == Mode::Off {
        return ALL.map(|name| Gate::skipped(name, "THOR_GATES=off")).to_vec();
    }
    let changes = match changes::ground(context, worktree, Scope::Whole) {
        Ground::None(why) => return ALL.map(|name| Gate::skipped(name, format!("not judged: {why}"))).to_vec(),
        Ground::Unknown(why) => return ALL.map(|name| Gate::cannot_tell(name, &why)).to_vec(),
        Ground::Changes(changes) => changes,
    };
    let mut gates = vec![
        quality(context, &changes),
        credentials::judge(&changes),
        Gate::pass(REPOSITORY, "naming, structure and idioms are a reviewer's"),
        patterns::judge(context, &changes),
        documentation(&changes),
        git(context, &changes, own),
        performance(context, &changes),
        tests_first::judge(&changes, None),
        constitution::judge(context, &changes, None),
    ];
    if settings.mode == Mode::Warn {
        task::soften(&mut gates);
    }
    gates
}

fn quality(context: &Context, changes: &Changes) -> Gate {
    let built = build::run(context, &changes.top, true);
    let coverage = coverage(changes);
    let mut findings: Vec<Finding> = built.iter().filter(|step| step.code != 0).map(build::Step::finding).collect();
    findings.extend(coverage);
    if built.is_empty() && findings.is_empty() {
        return Gate::skipped(QUALITY, "no build that is known");
    }
    let looked_at = built.iter().map(|step| format!("{} ended with 0", step.command)).collect::<Vec<_>>().join("; ");
    Gate::of(QUALITY, findings, Vec::new(), looked_at)
}

/// Changed files of code that the coverage summary (Istanbul's `json-summary`) knows with too little.
fn coverage(changes: &Changes) -> Vec<Finding> {
    let Ok(text) = std::fs::read_to_string(changes.top.join(SUMMARY)) else { return Vec::new() };
    let Ok(Value::Object(summary)) = serde_json::from_str::<Value>(&text) else { return Vec::new() };
    let mut findings = Vec::new();
    for file in changes.files.iter().filter(|file| names::is_source(&file.path)) {
        let whole = changes.top.join(&file.path);
        let entry = summary.iter().find(|(name, _)| Path::new(name) == whole || **name == file.name);
        let Some(percent) = entry.and_then(|(_, entry)| entry.pointer("/lines/pct")?.as_f64()) else { continue };
        if percent < LEAST_COVERAGE {
            let issue = format!("{percent} % of its lines are covered, the least is {LEAST_COVERAGE} %");
            findings.push(Finding::at(&file.name, None, issue, "test what is not covered"));
        }
    }
    findings
}

fn documentation(changes: &Changes) -> Gate {
    let documents = changes.files.iter().filter(|file| matches!(file.ending().as_str(), "md" | "mdx" | "rst")).count();
    let code = changes.files.iter().any(|file| names::is_source(&file.path));
    let mut told = Vec::new();
    if code && documents == 0 {
        let issue = "code changed and no document did";
        told.push(Finding::new(issue, "README, API documents, changelog where behaviour changed"));
    }
    Gate::of(DOCUMENTATION, Vec::new(), told, format!("{documents} documents changed"))
}

fn git(context: &Context, changes: &Changes, own: bool) -> Gate {
    let (mut rejected, mut told) = (Vec::new(), Vec::new());
    if own && changes.on_base {
        let branch = changes.repository.head();
        let issue = format!("the wave's own worktree stands on the base branch {}", branch.branch().unwrap_or("?"));
        rejected.push(Finding::new(issue, "give the wave a branch of its own (wave-worktree create)"));
    }
    if let Some(range) = changes.range() {
        let log = ["log", "--no-merges", "--format=%h %s", "-z", range.as_str(), "--"];
        match Git::at(context, &changes.top).of_folder().args(log).must("the commits cannot be read") {
            Ok(ended) => {
                for line in ended.text().split('\0').filter(|line| !line.is_empty()) {
                    let subject = line.split_once(' ').map_or("", |(_, subject)| subject);
                    if !is_conventional(subject) {
                        let issue = format!("the subject of {line} is no conventional commit's");
                        told.push(Finding::new(issue, "TYPE(SCOPE): DESCRIPTION"));
                    }
                }
            }
            Err(refusal) => return Gate::cannot_tell(GIT, refusal),
        }
    }
    Gate::of(GIT, rejected, told, "branch and subjects of commits")
}

/// Whether a subject has the form of <https://www.conventionalcommits.org/en/v1.0.0/>.
fn is_conventional(subject: &str) -> bool {
    let Some((head, description)) = subject.split_once(": ") else { return false };
    let head = head.strip_suffix('!').unwrap_or(head);
    let kind = match head.split_once('(') {
        Some((kind, scope)) if scope.len() > 1 && scope.ends_with(')') => kind,
        Some(_) => return false,
        None => head,
    };
    let is_word = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    is_word && !description.trim().is_empty()
}

fn performance(context: &Context, changes: &Changes) -> Gate {
    const SCRIPT: &str = "scripts/perf-check.sh";
    let (mut rejected, mut told) = (Vec::new(), Vec::new());
    let images = changes.files.iter().filter(|file| matches!(file.ending().as_str(), "png" | "jpg" | "jpeg"));
    for image in images.filter(|image| changes.lines_before(context, image) == Some(0)) {
        told.push(Finding::at(&image.name, None, "new image", "is a smaller format possible?"));
    }
    let script = changes.top.join(SCRIPT);
    if !script.is_file() {
        return Gate::of(PERFORMANCE, rejected, told, format!("no {SCRIPT}"));
    }
    // A script without its executable bit is run by the shell it was written for.
    let run = if context.find_program(&script.to_string_lossy()).is_some() {
        Run::new(context, &script)
    } else {
        Run::new(context, "sh").arg(&script)
    };
    let ended = crewkit_repo::without_repository(run).directory(&changes.top).limit(LIMIT).run();
    match ended {
        Ok(ended) if ended.ok() => {}
        Ok(ended) => rejected.push(Finding {
            command: Some(SCRIPT.to_owned()),
            exit_code: Some(ended.code),
            ..Finding::new(ended.complaint(), "make the performance check pass")
        }),
        Err(refusal) => return Gate::cannot_tell(PERFORMANCE, refusal),
    }
    Gate::of(PERFORMANCE, rejected, told, format!("{SCRIPT} ended with 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conventional_subjects() {
        for subject in ["feat: x", "fix(cart): sum", "feat!: x", "refactor(a/b)!: y", "build-deps: x"] {
            assert!(is_conventional(subject), "{subject}");
        }
        for subject in ["Fix the sum", "fix:sum", "fix: ", ": x", "fix(: x", "Feat: x", "fix(): x"] {
            assert!(!is_conventional(subject), "{subject}");
        }
    }
}
