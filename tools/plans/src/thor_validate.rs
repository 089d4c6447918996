//! thor-validate: a whole plan, or one wave of it, in one command: its rows, its requirements, the project's build, the sizes of files. People,
//! workers and CI call it. The stamp is given only when all of them pass.

mod sizes;
mod wave;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, exit_code, text};
use serde::Serialize;

use crate::gates::report::Outcome as Verdict;
use crate::gates::{self, Settings, build, report};
use crate::plan_db::validate::fxx;
use crate::plan_db::validate::plan::{findings, lines, validate};
use crate::requirements::State;

/// thor-validate.
pub const TOOL: Tool = Tool {
    name: "thor-validate",
    summary: "validates a whole plan: rows, requirements, build, sizes of files",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Validates a whole plan: its rows against each other, its requirements F-xx, the project's build, the sizes of source
/// files. Only when all pass it is stamped as validated, and closed when everything is finished.
#[derive(Debug, Parser)]
#[command(
    name = "thor-validate",
    disable_version_flag = true,
    after_help = "Environment: PROJECT_PATH: the project's folder (default: this one; with --wave its worktree); THOR_BUILD: a command line in place of\n\
    the build that is found by package.json, Cargo.toml, pyproject.toml, setup.py, go.mod or pom.xml.\n\
    Exit codes: 0 passed; 1 failed, unknown plan, wrong usage."
)]
struct Arguments {
    /// The plan's number
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Also run the project's build
    #[arg(long)]
    full: bool,
    /// Only this wave, by code or row id: its tasks, their requirements, its worktree; it becomes done when all pass
    #[arg(long, value_name = "WAVE")]
    wave: Option<String>,
    /// Also run the criteria of all tasks as commands
    #[arg(long)]
    run_verify: bool,
    /// Check and stamp nothing
    #[arg(long)]
    no_stamp: bool,
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Found {
    Pass,
    Fail,
    Skipped,
}

#[derive(Debug, Serialize)]
struct Step {
    #[serde(rename = "step")]
    name: &'static str,
    result: Found,
    reasons: Vec<String>,
}

impl Step {
    fn of(name: &'static str, failed: bool, reasons: Vec<String>) -> Self {
        Self { name, result: if failed { Found::Fail } else { Found::Pass }, reasons }
    }

    fn skipped(name: &'static str, reason: &str) -> Self {
        Self { name, result: Found::Skipped, reasons: vec![reason.to_owned()] }
    }
}

#[derive(Debug, Serialize)]
struct Whole {
    plan_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    wave_id: Option<String>,
    passed: bool,
    issues: usize,
    steps: Vec<Step>,
    stamped: bool,
    status: String,
    not_closed: Option<String>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |args| {
        let whole = match &args.wave {
            Some(wave) => wave::look(context, &args, wave)?,
            None => plan(context, &args)?,
        };
        let code = u8::from(!whole.passed);
        let mut answer = if args.json { Outcome::json(&whole) } else { Outcome::text(told(&whole)) };
        if let Some(reason) = &whole.not_closed {
            answer = answer.with_note(format!("[WARN] not closed: {reason}"));
        }
        Ok(answer.with_code(code))
    })
}

impl Whole {
    fn of(plan_id: i64, steps: Vec<Step>, status: String) -> Self {
        let issues = steps.iter().filter(|step| step.result == Found::Fail).count();
        let passed = issues == 0;
        Self { plan_id, wave_id: None, passed, issues, steps, stamped: false, status, not_closed: None }
    }

    /// Somebody has changed the rows since they were checked.
    fn outdated(&mut self) {
        (self.passed, self.issues) = (false, 1);
    }
}

fn plan(context: &Context, args: &Arguments) -> Result<Whole, Refusal> {
    let plan = args.plan.0;
    let facts = context.store()?.plans().plan_facts(plan)?;
    let project = match given_project(context)? {
        Some(path) => path,
        None => context.directory()?.to_owned(),
    };
    let listed = lines(&findings(&facts)).lines().map(str::to_owned).collect();
    let mut steps = vec![Step::of("database", facts.errors() > 0, listed), requirements(context, plan)];
    steps.push(built(context, &project, args.full));
    steps.push(sized(context, &project));
    if args.run_verify {
        let tasks = context.store()?.plans().work(plan)?.tasks;
        steps.push(criteria(context, tasks.iter().filter(|task| task.status == "done").map(|task| task.id))?);
    }
    let mut whole = Whole::of(plan, steps, facts.status);
    if whole.passed && !args.no_stamp {
        let validated = validate(context, plan, "thor")?;
        (whole.stamped, whole.status, whole.not_closed) = (validated.passed, validated.status, validated.not_closed);
        if !validated.passed {
            whole.outdated();
        }
    }
    Ok(whole)
}

/// The folder that `PROJECT_PATH` names.
fn given_project(context: &Context) -> Result<Option<PathBuf>, Refusal> {
    let given = context.variable_path("PROJECT_PATH");
    given.map(|path| context.absolute(&context.expand_home(&path))).transpose()
}

fn told(whole: &Whole) -> String {
    let mut out = String::new();
    for (number, step) in whole.steps.iter().enumerate() {
        let word = match step.result {
            Found::Pass => "PASS",
            Found::Fail => "FAIL",
            Found::Skipped => "SKIPPED",
        };
        let _ = writeln!(out, "{} {}: {word}", number + 1, step.name);
        for reason in &step.reasons {
            let _ = writeln!(out, "    {}", text::one_line(reason));
        }
    }
    if whole.status == "done" && whole.stamped {
        let _ = match &whole.wave_id {
            Some(wave) => writeln!(out, "Wave {} is done", text::one_line(wave)),
            None => writeln!(out, "Plan {} is done", whole.plan_id),
        };
    }
    out + &if whole.passed {
        "THOR VALIDATION: PASSED".to_owned()
    } else {
        format!("THOR VALIDATION: FAILED ({} issues)", whole.issues)
    }
}

fn requirements(context: &Context, plan: i64) -> Step {
    match fxx::of_plan(context, plan) {
        Ok(found) => {
            let listed = fxx::lines(&found).lines().map(str::to_owned).collect();
            Step::of("requirements", found.count(State::Pending) > 0, listed)
        }
        Err(refusal) => Step::of("requirements", true, vec![refusal.to_string()]),
    }
}

fn built(context: &Context, project: &Path, full: bool) -> Step {
    if !full || !project.is_dir() {
        return Step::skipped("build", if full { "PROJECT_PATH is no folder" } else { "only with --full" });
    }
    let run = build::run(context, project, false);
    if run.is_empty() {
        return Step::skipped("build", "no build that is known");
    }
    let mut reasons = Vec::new();
    for step in &run {
        reasons.push(format!("{}: exit code {}", step.command, step.code));
        reasons.extend(step.tail.iter().map(|line| format!("  {line}")));
    }
    Step::of("build", run.iter().any(|step| step.code != 0), reasons)
}

fn sized(context: &Context, project: &Path) -> Step {
    match sizes::too_long(context, project) {
        Ok(None) => Step::skipped("sizes", "there is neither a folder src nor a repository"),
        Ok(Some(found)) => {
            let more = found.len().saturating_sub(sizes::SHOWN);
            let shown = found.iter().take(sizes::SHOWN);
            let mut reasons: Vec<String> = shown.map(|(name, lines)| format!("{name}: {lines}")).collect();
            if more > 0 {
                reasons.push(format!("and {more} more"));
            }
            Step::of("sizes", !found.is_empty(), reasons)
        }
        Err(refusal) => Step::of("sizes", true, vec![refusal.to_string()]),
    }
}

/// The criteria of these tasks, run as commands.
fn criteria(context: &Context, tasks: impl Iterator<Item = i64>) -> Result<Step, Refusal> {
    let settings = Settings { run_verify: true, ..Settings::read(context)? };
    let mut reasons = Vec::new();
    for task in tasks {
        let task = context.store()?.plans().task_evidence(task)?;
        let gate = gates::task::criteria(context, &settings, &task);
        if report::outcome(std::slice::from_ref(&gate)) == Verdict::Rejected {
            reasons.extend(gate.evidence.iter().map(|line| format!("{}: {line}", task.code)));
        }
    }
    Ok(Step::of("criteria", !reasons.is_empty(), reasons))
}
