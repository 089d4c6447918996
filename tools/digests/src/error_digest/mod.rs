//! error-digest: reads stack traces, from standard input or from a command that it runs, and tells type, message and
//! place of each error. Agents put it behind a command that failed; gates behind logs.

mod answer;
mod faults;
mod frames;
mod heading;
mod scan;
mod words;

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use crewkit_digest::{Captured, Ends, Reader, Source, Streams, answer as common, cut, options, saving};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text::head};

use answer::Known;
use faults::Fault;
use frames::Place;
use scan::Scanner;

/// error-digest.
pub const TOOL: Tool = Tool {
    name: "error-digest",
    summary: "stack traces of any language to type, message and place",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Lines of the end of an output that stand for a failure without an error.
const TAIL: usize = 5;
/// Most bytes of a source file that are read to show a line of it.
const MOST_SOURCE: u64 = 4 << 20;

/// Reads stack traces and tells type, message and place of each error, as one line of JSON.
///
/// Reads standard input, or runs a command and reads both of its streams. Knows traces of JavaScript, Python, Rust, Go,
/// Java, .NET and Ruby, and errors of rustc. The place is the first frame of the project, not of a dependency or the
/// runtime.
///
/// Keys: errors[] {type, msg, file, line, times, snippet}, at most 10 different ones in their order, file empty and line
/// null where no frame is the project's; count (all, repeats too); more (those not listed); assertions[] (lines that
/// speak of expect or assert); with a command exit_code, tail[] (its last lines when it failed without an error) and
/// timed_out; log (a file with all of the input; `crewkit log show ID` prints it) and log_bytes when something is wrong.
#[derive(Parser, Debug)]
#[command(name = "error-digest", disable_version_flag = true)]
#[command(
    override_usage = "CMD 2>&1 | error-digest [OPTIONS]\n       error-digest [OPTIONS] --run \"COMMAND LINE\"\n       error-digest [OPTIONS] -- CMD [ARGUMENT]..."
)]
#[command(
    after_help = "Exit codes: a filter ends with 0, whatever it found; with a command the command's own (127 not found, 126 not executable, 128+N ended by signal N); 1 wrong usage, or standard input that cannot be read."
)]
struct Arguments {
    /// Run this command line as a shell would (sh -c: quotes, pipes, variables) and read what it prints
    #[arg(long, value_name = "COMMAND LINE", allow_hyphen_values = true)]
    run: Option<OsString>,
    /// Only the final error
    #[arg(long)]
    last: bool,
    /// Show the source line of each place whose file lies in the current folder
    #[arg(long)]
    snippet: bool,
    /// End the command after so many seconds and report what it had printed
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    time_limit: Option<u64>,
    /// Most tokens of the answer, roughly; detail goes first, then errors, which are counted
    #[arg(long, value_name = "N", default_value_t = common::MAX_TOKENS)]
    max_tokens: usize,
    /// Accepted for old callers: no answer is ever kept
    #[arg(long, overrides_with = "no_cache")]
    no_cache: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let apart =
        options::apart(arguments, &["--no-cache", "--last", "--snippet"], &["--run", "--time-limit", "--max-tokens"]);
    let own: Vec<OsString> = apart.own.into_iter().chain(apart.rest).collect();
    args::with::<Arguments>(&own, exit_code::REFUSED, |options| {
        let command = command(&options, apart.after)?;
        if command.is_none() && context.stdin_is_terminal() {
            return Err(Refusal::new("standard input is a terminal; pipe an output into it, or use --run")
                .with_code(exit_code::REFUSED));
        }
        digest(context, &options, command)
    })
}

/// The program and the arguments to run; `None` when standard input is read.
fn command(options: &Arguments, after: Option<Vec<OsString>>) -> Result<Option<Vec<OsString>>, Refusal> {
    match (&options.run, after) {
        (Some(line), None) if line.to_string_lossy().trim().is_empty() => {
            Err(Refusal::new("--run: the command line is empty"))
        }
        (Some(line), None) => Ok(Some(vec!["sh".into(), "-c".into(), "--".into(), line.clone()])),
        (Some(_), Some(_)) => Err(Refusal::new("--run and -- CMD cannot be given together")),
        (None, Some(after)) if after.first().is_none_or(|program| program.is_empty()) => {
            Err(Refusal::new("no command after --"))
        }
        (None, after) => {
            if after.is_none() && options.time_limit.is_some() {
                return Err(Refusal::new("--time-limit needs a command"));
            }
            Ok(after)
        }
    }
}

fn digest(context: &Context, options: &Arguments, command: Option<Vec<OsString>>) -> Answer {
    let mut reading = Reading { scanner: Scanner::default(), ends: Ends::new(0, TAIL, scan::LONGEST) };
    let captured = match &command {
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
    let known = reading.finish(options, &captured);
    let folder = context.directory()?;
    let snippet = |place: &Place| if options.snippet { source_line(folder, place) } else { None };
    let text = known.answer(options.max_tokens, &snippet);
    saving::record_saving(context, TOOL.name, captured.bytes, text.len() as u64);
    let mut outcome = Outcome::text(text).with_code(captured.code.map_or(0, common::exit_code));
    if let Some(refusal) = captured.refusal {
        outcome = outcome.with_note(format!("{}: {refusal}", TOOL.name));
    }
    Ok(outcome)
}

/// All that looks at the input.
struct Reading {
    scanner: Scanner,
    ends: Ends,
}

impl Reading {
    fn finish(self, options: &Arguments, captured: &Captured) -> Known {
        let mut findings = self.scanner.finish();
        let failed = captured.code.is_some_and(|code| code != 0);
        let mut tail = Vec::new();
        if findings.faults.count == 0 && failed {
            tail = self.ends.lines().map(str::to_owned).collect();
            let not_started = captured.code.is_some_and(|code| {
                code == i32::from(exit_code::NOT_FOUND) || code == i32::from(exit_code::NOT_EXECUTABLE)
            });
            if not_started {
                // The shell's own word on it, or ours.
                let said = captured.refusal.clone().or_else(|| tail.pop());
                let msg = said.unwrap_or_else(|| "the command cannot be started".to_owned());
                let msg = head(msg.trim(), scan::LONGEST).to_owned();
                findings.faults.push(Fault { kind: "Error".to_owned(), msg, place: None });
            }
        }
        Known {
            findings,
            code: captured.code,
            tail,
            timed_out: captured.timed_out,
            log: captured.log.as_ref().map(|log| (log.path.to_string_lossy().into_owned(), captured.bytes)),
            last: options.last,
        }
    }
}

impl Reader for Reading {
    fn line(&mut self, _: Source, line: &str) {
        self.scanner.line(line);
        self.ends.push(line);
    }
}

/// The line of source at `place`, when its file is a plain one inside `folder`: a log may name any file of the system.
fn source_line(folder: &Path, place: &Place) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let path = folder.join(&place.file).canonicalize().ok()?;
    if !path.starts_with(&folder) || !path.metadata().ok()?.is_file() {
        return None;
    }
    let wanted = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let lines = BufReader::new(File::open(path).ok()?.take(MOST_SOURCE)).split(b'\n');
    let line = lines.map_while(Result::ok).nth(wanted)?;
    let line = crewkit_digest::text::clean(&line);
    Some(cut::short(line.trim(), 120)).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests;
