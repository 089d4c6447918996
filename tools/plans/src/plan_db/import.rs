//! import: a whole spec into a plan, all of it or nothing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_store::plans::PlanBrief;
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};

use super::Subcommand;
use super::create::file_name;
use super::spec::{self, Spec};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[Subcommand { name: "import", command: Import::command, run: import }];

/// Most bytes of a spec.
const SPEC_BYTES: u64 = 64 << 20;

/// Enter the waves and tasks of a spec into a plan; the tasks' row ids go to standard output
#[derive(Debug, Parser)]
#[command(name = "import", bin_name = "plan-db import")]
struct Import {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// The spec, a JSON file; - is standard input
    #[arg(value_name = "SPEC_FILE")]
    spec: PathBuf,
    /// Show what would be entered, and all faults of the spec; write nothing
    #[arg(long)]
    dry_run: bool,
}

fn import(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Import>(arguments, exit_code::REFUSED, |args| {
        let missing = || Refusal::new(format!("spec file not found: {}", args.spec.display()));
        let bytes = read_spec(context, &args.spec)?.ok_or_else(missing)?;
        let plans = context.store()?.plans();
        let plan = plans.brief(args.plan.0)?;
        let name = if args.spec.as_os_str() == "-" { "standard input".into() } else { args.spec.to_string_lossy() };
        let spec = match spec::read(&bytes, &plans.wave_codes(plan.id)?) {
            Ok(spec) => spec,
            Err(faults) if args.dry_run => {
                let lines =
                    faults.iter().fold(Outcome::silent(), |lines, fault| lines.with_note(format!("[ERROR] {fault}")));
                return Ok(lines.with_code(exit_code::REFUSED));
            }
            Err(faults) => return Err(refuse(&name, &faults)),
        };
        for warning in &spec.warnings {
            context.note(format!("[WARN] {warning}"));
        }
        if args.dry_run {
            return Ok(preview(&plan, &spec));
        }
        enter(context, &plan, &args.spec, &bytes, &spec)
    })
}

/// The bytes of the spec at `path`, `-` being standard input; `None` when there is no such file.
///
/// # Errors
/// When it cannot be read or is too large.
pub(crate) fn read_spec(context: &Context, path: &Path) -> Result<Option<Vec<u8>>, Refusal> {
    if path.as_os_str() == "-" {
        return context.read_stdin(SPEC_BYTES).map(Some);
    }
    let file = context.absolute(path)?;
    let shown = path.display();
    let mut bytes = Vec::new();
    match File::open(&file).and_then(|file| file.take(SPEC_BYTES + 1).read_to_end(&mut bytes)) {
        Ok(_) if bytes.len() as u64 > SPEC_BYTES => Err(Refusal::new(format!("spec file {shown} is too large"))),
        Ok(_) => Ok(Some(bytes)),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(Refusal::new(format!("spec file {shown} cannot be read: {fault}"))),
    }
}

fn refuse(name: &str, faults: &[String]) -> Refusal {
    let first = faults.first().map(String::as_str).unwrap_or_default();
    let more = match faults.len() {
        0 | 1 => String::new(),
        all => format!(" (and {} more; import --dry-run shows all)", all - 1),
    };
    Refusal::new(format!("{name}: {first}{more}"))
}

fn preview(plan: &PlanBrief, spec: &Spec) -> Outcome {
    let mut rows = Vec::new();
    for wave in &spec.waves {
        let depends = wave.wave.depends_on.as_deref().map(|codes| format!("(after {codes})")).unwrap_or_default();
        rows.push(vec![wave.wave.code.clone(), String::new(), wave.wave.name.clone(), depends]);
        for task in &wave.tasks {
            let kind = format!("{} {} {}", task.priority, task.kind, task.model);
            rows.push(vec![format!("  {}", task.code), kind, text::cut(&task.title, 60), String::new()]);
        }
    }
    let counts = format!("{} waves, {} tasks for plan {} ({})", spec.waves.len(), spec.tasks(), plan.id, plan.name);
    Outcome::text(text::columns(&rows)).with_note(format!("[OK] Would import {counts}"))
}

fn enter(context: &Context, plan: &PlanBrief, path: &Path, bytes: &[u8], spec: &Spec) -> Answer {
    let source = path.to_str().filter(|path| *path != "-");
    let kept = SpecCopy::prepare(context, plan, bytes);
    let description = spec.description.as_deref();
    let entered = context.store()?.plans().import(plan.id, &spec.waves, description, source, &context.now());
    let copied = match (kept, &entered) {
        (Ok(copy), Ok(_)) => copy.keep(),
        (Ok(copy), Err(_)) => {
            copy.drop();
            Ok(())
        }
        (Err(fault), _) => Err(fault),
    };
    let entered = entered?;
    if let Err(fault) = copied {
        context.note(format!("[WARN] the spec was imported, but its copy cannot be kept: {fault}"));
    }
    let ids: String = entered.tasks.iter().map(|id| format!("{id}\n")).collect();
    let mut answer = Outcome::text(ids);
    if entered.described {
        answer = answer.with_note("[OK] Set plan description from spec");
    }
    Ok(answer.with_note(format!("[OK] Imported {} waves, {} tasks", spec.waves.len(), spec.tasks())))
}

/// Where import keeps a plan's spec.
///
/// # Errors
/// When the agent's folder is not known.
pub(crate) fn spec_copy(context: &Context, project: &str, plan: &str) -> Result<PathBuf, Refusal> {
    let folder = context.claude_home()?.join("plans").join(file_name(project));
    Ok(folder.join(format!("{}-spec.json", file_name(plan))))
}

/// The copy of a spec: written beside its place before the database is, put in its place after.
struct SpecCopy {
    beside: PathBuf,
    place: PathBuf,
}

impl SpecCopy {
    fn prepare(context: &Context, plan: &PlanBrief, bytes: &[u8]) -> Result<Self, String> {
        let place = spec_copy(context, &plan.project, &plan.name).map_err(|refusal| refusal.message)?;
        let beside = place.with_file_name(format!(".spec-{}-{}", plan.id, std::process::id()));
        let written = match place.parent() {
            Some(folder) => fs::create_dir_all(folder).and_then(|()| fs::write(&beside, bytes)),
            None => Ok(()),
        };
        written.map_err(|fault| format!("{}: {fault}", place.display()))?;
        Ok(Self { beside, place })
    }

    fn keep(self) -> Result<(), String> {
        fs::rename(&self.beside, &self.place).map_err(|fault| {
            let line = format!("{}: {fault}", self.place.display());
            self.drop();
            line
        })
    }

    fn drop(self) {
        // What is left behind then is a file that nobody reads.
        let _ = fs::remove_file(&self.beside);
    }
}
