//! hook-secret-scanner: before `git commit` runs, looks for secrets and hard-wired addresses in the files that it would
//! take. Called by the agent (PreToolUse, Bash), and by hand: `hook-secret-scanner scan`.
//!
//! What counts is what git would commit, from the repository that the command works on. Secrets are looked for in the
//! whole of each file that changes, addresses in the lines that are new.

mod baseline;
mod by_hand;
mod findings;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_hook::{Event, Plain};
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, args, exit_code};

use crate::commit::{self, Commit, Content, Reach};
use crate::entry;
use baseline::Baseline;
use findings::{Addresses, Finding, list};

/// hook-secret-scanner.
pub const TOOL: Tool = Tool {
    name: "hook-secret-scanner",
    summary: "keeps secrets and hard-wired addresses out of commits",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The name of this hook's table in crewkit.toml.
const TABLE: &str = "secret-scanner";

/// What is to be done about a secret.
pub(crate) const WAY_ON: &str = "Take it out of the files (into the environment, say) and stage them again. A false \
    alarm's line passes with the comment crewkit:allow-secret.";

/// Reads a hook event from standard input. Blocks a `git commit` that would take a secret, each named with file, line
/// and a masked value; also addresses of services that are written into source files.
///
/// A line that holds `crewkit:allow-secret` passes, and so does what the baseline lists (`.crewkit-baseline` at the top
/// of the repository, written by `scan --write-baseline`). Lock files and minified files are not looked at.
/// `SECRET_SCANNER_ADDRESSES`, else `addresses` under [secret-scanner] in crewkit.toml, says what becomes of addresses:
/// block (in source files; elsewhere they are told), advise, off (default: block).
#[derive(Parser)]
#[command(name = TOOL.name, disable_version_flag = true, subcommand_required = false, disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Looks through files by hand: 0 nothing found, 1 something found, 2 not everything could be read.
    Scan(Scan),
}

/// What `scan` is told.
#[derive(clap::Args)]
struct Scan {
    /// What is staged in the repository here.
    #[arg(long, conflicts_with = "paths")]
    staged: bool,
    /// Enters what is found into the baseline, in place of what it held.
    #[arg(long)]
    write_baseline: bool,
    /// Files and folders; none: all files of the repository here that git knows.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    if arguments.is_empty() {
        return entry::run::<Args>(context, arguments, answer);
    }
    let by_hand = arguments.first().is_some_and(|word| word == "scan");
    let ended = args::with::<Args>(arguments, exit_code::REFUSED, |args| match args.command {
        None => entry::run::<Args>(context, &[], answer),
        Some(Command::Scan(scan)) => by_hand::scan(context, &scan),
    });
    match ended {
        // A check that could not run is no pass, whatever a hook may do with its own faults.
        Err(refusal) if by_hand => {
            Ok(Outcome::silent().with_note(format!("{}: {refusal}", TOOL.name)).with_code(exit_code::BLOCKED))
        }
        ended => ended,
    }
}

/// The answer to `event`; silent for anything but a shell command that makes a commit.
///
/// # Errors
/// When the directory of a commit cannot be told. Where git cannot tell what it would take, that is noted.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let Some(command) = entry::command_to_run(event) else { return Ok(Outcome::silent()) };
    let Some(commits) = commit::of_command(context, event, command)? else {
        return Ok(event.block(entry::UNREADABLE));
    };
    if commits.is_empty() {
        return Ok(Outcome::silent());
    }
    let set = context.variable("SECRET_SCANNER_ADDRESSES");
    let addresses = Addresses::set(context, set.as_deref().or(event.settings(context).text(TABLE, "addresses")));
    let mut findings: Vec<Finding> = Vec::new();
    for commit in &commits {
        // What was found in one commit holds, whatever comes of the next.
        let found = found_in(context, commit, addresses).unwrap_or_else(|fault| {
            context.note(fault.to_string());
            Vec::new()
        });
        for finding in found {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    Ok(told(event, &findings))
}

/// What is found in what `commit` would take, without what the repository's baseline lists.
fn found_in(context: &Context, commit: &Commit, addresses: Addresses) -> Result<Vec<Finding>, crewkit_tool::Refusal> {
    let content = Content::read(context, commit, Reach::Whole)?;
    let mut findings: Vec<Finding> = Vec::new();
    for file in content.files() {
        findings::of_file(&file, addresses, &mut findings);
    }
    if findings.is_empty() {
        return Ok(findings);
    }
    let baseline = Baseline::of_repository(context, &content.top);
    findings.retain(|finding| !baseline.lists(finding));
    Ok(findings)
}

fn told(event: &Event, findings: &[Finding]) -> Outcome {
    let (block, advise): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.blocks);
    let told = |title: &str, findings: &[&Finding]| format!("{title}\n{}", list(findings));
    if block.is_empty() && advise.is_empty() {
        return Outcome::silent();
    }
    let addresses = "Addresses of services that are to be committed; a setting may be the better place:";
    if block.is_empty() {
        return event.advise(told(addresses, &advise).trim_end(), Plain::Stderr);
    }
    let mut reason = told("BLOCKED: this must not be committed:", &block);
    reason.push_str(WAY_ON);
    if !advise.is_empty() {
        let _ = write!(reason, "\n{}", told(addresses, &advise).trim_end());
    }
    event.block(&reason)
}

/// The path of `file` from `top`, where it lies in it.
fn relative<'p>(top: &Path, file: &'p Path) -> &'p Path {
    file.strip_prefix(top).unwrap_or(file)
}
