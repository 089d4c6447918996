//! wave-overlap: do two tasks of one wave touch the same file? Planners ask before an import, people and `plan-db
//! wave-overlap` at any time.

mod held;
mod overlap;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser};
use crewkit_store::plan_views::{TaskTexts, WaveHead};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, exit_code};
use serde::Serialize;

use crate::plan_db::conflict_check::{cannot_tell, verdicts_alone};
use crate::plan_db::import::read_spec;
use crate::spec_tasks;
use crate::task_files::{FileSet, split_part};
use held::{Held, HeldFile};
use overlap::{Item, Overlap, Risk};

/// wave-overlap.
pub const TOOL: Tool = Tool {
    name: "wave-overlap",
    summary: "do two tasks of one wave touch the same file",
    kind: Kind::Tool,
    command: WaveOverlap::command,
    run,
};

/// Do two tasks of one wave touch the same file?
///
/// Exit: check-wave 0 none, 1 warning (1 or 2 files of a pair), 2 critical (3 or more); check-plan and check-spec 0
/// whatever the risk, with --exit-code as check-wave; 2 also when there is no such wave, plan or spec, or it cannot be
/// read; 1 without a command.
#[derive(Debug, Parser)]
#[command(name = "wave-overlap")]
enum WaveOverlap {
    /// The tasks of a wave; skipped ones are left out
    #[command(name = "check-wave")]
    Wave(CheckWave),
    /// Every wave of a plan
    #[command(name = "check-plan")]
    Plan(CheckPlan),
    /// Every wave of a spec, before it is imported
    #[command(name = "check-spec")]
    Spec(CheckSpec),
}

#[derive(Debug, clap::Args)]
struct CheckWave {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Row id of the wave
    #[arg(value_name = "WAVE_DB_ID")]
    wave: RowId,
}

#[derive(Debug, clap::Args)]
struct CheckPlan {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// End with 1 for the risk warning, 2 for critical
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, clap::Args)]
struct CheckSpec {
    /// The spec; - is standard input
    #[arg(value_name = "SPEC_FILE")]
    spec: PathBuf,
    /// End with 1 for the risk warning, 2 for critical
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Serialize)]
struct WaveName {
    wave_id: String,
    name: String,
    tasks_total: i64,
}

#[derive(Debug, Serialize)]
struct OfWave {
    #[serde(flatten)]
    overlap: Overlap,
    wave: WaveName,
    /// Files of the wave that somebody has locked now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locks: Vec<HeldFile>,
}

#[derive(Debug, Serialize)]
struct OfPlan {
    plan_id: i64,
    waves_checked: usize,
    waves_with_overlap: Vec<OfWave>,
    overall_risk: Risk,
}

#[derive(Debug, Serialize)]
struct OfSpecWave {
    #[serde(flatten)]
    overlap: Overlap,
    wave_id: String,
}

#[derive(Debug, Serialize)]
struct OfSpec {
    spec: String,
    waves_checked: usize,
    waves_with_overlap: Vec<OfSpecWave>,
    overall_risk: Risk,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let usage = || WaveOverlap::command().render_long_help().to_string();
    let Some(name) = arguments.first() else {
        return Err(Refusal::new("no command given").with_help(usage()));
    };
    let known = WaveOverlap::command().find_subcommand(name).is_some();
    if !known && !["help", "-h", "--help"].iter().any(|help| name == help) {
        return Err(Refusal::new(format!("unknown command '{}'", name.to_string_lossy())).with_help(usage()));
    }
    verdicts_alone(args::with::<WaveOverlap>(arguments, exit_code::BLOCKED, |command| match command {
        WaveOverlap::Wave(args) => check_wave(context, &args),
        WaveOverlap::Plan(args) => check_plan(context, &args),
        WaveOverlap::Spec(args) => check_spec(context, &args),
    }))
}

fn check_wave(context: &Context, args: &CheckWave) -> Answer {
    let views = context.store()?.plan_views();
    let waves = views.wave_heads(args.plan.0)?;
    let Some(wave) = waves.into_iter().find(|wave| wave.id == args.wave.0) else {
        return Ok(cannot_tell("wave not found"));
    };
    let tasks = views.task_texts(args.plan.0)?;
    let result = of_wave(&Held::read(context, args.plan.0)?, wave, &tasks);
    Ok(Outcome::json(&result).with_code(result.overlap.risk.exit_code()))
}

fn check_plan(context: &Context, args: &CheckPlan) -> Answer {
    let views = context.store()?.plan_views();
    if views.name(args.plan.0)?.is_none() {
        return Ok(cannot_tell("plan not found"));
    }
    let (waves, tasks) = (views.wave_heads(args.plan.0)?, views.task_texts(args.plan.0)?);
    let waves_checked = waves.len();
    let held = Held::read(context, args.plan.0)?;
    let results = waves.into_iter().map(|wave| of_wave(&held, wave, &tasks));
    let waves_with_overlap: Vec<OfWave> = results.filter(|wave| wave.overlap.risk > Risk::None).collect();
    let overall_risk = waves_with_overlap.iter().map(|wave| wave.overlap.risk).max().unwrap_or(Risk::None);
    let code = if args.exit_code { overall_risk.exit_code() } else { exit_code::DONE };
    Ok(Outcome::json(&OfPlan { plan_id: args.plan.0, waves_checked, waves_with_overlap, overall_risk }).with_code(code))
}

fn of_wave(held: &Held, wave: WaveHead, tasks: &[TaskTexts]) -> OfWave {
    let tasks: Vec<&TaskTexts> =
        tasks.iter().filter(|task| task.wave == Some(wave.id) && task.status != "skipped").collect();
    let items: Vec<Item> = tasks
        .iter()
        .map(|task| Item {
            code: task.code.clone(),
            files: FileSet::of_task(&task.files, &task.description, &task.test_criteria),
            after: split_part(&task.description, "After").1.map(codes_after).unwrap_or_default(),
        })
        .collect();
    let locks = held.in_wave(&tasks, &items);
    let name = WaveName { wave_id: wave.code, name: wave.name, tasks_total: wave.tasks_total };
    OfWave { overlap: Overlap::of(&items), wave: name, locks }
}

fn check_spec(context: &Context, args: &CheckSpec) -> Answer {
    let Some(bytes) = read_spec(context, &args.spec)? else { return Ok(cannot_tell("spec file not found")) };
    let waves = match spec_tasks::read(&bytes) {
        Ok(waves) => waves,
        Err(fault) => return Ok(cannot_tell(&fault)),
    };
    let waves_checked = waves.len();
    let results = waves.into_iter().map(|wave| {
        let items: Vec<Item> = wave
            .tasks
            .into_iter()
            .map(|task| {
                let mut files = FileSet::default();
                files.declare_all(&task.files);
                files.add_words(&task.text);
                Item { code: task.code, files, after: task.after }
            })
            .collect();
        OfSpecWave { overlap: Overlap::of(&items), wave_id: wave.code }
    });
    let waves_with_overlap: Vec<OfSpecWave> = results.filter(|wave| wave.overlap.risk > Risk::None).collect();
    let overall_risk = waves_with_overlap.iter().map(|wave| wave.overlap.risk).max().unwrap_or(Risk::None);
    let code = if args.exit_code { overall_risk.exit_code() } else { exit_code::DONE };
    let spec = args.spec.to_string_lossy().into_owned();
    Ok(Outcome::json(&OfSpec { spec, waves_checked, waves_with_overlap, overall_risk }).with_code(code))
}

/// The codes in the part ` | After: ` of a description, as import writes it.
fn codes_after(part: &str) -> Vec<String> {
    part.split(',').map(|code| code.trim().to_owned()).collect()
}
