//! register-project: enters a project into the registry file and the database, or updates it. People, planner-init and
//! the migration of plans call it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crewkit_store::projects::Project;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};

use crate::project::{Identity, Known, Place, Registry, check_id, github_url, icon, name_in, without_secret};

/// register-project.
pub const TOOL: Tool = Tool {
    name: "register-project",
    summary: "enters a project into the registry and the database, or updates it",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// Enters a project into the registry (plans/registry.json) and the database, or updates it
#[derive(Parser)]
#[command(name = "register-project")]
struct Args {
    /// A folder of the project; a worktree or a folder inside stands for the main checkout
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// The name for people; kept as it was when not given, at first the folder's name
    #[arg(long, value_name = "NAME", allow_hyphen_values = false)]
    name: Option<String>,
    /// The id that plans name, instead of one made of the folder's name
    #[arg(long, value_name = "ID", value_parser = check_id)]
    id: Option<String>,
    /// Prints the known projects instead
    #[arg(long, conflicts_with_all = ["path", "name", "id", "remove", "prune"])]
    list: bool,
    /// Takes a project out of registry and database instead; its plans and files stay
    #[arg(long, value_name = "ID", conflicts_with_all = ["path", "name", "id", "prune"])]
    remove: Option<String>,
    /// Takes projects whose folder is gone out of the registry instead, and out of the database when they have no plans
    #[arg(long, conflicts_with_all = ["path", "name", "id"])]
    prune: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |args| {
        if args.list {
            list(context)
        } else if args.prune {
            prune(context)
        } else if let Some(id) = &args.remove {
            remove(context, id)
        } else {
            register(context, &args)
        }
    })
}

#[derive(Serialize)]
struct Registered {
    status: &'static str,
    action: &'static str,
    project: ProjectJson,
}

#[derive(Serialize)]
struct ProjectJson {
    id: String,
    name: String,
    path: String,
    git_remote: String,
    github_url: String,
    icon_path: String,
    plan_folder: String,
}

fn register(context: &Context, args: &Args) -> Answer {
    let given = args.name.as_ref().map(|name| text::fold_line_ends(name).trim().to_owned());
    if given.as_ref().is_some_and(String::is_empty) {
        return Err(Refusal::new("--name is empty"));
    }
    let place = Place::of(context, &args.path)?;
    let mut registry = Registry::open(context)?;
    let known = Known::read(context, registry.projects())?;
    let mut notes = Vec::new();
    let id = if let Some(id) = &args.id {
        if let Some(other) = known.other(id, &place) {
            return Err(Refusal::new(format!("--id: '{id}' is the project in {}", other.display())));
        }
        id.clone()
    } else {
        let identity = Identity::of(&place, &known)?;
        if let Some(other) = &identity.taken_by {
            notes.push(format!(
                "[WARN] Another project of that name is in {}: the id is {}",
                other.display(),
                identity.id
            ));
        }
        identity.id
    };

    let row = context.store()?.projects().get(&id)?;
    let entry = registry.entry(&id);
    let action = if entry.is_some() { "updated" } else { "registered" };
    let kept = name_in(entry).or_else(|| row.as_ref().map(|row| row.name.clone()).filter(|name| !name.is_empty()));
    let name = given.or(kept).unwrap_or_else(|| text::fold_line_ends(place.name()));
    let remote = place.repository.as_ref().and_then(crewkit_repo::Repository::origin_url);
    let remote = remote.map(|url| without_secret(&url)).unwrap_or_default();
    let github = github_url(&remote).unwrap_or_default();
    let icon_path = icon(&place.path);
    let branch = place.branch();
    let path = place.path.to_string_lossy().into_owned();
    let now = context.clock.utc_iso();

    let keep = |key: &str, first: Value| entry.and_then(|entry| entry.get(key)).cloned().unwrap_or(first);
    let keys: Map<String, Value> = [
        ("name", json!(name)),
        ("path", json!(path)),
        ("git_remote", json!(remote)),
        ("git_branch", json!(branch)),
        ("github_url", json!(github)),
        ("icon_path", json!(icon_path)),
        ("current_plan", keep("current_plan", Value::Null)),
        ("last_active", json!(now)),
        ("registered_at", keep("registered_at", json!(now))),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    registry.set(&id, keys);

    let plan_folder = Registry::folder(context)?.join(&id);
    std::fs::create_dir_all(&plan_folder)
        .map_err(|fault| Refusal::new(format!("{} cannot be made: {fault}", plan_folder.display())))?;
    let project = Project {
        id: id.clone(),
        name: name.clone(),
        path: context.shorten_home(&place.path).to_string_lossy().into_owned(),
        branch,
        github_url: github.clone(),
        icon_path: icon_path.clone(),
    };
    let projects = context.store()?.projects();
    registry.write(&now, || Ok(projects.save(&project, &now)?))?;

    notes.push(format!("[INFO] Project {action}: {id}"));
    notes.push(format!("[INFO] Plans folder: {}", plan_folder.display()));
    let project = ProjectJson {
        id,
        name,
        path,
        git_remote: remote,
        github_url: github,
        icon_path,
        plan_folder: plan_folder.to_string_lossy().into_owned(),
    };
    let answer = Outcome::json(&Registered { status: "success", action, project });
    Ok(notes.iter().fold(answer, Outcome::with_note))
}

#[derive(Serialize)]
struct Listed {
    status: &'static str,
    projects: Vec<ListedProject>,
}

#[derive(Serialize)]
struct ListedProject {
    id: String,
    name: String,
    path: Option<String>,
    /// Whether the folder is there; `None` when no path is known.
    exists: Option<bool>,
    in_registry: bool,
    in_database: bool,
    last_active: Option<String>,
}

fn list(context: &Context) -> Answer {
    let registry = Registry::look(context)?;
    let rows = match context.existing_store()? {
        Some(store) => store.projects().all()?,
        None => Vec::new(),
    };
    let mut projects: BTreeMap<String, (Option<Project>, Option<Value>)> =
        rows.into_iter().map(|row| (row.id.clone(), (Some(row), None))).collect();
    for (id, entry) in registry {
        projects.entry(id).or_default().1 = Some(entry);
    }
    let projects = projects
        .into_iter()
        .map(|(id, (row, entry))| {
            let said = |key: &str| entry.as_ref().and_then(|entry| entry[key].as_str()).map(str::to_owned);
            let path = row.as_ref().map(|row| row.path.clone()).or_else(|| said("path"));
            let path = path.map(|path| context.expand_home(Path::new(&path)));
            ListedProject {
                name: said("name").or_else(|| row.as_ref().map(|row| row.name.clone())).unwrap_or_else(|| id.clone()),
                exists: path.as_ref().map(|path| path.is_dir()),
                path: path.map(|path| path.to_string_lossy().into_owned()),
                in_registry: entry.is_some(),
                in_database: row.is_some(),
                last_active: said("last_active"),
                id,
            }
        })
        .collect();
    Ok(Outcome::json(&Listed { status: "success", projects }))
}

#[derive(Serialize)]
struct TakenOut {
    status: &'static str,
    action: &'static str,
    removed: Vec<String>,
}

fn remove(context: &Context, id: &str) -> Answer {
    let mut registry = Registry::open(context)?;
    let entered = registry.remove(id);
    let projects = context.store()?.projects();
    let row = projects.get(id)?;
    if !entered && row.is_none() {
        return Err(Refusal::new(format!("--remove: no project '{id}' in the registry or the database")));
    }
    let mut plans = 0;
    registry.write(&context.clock.utc_iso(), || {
        plans = projects.remove(id, false)?.plans;
        Ok(())
    })?;
    let answer = Outcome::json(&TakenOut { status: "success", action: "removed", removed: vec![id.to_owned()] });
    Ok(if plans > 0 {
        answer.with_note(format!("[WARN] {plans} plans of '{id}' stay in the database"))
    } else {
        answer
    })
}

fn prune(context: &Context) -> Answer {
    let mut registry = Registry::open(context)?;
    let gone = |entry: &Value| {
        let path = entry["path"].as_str().filter(|path| !path.is_empty());
        path.is_some_and(|path| !context.expand_home(Path::new(path)).exists())
    };
    let removed: Vec<String> = registry.projects().filter(|(_, entry)| gone(entry)).map(|(id, _)| id.clone()).collect();
    let mut answer = Outcome::json(&TakenOut { status: "success", action: "pruned", removed: removed.clone() });
    if removed.is_empty() {
        return Ok(answer);
    }
    for id in &removed {
        registry.remove(id);
    }
    let projects = context.store()?.projects();
    let mut kept = Vec::new();
    registry.write(&context.clock.utc_iso(), || {
        for id in &removed {
            let removal = projects.remove(id, true)?;
            if removal.found && !removal.removed {
                kept.push(format!("[WARN] '{id}' stays in the database: it has {} plans", removal.plans));
            }
        }
        Ok(())
    })?;
    for note in kept {
        answer = answer.with_note(note);
    }
    Ok(answer)
}
