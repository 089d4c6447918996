//! `get-worktree`, `get-wave-worktree`: where a plan or a wave is worked on.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use clap::{CommandFactory, Parser};

use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};

use super::{Subcommand, show};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "get-worktree", command: GetWorktree::command, run: get_worktree },
    Subcommand { name: "get-wave-worktree", command: GetWaveWorktree::command, run: get_wave_worktree },
];

/// Prints the path of a plan's worktree
#[derive(Parser)]
#[command(name = "get-worktree", bin_name = "plan-db get-worktree")]
struct GetWorktree {
    /// The plan's number
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
}

fn get_worktree(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<GetWorktree>(arguments, exit_code::REFUSED, |args| {
        let stored = context.store()?.plan_views().plan_worktree(args.plan.0)?;
        line(context, stored.ok_or_else(|| show::no_plan(args.plan))?, "plan", args.plan)
    })
}

/// Prints the path of a wave's worktree
#[derive(Parser)]
#[command(name = "get-wave-worktree", bin_name = "plan-db get-wave-worktree")]
struct GetWaveWorktree {
    /// The wave's row number, not its code
    #[arg(value_name = "WAVE_DB_ID")]
    wave: RowId,
}

fn get_wave_worktree(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<GetWaveWorktree>(arguments, exit_code::REFUSED, |args| {
        let stored = context.store()?.plan_views().wave_worktree(args.wave.0)?;
        let unknown = || Refusal::new(format!("wave {} not found", args.wave.0));
        line(context, stored.ok_or_else(unknown)?, "wave", args.wave)
    })
}

/// The path byte for byte, whatever characters it holds: a program goes there.
fn line(context: &Context, stored: Option<PathBuf>, kind: &str, id: RowId) -> Answer {
    let Some(stored) = stored else {
        return Err(Refusal::new(format!("no worktree is set for {kind} {}", id.0)));
    };
    let mut stdout = context.expand_home(&stored).into_os_string().into_vec();
    stdout.push(b'\n');
    Ok(Outcome { stdout, ..Outcome::silent() })
}
