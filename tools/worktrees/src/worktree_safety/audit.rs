//! audit: every worktree and how long it was left alone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use clap::Args;
use crewkit_repo::{Head, Repository, Worktree, branch_or_detached};
use crewkit_store::worktrees::Holder;
use crewkit_tool::{Answer, Context, Outcome, Refusal};
use serde::Serialize;

use super::{limit, repository};
use crate::worktree_cleanup::Database;

const DAY: i64 = 24 * 60 * 60;

/// List every worktree as JSON: path, branch, status, age in seconds since the last commit.
///
/// Status: active; stale and abandoned after some days without a commit; orphaned when there is no commit or its folder
/// is gone.
#[derive(Args, Debug)]
pub(super) struct Audit {
    /// Stale after more than N days [default: $WORKTREE_SAFETY_STALE_DAYS, else 7]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    stale_days: Option<u32>,
    /// Abandoned after more than N days [default: $WORKTREE_SAFETY_ABANDONED_DAYS, else 30]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    abandoned_days: Option<u32>,
}

/// One worktree. What is not known is `null`.
#[derive(Debug, Serialize)]
struct Row {
    path: String,
    branch: String,
    status: &'static str,
    /// Seconds since the last commit.
    age: Option<i64>,
    /// Seconds since git last wrote its index or moved its HEAD.
    last_activity: Option<i64>,
    main: bool,
    /// Whether somebody keeps it from being removed.
    locked: bool,
    /// The number of files in it that agents have locked.
    locks: Option<usize>,
    /// The plan it is assigned to.
    plan: Option<i64>,
    /// The wave it is assigned to, by its row.
    wave: Option<i64>,
}

impl Audit {
    pub(super) fn run(self, context: &Context) -> Answer {
        let stale = i64::from(limit(context, self.stale_days, "WORKTREE_SAFETY_STALE_DAYS", 7)?) * DAY;
        let abandoned = i64::from(limit(context, self.abandoned_days, "WORKTREE_SAFETY_ABANDONED_DAYS", 30)?) * DAY;
        if stale > abandoned {
            return Err(Refusal::new("the days until stale are more than those until abandoned"));
        }
        let repository = repository(context)?;
        let trees = repository.known_worktrees(context)?;
        let trees: Vec<&Worktree> = trees.iter().filter(|tree| !tree.bare).collect();
        let times = commit_times(context, &repository, &trees)?;
        let admin = admin_folders(&repository);
        // The database tells more, and is no reason to fail.
        let database = Database::of(context).map_err(|refusal| context.note(refusal.message)).ok();
        let now = context.clock.seconds();
        let rows = trees.iter().map(|tree| {
            let time = match &tree.head {
                Head::Branch(name) => times.get(&format!("refs/heads/{name}")),
                Head::Detached(id) => times.get(id),
                Head::Unknown => None,
            };
            let age = time.map(|time| (now - time).max(0));
            let status = match age {
                _ if tree.missing => "orphaned",
                None => "orphaned",
                Some(age) if age > abandoned => "abandoned",
                Some(age) if age > stale => "stale",
                Some(_) => "active",
            };
            let folder = if tree.main { Some(&repository.common_dir) } else { admin.get(&tree.path) };
            let last = folder.and_then(|folder| touched(folder)).map(|at| (now - at).max(0));
            let held = database.as_ref().and_then(|database| database.at(&tree.path).ok()).unwrap_or_default();
            let holder = |wanted: fn(Holder) -> Option<i64>| held.iter().find_map(|one| wanted(one.holder));
            Row {
                path: tree.path.to_string_lossy().into_owned(),
                branch: branch_or_detached(&tree.head).to_owned(),
                status,
                age,
                last_activity: last,
                main: tree.main,
                locked: tree.locked.is_some(),
                locks: database.as_ref().and_then(|database| database.locked_in(&tree.path).ok()),
                plan: holder(|holder| if let Holder::Plan(id) = holder { Some(id) } else { None }),
                wave: holder(|holder| if let Holder::Wave(id) = holder { Some(id) } else { None }),
            }
        });
        Ok(Outcome::json(&rows.collect::<Vec<_>>()))
    }
}

/// The time of the commit of every branch (by its full name) and commit that is checked out, in seconds since 1970.
fn commit_times(
    context: &Context,
    repository: &Repository,
    trees: &[&Worktree],
) -> Result<HashMap<String, i64>, Refusal> {
    let mut times = HashMap::new();
    let mut keep = |line: &str| {
        if let Some((name, time)) = line.split_once(' ')
            && let Ok(time) = time.parse()
        {
            times.insert(name.to_owned(), time);
        }
    };
    let branches = trees.iter().filter_map(|tree| tree.head.branch()).map(|name| format!("refs/heads/{name}"));
    let call = repository.git(context).args(["for-each-ref", "--format=%(refname) %(committerdate:unix)"]);
    let told = call.args(branches).must("the branches cannot be read")?.text();
    told.lines().for_each(&mut keep);
    for tree in trees {
        if let Head::Detached(id) = &tree.head {
            let call = repository.git(context).args(["log", "-1", "--no-show-signature", "--format=%H %ct", id, "--"]);
            let told = call.run()?;
            if told.ok() {
                keep(&told.text());
            }
        }
    }
    Ok(times)
}

/// The folders in which git keeps what it knows of each linked worktree, by the worktree's path.
fn admin_folders(repository: &Repository) -> HashMap<PathBuf, PathBuf> {
    let Ok(entries) = std::fs::read_dir(repository.common_dir.join("worktrees")) else { return HashMap::new() };
    let folders = entries.flatten().map(|entry| entry.path());
    folders
        .filter_map(|folder| {
            // gitrepository-layout(5): the path of the worktree's .git file.
            let told = std::fs::read(folder.join("gitdir")).ok()?;
            let dot_git: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(told.trim_ascii_end());
            let path = folder.join(dot_git).parent()?.to_owned();
            Some((path.canonicalize().unwrap_or(path), folder))
        })
        .collect()
}

/// When git last wrote the index or moved HEAD there, in seconds since 1970.
fn touched(folder: &Path) -> Option<i64> {
    let time = |name: &str| {
        let written = std::fs::metadata(folder.join(name)).and_then(|data| data.modified()).ok()?;
        i64::try_from(written.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
    };
    ["index", "logs/HEAD", "HEAD"].into_iter().filter_map(time).max()
}
