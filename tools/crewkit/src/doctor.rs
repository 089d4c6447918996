//! `crewkit doctor`: is everything in place that the tools stand on?

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crewkit_repo::Git;
use crewkit_store::SCHEMA_VERSION;
use crewkit_store::migrate::{self, Kind};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use serde::Serialize;
use serde_json::Value;

use crate::setup::{Manifest, command_program, hook_commands};

/// The git that merge checks need: `merge-tree --write-tree` came with 2.38 (git's release notes).
const GIT_WANTED: (u32, u32) = (2, 38);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    /// Worth knowing, no fault.
    Note,
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    detail: String,
}

#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Check>,
}

fn check(name: &'static str, status: Status, detail: impl Into<String>) -> Check {
    Check { name, status, detail: detail.into() }
}

/// `crewkit doctor`.
pub(crate) fn run(context: &Context, json: bool) -> Answer {
    let mut checks = vec![git(context)];
    checks.push(database("database", &context.database_path()?, true));
    checks.push(database("chat", &chat_path(context)?, false));
    checks.extend(installation(context));
    checks.extend(hook_settings(context));
    let ok = checks.iter().all(|check| check.status != Status::Fault);
    let code = if ok { exit_code::DONE } else { exit_code::REFUSED };
    if json {
        return Ok(Outcome::json(&Report { ok, checks }).with_code(code));
    }
    let word = |status| match status {
        Status::Ok => "ok",
        Status::Note => "note",
        Status::Fault => "FAULT",
    };
    let rows: Vec<Vec<String>> = checks
        .into_iter()
        .map(|check| vec![word(check.status).to_owned(), check.name.to_owned(), check.detail])
        .collect();
    Ok(Outcome::text(text::columns(&rows)).with_code(code))
}

fn git(context: &Context) -> Check {
    let directory = context.directory().map_or_else(|_| PathBuf::from("/"), Path::to_owned);
    let said = match Git::at(context, &directory).arg("--version").limit(Duration::from_secs(10)).run() {
        Ok(ended) if ended.ok() => ended.text(),
        Ok(ended) => return check("git", Status::Fault, ended.complaint()),
        Err(refusal) => return check("git", Status::Fault, refusal.to_string()),
    };
    let mut numbers = said.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= GIT_WANTED => check("git", Status::Ok, said),
        _ => check("git", Status::Fault, format!("{said}; wanted is {}.{} or later", GIT_WANTED.0, GIT_WANTED.1)),
    }
}

fn chat_path(context: &Context) -> Result<PathBuf, Refusal> {
    match context.variable_path("COMMS_DB_PATH") {
        Some(path) => context.absolute(&context.expand_home(&path)),
        None => Ok(context.home()?.join(".claude/comms/messages.db")),
    }
}

/// The person's settings of hooks, where there are any: can they be read, does anything in them reach a hook?
fn hook_settings(context: &Context) -> Option<Check> {
    let path = context.claude_home().ok()?.join(crewkit_hook::settings::USER_FILE);
    path.exists().then(|| {
        let complaints = crate::hooks::check_file(&path);
        let shown = path.display();
        if complaints.is_empty() {
            check("settings", Status::Ok, format!("{shown} is sound"))
        } else {
            check("settings", Status::Fault, format!("{shown}: {}", complaints.join("; ")))
        }
    })
}

/// Program, links, settings and the hooks' programs, by the manifest of the installation that is running.
fn installation(context: &Context) -> Vec<Check> {
    let program = std::env::current_exe().and_then(|program| program.canonicalize());
    let prefix = program.ok().and_then(|program| Some(program.parent()?.parent()?.to_owned()));
    let path = prefix.as_deref().map(Manifest::path).unwrap_or_default();
    let manifest = match Manifest::load(&path) {
        Ok(Some(manifest)) => manifest,
        Ok(None) => {
            return vec![check("installation", Status::Note, "this crewkit is not installed: see install.sh")];
        }
        Err(refusal) => return vec![check("installation", Status::Fault, refusal.to_string())],
    };
    let prefix = prefix.unwrap_or_default();
    let running = env!("CARGO_PKG_VERSION");
    let mut checks = vec![if manifest.version == running {
        check("installation", Status::Ok, format!("{running} in {}", prefix.display()))
    } else {
        check(
            "installation",
            Status::Fault,
            format!("the manifest is of {}, this is {running}: install again", manifest.version),
        )
    }];

    let in_place = |entry: &&crate::setup::Entry| match &entry.target {
        Some(target) => fs::read_link(&entry.path).is_ok_and(|points_to| points_to == *target) && entry.path.exists(),
        None => entry.path.is_file(),
    };
    let astray: Vec<String> = manifest
        .entries
        .iter()
        .filter(|entry| !in_place(entry))
        .map(|entry| entry.path.display().to_string())
        .collect();
    checks.push(if astray.is_empty() {
        check("links", Status::Ok, format!("{} in place", manifest.entries.len()))
    } else {
        check("links", Status::Fault, format!("not in place: {}; install again", astray.join(", ")))
    });

    for merged in &manifest.settings {
        checks.push(settings(context, &merged.path, &merged.commands()));
    }
    if manifest.settings.is_empty() {
        checks.push(check("hooks", Status::Note, "none were set up (--no-hooks)"));
    }
    let bin = prefix.join("bin");
    let search = context.environment.get("PATH").unwrap_or_default();
    if !std::env::split_paths(&search).any(|folder| folder == bin) {
        checks.push(check("path", Status::Note, format!("{} is not in PATH", bin.display())));
    }
    checks
}

/// One settings.json: is it readable, are our hooks in it, is every hook's program there?
fn settings(context: &Context, path: &Path, ours: &[(&str, &str)]) -> Check {
    let fault = |detail: String| check("hooks", Status::Fault, format!("{}: {detail}", path.display()));
    let settings: Value = match fs::read(path)
        .map_err(|fault| fault.to_string())
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|fault| format!("not valid JSON ({fault})")))
    {
        Ok(settings) => settings,
        Err(reason) => return fault(reason),
    };
    let configured = hook_commands(&settings);
    let holds = |event: &str, command: &str| configured.iter().any(|(e, c)| e == event && c == command);
    let gone: Vec<String> = ours
        .iter()
        .filter(|(event, command)| !holds(event, command))
        .map(|(event, command)| format!("{event}: {command}"))
        .collect();
    if !gone.is_empty() {
        return fault(format!("hooks taken out: {}", gone.join(", ")));
    }
    let mut missing: Vec<String> = configured
        .iter()
        .filter_map(|(_, command)| command_program(context, command))
        .filter(|program| program.is_absolute() && !executable(program))
        .map(|program| program.display().to_string())
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if !missing.is_empty() {
        return fault(format!("programs that are not there: {}", missing.join(", ")));
    }
    check("hooks", Status::Ok, format!("{} in {}", configured.len(), path.display()))
}

fn executable(program: &Path) -> bool {
    fs::metadata(program).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// A database of ours: sound, and at the current schema where it has one by number.
fn database(name: &'static str, path: &Path, schema: bool) -> Check {
    let shown = path.display();
    match migrate::inspect(path) {
        Err(error) => check(name, Status::Fault, error.to_string()),
        Ok(seen) if seen.kind == Kind::Missing => check(name, Status::Note, format!("{shown} is not there yet")),
        Ok(seen) if !seen.complaints.is_empty() => {
            check(name, Status::Fault, format!("{shown} is damaged: {}", seen.complaints.join("; ")))
        }
        Ok(seen) if schema && seen.kind == Kind::Foreign => {
            check(name, Status::Fault, format!("{shown} is a database of something else: set PLAN_DB_FILE or move it"))
        }
        Ok(_) if !schema => check(name, Status::Ok, format!("{shown} is sound")),
        Ok(seen) if seen.version > SCHEMA_VERSION => {
            let versions = format!("schema version {}, this crewkit knows up to {SCHEMA_VERSION}", seen.version);
            check(name, Status::Fault, format!("{shown}: {versions}: it is read, not written; upgrade crewkit"))
        }
        Ok(seen) if seen.version < SCHEMA_VERSION => {
            let what = format!("{shown} is {}; the next tool that opens it upgrades it, after a copy", seen.kind);
            check(name, Status::Fault, what)
        }
        Ok(_) => check(name, Status::Ok, format!("{shown} is sound, schema version {SCHEMA_VERSION}")),
    }
}
