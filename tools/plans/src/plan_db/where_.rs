//! `where`: which computer runs a plan, and whether it is alive.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use serde::Serialize;

use crewkit_store::plan_views::PlanHost;
use crewkit_tool::args::{self, RowId};
use crewkit_tool::remote::{self, RemoteSettings};
use crewkit_tool::{Answer, Clock, Context, Outcome, Refusal, exit_code, text};

use super::{Subcommand, show};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[Subcommand { name: "where", command: Where::command, run }];

/// A sign of life older than this many seconds does not count.
const FRESH_SECONDS: i64 = 5 * 60;

/// Shows which computer has claimed each open plan; of one plan also whether that computer answers, and its tasks
#[derive(Parser)]
#[command(name = "where", bin_name = "plan-db where")]
struct Where {
    /// The plan's number
    #[arg(value_name = "PLAN_ID")]
    plan: Option<RowId>,
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Everywhere {
    host: String,
    plans: Vec<PlacedPlan>,
}

#[derive(Serialize)]
struct PlacedPlan {
    id: i64,
    name: String,
    status: String,
    host: Option<String>,
}

#[derive(Serialize)]
struct OnePlan {
    #[serde(flatten)]
    plan: PlacedPlan,
    liveness: Liveness,
    tasks: Vec<PlacedTask>,
}

#[derive(Serialize)]
struct PlacedTask {
    task_id: String,
    status: String,
    host: Option<String>,
}

/// What is known of a computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Liveness {
    /// This one, or none.
    Local,
    /// A fresh sign of life, or it answers.
    Alive,
    /// An old sign of life and no answer.
    Stale,
    /// Never a sign of life, and no answer.
    Unreachable,
}

impl Liveness {
    fn word(self) -> &'static str {
        match self {
            Self::Local => "LOCAL",
            Self::Alive => "ALIVE",
            Self::Stale => "STALE",
            Self::Unreachable => "UNREACHABLE",
        }
    }
}

impl From<PlanHost> for PlacedPlan {
    fn from(plan: PlanHost) -> Self {
        Self { id: plan.id, name: plan.name, status: plan.status, host: plan.host }
    }
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Where>(arguments, exit_code::REFUSED, |args| match args.plan {
        None => everywhere(context, args.json),
        Some(id) => one(context, id, args.json),
    })
}

fn everywhere(context: &Context, json: bool) -> Answer {
    let plans = context.store()?.plan_views().open_plan_hosts()?;
    let host = context.host();
    if json {
        return Ok(Outcome::json(&Everywhere { host, plans: plans.into_iter().map(PlacedPlan::from).collect() }));
    }
    let mut out = format!("Current host: {}\n\n", text::one_line(&host));
    if plans.is_empty() {
        out.push_str("  (no open plans)\n");
    }
    for PlanHost { id, name, status, host } in plans {
        let host = host.as_deref().unwrap_or("unknown");
        out.push_str(&text::one_line(&format!("  Plan {id} ({name}) [{status}] -> {host}")));
        out.push('\n');
    }
    Ok(Outcome::text(out))
}

fn one(context: &Context, id: RowId, json: bool) -> Answer {
    let found = context.store()?.plan_views().hosted_plan(id.0)?.ok_or_else(|| show::no_plan(id))?;
    let liveness = liveness(context, found.plan.host.as_deref())?;
    if json {
        let tasks =
            found.tasks.into_iter().map(|task| PlacedTask { task_id: task.code, status: task.status, host: task.host });
        return Ok(Outcome::json(&OnePlan { plan: found.plan.into(), liveness, tasks: tasks.collect() }));
    }
    let PlanHost { id, name, status, host } = found.plan;
    let host = host.as_deref().unwrap_or("unknown");
    let mut out = text::one_line(&format!("Plan {id} ({name}) -> {host} [{status}] {}", liveness.word()));
    out.push('\n');
    if !found.tasks.is_empty() {
        out.push_str("\nTasks:\n");
    }
    for task in found.tasks {
        let host = task.host.as_deref().unwrap_or("-");
        out.push_str(&text::one_line(&format!("  {} [{}] -> {host}", task.code, task.status)));
        out.push('\n');
    }
    Ok(Outcome::text(out))
}

fn liveness(context: &Context, host: Option<&str>) -> Result<Liveness, Refusal> {
    let Some(host) = host else { return Ok(Liveness::Local) };
    if host.strip_suffix(".local").unwrap_or(host) == context.host() {
        return Ok(Liveness::Local);
    }
    let heartbeat = context.store()?.plan_views().heartbeat(host)?;
    let seen = heartbeat.as_ref().and_then(|beat| Clock::parse(beat.last_seen.as_deref()?));
    if seen.is_some_and(|seen| (context.clock.seconds() - seen).abs() < FRESH_SECONDS) {
        return Ok(Liveness::Alive);
    }
    // The settings may say by which user or alias this computer is reached.
    let configured = RemoteSettings::read(context).ok().and_then(|settings| settings.host);
    let destination = configured
        .filter(|destination| destination.rsplit_once('@').map_or(destination.as_str(), |(_, name)| name) == host);
    if remote::answers(context, destination.as_deref().unwrap_or(host)) {
        return Ok(Liveness::Alive);
    }
    Ok(if heartbeat.is_some() { Liveness::Stale } else { Liveness::Unreachable })
}
