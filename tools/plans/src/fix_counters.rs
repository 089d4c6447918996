//! fix-counters: counts the tasks of all waves and plans again. People call it after direct edits of the database.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{CommandFactory, Parser};
use crewkit_store::plans::{Counted, Miscount, Named, Recount};
use crewkit_store::{Settings, Store};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::Serialize;

/// fix-counters.
pub const TOOL: Tool = Tool {
    name: "fix-counters",
    summary: "counts the tasks of all waves and plans again",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// Counts the tasks of all waves and plans again
///
/// Waves whose tasks are all finished become done, unless they are merging or blocked; plans that are doing, finished and
/// validated are completed where plan-db complete does it. CLAUDE_DATA names the data folder. Exit 0; 1 without a database
/// or with counters that are still wrong.
#[derive(Debug, Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {
    /// Shows what is wrong and changes nothing; exit 1 when something is
    #[arg(long)]
    dry_run: bool,
    /// One object: waves_fixed, plans_fixed, waves_closed, plans_completed, ready_to_complete, mismatched, orphans
    #[arg(long)]
    json: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |args| {
        let settings = settings(context)?;
        let Some(store) = Store::open_existing(&settings)? else {
            return Err(Refusal::new(format!("no database at {}", settings.path.display())));
        };
        for notice in store.notices() {
            context.note(notice.clone());
        }
        let found = if args.dry_run { store.plans().recount_dry()? } else { store.plans().recount(&context.now())? };
        let mut report = Report::of(&found);
        if !args.dry_run {
            for plan in &found.complete {
                match complete(context, &settings, plan) {
                    Ok(()) => report.plans_completed.push(plan.into()),
                    Err(reason) => report.ready(plan, reason),
                }
            }
        }
        let wrong_still = !found.left.is_empty();
        let answer = if args.json { Outcome::json(&report) } else { Outcome::text(report.text(&found, args.dry_run)) };
        Ok(answer.with_code(if wrong_still { exit_code::REFUSED } else { exit_code::DONE }))
    })
}

/// The database: in `CLAUDE_DATA` where that is set, else the shared one.
fn settings(context: &Context) -> Result<Settings, Refusal> {
    let path = match context.variable_path("CLAUDE_DATA") {
        Some(folder) => context.absolute(&context.expand_home(&folder))?.join("dashboard.db"),
        None => context.database_path()?,
    };
    Ok(Settings { path, host: context.host(), now: context.now() })
}

/// Completes a plan as plan-db does it, with all that it asks for; the reason when it does not.
fn complete(context: &Context, settings: &Settings, plan: &Named) -> Result<(), String> {
    let run = Run::tool(context, "plan-db")
        .and_then(|run| run.args(["complete", &plan.id.to_string()]).variable("PLAN_DB_FILE", &settings.path).run());
    match run {
        Ok(ended) if ended.ok() => Ok(()),
        Ok(ended) => Err(ended.complaint()),
        Err(refusal) => Err(refusal.message),
    }
}

#[derive(Debug, Serialize)]
struct PlanName {
    id: i64,
    name: String,
}

impl From<&Named> for PlanName {
    fn from(plan: &Named) -> Self {
        Self { id: plan.id, name: plan.name.clone() }
    }
}

#[derive(Debug, Serialize)]
struct ReadyPlan {
    id: i64,
    name: String,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Wrong {
    kind: &'static str,
    id: i64,
    name: String,
    counted_done: i64,
    counted_total: i64,
    real_done: i64,
    real_total: i64,
}

#[derive(Debug, Serialize)]
struct Orphans {
    tasks_without_wave: i64,
    tasks_without_plan: i64,
}

#[derive(Debug, Serialize)]
struct Report {
    waves_fixed: usize,
    plans_fixed: usize,
    waves_closed: usize,
    plans_completed: Vec<PlanName>,
    ready_to_complete: Vec<ReadyPlan>,
    mismatched: Vec<Wrong>,
    orphans: Orphans,
}

impl Report {
    fn of(found: &Recount) -> Self {
        // What is wrong still was not fixed.
        let fixed = |kind: Counted| {
            let of_kind = |row: &&Miscount| row.kind == kind;
            let still = |row: &&Miscount| found.left.iter().any(|left| (left.kind, left.id) == (row.kind, row.id));
            found.wrong.iter().filter(of_kind).filter(|row| !still(row)).count()
        };
        let mut report = Self {
            waves_fixed: fixed(Counted::Wave),
            plans_fixed: fixed(Counted::Plan),
            waves_closed: found.closed.len(),
            plans_completed: Vec::new(),
            ready_to_complete: Vec::new(),
            mismatched: found.left.iter().map(wrong).collect(),
            orphans: Orphans { tasks_without_wave: found.orphans.0, tasks_without_plan: found.orphans.1 },
        };
        for (plan, reason) in &found.ready {
            report.ready(plan, reason.clone());
        }
        report
    }

    fn ready(&mut self, plan: &Named, reason: String) {
        self.ready_to_complete.push(ReadyPlan { id: plan.id, name: plan.name.clone(), reason });
    }

    fn text(&self, found: &Recount, dry: bool) -> String {
        let would = if dry { "to be " } else { "" };
        let mut out = String::new();
        let wrong = |kind: Counted| found.wrong.iter().filter(|row| row.kind == kind).count();
        let _ = writeln!(
            out,
            "Wave counters {would}corrected: {}",
            if dry { wrong(Counted::Wave) } else { self.waves_fixed }
        );
        let _ = writeln!(out, "Waves {would}closed: {}", names(&found.closed));
        let _ = writeln!(
            out,
            "Plan counters {would}corrected: {}",
            if dry { wrong(Counted::Plan) } else { self.plans_fixed }
        );
        if dry {
            let _ = writeln!(out, "Plans to be completed: {}", names(&found.complete));
        } else {
            let done: Vec<Named> =
                self.plans_completed.iter().map(|plan| Named { id: plan.id, name: plan.name.clone() }).collect();
            let _ = writeln!(out, "Plans completed: {}", names(&done));
        }
        for plan in &self.ready_to_complete {
            let (name, reason) = (text::one_line(&plan.name), text::one_line(&plan.reason));
            let _ = writeln!(out, "Ready to complete: plan {} ({name}), left doing: {reason}", plan.id);
        }
        for (count, what) in [(self.orphans.tasks_without_wave, "wave"), (self.orphans.tasks_without_plan, "plan")] {
            if count > 0 {
                let _ = writeln!(out, "Tasks without a {what}: {count}");
            }
        }
        let _ = writeln!(out, "Mismatched counters: {}", self.mismatched.len());
        let rows: Vec<Vec<String>> = self.mismatched.iter().map(Wrong::cells).collect();
        if !rows.is_empty() {
            let head = ["kind", "id", "name", "counted", "real"].map(str::to_owned).to_vec();
            out.push_str(&text::columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
        }
        out
    }
}

fn wrong(row: &Miscount) -> Wrong {
    Wrong {
        kind: match row.kind {
            Counted::Wave => "wave",
            Counted::Plan => "plan",
        },
        id: row.id,
        name: row.name.clone(),
        counted_done: row.stored.0,
        counted_total: row.stored.1,
        real_done: row.real.0,
        real_total: row.real.1,
    }
}

impl Wrong {
    fn cells(&self) -> Vec<String> {
        let counted = format!("{}/{}", self.counted_done, self.counted_total);
        let real = format!("{}/{}", self.real_done, self.real_total);
        vec![self.kind.to_owned(), self.id.to_string(), self.name.clone(), counted, real]
    }
}

fn names(rows: &[Named]) -> String {
    let named: Vec<String> = rows.iter().map(|row| format!("{} (#{})", text::one_line(&row.name), row.id)).collect();
    if named.is_empty() { "0".to_owned() } else { format!("{}: {}", rows.len(), named.join(", ")) }
}
