//! project-audit: the guard rails of hardening-check and eleven further checks of a project in one report. Called when a
//! project is set up for agents, and by people.

mod checks;
mod fix;
mod prose;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, ValueEnum};
use crewkit_tool::text::one_line;
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, args, exit_code};
use serde::Serialize;

use crate::hardening_check::folder;
use crate::hardening_check::project::Project;
use crate::hardening_check::rails::{self, Hardening};

/// project-audit.
pub const TOOL: Tool = Tool {
    name: "project-audit",
    summary: "guard rails and eleven further checks of a project in one report",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Looks at a project's guard rails (as hardening-check), its files for agents, .gitignore, scripts, workflows, comments and
/// prose.
///
/// CLAUDE.md is judged at 500 lines here; context-audit, which looks at what is loaded at every start, warns from 100 lines
/// and fails from 150.
#[derive(Debug, Parser)]
#[command(name = "project-audit", disable_version_flag = true)]
#[command(after_help = "Exit codes: 0, with gaps or without; 1 for wrong usage, a folder that is not there, and with \
--fail-on when a check of that severity or a worse one fails (a critical gap counts as P1, a warning as P2, an info as P3).")]
struct Arguments {
    /// The project's folder.
    #[arg(long, value_name = "PATH", default_value = ".")]
    project_root: PathBuf,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
    /// Accepted: nothing is cached, every call reads the files.
    #[arg(long)]
    no_cache: bool,
    /// Ends with 1 when a check of this severity or a worse one fails.
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<Severity>,
    /// Adds the lines that .gitignore lacks, at its end; makes it where there is none.
    #[arg(long)]
    fix: bool,
}

/// How grave it is that a check fails, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
pub(crate) enum Severity {
    /// To be settled now.
    #[value(name = "P1")]
    P1,
    /// To be settled.
    #[value(name = "P2")]
    P2,
    /// Worth a look.
    #[value(name = "P3")]
    P3,
}

#[derive(Serialize)]
struct Report {
    tool: &'static str,
    project_root: String,
    no_cache: u8,
    status: &'static str,
    summary: Summary,
    checks: Checks,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Summary {
    #[serde(rename = "total_checks")]
    total: usize,
    #[serde(rename = "passed_checks")]
    passed: usize,
    #[serde(rename = "failed_checks")]
    failed: usize,
}

#[derive(Serialize)]
struct Checks {
    hardening: Hardening,
    additional: Vec<Check>,
}

/// One of the further checks.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    #[serde(rename = "check")]
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    pub(crate) pass: bool,
    pub(crate) findings: Vec<Finding>,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    /// The root as given, a slash and the file's name; empty where no file is concerned.
    pub(crate) file: String,
    /// A sentence.
    pub(crate) body: String,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        let root = folder(context, &arguments.project_root)?;
        let shown = arguments.project_root.to_string_lossy().into_owned();
        let mut project = Project::read(&root);
        let fixed = if arguments.fix { Some(fix::gitignore(&project)?) } else { None };
        if arguments.fix {
            project = Project::read(&root);
        }
        let report = audit(&project, shown, arguments.no_cache, fixed);
        let failed = arguments.fail_on.is_some_and(|level| report.fails(level));
        let outcome = if arguments.json { Outcome::json(&report) } else { Outcome::text(report.text()) };
        Ok(outcome.with_code(if failed { exit_code::REFUSED } else { exit_code::DONE }))
    })
}

fn audit(project: &Project, shown: String, no_cache: bool, fixed: Option<Vec<String>>) -> Report {
    let hardening = rails::look(project, &shown);
    let additional = checks::all(project, &shown);
    let total = 1 + additional.len();
    let failed = additional.iter().filter(|check| !check.pass).count() + usize::from(!hardening.gaps.is_empty());
    Report {
        tool: TOOL.name,
        project_root: shown,
        no_cache: u8::from(no_cache),
        status: if failed == 0 { "pass" } else { "gaps_found" },
        summary: Summary { total, passed: total - failed, failed },
        checks: Checks { hardening, additional },
        fixed,
    }
}

impl Report {
    fn fails(&self, level: Severity) -> bool {
        let of_gap = |severity| match severity {
            rails::Severity::Critical => Severity::P1,
            rails::Severity::Warning => Severity::P2,
            rails::Severity::Info => Severity::P3,
        };
        self.checks.hardening.gaps.iter().any(|gap| of_gap(gap.severity) <= level)
            || self.checks.additional.iter().any(|check| !check.pass && check.severity <= level)
    }

    fn text(&self) -> String {
        let Summary { total, passed, failed } = &self.summary;
        let mut out = format!(
            "Project: {}\nTotal checks: {total}\nPassed: {passed}\nFailed: {failed}\nStatus: {}\n",
            one_line(&self.project_root),
            self.status
        );
        let _ = writeln!(out, "\nHardening ({}):", self.checks.hardening.score);
        for gap in &self.checks.hardening.gaps {
            let _ = writeln!(out, "  {} [{}]", gap.name, format!("{:?}", gap.severity).to_lowercase());
        }
        out.push_str("\nAdditional:\n");
        for check in &self.checks.additional {
            let _ = writeln!(out, "  {}: {}", check.name, check.pass);
            for finding in &check.findings {
                let place = if finding.file.is_empty() { String::new() } else { format!("{}: ", finding.file) };
                let _ = writeln!(out, "    {}", one_line(&format!("{place}{}", finding.body)));
            }
        }
        for line in self.fixed.iter().flatten() {
            let _ = writeln!(out, "added to .gitignore: {}", one_line(line));
        }
        out
    }
}

#[cfg(test)]
mod tests;
