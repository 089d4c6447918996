//! migration-digest: runs a command of the project's migration tool and keeps what matters: pending, destructive, errors.
//! Agents call it in place of the tool, whose raw form a hook turns away.
//!
//! Nothing is ever answered from an earlier run, and nothing waits for an answer: the tool gets no standard input.

mod reading;
#[cfg(test)]
mod tests;
mod tool;
mod words;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use crewkit_digest::{Captured, Streams, answer as common, options, saving, tokens};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use reading::Reading;
use tool::{Orm, Project};

/// migration-digest.
pub const TOOL: Tool = Tool {
    name: "migration-digest",
    summary: "runs a migration command and tells what is pending, destructive or wrong",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// The commands, of which each tool has some.
const COMMANDS: [&str; 6] = ["status", "push", "generate", "create", "diff", "deploy"];
/// Most lines of each list, and of the tables.
const MOST_LINES: usize = 5;
const MOST_TABLES: usize = 100;
/// Most bytes of a new migration that are read.
const LONGEST_FILE: u64 = 4 << 20;

/// Runs a command of the project's migration tool and tells what matters as one line of JSON.
///
/// The tool comes from the project's files: Prisma, Drizzle; else Alembic, Django, Diesel, sqlx. COMMAND is status (the
/// default), push, generate, create NAME, diff or deploy, as far as the tool has it. Further options go to the tool.
///
/// Keys: orm, cmd, status (ok, error; unsure: exit code 0 and an error), exit_code, tables[] (SQL on tables, names of
/// models; of diff `[+]`, `[-]`, `[*]` and the table, seen from the schema to the database), pending, applied (of status;
/// with counted: false where the tool did not say), destructive[] (lines that announce loss of data), errors[];
/// pending_names[], failed_names[], created (the file of a new migration, whose SQL is read too), more (entries left out),
/// timed_out; log (a file with the whole output; `crewkit log show ID` prints it) and log_bytes unless all is well.
#[derive(Parser, Debug)]
#[command(name = "migration-digest", disable_version_flag = true)]
#[command(override_usage = "migration-digest [OPTIONS] [status|push|generate|create NAME|diff|deploy] [OPTION]...")]
#[command(
    after_help = "Exit codes: the tool's own (127 not found, 126 not executable, 128+N ended by signal N): Prisma's status fails while migrations are pending, so read pending; 1 wrong usage, or no migration tool here (0 for status)."
)]
struct Arguments {
    /// Most tokens of the answer, roughly; detail goes first
    #[arg(long, value_name = "N", default_value_t = common::MAX_TOKENS)]
    max_tokens: usize,
    /// End the command after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    time_limit: Option<u64>,
    /// Accepted for old callers: no answer is ever kept
    #[arg(long, overrides_with = "no_cache")]
    no_cache: bool,
    /// The command, the name of a new migration, and options for the tool
    #[arg(value_name = "COMMAND")]
    words: Vec<OsString>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let apart = options::apart(arguments, &["--no-cache"], &["--max-tokens", "--time-limit"]);
    let (mut rest, after) = (apart.rest, apart.after);
    rest.extend(after.into_iter().flatten());
    args::with::<Arguments>(&apart.own, exit_code::REFUSED, |mut options| {
        options.words = rest;
        digest(context, &options)
    })
}

/// What is said when nothing was run.
#[derive(Debug, Default, Serialize)]
struct Refused<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    orm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cmd: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<&'a str>,
}

fn digest(context: &Context, options: &Arguments) -> Answer {
    let text =
        |word: &OsString| word.to_str().map(str::to_owned).ok_or_else(|| Refusal::new("an argument is not UTF-8"));
    let mut rest = options.words.iter().map(text).collect::<Result<Vec<String>, Refusal>>()?;
    let is_option = |word: &String| word.starts_with('-');
    let command = match rest.first() {
        Some(first) if !is_option(first) => rest.remove(0),
        _ => "status".to_owned(),
    };
    let folder = context.directory()?;
    let Some(project) = Project::find(folder) else {
        let msg = "no schema or configuration of Prisma, Drizzle, Alembic, Django, Diesel or sqlx in this folder";
        let (orm, status) = (Some("unknown"), Some("no_orm_detected"));
        let answer = Outcome::json(&Refused { orm, status, msg: Some(msg), ..Refused::default() });
        return Ok(if command == "status" { answer } else { answer.with_code(exit_code::REFUSED).with_note(msg) });
    };
    let unknown = || {
        let refused = Refused { error: Some("unknown command"), cmd: Some(&command), ..Refused::default() };
        Outcome::json(&refused).with_code(exit_code::REFUSED).with_note(format!("unknown command '{command}'"))
    };
    if !COMMANDS.contains(&command.as_str()) || project.command(&command, "").is_none() {
        return Ok(unknown());
    }
    let mut name = String::new();
    if command == "create" {
        if rest.first().is_none_or(|first| is_option(first) || first.is_empty()) {
            let msg = "usage: migration-digest create NAME";
            let refused = Refused { error: Some("missing name"), msg: Some(msg), ..Refused::default() };
            return Ok(Outcome::json(&refused).with_code(exit_code::REFUSED).with_note(msg));
        }
        name = rest.remove(0);
    }
    let Some(line) = project.command(&command, &name) else { return Ok(unknown()) };
    let before = migrations(folder, &project);
    let mut reading = Reading::new(project.orm, &command);
    let (program, arguments) = line.split_first().ok_or_else(|| Refusal::new("no command"))?;
    let mut run = Run::new(context, program).args(arguments).args(&rest);
    if let Some(seconds) = options.time_limit {
        run = run.limit(Duration::from_secs(seconds));
    }
    let captured = crewkit_digest::capture(context, run, Streams::Joined, &mut reading)?;
    let created = created(folder, &project, &before, &mut reading);
    let text = Told { project: &project, command: &command, created, captured: &captured, reading: &reading }
        .answer(options.max_tokens);
    saving::record_run(context, TOOL.name, captured.bytes, text.len() as u64, captured.code);
    let mut outcome = Outcome::text(text).with_code(common::exit_code(captured.code.unwrap_or(1)));
    if let Some(refusal) = captured.refusal {
        outcome = outcome.with_note(format!("{}: {refusal}", TOOL.name));
    }
    Ok(outcome)
}

/// The names of a project's migrations, where they lie in a folder that is known.
fn migrations(folder: &Path, project: &Project) -> BTreeSet<String> {
    let Some(place) = project.migrations() else { return BTreeSet::new() };
    let entries = std::fs::read_dir(folder.join(place)).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// The file of a migration that the command has made, its SQL read.
fn created(folder: &Path, project: &Project, before: &BTreeSet<String>, reading: &mut Reading) -> Option<String> {
    let new = migrations(folder, project).into_iter().find(|name| !before.contains(name));
    let place = match new {
        Some(name) => project.migrations()?.join(name).join("migration.sql"),
        None => reading.written.clone()?.into(),
    };
    let path = folder.join(&place);
    let size = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?.len();
    if size <= LONGEST_FILE {
        reading.sql(&String::from_utf8_lossy(&std::fs::read(&path).ok()?));
    }
    Some(place.to_string_lossy().into_owned())
}

/// All that the answer is made of.
struct Told<'a> {
    project: &'a Project,
    command: &'a str,
    created: Option<String>,
    captured: &'a Captured,
    reading: &'a Reading,
}

impl Told<'_> {
    fn answer(&self, most: usize) -> String {
        let mut levels =
            [(MOST_TABLES, MOST_LINES, 20), (20, MOST_LINES, 5), (5, 3, 0), (0, 1, 0)].into_iter().peekable();
        loop {
            let Some((tables, lines, names)) = levels.next() else { return String::new() };
            let text = self.render(tables, lines, names);
            if levels.peek().is_none() || tokens::estimate(&text) <= most {
                return text;
            }
        }
    }

    fn render(&self, tables: usize, lines: usize, names: usize) -> String {
        let (reading, code) = (self.reading, self.captured.code);
        let failed = code != Some(0);
        let status = match failed {
            true => "error",
            false if reading.plain_errors.total() > 0 => "unsure",
            false => "ok",
        };
        // What succeeded may speak of errors; only what looks like one counts.
        let list = if failed { &reading.errors } else { &reading.plain_errors };
        let mut more = list.found().saturating_sub(lines);
        let mut errors: Vec<&str> = list.kept().iter().take(lines).map(String::as_str).collect();
        let names_of = |list: &'_ BTreeSet<String>| list.iter().take(names).cloned().collect::<Vec<_>>();
        let is_explained = !reading.pending.is_empty() || !reading.failed.is_empty();
        if failed && errors.is_empty() && !is_explained {
            errors = reading.ends.last(lines);
        }
        errors.extend(self.captured.refusal.as_deref());
        if failed && errors.is_empty() && !is_explained {
            errors.push("the command failed without a word");
        }
        more += reading.destructive.found().saturating_sub(lines);
        more += reading.tables.len().saturating_sub(tables);
        more += reading.pending.len().saturating_sub(names) + reading.failed.len().saturating_sub(names);
        let is_status = self.command == "status";
        let counts = is_status && self.project.orm != Orm::Drizzle;
        let is_well = status == "ok" && more == 0 && reading.destructive.total() == 0;
        let log = self.captured.log.as_ref().filter(|_| !is_well);
        let answer = Digest {
            orm: self.project.orm,
            cmd: self.command,
            status,
            exit_code: code,
            tables: reading.tables.iter().take(tables).map(String::as_str).collect(),
            pending: reading.pending.len(),
            applied: if counts && reading.told { reading.applied() } else { 0 },
            counted: (counts && !reading.told).then_some(false),
            destructive: reading.destructive.kept().iter().take(lines).map(String::as_str).collect(),
            errors,
            pending_names: names_of(&reading.pending),
            failed_names: names_of(&reading.failed),
            created: self.created.as_deref(),
            more: (more > 0).then_some(more),
            timed_out: self.captured.timed_out,
            log: log.map(|log| log.path.to_string_lossy().into_owned()),
            log_bytes: log.map(|_| self.captured.bytes),
        };
        serde_json::to_string(&answer).unwrap_or_default()
    }
}

#[derive(Debug, Serialize)]
struct Digest<'a> {
    orm: Orm,
    cmd: &'a str,
    status: &'static str,
    exit_code: Option<i32>,
    tables: Vec<&'a str>,
    pending: usize,
    applied: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    counted: Option<bool>,
    destructive: Vec<&'a str>,
    errors: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pending_names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    timed_out: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_bytes: Option<u64>,
}
