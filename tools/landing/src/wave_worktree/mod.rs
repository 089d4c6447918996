//! wave-worktree: a wave's life in git. It gives the wave a worktree and a branch, and later brings that branch into the
//! main one: commit, push, pull request, checks, squash merge, cleanup. Executors call it, execute-plan, plan-db-safe
//! after a validated wave, and people.
//!
//! `merge` is the way into the main branch. Each of its steps is written down before it is done and looks at the world
//! before it does anything, so the same call after a kill goes on and does nothing twice. It goes through `commit`, then
//! `origin` (`push`, `checks`, `review`, with the calls of gh in `github`) or, without a remote, `local`, and
//! ends with `finish`.

mod checks;
mod cleanup;
mod commit;
mod create;
mod finish;
mod github;
mod local;
mod merge;
mod origin;
mod preview;
mod push;
mod review;
mod site;
mod status;

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};
use crewkit_tool::args::RowId;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};

/// wave-worktree.
pub const TOOL: Tool = Tool {
    name: "wave-worktree",
    summary: "gives a wave its worktree and brings its branch into the main branch",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Gives a wave of a plan a worktree and a branch of its own, and brings that branch into the main branch: commit, push,
/// pull request, checks, squash merge, cleanup.
///
/// The branch is plan/PLAN-CODE, the folder the project's with -plan-PLAN-CODE behind it.
#[derive(Debug, Parser)]
#[command(name = "wave-worktree", disable_version_flag = true)]
#[command(
    after_help = "merge stops at the first step that fails; worktree and branch stay, and the same call goes on\n\
    there. A wave becomes done only when its changes were seen in the main branch. Without any remote it is landed\n\
    through merge-queue.\n\
    Environment: WAVE_DRY_RUN=1: only say what would be done; WAVE_CI_TIMEOUT: seconds to wait for checks (600);\n\
    MAIN_BRANCH (else main, master, origin's).\n\
    Exit codes: 0 done, and for merge: merged; 1 refused, failed, not merged yet, wrong usage."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// A wave of a plan.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Which {
    /// The plan's number.
    #[arg(value_name = "PLAN", allow_negative_numbers = true)]
    plan: RowId,
    /// The wave's row number.
    #[arg(value_name = "WAVE_DB_ID", allow_negative_numbers = true)]
    wave: RowId,
    /// Only say what would be done; nothing is touched.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes the wave's worktree and branch, from the main branch; the answer is one JSON object.
    Create(Which),
    /// The waves of a plan, their branches, pull requests and worktrees.
    Status {
        /// The plan's number.
        #[arg(value_name = "PLAN", allow_negative_numbers = true)]
        plan: RowId,
        /// An array of objects.
        #[arg(long)]
        json: bool,
    },
    /// Brings the wave's branch into the main branch.
    Merge(merge::MergeArguments),
    /// Removes the wave's worktree, and its branch if that is merged.
    Cleanup {
        #[command(flatten)]
        which: Which,
        /// Remove it although there are uncommitted changes: they are lost.
        #[arg(long)]
        force: bool,
    },
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let dry = |which: Which| Ok::<_, Refusal>(which.dry_run || wants_dry_run(context)?);
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| match arguments.command {
        None => Ok(Outcome::text(Arguments::command().render_long_help().to_string())),
        Some(Command::Create(which)) => create::create(context, which, dry(which)?),
        Some(Command::Status { plan, json }) => status::status(context, plan.0, json),
        Some(Command::Merge(arguments)) => merge::merge(context, &arguments, dry(arguments.which)?),
        Some(Command::Cleanup { which, force }) => cleanup::cleanup(context, which, force, dry(which)?),
    })
    // The codes of git and gh mean nothing to our callers.
    .map_err(|refusal| refusal.with_code(exit_code::REFUSED))
}

/// Whether the environment asks for a dry run. A value that cannot be understood is refused: to take it for no would do
/// what was not to be done.
fn wants_dry_run(context: &Context) -> Result<bool, Refusal> {
    match context.variable("WAVE_DRY_RUN").as_deref() {
        None | Some("0" | "false" | "no" | "off") => Ok(false),
        Some("1" | "true" | "yes" | "on") => Ok(true),
        Some(other) => Err(Refusal::new(format!("WAVE_DRY_RUN: '{other}' is neither 1 nor 0"))),
    }
}
