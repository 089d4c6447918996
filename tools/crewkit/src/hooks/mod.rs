//! `crewkit hooks`: which hooks run, their settings, and installing them where an agent's settings.json does not reach:
//! git's own pre-commit, Copilot's `.github/hooks`.

mod copilot;
mod git;
mod lefthook;
mod list;
mod pre_commit;
mod settings;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};

pub(crate) use settings::check_file;

/// Arguments of `crewkit hooks`.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct HooksArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every hook with its event, what it is asked about, and whether it runs here.
    List {
        /// As a list of objects: name, event, matcher, runs, default, program.
        #[arg(long)]
        json: bool,
    },
    /// Prints every setting with its default, as a file to begin with.
    Settings {
        /// Writes it to ~/.claude/crewkit.toml, where none is there yet.
        #[arg(long, conflicts_with = "check")]
        write: bool,
        /// Names what is wrong in the files that hold here; exit code 1 when something is.
        #[arg(long)]
        check: bool,
    },
    /// Installs hooks into a repository. Calling it again changes nothing.
    ///
    /// With --git: git runs `crewkit hooks pre-commit` before each commit. A hook that is there keeps its place and gets
    /// one line behind its first; core.hooksPath is followed. Beside a hook manager nothing that it writes is changed: for
    /// pre-commit the line stands in pre-commit.legacy, which it calls; for lefthook a marked block in lefthook-local.yml,
    /// kept out of git's sight. Files that others share (husky's .husky/pre-commit, a folder of hooks in the work tree
    /// or for all repositories) are changed with --shared alone; without it the line to add is printed, exit code 1.
    Install(PlaceArguments),
    /// Takes out again what install put in, and nothing else.
    Uninstall(PlaceArguments),
    /// Says where hooks are installed in a repository; exit code 1 when git calls none.
    Status {
        /// The repository.
        #[arg(value_name = "REPO", default_value = ".")]
        repo: PathBuf,
    },
    /// What git calls before a commit: the checks that `pre_commit` under [hooks] in crewkit.toml names. Exit code 1 when
    /// one of them refuses, or could not be made.
    PreCommit,
}

#[derive(Debug, Args)]
pub(crate) struct PlaceArguments {
    /// git's pre-commit.
    #[arg(long, required_unless_present = "copilot")]
    git: bool,
    /// Copilot's .github/hooks/crewkit.json: all hooks of each event.
    #[arg(long)]
    copilot: bool,
    /// Changes files that others share too.
    #[arg(long)]
    shared: bool,
    /// The repository.
    #[arg(value_name = "REPO", default_value = ".")]
    repo: PathBuf,
}

/// `crewkit hooks`.
pub(crate) fn run(context: &Context, arguments: &HooksArguments) -> Answer {
    match &arguments.command {
        Command::List { json } => list::run(context, *json),
        Command::Settings { write, check } => settings::run(context, *write, *check),
        Command::Install(place) => {
            both(place, || git::install(context, &place.repo, place.shared), || copilot::install(context, &place.repo))
        }
        Command::Uninstall(place) => {
            both(place, || git::uninstall(context, &place.repo), || copilot::uninstall(context, &place.repo))
        }
        Command::Status { repo } => {
            let (git, copilot) = (git::status(context, repo)?, copilot::status(context, repo)?);
            let code = if git.1 { exit_code::DONE } else { exit_code::REFUSED };
            Ok(Outcome::text(format!("{}\n{copilot}", git.0)).with_code(code))
        }
        Command::PreCommit => pre_commit::run(context),
    }
}

/// Does what was asked for, git first, and joins what they say.
fn both(
    place: &PlaceArguments,
    git: impl FnOnce() -> Result<String, Refusal>,
    copilot: impl FnOnce() -> Result<String, Refusal>,
) -> Answer {
    let mut lines = Vec::new();
    if place.git {
        lines.push(git()?);
    }
    if place.copilot {
        lines.push(copilot()?);
    }
    Ok(Outcome::text(lines.join("\n")))
}
