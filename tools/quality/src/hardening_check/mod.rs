//! hardening-check: are a repository's guard rails there? Asked before a project's first plan, by project-audit and by
//! people. Reads files only; `--fix` writes templates where nothing is.

mod fix;
pub(crate) mod project;
pub(crate) mod rails;
mod scan;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use project::Project;
use rails::{Hardening, Severity};
use scan::Exposed;

/// hardening-check.
pub const TOOL: Tool = Tool {
    name: "hardening-check",
    summary: "whether a repository's guard rails are there",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Tells as JSON which guard rails a repository lacks: hooks, linters, secret scans, templates, decision records.
///
/// The score counts the checks of every project, of Node and of Python; those of Rust, Go and Java stand in `checks` alone.
#[derive(Debug, Parser)]
#[command(name = "hardening-check", disable_version_flag = true)]
#[command(after_help = "Exit codes: 0, with gaps or without; 1 for wrong usage, a folder that is not there, and with \
--fail-on when a gap is as severe.")]
struct Arguments {
    /// The project's folder.
    #[arg(value_name = "PATH", conflicts_with = "project_root")]
    path: Option<PathBuf>,
    /// The same.
    #[arg(long, value_name = "PATH")]
    project_root: Option<PathBuf>,
    /// Ends with 1 when a gap has this severity or a worse one.
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<Severity>,
    /// Writes templates for gaps that a file fills; never overwrites. What was written is listed in `written`.
    #[arg(long)]
    fix: bool,
    /// Also looks for credentials and paths of home folders in the project's files, listed in `exposed`.
    #[arg(long)]
    scan: bool,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    hardening: Hardening,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposed: Option<Vec<Exposed>>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        let given = arguments.project_root.or(arguments.path).unwrap_or_else(|| ".".into());
        let root = folder(context, &given)?;
        let mut hardening = rails::look(&Project::read(&root), &given.to_string_lossy());
        let written = if arguments.fix { Some(fix::write(&root, &hardening)?) } else { None };
        if written.as_ref().is_some_and(|written| !written.is_empty()) {
            hardening = rails::look(&Project::read(&root), &given.to_string_lossy());
        }
        let exposed = if arguments.scan { Some(scan::exposed(context, &root)?) } else { None };
        let bad = arguments.fail_on.is_some_and(|level| hardening.gaps.iter().any(|gap| gap.severity <= level));
        let report = Report { hardening, written, exposed };
        Ok(Outcome::json(&report).with_code(if bad { exit_code::REFUSED } else { exit_code::DONE }))
    })
}

/// The folder that `given` means.
///
/// # Errors
/// When there is no such folder.
pub(crate) fn folder(context: &Context, given: &Path) -> Result<PathBuf, Refusal> {
    let root = context.absolute(given)?;
    if given.as_os_str().is_empty() || !root.is_dir() {
        return Err(Refusal::new(format!("no such folder: {}", given.display())));
    }
    Ok(root)
}

#[cfg(test)]
mod tests;
