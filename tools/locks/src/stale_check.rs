//! stale-check: have the files that a task began with changed under it? Agents take a snapshot at the start and check
//! before they commit; plan-db calls it for them, plan-db-safe before a task is done.
//!
//! Only content counts, not time, mode or branch. The check is of the working copy at that moment: what the task itself
//! wrote counts as changed, too, so it takes a snapshot again after its own edits.

mod content;
mod refuse;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser, Subcommand};
use crewkit_repo::{Git, Head, Repository, branch_or_detached};
use crewkit_store::Snapshot;
use crewkit_store::locks::LockedFile;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::Serialize;
use serde_json::json;

/// stale-check.
pub const TOOL: Tool = Tool {
    name: "stale-check",
    summary: "whether the files that a task began with have changed under it",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// How old a snapshot gets before `cleanup` forgets it, in hours.
const KEPT_HOURS: u32 = 24;

/// How many characters of a hash are shown.
const SHORT: usize = 12;

/// Tells whether files have changed since a task read them. Only their content counts.
#[derive(Debug, Parser)]
#[command(name = "stale-check", disable_version_flag = true)]
#[command(
    after_help = "Exit codes: 0 done, stale or not; 1 refused, diff of stale files, check --exit-code of stale files;\n\
    2 refuse: the file is not what the task read last."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keeps what files hold now; earlier snapshots of other files of the task stay.
    Snapshot {
        /// The task.
        #[arg(value_name = "TASK", value_parser = NonEmptyStringValueParser::new())]
        task: String,
        /// Files; they need not exist yet.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Forgets the task's earlier snapshots.
        #[arg(long)]
        replace: bool,
        /// Also the files that differ from the main branch, and untracked ones.
        #[arg(long)]
        git: bool,
    },
    /// Compares the files of a task with their snapshots, as JSON.
    Check {
        /// The task.
        #[arg(value_name = "TASK", value_parser = NonEmptyStringValueParser::new())]
        task: String,
        /// Ends with 1 when a file has changed.
        #[arg(long)]
        exit_code: bool,
    },
    /// The same for people; ends with 1 when a file has changed.
    Diff {
        /// The task.
        #[arg(value_name = "TASK", value_parser = NonEmptyStringValueParser::new())]
        task: String,
    },
    /// Ends with 2 and tells what changed when a file is not what the task read last: for a gate before a write.
    Refuse {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The task.
        #[arg(long, value_name = "TASK", value_parser = NonEmptyStringValueParser::new())]
        task: String,
    },
    /// Forgets the snapshots of a task, or all that are older than a day.
    Cleanup {
        /// The task.
        #[arg(value_name = "TASK", value_parser = NonEmptyStringValueParser::new())]
        task: Option<String>,
    },
}

#[derive(Serialize)]
struct Checked {
    task_id: String,
    stale: bool,
    total: usize,
    changed: usize,
    missing: usize,
    ok: usize,
    changed_files: Vec<ChangedFile>,
}

#[derive(Serialize)]
struct ChangedFile {
    file: String,
    status: &'static str,
    old_hash: String,
    new_hash: String,
    /// Who holds the file's lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_by: Option<Holder>,
}

#[derive(Serialize)]
struct Holder {
    task_id: Option<String>,
    session_id: Option<String>,
    agent: Option<String>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| match arguments.command {
        None => Ok(Outcome::text(Arguments::command().render_long_help().to_string())),
        Some(Command::Snapshot { task, files, replace, git }) => snapshot(context, &task, files, replace, git),
        Some(Command::Check { task, exit_code }) => {
            let checked = compare(context, &task)?;
            let code = if exit_code && checked.stale { exit_code::REFUSED } else { exit_code::DONE };
            Ok(Outcome::json(&checked).with_code(code))
        }
        Some(Command::Diff { task }) => Ok(lines(&compare(context, &task)?)),
        Some(Command::Refuse { file, task }) => refuse::refuse(context, &file, &task),
        Some(Command::Cleanup { task }) => cleanup(context, task.as_deref()),
    })
}

/// The name that a file has in the database.
fn name_of(context: &Context, file: &Path) -> Result<String, Refusal> {
    let path = context.identity(file)?;
    path.into_os_string()
        .into_string()
        .map_err(|path| Refusal::new(format!("{}: the path is not UTF-8", path.display())))
}

fn snapshot(context: &Context, task: &str, mut files: Vec<PathBuf>, replace: bool, git: bool) -> Answer {
    let here = Repository::discover(context.directory()?);
    if git {
        let Some(repository) = &here else { return Err(Refusal::new("--git: not inside a git repository")) };
        files.append(&mut differing(context, repository)?);
    }
    let mut snapshots = Vec::with_capacity(files.len());
    for file in &files {
        let path = name_of(context, file)?;
        let hash = content::hash(Path::new(&path))?;
        snapshots.push(Snapshot { path, hash });
    }
    let head = here.as_ref().map_or(Head::Unknown, Repository::head);
    let branch = if head == Head::Unknown { "unknown" } else { branch_or_detached(&head) };
    context.store()?.snapshots().keep(task, &snapshots, branch, replace, &context.now())?;
    Ok(Outcome::json(&json!({"task_id": task, "snapshots": snapshots.len(), "branch": branch})))
}

/// The files of this work tree that differ from where it left the main branch, and the untracked ones.
fn differing(context: &Context, repository: &Repository) -> Result<Vec<PathBuf>, Refusal> {
    use std::os::unix::ffi::OsStringExt as _;
    let Some(top) = &repository.top else { return Err(Refusal::new("--git: not in a work tree")) };
    let main = repository.find_main(context)?.ok_or_else(|| Refusal::new("--git: there is no main branch"))?;
    let git = || Git::at(context, top).of_folder();
    let changed = git().args(["diff", "--name-only", "-z", "--no-renames", "--merge-base", &main.commit, "--"]);
    let untracked = git().args(["ls-files", "--others", "--exclude-standard", "-z"]);
    let mut list = changed.must("--git")?.stdout;
    list.append(&mut untracked.must("--git")?.stdout);
    let names = list.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    // A submodule is a folder, not a file.
    Ok(names.map(|name| top.join(OsString::from_vec(name.to_vec()))).filter(|path| !path.is_dir()).collect())
}

fn compare(context: &Context, task: &str) -> Result<Checked, Refusal> {
    let store = context.existing_store()?;
    let snapshots = store.map(|store| store.snapshots().of_task(task)).transpose()?.unwrap_or_default();
    let mut checked = Checked {
        task_id: task.to_owned(),
        stale: false,
        total: snapshots.len(),
        changed: 0,
        missing: 0,
        ok: 0,
        changed_files: Vec::new(),
    };
    for snapshot in snapshots {
        let now = content::hash_now(Path::new(&snapshot.path))?;
        if now == snapshot.hash {
            checked.ok += 1;
            continue;
        }
        let status = if now.is_some() {
            checked.changed += 1;
            "modified"
        } else {
            checked.missing += 1;
            "deleted"
        };
        let locked_by = match store {
            None => None,
            Some(store) => {
                let file = LockedFile { path: snapshot.path.clone(), origin: None, glob: false };
                let lock = store.locks().on(&file, false, &context.now())?.into_iter().next();
                lock.map(|lock| Holder { task_id: lock.task_id, session_id: lock.session_id, agent: lock.agent })
            }
        };
        checked.changed_files.push(ChangedFile {
            file: snapshot.path,
            status,
            old_hash: short(snapshot.hash.as_deref()),
            new_hash: short(now.as_deref()),
            locked_by,
        });
    }
    checked.stale = !checked.changed_files.is_empty();
    Ok(checked)
}

fn short(hash: Option<&str>) -> String {
    hash.map_or_else(|| "MISSING".to_owned(), |hash| hash.chars().take(SHORT).collect())
}

fn lines(checked: &Checked) -> Outcome {
    if !checked.stale {
        return Outcome::text(text::one_line(&format!("All files unchanged for task {}", checked.task_id)));
    }
    let line = |file: &ChangedFile| {
        let status = file.status.to_uppercase();
        format!("{status}\t{}→{}\t{}\n", file.old_hash, file.new_hash, text::one_line(&file.file))
    };
    Outcome::text(checked.changed_files.iter().map(line).collect::<String>()).with_code(exit_code::REFUSED)
}

fn cleanup(context: &Context, task: Option<&str>) -> Answer {
    let snapshots = context.existing_store()?.map(|store| store.snapshots());
    if let Some(task) = task {
        let cleaned = snapshots.map(|snapshots| snapshots.forget(task)).transpose()?.unwrap_or(0);
        return Ok(Outcome::json(&json!({"task_id": task, "cleaned": cleaned})));
    }
    let forget = |snapshots: crewkit_store::Snapshots<'_>| snapshots.forget_older(KEPT_HOURS, &context.now());
    let cleaned = snapshots.map(forget).transpose()?.unwrap_or(0);
    Ok(Outcome::json(&json!({"cleaned": cleaned, "policy": format!("older than {KEPT_HOURS}h")})))
}

#[cfg(test)]
mod tests;
