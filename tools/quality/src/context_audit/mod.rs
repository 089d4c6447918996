//! context-audit: the monthly health of an assistant's configuration. Called by people, and by a hook of the settings
//! templates.

mod documents;
mod hooks;
mod programs;
mod projects;
mod usage;

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{CommandFactory, Parser};
use crewkit_tool::text::one_line;
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, args, exit_code};
use serde::Serialize;

/// context-audit.
pub const TOOL: Tool = Tool {
    name: "context-audit",
    summary: "the health of the assistant's configuration: sizes, hooks, versions, tokens, projects",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Looks at CLAUDE.md (100 lines: warning, 150: failure), rules, agents, the assistant's version, hooks, the tokens of the
/// last 30 days, and the projects' CLAUDE.md (those of the database, and the folders in CONTEXT_PROJECTS_DIR, ~/GitHub where
/// it is not set).
///
/// Hooks are run with {} on standard input for at most 5 s, in an empty folder with a home of its own, without the network
/// where the system allows that.
#[derive(Debug, Parser)]
#[command(name = "context-audit", disable_version_flag = true)]
#[command(after_help = "Exit codes: 0 without failures, 1 with, and for wrong usage.")]
struct Arguments {
    /// Accepted; every call does all.
    #[arg(long)]
    maintenance: bool,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
    /// Asks nobody on the network for the current version.
    #[arg(long)]
    offline: bool,
}

/// What is thought of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Verdict {
    /// It is well.
    Pass,
    /// It should be looked at.
    Warn,
    /// It is broken.
    Fail,
    /// It cannot be judged.
    None,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) section: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) text: String,
}

impl Line {
    fn new(section: &'static str, verdict: Verdict, text: impl Into<String>) -> Self {
        Self { section, verdict, text: text.into() }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    status: &'static str,
    warnings: usize,
    failures: usize,
    lines: Vec<Line>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        let home = context.claude_home()?;
        let mut lines = documents::main_file(context, &home);
        lines.extend(documents::rules(&home));
        lines.extend(documents::agents(&home));
        lines.extend(programs::versions(context, arguments.offline));
        lines.extend(hooks::run_all(context, &home));
        lines.extend(usage::last_month(context));
        lines.extend(projects::look(context));
        let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
        let (warnings, failures) = (count(Verdict::Warn), count(Verdict::Fail));
        let status = if failures == 0 { "HEALTHY" } else { "NEEDS ATTENTION" };
        let report = Report { status, warnings, failures, lines };
        let outcome = if arguments.json { Outcome::json(&report) } else { Outcome::text(report.text()) };
        Ok(outcome.with_code(if failures == 0 { exit_code::DONE } else { exit_code::REFUSED }))
    })
}

impl Report {
    fn text(&self) -> String {
        let mut out = String::new();
        let mut section = "";
        for line in &self.lines {
            if line.section != section {
                section = line.section;
                let _ = writeln!(out, "{section}");
            }
            let verdict = match line.verdict {
                Verdict::Pass => "[PASS]",
                Verdict::Warn => "[WARN]",
                Verdict::Fail => "[FAIL]",
                Verdict::None => "      ",
            };
            let _ = writeln!(out, "{verdict} {}", one_line(&line.text));
        }
        let _ = writeln!(out, "Warnings: {} | Failures: {}\nStatus: {}", self.warnings, self.failures, self.status);
        out
    }
}

#[cfg(test)]
mod tests;
