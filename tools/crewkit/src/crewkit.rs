//! crewkit itself: lists its tools, checks the installation, writes man pages and completions, installs.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use crate::table::TOOLS;
use crate::{doctor, events, hooks, logs, manual, setup};

/// crewkit, called by its own name.
pub(crate) const TOOL: Tool = Tool {
    name: "crewkit",
    summary: "the tools that a crew of coding agents shares",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// The tools that a crew of coding agents shares: one program, picked by the name it is called by.
///
/// `crewkit TOOL ...` runs a tool; `crewkit TOOL --help` tells what it does.
#[derive(Debug, Parser)]
#[command(name = "crewkit", version, disable_help_subcommand = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done; 1 refused, or doctor found a fault; 70 a fault of the program itself.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All tools and hooks, a line each.
    List {
        /// As a list of objects: name, family, kind, summary, drop_ins.
        #[arg(long)]
        json: bool,
    },
    /// Checks database, links, hooks, git; exit 1 when something is at fault.
    Doctor {
        /// As one object: ok, checks[] {name, status, detail}.
        #[arg(long)]
        json: bool,
    },
    /// All hooks of an event in one process; agents call it.
    Hook(events::HookArguments),
    /// Which hooks run, their settings, and hooks of git and Copilot in a repository.
    Hooks(hooks::HooksArguments),
    /// A man page on standard output, or all of them as files.
    Man(manual::ManArguments),
    /// Completions of all tools for a shell, to be sourced by it.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: manual::Shell,
    },
    /// The kept outputs of commands that digests ran: list, show ID, grep ID TEXT.
    Log(logs::LogArguments),
    /// Installs this program with all links and hooks, or takes it away again. install.sh calls it.
    Setup(setup::SetupArguments),
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    family: &'static str,
    kind: &'static str,
    summary: &'static str,
    drop_ins: &'static [&'static str],
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    if let Some(refusal) = unknown_tool(arguments) {
        return Err(refusal);
    }
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| match arguments.command {
        Command::List { json } => Ok(list(json)),
        Command::Doctor { json } => doctor::run(context, json),
        Command::Hook(arguments) => events::named(context, &arguments),
        Command::Hooks(arguments) => hooks::run(context, &arguments),
        Command::Man(arguments) => manual::man(context, &arguments),
        Command::Completions { shell } => Ok(manual::completions(shell)),
        Command::Log(arguments) => logs::run(context, arguments),
        Command::Setup(arguments) => setup::run(context, &arguments),
    })
}

fn list(json: bool) -> Outcome {
    if json {
        let rows: Vec<Row> = TOOLS
            .iter()
            .map(|entry| Row {
                name: entry.tool.name,
                family: entry.family,
                kind: if entry.tool.kind == Kind::Hook { "hook" } else { "tool" },
                summary: entry.tool.summary,
                drop_ins: entry.drop_ins,
            })
            .collect();
        return Outcome::json(&rows);
    }
    let rows: Vec<Vec<String>> = TOOLS
        .iter()
        .map(|entry| [entry.tool.name, entry.family, entry.tool.summary].map(str::to_owned).to_vec())
        .collect();
    Outcome::text(crewkit_tool::text::columns(&rows))
}

/// A refusal that names the nearest tools, when the first argument is neither a tool, a subcommand nor an option.
fn unknown_tool(arguments: &[OsString]) -> Option<Refusal> {
    let name = arguments.first()?.to_string_lossy();
    let command = Arguments::command();
    if name.starts_with('-') || command.get_subcommands().any(|subcommand| subcommand.get_name() == name) {
        return None;
    }
    let known = TOOLS.iter().map(|entry| entry.tool.name).chain(command.get_subcommands().map(clap::Command::get_name));
    let near = nearest(&name, known);
    let hint = if near.is_empty() {
        "'crewkit list' shows all".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    Some(Refusal::new(format!("unknown tool '{name}'; {hint}")))
}

/// Up to three of `known` that are near to `name`, nearest first.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let plain = name.trim_end_matches(".sh").trim_end_matches(".py");
    let mut scored: Vec<(f64, &str)> = known
        .map(|candidate| {
            let part = plain.len() >= 3 && (candidate.contains(plain) || plain.contains(candidate));
            let score = strsim::jaro_winkler(plain, candidate);
            (if part { score.max(0.9) } else { score }, candidate)
        })
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|one, other| other.0.total_cmp(&one.0));
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        let known = ["plan-db", "file-lock", "file-lock-session", "git-digest"];
        assert_eq!(nearest("plandb", known.into_iter()), ["plan-db"]);
        assert_eq!(nearest("file-lok", known.into_iter())[0], "file-lock");
        assert_eq!(nearest("digest.sh", known.into_iter()), ["git-digest"]);
        assert!(nearest("zzz", known.into_iter()).is_empty());
    }
}
