//! planner-init: all a planner needs to know of a project, in one call. Planners, validators and executors call it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_repo::{Repository, branch_or_detached};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use crate::framework;
use crate::project::{Identity, Known, Place, Registry, without_secret};
use crate::register_project;

/// planner-init.
pub const TOOL: Tool = Tool {
    name: "planner-init",
    summary: "all a planner needs to know of a project, in one object",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// Most plans that are todo or doing.
const ACTIVE: i64 = 5;
/// Most plans that are done.
const RECENT: i64 = 3;

/// Prints all a planner needs to know of a project as one JSON object; a project that is not known is registered
///
/// A worktree, or a folder inside a checkout, belongs to the project of the main checkout.
#[derive(Debug, Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {
    /// A folder of the project
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// One object a line: the project, then each plan, wave and worktree, with a key "kind"
    #[arg(long)]
    json_lines: bool,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the keys of the answer")]
struct Project {
    project_id: String,
    project_name: String,
    path: String,
    branch: String,
    remote: String,
    plan_folder: String,
    active_plans: Vec<ActivePlan>,
    recent_plans: Vec<RecentPlan>,
    worktrees: Vec<String>,
    has_adr: bool,
    has_changelog: bool,
    prompt_files: Vec<String>,
    framework: &'static str,
    wave_worktrees: Vec<WaveWorktree>,
}

#[derive(Debug, Serialize)]
struct ActivePlan {
    id: i64,
    name: String,
    status: String,
    progress: String,
    worktree_path: String,
}

#[derive(Debug, Serialize)]
struct RecentPlan {
    id: i64,
    name: String,
    completed_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct WaveWorktree {
    plan_id: i64,
    wave_id: String,
    status: String,
    worktree_path: String,
    branch: String,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |args| {
        let place = Place::of(context, &args.path)?;
        let asked = context.absolute(&context.expand_home(&args.path))?;
        let (id, name) = known(context, &place)?;
        let project = describe(context, &place, &asked, id, name)?;
        if !args.json_lines {
            return Ok(Outcome::json(&project));
        }
        Ok(Outcome { stdout: lines(&project), ..Outcome::silent() })
    })
}

/// The id and name of the project, which is registered when the database does not have it.
fn known(context: &Context, place: &Place) -> Result<(String, String), Refusal> {
    let look = || -> Result<Identity, Refusal> {
        let registry = Registry::look(context)?;
        Identity::of(place, &Known::read(context, registry.iter())?)
    };
    let identity = look()?;
    let projects = context.store()?.projects();
    let row = if identity.taken_by.is_none() { projects.get(&identity.id)? } else { None };
    let row = if let Some(row) = row {
        row
    } else {
        let registered = (register_project::TOOL.run)(context, &[place.path.clone().into_os_string()])?;
        for line in String::from_utf8_lossy(&registered.stderr).lines() {
            context.note(line);
        }
        let id = look()?.id;
        projects.get(&id)?.ok_or_else(|| Refusal::new(format!("the project '{id}' could not be registered")))?
    };
    let name = if row.name.is_empty() { place.name().to_owned() } else { row.name };
    Ok((row.id, name))
}

fn describe(context: &Context, place: &Place, asked: &Path, id: String, name: String) -> Result<Project, Refusal> {
    let folder = Registry::folder(context)?.join(&id);
    std::fs::create_dir_all(&folder)
        .map_err(|fault| Refusal::new(format!("{} cannot be made: {fault}", folder.display())))?;
    let views = context.store()?.plan_views();
    let active = views.open_of_project(&id, ACTIVE)?.into_iter().map(|plan| ActivePlan {
        id: plan.id,
        name: plan.name,
        status: plan.status,
        progress: format!("{}/{}", plan.tasks_done, plan.tasks_total),
        worktree_path: plan.worktree,
    });
    let recent = views.finished(&id, RECENT)?.into_iter().map(|plan| RecentPlan {
        id: plan.id,
        name: plan.name,
        completed_at: plan.completed_at,
    });
    let waves = views.places_of_waves(&id)?.into_iter().map(|wave| WaveWorktree {
        plan_id: wave.plan_id,
        wave_id: wave.code,
        status: wave.status,
        worktree_path: wave.worktree,
        branch: wave.branch,
    });
    let remote = place.repository.as_ref().and_then(Repository::origin_url);
    let worktrees = match &place.repository {
        Some(repository) => repository.known_worktrees(context)?,
        None => Vec::new(),
    };
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    Ok(Project {
        project_id: id,
        project_name: name,
        path: shown(asked),
        branch: branch(place, asked),
        remote: remote.map(|url| without_secret(&url)).unwrap_or_default(),
        plan_folder: shown(&folder),
        active_plans: active.collect(),
        recent_plans: recent.collect(),
        worktrees: worktrees.iter().filter(|tree| !tree.bare).map(|tree| shown(&tree.path)).collect(),
        has_adr: place.path.join("docs/adr").is_dir(),
        has_changelog: place.path.join("CHANGELOG.md").is_file(),
        prompt_files: prompt_files(&place.path),
        framework: framework::of(&place.path),
        wave_worktrees: waves.collect(),
    })
}

/// What is checked out where the question was asked.
fn branch(place: &Place, asked: &Path) -> String {
    if place.repository.is_none() {
        return "none".to_owned();
    }
    let here = Repository::discover(asked);
    here.as_ref()
        .or(place.repository.as_ref())
        .map(|found| branch_or_detached(&found.head()).to_owned())
        .unwrap_or_default()
}

fn prompt_files(top: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(top.join(".copilot-tracking")) else { return Vec::new() };
    let is_prompt = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("prompt-") && path.extension().is_some_and(|ending| ending == "md") && path.is_file()
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_prompt).collect();
    files.sort_unstable();
    files.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

/// The same facts an object a line.
fn lines(project: &Project) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = |kind: &str, value: serde_json::Value| {
        let mut object = serde_json::Map::new();
        object.insert("kind".to_owned(), kind.into());
        if let serde_json::Value::Object(more) = value {
            object.extend(more);
        }
        out.extend(Outcome::json(&object).stdout);
    };
    let mut whole = serde_json::to_value(project).unwrap_or_default();
    let mut take = |key: &str| {
        whole.as_object_mut().and_then(|object| object.shift_remove(key)).and_then(|value| match value {
            serde_json::Value::Array(list) => Some(list),
            _ => None,
        })
    };
    let parts = [
        ("active_plan", take("active_plans")),
        ("recent_plan", take("recent_plans")),
        ("wave_worktree", take("wave_worktrees")),
    ];
    let worktrees = take("worktrees").unwrap_or_default();
    line("project", whole);
    for (kind, list) in parts {
        for value in list.unwrap_or_default() {
            line(kind, value);
        }
    }
    for path in worktrees {
        line("worktree", serde_json::json!({ "path": path }));
    }
    out
}
