//! npm-digest: installs packages with the project's package manager and says what came of it. Agents call it in place of
//! the manager, whose raw form a hook turns away.
//!
//! Nothing is ever answered from an earlier run. The whole output is kept in a log.

mod answer;
mod cargo;
mod manifest;
mod node;
mod npm;
mod python;
mod report;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::{CommandFactory, Parser, ValueEnum};
use crewkit_digest::{Ends, Reader, Source, Streams, answer as common, options, saving};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};

use crate::audit_digest;
use crate::package_manager::{Manager, Project};
use answer::Status;
use manifest::State;
use report::Report;

/// npm-digest.
pub const TOOL: Tool = Tool {
    name: "npm-digest",
    summary: "installs packages and says what came of it, in one small object",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Lines of the end of an output that stand for an unexplained failure, and most characters of each.
const TAIL: usize = 10;
const LONGEST_LINE: usize = 200;

/// Installs packages and says what came of it as one line of JSON.
///
/// The package manager comes from the project: packageManager of package.json, else the lock file (npm, pnpm, Yarn, Bun),
/// else Cargo.toml, uv.lock, pyproject.toml or requirements.txt. COMMAND is install (the default), ci (exactly what the
/// lock file says), audit (this is audit-digest), or any command of the manager's own. Arguments that are not options
/// below go to the manager; install with names adds them (pnpm add, cargo add, uv add). `-- CMD` runs a whole command
/// line of one of these managers.
///
/// Keys: cmd, status, exit_code, packages (audited in all, else added), added, removed, changed, audit {critical, high,
/// moderate, low, info}, peer_warnings[], errors[]; manager unless it is npm, audited: false where no audit was made,
/// output[] (the last lines, of commands that install nothing), deprecated, added_names[] (new in package.json), lockfile_changed, more (lines left out of the lists), timed_out; log (a
/// file with the whole output; `crewkit log show ID` prints it) and log_bytes unless all is well.
///
/// status: ok; vulnerable (critical or high findings); error (the manager failed); unsure (it ended with 0 and reported
/// errors, or findings without a severity).
#[derive(Parser, Debug)]
#[command(name = "npm-digest", disable_version_flag = true)]
#[command(
    override_usage = "npm-digest [OPTIONS] [COMMAND] [ARGUMENT]...\n       npm-digest [OPTIONS] -- CMD [ARGUMENT]...\n       CMD 2>&1 | npm-digest --stdin --pm NAME [--exit-code N]"
)]
#[command(
    after_help = "Exit codes: the manager's own (127 not found, 126 not executable, 128+N ended by signal N), 0 for findings alone; with --stdin N, or without it 0 for ok and vulnerable and 1 for the rest; 1 wrong usage."
)]
struct Arguments {
    /// The package manager, in place of the project's
    #[arg(long, value_name = "NAME", value_enum)]
    pm: Option<Manager>,
    /// Read a run's output from standard input instead of running something
    #[arg(long)]
    stdin: bool,
    /// The exit code of the command whose output --stdin reads
    #[arg(long, value_name = "N", requires = "stdin", value_parser = clap::value_parser!(u8))]
    exit_code: Option<u8>,
    /// Which keys: all of them, or few: those that are neither 0 nor empty. Default: all for npm, pnpm, Yarn and Bun, few
    /// for the others
    #[arg(long, value_name = "KEYS", value_enum)]
    keys: Option<KeyChoice>,
    /// Most tokens of the answer, roughly; detail goes first
    #[arg(long, value_name = "N", default_value_t = common::MAX_TOKENS)]
    max_tokens: usize,
    /// End the run after so many seconds and report what had come of it
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    time_limit: Option<u64>,
    /// Accepted for old callers: no answer is ever kept
    #[arg(long, overrides_with = "no_cache")]
    no_cache: bool,
    /// install, ci, audit, or a command of the manager's own, and what goes to it
    #[arg(value_name = "COMMAND")]
    words: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeyChoice {
    All,
    Few,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let flags = ["--no-cache", "--stdin"];
    let valued = ["--pm", "--exit-code", "--keys", "--max-tokens", "--time-limit"];
    let apart = options::apart(arguments, &flags, &valued);
    if apart.rest.first().is_some_and(|word| word == "audit") {
        let mut arguments = arguments.to_vec();
        if let Some(at) = arguments.iter().position(|word| word == "audit") {
            arguments.remove(at);
        }
        return (audit_digest::TOOL.run)(context, &arguments);
    }
    let (rest, after) = (apart.rest, apart.after);
    args::with::<Arguments>(&apart.own, exit_code::REFUSED, |mut options| {
        options.words = rest;
        digest(context, &options, after)
            .map_err(|refusal| refusal.clone().with_json(&common::Failure::new(&refusal.message)))
    })
}

/// What is to be run.
struct Work {
    manager: Manager,
    /// The command's word in the answer.
    word: OsString,
    /// `None`: standard input is read.
    command: Option<Vec<OsString>>,
    project: Project,
}

fn work(context: &Context, options: &Arguments, after: Option<Vec<OsString>>) -> Result<Work, Refusal> {
    let mut project = Project::find(context.directory()?);
    if let Some(manager) = options.pm {
        project.manager = manager;
    }
    if options.stdin {
        if after.is_some() || options.words.len() > 1 {
            return Err(Refusal::new("--stdin takes no command line"));
        }
        if context.stdin_is_terminal() {
            return Err(Refusal::new("--stdin: standard input is a terminal; pipe a run's output into it"));
        }
        let word = options.words.first().cloned().unwrap_or_else(|| "install".into());
        return Ok(Work { manager: project.manager, word, command: None, project });
    }
    let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    if let Some(command) = after.as_ref().filter(|after| after.first().is_some_and(|first| !is_option(first)))
        && options.words.is_empty()
    {
        let called = options.pm.or_else(|| Manager::called_by(command));
        let Some(manager) = called else {
            let name = command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
            return Err(Refusal::new(format!(
                "'{name}' is no package manager known here; --pm says whose output it has"
            )));
        };
        project.manager = manager;
        let word = command.iter().skip(1).find(|word| !is_option(word) && *word != "pip").cloned().unwrap_or_default();
        return Ok(Work { manager, word, command: Some(command.clone()), project });
    }
    let (word, rest) = match options.words.split_first() {
        Some((word, rest)) if !is_option(word) && !word.is_empty() => (word.clone(), rest),
        _ => (OsString::from("install"), options.words.as_slice()),
    };
    let mut rest = rest.to_vec();
    if let Some(after) = after {
        rest.push("--".into());
        rest.extend(after);
    }
    let manager = project.manager;
    let command = manager.command(context, &word, &rest);
    Ok(Work { manager, word, command: Some(command), project })
}

fn digest(context: &Context, options: &Arguments, after: Option<Vec<OsString>>) -> Answer {
    let work = work(context, options, after)?;
    let folder = context.directory()?;
    let before = State::read(folder, &work.project);
    let ends = || Ends::new(0, TAIL, LONGEST_LINE);
    let mut reading = Reading { report: Report::new(work.manager), ends: ends() };
    let captured = match &work.command {
        None => crewkit_digest::capture_stdin(context, &mut reading)?,
        Some(command) => {
            let (program, arguments) = command.split_first().ok_or_else(|| Refusal::new("no command"))?;
            let mut run = Run::new(context, program).args(arguments);
            if let Some(seconds) = options.time_limit {
                run = run.limit(Duration::from_secs(seconds));
            }
            crewkit_digest::capture(context, run, Streams::Joined, &mut reading)?
        }
    };
    let code = if work.command.is_some() { captured.code } else { options.exit_code.map(i32::from) };
    let mut tail: Vec<String> = reading.ends.last(TAIL).into_iter().map(str::to_owned).collect();
    tail.extend(captured.refusal.clone());
    let after = State::read(folder, &work.project);
    let changing = ["install", "i", "ci", "add", "uninstall", "remove", "rm", "update", "sync", "fetch", "upgrade"];
    let run = answer::Run {
        is_other: !changing.iter().any(|word| work.word == *word),
        word: OsStr::to_string_lossy(&work.word).into_owned(),
        code,
        report: reading.report,
        added_names: before.added_names(&after),
        lockfile_changed: before.lock_differs(&after),
        tail,
        timed_out: captured.timed_out,
        log: captured.log.as_ref().map(|log| (log.path.to_string_lossy().into_owned(), captured.bytes)),
        all_keys: options.keys.map_or(work.manager.is_of_node(), |keys| keys == KeyChoice::All),
    };
    let status = run.status();
    let text = run.answer(options.max_tokens);
    saving::record_run(context, TOOL.name, captured.bytes, text.len() as u64, code);
    let code = match code {
        Some(code) => common::exit_code(code),
        None => u8::from(!matches!(status, Status::Ok | Status::Vulnerable)),
    };
    let mut outcome = Outcome::text(text).with_code(code);
    if let Some(refusal) = captured.refusal {
        outcome = outcome.with_note(format!("{}: {refusal}", TOOL.name));
    }
    Ok(outcome)
}

struct Reading {
    report: Report,
    ends: Ends,
}

impl Reader for Reading {
    fn line(&mut self, _: Source, line: &str) {
        self.report.line(line);
        self.ends.push(line);
    }
}
