//! audit-digest: known holes in a project's dependencies, worst first. Agents and gates call it in place of `npm audit`.
//!
//! An audit took place only if its counts are in the report: no lock file, no registry, no program, no answer are errors.

mod answer;
mod cvss;
mod finding;
mod node;
mod others;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{CommandFactory, Parser};
use crewkit_digest::{Captured, Ends, Reader, Source, Spool, Streams, answer as common, cut, options, saving};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;
use serde_json::Value;

use crate::package_manager::{Manager, Project, is_berry};
use answer::Told;
use finding::{Audit, Severity};

/// audit-digest.
pub const TOOL: Tool = Tool {
    name: "audit-digest",
    summary: "known holes in the dependencies, worst first, in one small object",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Lines of the end of an output that tell why there is no report, and most characters of each.
const TAIL: usize = 10;
const LONGEST_LINE: usize = 200;
/// The same, where the line may be a message in JSON.
const LONGEST_MESSAGE: usize = 8_000;
/// Most bytes of a report that are read.
const LONGEST_REPORT: u64 = 256 << 20;

/// Known holes in the dependencies as one line of JSON, worst first.
///
/// Runs `npm audit --json`, or the same of pnpm, Yarn or Bun where package.json or the lock file says so; `cargo audit`,
/// `pip-audit`, `uv audit` in projects of Rust and Python. Arguments that are not options below go to that program.
///
/// Keys: status, total, critical, high, moderate, low (the program's own counts; null where it rates nothing), fixable
/// (packages with a fix that breaks nothing; null where the program does not say), items[] (critical and high ones, and
/// those without a severity): package, severity, title, fixable (true, false, or npm's object for a breaking fix), fix
/// (versions that have it), range, direct, path (from a direct dependency on), advisories (how many, if several); more
/// (findings left out of items), manager unless it is npm, info, unrated, skipped (packages that could not be looked up),
/// warnings (unmaintained, yanked...), log (a file with the whole report) and log_bytes unless all is well.
///
/// status: the worst severity: critical, high, unrated, moderate, low; clean; unsure (counts, exit code and list
/// contradict each other, or packages were passed over); error (no audit took place) with msg; parse_error (the report is
/// no JSON) with raw_summary.
#[derive(Parser, Debug)]
#[command(name = "audit-digest", disable_version_flag = true)]
#[command(
    override_usage = "audit-digest [OPTIONS] [ARGUMENT]...\n       CMD | audit-digest --stdin --pm NAME [--exit-code N]"
)]
#[command(
    after_help = "Exit codes: 0 a report was made, whatever it says; 1 none could be made, it cannot be trusted (unsure), or wrong usage; 2 findings of --fail-on."
)]
struct Arguments {
    /// The package manager, in place of the project's
    #[arg(long, value_name = "NAME", value_enum)]
    pm: Option<Manager>,
    /// End with 2 if anything is found that is at least so bad; what has no severity counts
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<Severity>,
    /// Read a report from standard input instead of running something
    #[arg(long)]
    stdin: bool,
    /// The exit code of the command whose report --stdin reads
    #[arg(long, value_name = "N", requires = "stdin", value_parser = clap::value_parser!(u8))]
    exit_code: Option<u8>,
    /// Most tokens of the answer, roughly; detail goes first
    #[arg(long, value_name = "N", default_value_t = common::MAX_TOKENS)]
    max_tokens: usize,
    /// End the audit after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    time_limit: Option<u64>,
    /// Accepted for old callers: no answer is ever kept
    #[arg(long, overrides_with = "no_cache")]
    no_cache: bool,
    /// For the program that audits
    #[arg(value_name = "ARGUMENT")]
    #[expect(clippy::struct_field_names, reason = "the help's word")]
    arguments: Vec<OsString>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let valued = ["--pm", "--fail-on", "--exit-code", "--max-tokens", "--time-limit"];
    let apart = options::apart(arguments, &["--no-cache", "--stdin"], &valued);
    let (rest, after) = (apart.rest, apart.after);
    args::with::<Arguments>(&apart.own, exit_code::REFUSED, |mut options| {
        options.arguments = rest;
        if let Some(after) = after {
            options.arguments.push("--".into());
            options.arguments.extend(after);
        }
        if options.stdin && !options.arguments.is_empty() {
            return Err(Refusal::new("--stdin takes no arguments"));
        }
        digest(context, &options)
    })
}

/// The command line of the audit.
fn command(context: &Context, manager: Manager, arguments: &[OsString]) -> Result<Vec<OsString>, Refusal> {
    let folder = context.directory()?;
    let words: &[&str] = match manager {
        Manager::Npm => &["npm", "audit", "--json"],
        Manager::Pnpm => &["pnpm", "audit", "--json"],
        // Without both it looks at the direct dependencies of one workspace alone.
        Manager::Yarn if is_berry(folder) => &["yarn", "npm", "audit", "--json", "--all", "--recursive"],
        Manager::Yarn => &["yarn", "audit", "--json"],
        Manager::Bun => &["bun", "audit", "--json"],
        Manager::Cargo => &["cargo", "audit", "--json"],
        Manager::Pip => &["pip-audit", "--format", "json"],
        Manager::Uv => &["uv", "audit", "--output-format", "json"],
    };
    let mut command: Vec<OsString> = words.iter().map(Into::into).collect();
    if manager == Manager::Pip && !arguments.iter().any(names_a_source) {
        command.extend(python_source(folder));
    }
    command.extend(arguments.iter().cloned());
    Ok(command)
}

/// Whether an argument of pip-audit says what it is to look at.
fn names_a_source(argument: &OsString) -> bool {
    let bytes = argument.as_encoded_bytes();
    !bytes.starts_with(b"-")
        || bytes.starts_with(b"-r")
        || bytes.starts_with(b"--requirement")
        || bytes.starts_with(b"--path")
}

/// What pip-audit is to look at: left alone it takes the packages it is itself installed among.
fn python_source(folder: &Path) -> Vec<OsString> {
    if folder.join("requirements.txt").is_file() {
        return vec!["-r".into(), "requirements.txt".into()];
    }
    for place in [".venv", "venv"] {
        let versions = std::fs::read_dir(folder.join(place).join("lib")).into_iter().flatten().flatten();
        let found = versions.map(|entry| entry.path().join("site-packages")).find(|packages| packages.is_dir());
        if let Some(found) = found {
            return vec!["--path".into(), found.into_os_string()];
        }
    }
    if folder.join("pyproject.toml").is_file() { vec![".".into()] } else { Vec::new() }
}

fn digest(context: &Context, options: &Arguments) -> Answer {
    let manager = match options.pm {
        Some(manager) => manager,
        None => Project::find(context.directory()?).manager,
    };
    let ends = || Ends::new(0, TAIL, LONGEST_MESSAGE);
    let folder = crewkit_digest::log::folder(context).unwrap_or_else(|_| PathBuf::from("/tmp"));
    let is_berry = manager == Manager::Yarn && is_berry(context.directory()?);
    let mut reading = Reading { spool: Spool::default(), folder, out: ends(), err: ends(), is_berry };
    let captured = if options.stdin {
        if context.stdin_is_terminal() {
            return Err(Refusal::new("--stdin: standard input is a terminal; pipe a report into it"));
        }
        crewkit_digest::capture_stdin(context, &mut reading)?
    } else {
        let command = command(context, manager, &options.arguments)?;
        let (program, arguments) = command.split_first().ok_or_else(|| Refusal::new("no command"))?;
        let mut run = Run::new(context, program).args(arguments);
        if let Some(seconds) = options.time_limit {
            run = run.limit(Duration::from_secs(seconds));
        }
        crewkit_digest::capture(context, run, Streams::Apart, &mut reading)?
    };
    let ended = if options.stdin { options.exit_code.map(i32::from) } else { captured.code };
    let (text, code) = reading.answer(options, manager, &captured, ended);
    saving::record_run(context, TOOL.name, captured.bytes, text.len() as u64, ended);
    // Whoever was told to end must not look as if he had come to a verdict.
    let code = captured.interrupted.map_or(code, |signal| common::exit_code(128 + signal));
    Ok(Outcome::text(text).with_code(code))
}

struct Reading {
    spool: Spool,
    folder: PathBuf,
    out: Ends,
    err: Ends,
    is_berry: bool,
}

impl Reader for Reading {
    fn line(&mut self, source: Source, line: &str) {
        let ends = if source == Source::Out { &mut self.out } else { &mut self.err };
        ends.push(line);
    }

    fn raw(&mut self, source: Source, bytes: &[u8]) {
        if source == Source::Out {
            self.spool.push(bytes, &self.folder);
        }
    }
}

impl Reading {
    /// The answer and the exit code.
    fn answer(&self, options: &Arguments, manager: Manager, captured: &Captured, code: Option<i32>) -> (String, u8) {
        let log = captured.log.as_ref().map(|log| (log.path.to_string_lossy().into_owned(), captured.bytes));
        let values = self.values();
        // Nothing at all is what Yarn 4 says of nothing found.
        let is_silent = manager == Manager::Yarn && code == Some(0) && self.is_berry && captured.bytes == 0;
        let audit = if is_silent { Some(Audit::default()) } else { read(manager, &values) };
        let Some(audit) = audit else { return (self.no_audit(&values, captured, log), exit_code::REFUSED) };
        let doubt = doubt(&audit, captured, code);
        let tail = if doubt.is_empty() { Vec::new() } else { lines(&self.err, 3) };
        let worst = audit.totals.worst();
        let told = Told { manager, audit: &audit, doubt, tail: &tail, log };
        let is_bad = |least: Severity| worst.is_some_and(|worst| worst >= least) || audit.totals.unrated > 0;
        let code = match options.fail_on {
            _ if !told.doubt.is_empty() => exit_code::REFUSED,
            Some(least) if is_bad(least) => exit_code::BLOCKED,
            _ => exit_code::DONE,
        };
        (told.answer(options.max_tokens), code)
    }

    /// Every JSON object in standard output that begins a line.
    fn values(&self) -> Vec<Value> {
        let mut text = Vec::new();
        let read = self.spool.reader(0).and_then(|reader| reader.take(LONGEST_REPORT).read_to_end(&mut text));
        let mut found = Vec::new();
        if read.is_err() || !self.spool.is_whole() {
            return found;
        }
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if rest[0] == b'{' {
                let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
                if let Some(Ok(value)) = stream.next() {
                    at += stream.byte_offset();
                    found.push(value);
                    continue;
                }
            }
            if rest[0].is_ascii_whitespace() {
                at += 1;
                continue;
            }
            at += rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        }
        found
    }

    fn no_audit(&self, values: &[Value], captured: &Captured, log: Option<(String, u64)>) -> String {
        let (log, log_bytes) = log.map_or((None, None), |(path, bytes)| (Some(path), Some(bytes)));
        let said = lines(&self.out, TAIL).join("\n");
        let is_json = !values.is_empty();
        let failed_to_run = captured.refusal.is_some() || matches!(captured.code, Some(126 | 127));
        if !is_json && !said.is_empty() && !failed_to_run {
            let status = "parse_error";
            let raw_summary = cut::short(&said, LONGEST_LINE);
            return json(&NoReport { status, raw_summary: Some(raw_summary), log, log_bytes, ..NoReport::default() });
        }
        let last_words = [lines(&self.err, TAIL), lines(&self.out, 3)].into_iter().find(|lines| !lines.is_empty());
        let why = captured
            .refusal
            .clone()
            .or_else(|| captured.timed_out.then(|| "the audit took longer than its time limit".to_owned()))
            .or_else(|| node::reason(values))
            .or_else(|| last_words.map(|lines| why_of(&lines)))
            .unwrap_or_else(|| "the audit gave no answer".to_owned());
        let msg = crewkit_digest::text::clean_lines(&cut::short(&why, 3 * LONGEST_LINE));
        json(&NoReport { status: "error", msg: Some(msg), log, log_bytes, ..NoReport::default() })
    }
}

/// The lines of an output that sound like a reason, else its last ones.
fn why_of(lines: &[String]) -> String {
    let noise = |line: &&String| {
        !line.contains("A complete log of this run") && !line.to_ascii_lowercase().starts_with("npm warn")
    };
    let kept: Vec<&str> = lines.iter().filter(noise).map(String::as_str).collect();
    let from = kept
        .iter()
        .position(|line| line.to_ascii_lowercase().contains("error"))
        .unwrap_or(kept.len().saturating_sub(3));
    kept[from..kept.len().min(from + 4)].join("\n")
}

/// The last lines of an output; of Yarn's messages in JSON what they say.
fn lines(ends: &Ends, most: usize) -> Vec<String> {
    let said = |line: &str| match serde_json::from_str::<Value>(line).ok().as_ref().map(|value| &value["data"]) {
        Some(Value::String(data)) => data.clone(),
        _ => line.to_owned(),
    };
    let short = |line: &str| cut::short(said(line).lines().next().unwrap_or_default(), LONGEST_LINE);
    ends.last(most).into_iter().map(short).collect()
}

/// The audit that the values of a manager's output tell of; `None` when none took place.
fn read(manager: Manager, values: &[Value]) -> Option<Audit> {
    let whole = values.iter().rev();
    match manager {
        Manager::Npm | Manager::Pnpm => {
            whole.clone().find_map(node::npm).or_else(|| whole.clone().find_map(node::advisories))
        }
        Manager::Yarn => {
            let report = node::yarn(values).or_else(|| whole.clone().find_map(node::advisories));
            report.or_else(|| if values.is_empty() { None } else { node::berry(values) })
        }
        Manager::Bun => whole.clone().find_map(node::bun),
        Manager::Cargo => whole.clone().find_map(others::cargo),
        Manager::Pip => whole.clone().find_map(others::pip),
        Manager::Uv => whole.clone().find_map(others::uv),
    }
}

/// Why a report that was made is not to be trusted; empty when it is.
fn doubt(audit: &Audit, captured: &Captured, code: Option<i32>) -> String {
    let nothing = audit.totals.total == 0;
    if captured.timed_out || captured.interrupted.is_some() {
        return "the audit was ended before its end".to_owned();
    }
    if audit.contradicts {
        return "the counts do not fit the findings listed".to_owned();
    }
    match code {
        Some(code) if nothing && code != 0 => return format!("no findings, but exit code {code}"),
        Some(code) if code > 125 => return format!("a report, but exit code {code}"),
        _ => {}
    }
    if nothing && !audit.skipped.is_empty() {
        return format!("{} packages could not be looked up", audit.skipped.len());
    }
    String::new()
}

#[derive(Debug, Default, Serialize)]
struct NoReport {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_bytes: Option<u64>,
}

fn json(value: &NoReport) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
