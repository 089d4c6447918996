//! hook-env-vault-guard: before a commit, looks for values assigned to names of secrets in the lines that are new, for a
//! `.env` that git would take, and for a backup of the environment files that is old. Called by the agent (PreToolUse,
//! Bash) and by git as pre-commit hook.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_hook::{Event, Plain, Settings};
use crewkit_repo::{Git, Repository};
use crewkit_scan::secrets::{self, Rules, Secret};
use crewkit_scan::{diff::File, names};
use crewkit_tool::{Answer, Clock, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};

use crate::commit::{self, Commit, Content, Reach, shown};
use crate::marks::Mark;
use crate::secret_scanner::WAY_ON;
use crate::{called, entry, wildcard};

/// hook-env-vault-guard.
pub const TOOL: Tool = Tool {
    name: "hook-env-vault-guard",
    summary: "keeps passwords, keys and tokens out of commits, and their backup young",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The name of this hook's table in crewkit.toml.
const TABLE: &str = "env-vault-guard";

/// Files whose findings are let stand, at the top of a repository: a path or pattern a line.
const ALLOW_FILE: &str = ".env-vault-allow";

/// How old a backup may be, and the most findings that are listed.
const MOST_DAYS: i64 = 7;
const MOST_LISTED: usize = 20;

/// As a git pre-commit hook (nothing on standard input) judges what is staged and ends with 1 to stop the commit; as an
/// agent's hook reads the event from standard input and judges what `git commit` would take.
///
/// New lines that assign a value to API_KEY, SECRET, PASSWORD, CONNECTION_STRING, TOKEN, or to a name that ends so, and
/// private keys stop the commit. A line that holds `crewkit:allow-secret` passes; so do the files that
/// `.env-vault-allow` at the top of the repository names, a path or pattern (`*`) a line, and those under `allow` in
/// [env-vault-guard] in crewkit.toml. It warns when `.env` is not ignored, and when the project's last backup by
/// env-vault is older than a week; an agent once a session.
#[derive(Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |_| match called::event(context)? {
        Some(event) => answer(context, &event),
        None => before_commit(context),
    })
}

/// The answer to `event`; silent for anything but a shell command that makes a commit.
///
/// # Errors
/// When the directory of a commit cannot be told. Where git cannot tell what it would take, that is noted.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let Some(command) = entry::command_to_run(event) else { return Ok(Outcome::silent()) };
    let mut report = Report::default();
    let Some(commits) = commit::of_command(context, event, command)? else {
        return Ok(event.block(entry::UNREADABLE));
    };
    for commit in commits {
        // What was found in one commit holds, whatever comes of the next.
        if let Err(fault) = report.add(context, &commit, event.settings(context)) {
            context.note(fault.to_string());
        }
    }
    // An agent commits often, and has read them the first time.
    if let Some(mark) = Mark::of(context, event, "env-vault") {
        report.warnings.retain(|warning| !mark.has_or_add(&warning.about));
    }
    Ok(match (report.findings.is_empty(), report.warnings.is_empty()) {
        (true, true) => Outcome::silent(),
        (true, false) => event.advise(report.text().trim_end(), Plain::Stderr),
        (false, _) => event.block(report.text().trim_end()),
    })
}

/// Judges what is staged in the repository here, for git: exit code 1 and the findings on standard error.
///
/// # Errors
/// When git cannot tell what is staged.
pub fn before_commit(context: &Context) -> Answer {
    let here = context.directory()?;
    let mut report = Report::default();
    report.add(context, &Commit::of_index(here), &Settings::load(context, here))?;
    let code = if report.findings.is_empty() { exit_code::DONE } else { exit_code::REFUSED };
    Ok(Outcome::silent().with_stderr(report.text()).with_code(code))
}

/// What there is to say.
#[derive(Debug, Default)]
struct Report {
    /// File and secret, each as it is shown, in their order and each once.
    findings: Vec<String>,
    warnings: Vec<Warning>,
}

/// Something to look after.
#[derive(Debug, PartialEq, Eq)]
struct Warning {
    /// What it is about, in a word and the repository that all of its work trees share.
    about: String,
    text: String,
}

impl Report {
    fn add(&mut self, context: &Context, commit: &Commit, settings: &Settings) -> Result<(), Refusal> {
        let content = Content::read(context, commit, Reach::Added)?;
        if content.top.as_os_str().is_empty() {
            return Ok(());
        }
        let allowed = allowed(&content.top, settings);
        let passes = |path: &Path| {
            let path = path.as_os_str().as_encoded_bytes();
            allowed.iter().any(|pattern| wildcard::matches(pattern.as_bytes(), path))
        };
        for file in content.files() {
            if passes(&file.path) {
                continue;
            }
            for secret in secrets_in(&file) {
                let Secret { kind, line, masked, .. } = secret;
                add(&mut self.findings, format!("{}:{line}: {} {masked}", shown(&file.path), kind.name()));
            }
        }
        if let Some(warning) = environment_file(context, &content.top) {
            add(&mut self.warnings, warning);
        }
        if let Some(warning) = old_backup(context, &content.top) {
            add(&mut self.warnings, warning);
        }
        Ok(())
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for finding in self.findings.iter().take(MOST_LISTED) {
            let _ = writeln!(out, "[BLOCKED] {finding}");
        }
        if self.findings.len() > MOST_LISTED {
            let _ = writeln!(out, "[BLOCKED] {} more", self.findings.len() - MOST_LISTED);
        }
        if !self.findings.is_empty() {
            let _ = writeln!(out, "{WAY_ON}\nFor env-vault-guard a file passes by a line in {ALLOW_FILE}.");
        }
        for warning in &self.warnings {
            let _ = writeln!(out, "[WARNING] {}", warning.text);
        }
        out
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, entry: T) {
    if !list.contains(&entry) {
        list.push(entry);
    }
}

fn secrets_in(file: &File<'_>) -> Vec<Secret> {
    let rules = Rules::Assignments { code: names::is_code(&file.path) };
    let mut found = Vec::new();
    if names::is_lock(file.path.file_name().unwrap_or_default().as_encoded_bytes()) {
        return found;
    }
    for line in file.lines.iter().filter(|line| line.added) {
        secrets::find_in_line(rules, line.text, line.number, &mut found);
    }
    found
}

/// The patterns of files that pass.
fn allowed(top: &Path, settings: &Settings) -> Vec<String> {
    let set = settings.list(TABLE, "allow").unwrap_or_default().into_iter().map(str::to_owned);
    let text = fs::read_to_string(top.join(ALLOW_FILE)).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    set.chain(lines.map(str::to_owned)).collect()
}

/// A warning when git would take `.env`. What cannot be told is not warned of.
fn environment_file(context: &Context, top: &Path) -> Option<Warning> {
    // A file that is tracked is taken whatever the patterns say, so the patterns alone are asked for.
    let asked = Git::at(context, top).args(["check-ignore", "-q", "--no-index", "--", ".env"]).run().ok()?;
    (asked.code == 1).then(|| Warning {
        about: about("env", top),
        text: format!(".env is not ignored in {}: add it to .gitignore before a secret is committed", shown(top)),
    })
}

/// A warning when the last backup of the project at `top` is old. What cannot be told is not warned of.
fn old_backup(context: &Context, top: &Path) -> Option<Warning> {
    let store = context.existing_store().ok()??;
    let project = project(context, top)?;
    let at = store.env_vault().last_backup(&project).ok()??;
    let age = context.clock.seconds() - Clock::parse(&at)?;
    (age > MOST_DAYS * 86_400).then(|| {
        let (project, days) = (text::one_line(&project), age / 86_400);
        let text = format!("the last backup of {project}'s environment files is {days} days old: env-vault backup");
        Warning { about: about("backup", top), text }
    })
}

fn about(word: &str, top: &Path) -> String {
    let shared = Repository::discover(top).map_or_else(|| top.to_owned(), |repository| repository.common_dir);
    format!("{word} {}", shown(&shared))
}

/// The project whose repository has its main work tree, or this one, at or above `top`: the registered one with the
/// longest path, else one named as the folder.
fn project(context: &Context, top: &Path) -> Option<String> {
    let main = Repository::discover(top).and_then(|repository| repository.main_worktree());
    let places: Vec<PathBuf> = [Some(top.to_owned()), main].into_iter().flatten().collect();
    let projects = context.existing_store().ok()??.projects().all().ok()?;
    let registered = projects
        .iter()
        .map(|project| (project, context.expand_home(Path::new(&project.path))))
        .filter(|(_, path)| !path.as_os_str().is_empty() && places.iter().any(|place| place.starts_with(path)))
        .max_by_key(|(_, path)| path.as_os_str().len())
        .map(|(project, _)| project.id.clone());
    registered.or_else(|| {
        let name = places.last()?.file_name()?.to_str()?;
        Some(name.to_lowercase().replace(' ', "-"))
    })
}
