//! test-digest: runs the tests of a project, or reads what a run of them printed, and tells what failed. Agents call it
//! in place of the runner; gates read its status.
//!
//! The runner's own report is read (`machine`, `text`), never the exit code alone; where both contradict each other,
//! or nothing is known, the answer says so. The whole output is kept in a log.

mod answer;
mod js_json;
mod junit;
mod keys;
mod machine;
mod pieces;
mod project;
mod reading;
mod report;
mod terse;
mod text;
mod trouble;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{CommandFactory, Parser, ValueEnum};
use crewkit_digest::{Streams, answer as common, options, saving};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};

use answer::{Keys, Status};
use reading::Reading;
use report::Report;

/// test-digest.
pub const TOOL: Tool = Tool {
    name: "test-digest",
    summary: "runs the tests and tells what failed, in one small object",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Runs the tests of a project and tells what failed as one line of JSON.
///
/// The runner comes from the project: vitest, jest, playwright by package.json, else its `npm test`; cargo (nextest with
/// .config/nextest.toml), pytest, go, bats, unittest by their files. Arguments that are not options below go to the
/// runner. `-- CMD` runs any command line instead and knows the runner by what it prints.
///
/// Keys: framework, status, exit_code, total, passed, failed, skipped, duration, failures[] {suite, test, file, line, msg,
/// also[]}; flaky, others[] (names of further failures), more (those not even named), timed_out; log (a file with the
/// whole output; `crewkit log show ID` prints it) and log_bytes unless all passed. A count the runner does not give is null.
///
/// status: pass (exit code 0, no error seen, something ran), fail, empty (no test ran), unsure (report and exit code
/// contradict each other, or there is no report).
#[derive(Parser, Debug)]
#[command(name = "test-digest", disable_version_flag = true)]
#[command(
    override_usage = "test-digest [OPTIONS] [ARGUMENT]...\n       test-digest [OPTIONS] -- CMD [ARGUMENT]...\n       CMD 2>&1 | test-digest --stdin [--exit-code N]"
)]
#[command(
    after_help = "Exit codes: the runner's own (127 not found, 126 not executable, 128+N ended by signal N); with --stdin N, or without it 0 for pass and 1 for anything else; 1 wrong usage."
)]
struct Arguments {
    /// all, unit (not playwright), e2e (playwright), or a runner: vitest, jest, playwright, npm, cargo, nextest, pytest,
    /// unittest, go, mocha, node, bats
    #[arg(long, value_name = "SUITE", default_value = "all", value_parser = suite)]
    suite: String,
    /// Read a run's output from standard input instead of running something
    #[arg(long)]
    stdin: bool,
    /// The exit code of the command whose output --stdin reads
    #[arg(long, value_name = "N", requires = "stdin", value_parser = clap::value_parser!(u8))]
    exit_code: Option<u8>,
    /// Read JUnit XML from this file once the run has ended, in place of what it printed
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Which keys: all of them, or few: those that are neither 0, empty nor to be reckoned from the others, with `at`
    /// (file:line) in place of file and line, and no duration below a second. Default: all for the runners of
    /// package.json, few for the others
    #[arg(long, value_name = "KEYS", value_enum)]
    keys: Option<KeyChoice>,
    /// Most tokens of the answer, roughly; detail goes first, then names, which are counted
    #[arg(long, value_name = "N", default_value_t = common::MAX_TOKENS)]
    max_tokens: usize,
    /// End the run after so many seconds and report what had finished
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    time_limit: Option<u64>,
    /// End with 1 unless the status is pass, also where the runner ended with 0
    #[arg(long)]
    strict: bool,
    /// Run only what failed last, as the runner remembers it (pytest, jest, playwright)
    #[arg(long, conflicts_with = "stdin")]
    failed: bool,
    /// Accepted for old callers: no answer is ever kept
    #[arg(long, overrides_with = "no_cache")]
    no_cache: bool,
    /// For the runner
    #[arg(value_name = "ARGUMENT")]
    #[expect(clippy::struct_field_names, reason = "the help's word")]
    arguments: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KeyChoice {
    All,
    Few,
}

fn suite(text: &str) -> Result<String, String> {
    let known = ["all", "unit", "e2e"];
    if known.contains(&text) || project::RUNNERS.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("not one of: {}, {}", known.join(", "), project::RUNNERS.join(", ")))
}

/// What is to be run, and how its output is to be read.
struct Work {
    /// `None`: standard input is read.
    command: Option<Vec<OsString>>,
    /// The folder it is started in, where that is not the working directory.
    folder: Option<PathBuf>,
    streams: Streams,
    /// The runner that was chosen, or that the command names.
    framework: Option<&'static str>,
    /// Whether the runner was chosen here: then no other is looked for.
    chosen: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let flags = ["--no-cache", "--stdin", "--strict", "--failed"];
    let valued = ["--suite", "--exit-code", "--junit", "--keys", "--max-tokens", "--time-limit"];
    let apart = options::apart(arguments, &flags, &valued);
    let (rest, after) = (apart.rest, apart.after);
    args::with::<Arguments>(&apart.own, exit_code::REFUSED, |mut options| {
        options.arguments = rest;
        let answer = work(context, &options, after).and_then(|work| digest(context, &options, &work));
        answer.map_err(|refusal| {
            let message = refusal.message.clone();
            refusal.with_json(&common::Failure::new(&message))
        })
    })
}

fn work(context: &Context, options: &Arguments, after: Option<Vec<OsString>>) -> Result<Work, Refusal> {
    let is_command = |after: &Vec<OsString>| {
        options.arguments.is_empty()
            && after.first().is_some_and(|first| !first.is_empty() && !first.as_encoded_bytes().starts_with(b"-"))
    };
    if options.stdin {
        if !options.arguments.is_empty() || after.is_some() {
            return Err(Refusal::new("--stdin takes no command and no arguments"));
        }
        if context.stdin_is_terminal() {
            return Err(Refusal::new("--stdin: standard input is a terminal; pipe a run's output into it"));
        }
        let framework = project::RUNNERS.into_iter().find(|name| *name == options.suite);
        return Ok(Work {
            command: None,
            folder: None,
            streams: Streams::Joined,
            framework,
            chosen: framework.is_some(),
        });
    }
    if after.as_ref().is_some_and(|after| after.first().is_some_and(|first| first.is_empty())) {
        return Err(Refusal::new("the command after -- is empty"));
    }
    if let Some(command) = after.as_ref().filter(|after| is_command(after)) {
        let framework = project::named_by(command);
        if options.failed {
            return Err(Refusal::new("--failed goes with a runner of the project, not with a command after --"));
        }
        let command = Some(command.clone());
        return Ok(Work { command, folder: None, streams: Streams::Joined, framework, chosen: false });
    }
    let plan = project::plan(context, &options.suite)?;
    let mut command: Vec<OsString> = vec![plan.program.clone().into()];
    command.extend(plan.arguments.iter().map(Into::into));
    if options.failed {
        let Some(option) = plan.last_failed() else {
            return Err(Refusal::new(format!("--failed: {} does not remember what failed last", plan.framework)));
        };
        command.push(option.into());
    }
    let given = !options.arguments.is_empty() || after.is_some();
    let own_dashes = options.arguments.is_empty() && after.is_some();
    if !own_dashes {
        command.extend(plan.bridge(given).iter().map(Into::into));
    }
    command.extend(options.arguments.iter().cloned());
    if let Some(after) = after {
        command.push("--".into());
        command.extend(after);
    }
    let (folder, framework) = (plan.folder, Some(plan.framework));
    Ok(Work { command: Some(command), folder, streams: plan.streams, framework, chosen: true })
}

/// The coarsest clock of file systems in use.
const FILE_CLOCK: Duration = Duration::from_secs(1);

/// The report in the file at `path`, which has to be no older than `since`.
fn from_file(context: &Context, path: &Path, since: Option<SystemTime>) -> Result<Report, String> {
    let shown = path.display();
    let path = context.absolute(path).map_err(|refusal| refusal.message)?;
    let file = std::fs::File::open(path).map_err(|fault| format!("{shown}: {fault}"))?;
    let written =
        file.metadata().and_then(|metadata| metadata.modified()).map_err(|fault| format!("{shown}: {fault}"))?;
    if since.is_some_and(|since| written < since) {
        return Err(format!("{shown} is older than this run"));
    }
    junit::read(file).map(|(report, _)| report).ok_or_else(|| format!("{shown} cannot be read as JUnit XML"))
}

fn digest(context: &Context, options: &Arguments, work: &Work) -> Answer {
    let begun = SystemTime::now();
    let folder = crewkit_digest::log::folder(context).unwrap_or_else(|_| PathBuf::from("/tmp"));
    let mut reading = Reading::new(work, &folder);
    let captured = match &work.command {
        None => crewkit_digest::capture_stdin(context, &mut reading)?,
        Some(command) => {
            let (program, arguments) = command.split_first().ok_or_else(|| Refusal::new("no command"))?;
            let mut run = Run::new(context, program).args(arguments);
            if let Some(folder) = &work.folder {
                run = run.directory(folder);
            }
            if let Some(seconds) = options.time_limit {
                run = run.limit(Duration::from_secs(seconds));
            }
            crewkit_digest::capture(context, run, work.streams, &mut reading)?
        }
    };
    // A file from before the run is another run's report.
    let since = work.command.is_some().then(|| begun - FILE_CLOCK);
    let from_file = options.junit.as_ref().map(|path| from_file(context, path, since));
    let given = || options.exit_code.map(i32::from).filter(|code| *code != 0);
    let code = match (&work.command, captured.interrupted) {
        (Some(_), _) => captured.code,
        (None, Some(signal)) => given().or(Some(128 + signal)),
        (None, None) => options.exit_code.map(i32::from),
    };
    let keys = match options.keys {
        Some(KeyChoice::All) => Keys::All,
        // Readers of these answers know their keys from before there were others.
        None if work.chosen && matches!(work.framework, Some("vitest" | "jest" | "playwright" | "npm")) => Keys::All,
        Some(KeyChoice::Few) | None => Keys::Few,
    };
    let is_wanted = from_file.is_some();
    let from_file = from_file.transpose().unwrap_or_else(|why| {
        context.note(format!("--junit: {why}"));
        None
    });
    let folder = work.folder.as_deref().map_or_else(|| context.directory(), Ok)?;
    let run = reading.finish(work, &captured, code, from_file, is_wanted, folder);
    let status = run.status();
    let text = run.answer(keys, options.max_tokens);
    saving::record_run(context, TOOL.name, captured.bytes, text.len() as u64, code);
    let own = match code {
        Some(code) => common::exit_code(code),
        None => u8::from(status != Status::Pass),
    };
    let code = if options.strict && status != Status::Pass { own.max(exit_code::REFUSED) } else { own };
    let mut outcome = Outcome::text(text).with_code(code);
    if let Some(refusal) = captured.refusal {
        outcome = outcome.with_note(format!("{}: {refusal}", TOOL.name));
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests;
