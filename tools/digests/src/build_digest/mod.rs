//! build-digest: runs the build of a project, or reads what one printed, and keeps errors and warnings. Agents call it in
//! place of the build; gates read its status.
//!
//! Every line goes to the readers of the tools (`readers`); what none of them claims is judged by the rule for any line
//! (`lines`). A script of package.json answers with the lines as they are, everything else with place and message. Where
//! exit code and output contradict each other, the answer says so. The whole output is kept in a log.

mod answer;
mod figures;
mod found;
mod json;
mod lines;
mod pieces;
mod project;
mod readers;
mod shape;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{CommandFactory, Parser, ValueEnum};
use crewkit_digest::{Captured, Ends, Reader, Source, Streams, answer as common, options, saving};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};

use answer::{Keys, Known, Status};
use figures::FigureReader;
use found::{Found, Level};
use json::{Machine, Skip};
use lines::{Judge, Lines, Sound};
use readers::LineReader;

/// build-digest.
pub const TOOL: Tool = Tool {
    name: "build-digest",
    summary: "runs the build and keeps errors and warnings, in one small object",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Lines of the end of an output that stand for an unexplained failure.
const TAIL: usize = 10;
/// Most characters of one of them.
const LONGEST_LINE: usize = 200;

/// Runs the build of a project and keeps errors and warnings as one line of JSON.
///
/// Runs the script `build` of package.json (npm, or pnpm, yarn, bun by their lock file); without one cargo, go, maven,
/// gradle or make by their files. Arguments that are not options below go to the script or the tool. `-- CMD` runs any
/// command line instead. Reads the output of cargo and clippy, tsc, ESLint, Ruff, mypy, go build and vet, next, vite,
/// webpack, make, gcc and clang, javac, maven and gradle, whichever of them ran.
///
/// Keys: framework, status, exit_code; errors[], errors_total, more (those not listed), warnings[], warnings_total, tail[]
/// (the output's last lines, where the errors don't tell the cause), timed_out; log (a file with the whole output;
/// `crewkit log show ID` prints it) and log_bytes unless all is told. For a script also routes, bundle_size (next),
/// build_time (next, vite), ts_errors, and details[] (place and message, where the lines alone don't say both).
///
/// status: ok (exit code 0 and no error seen), error, unsure (exit code and output contradict each other).
#[derive(Parser, Debug)]
#[command(name = "build-digest", disable_version_flag = true)]
#[command(
    override_usage = "build-digest [OPTIONS] [ARGUMENT]...\n       build-digest [OPTIONS] -- CMD [ARGUMENT]...\n       CMD 2>&1 | build-digest --stdin [--exit-code N]"
)]
#[command(
    after_help = "Exit codes: the build's own (127 not found, 126 not executable, 128+N ended by signal N); with --stdin N, or without it 0 for ok and 1 for anything else; 1 wrong usage."
)]
struct Arguments {
    /// What to run: npm, cargo, clippy, tsc (--noEmit), eslint, ruff, mypy, go, vet, next, vite, webpack, make, maven,
    /// gradle; with --stdin also javac, gcc, clang. Default: by the project's files
    #[arg(long, value_name = "SUITE", value_parser = clap::builder::PossibleValuesParser::new(project::SUITES), hide_possible_values = true)]
    suite: Option<String>,
    /// Read a build's output from standard input instead of running something
    #[arg(long)]
    stdin: bool,
    /// The exit code of the command whose output --stdin reads
    #[arg(long, value_name = "N", requires = "stdin", value_parser = clap::value_parser!(u8))]
    exit_code: Option<u8>,
    /// Which keys: all of them with errors as the lines printed, or few: those that say something, with errors as place
    /// and message. Default: all for a script of package.json, few for everything else
    #[arg(long, value_name = "KEYS", value_enum)]
    keys: Option<KeyChoice>,
    /// Most tokens of the answer, roughly; detail goes first, then errors, which are counted
    #[arg(long, value_name = "N", default_value_t = common::MAX_TOKENS)]
    max_tokens: usize,
    /// End the build after so many seconds and report what it had printed
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    time_limit: Option<u64>,
    /// End with 1 unless the status is ok, also where the build ended with 0
    #[arg(long)]
    strict: bool,
    /// Accepted for old callers: no answer is ever kept
    #[arg(long, overrides_with = "no_cache")]
    no_cache: bool,
    /// For the script or the tool
    #[arg(value_name = "ARGUMENT")]
    #[expect(clippy::struct_field_names, reason = "the help's word")]
    arguments: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KeyChoice {
    All,
    Few,
}

/// What is to be run, and how its output is to be read.
struct Work {
    /// `None`: standard input is read.
    command: Option<Vec<OsString>>,
    streams: Streams,
    /// What was chosen, or what the command names.
    framework: Option<&'static str>,
    /// Whether it is a script of package.json.
    is_script: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let flags = ["--no-cache", "--stdin", "--strict"];
    let valued = ["--suite", "--exit-code", "--keys", "--max-tokens", "--time-limit"];
    let apart = options::apart(arguments, &flags, &valued);
    let (rest, after) = (apart.rest, apart.after);
    args::with::<Arguments>(&apart.own, exit_code::REFUSED, |mut options| {
        options.arguments = rest;
        let work = work(context, &options, after).map_err(|refusal| {
            let failure = common::Failure::new(&refusal.message);
            refusal.clone().with_json(&failure)
        })?;
        digest(context, &options, work)
    })
}

fn work(context: &Context, options: &Arguments, after: Option<Vec<OsString>>) -> Result<Work, Refusal> {
    let streams = Streams::Joined;
    if options.stdin {
        if !options.arguments.is_empty() || after.is_some() {
            return Err(Refusal::new("--stdin takes no command and no arguments"));
        }
        if context.stdin_is_terminal() {
            return Err(Refusal::new("--stdin: standard input is a terminal; pipe a build's output into it"));
        }
        let framework = options.suite.as_deref().and_then(named);
        return Ok(Work { command: None, streams, framework, is_script: false });
    }
    let is_command = |after: &Vec<OsString>| {
        let first = after.first().filter(|first| !first.is_empty());
        options.arguments.is_empty() && first.is_some_and(|first| !first.as_encoded_bytes().starts_with(b"-"))
    };
    if let Some(command) = after.as_ref().filter(|after| is_command(after)) {
        if let Some(suite) = &options.suite {
            return Err(Refusal::new(format!("--suite {suite} and -- CMD cannot be given together")));
        }
        let framework = project::named_by(command);
        return Ok(Work { command: Some(command.clone()), streams, framework, is_script: false });
    }
    let plan = project::plan(context, options.suite.as_deref())?;
    let command = Some(plan.command(options.arguments.clone(), after));
    Ok(Work { command, streams: plan.streams, framework: Some(plan.framework), is_script: plan.is_script })
}

/// The framework that a suite's name means.
fn named(suite: &str) -> Option<&'static str> {
    match suite {
        "npm" => None,
        "clippy" => Some("cargo"),
        "vet" => Some("go"),
        "next" => Some("nextjs"),
        suite => project::SUITES.into_iter().find(|name| *name == suite),
    }
}

fn digest(context: &Context, options: &Arguments, work: Work) -> Answer {
    let folder = crewkit_digest::log::folder(context).unwrap_or_else(|_| PathBuf::from("/tmp"));
    let mut reading = Reading::new(&folder);
    let captured = match &work.command {
        None => crewkit_digest::capture_stdin(context, &mut reading)?,
        Some(command) => {
            let (program, arguments) = command.split_first().ok_or_else(|| Refusal::new("no command"))?;
            let mut run = Run::new(context, program).args(arguments);
            if let Some(seconds) = options.time_limit {
                run = run.limit(Duration::from_secs(seconds));
            }
            crewkit_digest::capture(context, run, work.streams, &mut reading)?
        }
    };
    let code = if work.command.is_some() { captured.code } else { options.exit_code.map(i32::from) };
    let keys = match options.keys {
        Some(KeyChoice::All) => Keys::All,
        // Readers of these answers know their keys from before there were others.
        None if work.is_script => Keys::All,
        Some(KeyChoice::Few) | None => Keys::Few,
    };
    let known = reading.finish(&work, &captured, code, context.directory()?);
    let status = known.status();
    let text = known.answer(keys, options.max_tokens);
    saving::record_saving(context, TOOL.name, captured.bytes, text.len() as u64);
    let own = match code {
        Some(code) => common::exit_code(code),
        None => u8::from(status != Status::Ok),
    };
    let code = if options.strict && status != Status::Ok { own.max(exit_code::REFUSED) } else { own };
    let mut outcome = Outcome::text(text).with_code(code);
    if let Some(refusal) = captured.refusal {
        outcome = outcome.with_note(format!("{}: {refusal}", TOOL.name));
    }
    Ok(outcome)
}

/// All that looks at a build's output.
struct Reading {
    machine: Machine,
    skip: Skip,
    readers: Vec<Box<dyn LineReader>>,
    found: Found,
    judge: Judge,
    lines: Lines,
    figures: FigureReader,
    out: Ends,
    err: Ends,
}

impl Reading {
    fn new(folder: &Path) -> Self {
        let ends = || Ends::new(0, TAIL, LONGEST_LINE);
        Self {
            machine: Machine::new(folder),
            skip: Skip::default(),
            readers: readers::all(),
            found: Found::default(),
            judge: Judge::default(),
            lines: Lines::default(),
            figures: FigureReader::default(),
            out: ends(),
            err: ends(),
        }
    }

    fn finish(self, work: &Work, captured: &Captured, code: Option<i32>, folder: &Path) -> Known {
        let mut found = self.found;
        self.machine.finish(&mut found);
        let framework = work.framework.or_else(|| found.framework()).unwrap_or("generic");
        let mut tail: Vec<String> = self.out.last(TAIL).into_iter().map(|line| line.trim().to_owned()).collect();
        tail.extend(self.err.last(TAIL).into_iter().map(|line| line.trim().to_owned()));
        tail.drain(..tail.len().saturating_sub(TAIL));
        if let Some(refusal) = &captured.refusal {
            tail.insert(0, refusal.clone());
        }
        Known {
            framework: framework.to_owned(),
            code,
            lines: self.lines.finish(),
            figures: self.figures.figures(framework),
            found,
            tail,
            trusts_code: work.is_script,
            timed_out: captured.timed_out,
            log: captured.log.as_ref().map(|log| (log.path.to_string_lossy().into_owned(), captured.bytes)),
            folder: format!("{}/", folder.display()),
        }
    }
}

impl Reader for Reading {
    fn line(&mut self, source: Source, line: &str) {
        match source {
            Source::Out => self.out.push(line),
            Source::Err => self.err.push(line),
        }
        if self.skip.is_report(line) {
            return;
        }
        self.lines.line(line);
        self.figures.line(line);
        let found = &mut self.found;
        if self.readers.iter_mut().any(|reader| reader.line(line, found)) {
            // A heading counts for the next line alone, whoever claims that.
            self.judge = Judge::default();
            return;
        }
        match self.judge.judge(line) {
            Sound::Error if lines::is_managers_own(line) => found.sum(line),
            Sound::Error => found.push_soft(Level::Error, line),
            Sound::Warning => found.push_soft(Level::Warning, line),
            Sound::None => {}
        }
    }

    fn raw(&mut self, source: Source, bytes: &[u8]) {
        if source == Source::Out {
            self.machine.push(bytes, &mut self.found);
        }
    }
}

#[cfg(test)]
mod tests;
