//! quality-gate-templates: five ready gates for orchestration, as a program, and as functions of a small shell library
//! ([`LIBRARY`]) that calls it.

mod gates;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use crate::hardening_check::folder;

/// quality-gate-templates.
pub const TOOL: Tool = Tool {
    name: "quality-gate-templates",
    summary: "five ready gates: dependencies, variables, secrets, documents, end-to-end tests",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// The shell library that an installation puts beside the program's drop-in name.
pub const LIBRARY: &str = include_str!("library.sh");

/// Runs one gate and prints its result as JSON: gate, pass, findings.
///
/// Gates: pre-deploy-deps (jq, git and curl, or the programs of QUALITY_GATE_DEPS, are in PATH); env-var-audit (every
/// variable that .env.example, else QUALITY_GATE_ENV names is set); security-checklist (nobody but its owner may read .env);
/// doc-sync (README.md is there); e2e-stability (e2e-results.json is there and names no failure).
///
/// `list` prints their names, `library` the shell library with a function for each, `gate_doc_sync` and the like.
#[derive(Debug, Parser)]
#[command(name = "quality-gate-templates", disable_version_flag = true)]
#[command(after_help = "Exit codes: 0 the gate passes, 1 it does not, 2 unknown gate or wrong usage.")]
struct Arguments {
    /// A gate (`doc-sync` or `gate_doc_sync`), `list` or `library`.
    #[arg(value_name = "GATE")]
    gate: String,
    /// The project's folder.
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
}

/// A gate's result.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Passed {
    gate: &'static str,
    pass: bool,
    findings: Vec<String>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::BLOCKED, |arguments| {
        match arguments.gate.as_str() {
            "list" => return Ok(Outcome::text(gates::GATES.map(|(name, _)| name).join("\n"))),
            "library" => return Ok(Outcome::text(LIBRARY)),
            _ => {}
        }
        let name = arguments.gate.replace('_', "-");
        let name = name.strip_prefix("gate-").unwrap_or(&name);
        let Some((gate, look)) = gates::GATES.iter().find(|(known, _)| *known == name) else {
            let known = gates::GATES.map(|(name, _)| name).join(", ");
            return Err(Refusal::new(format!("unknown gate '{}'; there are: {known}", arguments.gate))
                .with_code(exit_code::BLOCKED));
        };
        let root = folder(context, &arguments.root).map_err(|refusal| refusal.with_code(exit_code::BLOCKED))?;
        let findings = look(context, &root);
        let passed = Passed { gate, pass: findings.is_empty(), findings };
        let code = if passed.pass { exit_code::DONE } else { exit_code::REFUSED };
        Ok(Outcome::json(&passed).with_code(code))
    })
}

#[cfg(test)]
mod tests;
