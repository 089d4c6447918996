//! start, claim, release, heartbeat: which computer works on a plan.

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser};
use crewkit_store::plans::Claimed;
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};

use super::{Subcommand, config_check};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "start", command: Start::command, run: start },
    Subcommand { name: "claim", command: Claim::command, run: claim },
    Subcommand { name: "release", command: Release::command, run: release },
    Subcommand { name: "heartbeat", command: Heartbeat::command, run: heartbeat },
];

/// Begin work on a plan on this computer
#[derive(Debug, Parser)]
#[command(name = "start", bin_name = "plan-db start")]
struct Start {
    #[command(flatten)]
    claim: WhichPlan,
}

/// Claim a plan for this computer
#[derive(Debug, Parser)]
#[command(name = "claim", bin_name = "plan-db claim")]
struct Claim {
    #[command(flatten)]
    claim: WhichPlan,
}

#[derive(Debug, clap::Args)]
struct WhichPlan {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Take it from another computer; open it again when it is done or archived
    #[arg(long)]
    force: bool,
}

/// Give up this computer's claim on a plan
#[derive(Debug, Parser)]
#[command(name = "release", bin_name = "plan-db release")]
struct Release {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
}

/// Write that this computer is alive, and how many plans it is working on
#[derive(Debug, Parser)]
#[command(name = "heartbeat", bin_name = "plan-db heartbeat")]
struct Heartbeat {}

fn start(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Start>(arguments, exit_code::REFUSED, |args| {
        let (claimed, host) = take(context, &args.claim, true)?;
        let line = format!("[OK] Started plan {} on {host}", args.claim.plan.0);
        Ok(say(&claimed, args.claim.plan.0).with_note(line))
    })
}

fn claim(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Claim>(arguments, exit_code::REFUSED, |args| {
        let (claimed, host) = take(context, &args.claim, false)?;
        let line = format!("[OK] Claimed plan {} on {host}", args.claim.plan.0);
        Ok(say(&claimed, args.claim.plan.0).with_note(line))
    })
}

fn take(context: &Context, which: &WhichPlan, start: bool) -> Result<(Claimed, String), Refusal> {
    let host = context.host();
    let plans = context.store()?.plans();
    plans.brief(which.plan.0)?;
    config_check::before_claim(context, which.force)?;
    let claimed = plans.claim(which.plan.0, &host, which.force, start, &context.now())?;
    Ok((claimed, host))
}

fn say(claimed: &Claimed, plan: i64) -> Outcome {
    let mut answer = Outcome::silent();
    if let Some(holder) = &claimed.taken_from {
        answer = answer.with_note(format!("[WARN] Plan {plan} was taken over from {holder}"));
    }
    if claimed.reopened {
        answer = answer.with_note(format!("[WARN] Plan {plan} is open again: its completion and validation are void"));
    }
    answer
}

fn release(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Release>(arguments, exit_code::REFUSED, |args| {
        let plan = args.plan.0;
        let held = context.store()?.plans().release(plan, &context.host(), &context.now())?;
        let line =
            if held { format!("[OK] Released plan {plan}") } else { format!("[WARN] Plan {plan} was not claimed") };
        Ok(Outcome::silent().with_note(line))
    })
}

fn heartbeat(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Heartbeat>(arguments, exit_code::REFUSED, |_| {
        let host = context.host();
        let plans = context.store()?.plans().heartbeat(&host, &context.system(), &context.now())?;
        Ok(Outcome::silent().with_note(format!("[OK] Heartbeat of {host}, plans under way: {plans}")))
    })
}
