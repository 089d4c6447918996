//! render: a plan as a Markdown document, on standard output and in the plan's own file.

mod document;

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_repo::Repository;
use crewkit_store::plan_views::PlanDocument;
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, exit_code};
use serde_json::Value;

use super::{Subcommand, import, show, spec};
use document::{Document, Requirement};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[Subcommand { name: "render", command: Render::command, run: render }];

/// Print a plan as Markdown, and write it to the plan's Markdown file; what stands under its LEARNINGS LOG is kept
#[derive(Debug, Parser)]
#[command(name = "render", bin_name = "plan-db render")]
struct Render {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
}

fn render(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Render>(arguments, exit_code::REFUSED, |args| {
        let plan = context.store()?.plan_views().document(args.plan.0)?.ok_or_else(|| show::no_plan(args.plan))?;
        let file = plan.markdown_path.as_deref().map(|path| context.expand_home(path));
        let spec = find_spec(context, &plan, file.as_deref());
        let worktree = plan.worktree_path.as_deref().map(|path| context.expand_home(path));
        let branch = worktree.as_deref().and_then(branch);
        let document = Document {
            request: request(&plan, spec.as_ref()),
            requirements: spec.as_ref().map(requirements).unwrap_or_default(),
            worktree: worktree.as_deref().map(|path| path.to_string_lossy().into_owned()),
            branch,
            plan: &plan,
        };
        let Some(file) = file else {
            return Ok(Outcome { stdout: document.markdown(None), ..Outcome::silent() });
        };
        let kept = match fs::read(&file) {
            Ok(old) => document::filled_log(&old).map(<[u8]>::to_vec),
            Err(fault) if fault.kind() == ErrorKind::NotFound => None,
            // What cannot be read may hold a log, so it is not written over.
            Err(fault) => return Ok(not_written(document.markdown(None), &file, &fault)),
        };
        let stdout = document.markdown(kept.as_deref());
        match write(&file, &stdout) {
            Ok(()) => {
                let line = format!("[OK] Rendered: {}", file.display());
                Ok(Outcome { stdout, ..Outcome::silent() }.with_note(line))
            }
            Err(fault) => Ok(not_written(stdout, &file, &fault)),
        }
    })
}

fn not_written(stdout: Vec<u8>, file: &Path, fault: &std::io::Error) -> Outcome {
    let line = format!("[ERROR] {} cannot be written: {fault}", file.display());
    Outcome { stdout, ..Outcome::silent() }.with_note(line).with_code(exit_code::REFUSED)
}

/// Writes a file whole or not at all; a link to it stays one.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let target = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let folder = target.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let beside = folder.join(format!(".render-{}", std::process::id()));
    let written = fs::File::create(&beside).and_then(|mut new| {
        new.write_all(bytes)?;
        if let Ok(old) = fs::metadata(&target) {
            new.set_permissions(fs::Permissions::from_mode(old.permissions().mode()))?;
        }
        fs::rename(&beside, &target)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The plan's spec: beside its Markdown file, else the copy that import keeps, else its source.
fn find_spec(context: &Context, plan: &PlanDocument, file: Option<&Path>) -> Option<serde_json::Map<String, Value>> {
    let beside = file.and_then(Path::parent).map(|folder| folder.join("spec.json"));
    let copy = import::spec_copy(context, &plan.project, &plan.name).ok();
    let source = plan.source_file.as_deref().map(|path| context.expand_home(path));
    let places: [(Option<PathBuf>, bool); 3] = [(beside, true), (copy, true), (source, false)];
    places.into_iter().find_map(|(path, is_spec)| {
        let path = path?;
        match spec::parse(&fs::read(&path).ok()?) {
            Ok(root) => Some(root),
            Err(fault) => {
                // A source may be any document.
                if is_spec {
                    context.note(format!("[WARN] {} is not read: {fault}", path.display()));
                }
                None
            }
        }
    })
}

/// What was asked for: the spec's request, else the source file's name, else the plan's description.
fn request(plan: &PlanDocument, spec: Option<&serde_json::Map<String, Value>>) -> String {
    let asked = spec.and_then(|spec| spec.get("user_request")).and_then(Value::as_str);
    let source =
        || plan.source_file.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let filled = |text: &String| !text.trim().is_empty();
    asked.map(str::to_owned).filter(filled).or_else(source).or_else(|| plan.description.clone()).unwrap_or_default()
}

fn requirements(spec: &serde_json::Map<String, Value>) -> Vec<Requirement> {
    let list = spec.get("requirements").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    list.iter()
        .map(|value| Requirement { id: text(value, "id"), text: text(value, "text"), wave: text(value, "wave") })
        .collect()
}

fn branch(worktree: &Path) -> Option<String> {
    let real = worktree.canonicalize().ok()?;
    let repository = Repository::discover(&real).filter(|found| found.top.as_deref() == Some(&real))?;
    repository.head().branch().map(str::to_owned)
}
