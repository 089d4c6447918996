//! `create`: the wave's worktree and branch.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crewkit_repo::{Git, Status, Worktree, branch_or_detached, real_path};
use crewkit_store::waves::WaveStep;
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Outcome, Refusal, text};
use serde::Serialize;

use super::Which;
use super::push::fetch_main;
use super::site::{Site, hold};

/// How long a fetch may take whose failure does no harm.
const FETCH: Duration = Duration::from_mins(1);

#[derive(Serialize)]
struct Created<'a> {
    worktree_path: &'a str,
    branch_name: &'a str,
    pr_number: Option<i64>,
    pr_url: Option<&'a str>,
}

/// What is at the place of the worktree.
enum There {
    Nothing,
    /// The worktree, made.
    Made,
    /// The worktree; whoever made it did not come to the end.
    Unfinished,
    /// An entry of a worktree whose folder is gone.
    Vanished,
}

pub(super) fn create(context: &Context, which: Which, dry_run: bool) -> Answer {
    let _turn = if dry_run { None } else { Some(hold_known(context, which)?) };
    let site = Site::of(context, which)?;
    let branch = site.branch()?;
    if branch == site.main.name {
        return Err(Refusal::new(format!("wave {} has the main branch '{branch}'", site.wave().id)));
    }
    let path = real_path(&site.folder());
    if let Some(other) = site.rows.recorded_path(context)?.filter(|other| *other != path)
        && site.tree(&other)?.is_some_and(|tree| !tree.missing)
    {
        let (wave, other) = (site.wave().id, other.display());
        return Err(Refusal::new(format!("wave {wave} has a worktree already, {other}: clean that up first")));
    }
    let there = look(&site, &path, &branch)?;
    let name = path.to_str().ok_or_else(|| Refusal::new(format!("{}: the path is not UTF-8", path.display())))?;
    if dry_run {
        let would = if matches!(there, There::Made) { "keep" } else { "make" };
        let line = format!("DRY-RUN: would {would} the worktree {name} on branch {branch}");
        return Ok(Outcome::text(text::one_line(&line)));
    }
    match there {
        There::Made => context.note(format!("{name} is there already: kept")),
        There::Nothing => make(&site, &path, &branch)?,
        There::Vanished => {
            let turn = site.repository.turn()?;
            site.git().args(["worktree", "remove"]).arg(&path).must("the entry of the vanished worktree stays")?;
            drop(turn);
            make(&site, &path, &branch)?;
        }
        There::Unfinished => {
            if take_back(&site, &path, &branch)? {
                make(&site, &path, &branch)?;
            } else {
                context.note(format!("{name} was not finished, but holds work: kept; see to its packages"));
            }
        }
    }
    let now = context.now();
    site.waves()?.assign(site.wave().id, site.rows.plan.id, &context.shorten_home(&path), &branch, &now)?;
    let wave = site.wave();
    Ok(Outcome::json(&Created {
        worktree_path: name,
        branch_name: &branch,
        pr_number: wave.pr_number,
        pr_url: wave.pr_url.as_deref(),
    }))
}

/// Holds the wave, after a look that there is one: a number out of the air leaves no lock file.
pub(super) fn hold_known(context: &Context, which: Which) -> Result<crewkit_store::queue::Turn, Refusal> {
    super::site::Rows::read(context, which)?;
    hold(context, which.wave.0)
}

/// What is at `path`.
///
/// # Errors
/// When it is anything but the wave's worktree.
fn look(site: &Site<'_>, path: &Path, branch: &str) -> Result<There, Refusal> {
    let place = path.display();
    let Some(tree) = site.tree(path)? else {
        let empty = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        if fs::symlink_metadata(path).is_err() || empty(path) {
            return Ok(There::Nothing);
        }
        return Err(Refusal::new(format!("{place} exists and is no worktree of this repository")));
    };
    if let Worktree { main: true, .. } = tree {
        return Err(Refusal::new(format!("{place} is the main working tree")));
    }
    if tree.missing {
        return match tree.locked {
            Some(_) => Err(Refusal::new(format!("{place} is a locked worktree whose folder is missing"))),
            None => Ok(There::Vanished),
        };
    }
    if tree.head.branch() != Some(branch) {
        let other = branch_or_detached(&tree.head);
        return Err(Refusal::new(format!("{place} is a worktree on {other}, not on {branch}")));
    }
    Ok(if site.wave().step == Some(WaveStep::Creating) { There::Unfinished } else { There::Made })
}

/// Makes the worktree.
fn make(site: &Site<'_>, path: &Path, branch: &str) -> Result<(), Refusal> {
    let context = site.context;
    site.waves()?.begin(site.wave().id, WaveStep::Creating, None, &context.now())?;
    let from = if known(site, branch)? { None } else { Some(newest_main(site)?) };
    let mut call = Run::tool(context, "worktree-create")?.directory(&site.repository.base()).arg(branch).arg(path);
    if let Some(from) = &from {
        call = call.args(["--from", from]);
    }
    // What it tells goes to standard error as it comes: our answer is one object.
    let ended = call.chatter().run()?;
    if ended.ok() {
        return Ok(());
    }
    let stays = site.tree(path)?.is_some_and(|tree| !tree.missing);
    let what = if stays { "is not ready" } else { "could not be made" };
    Err(Refusal::new(format!("worktree {} {what}: worktree-create ended with {}", path.display(), ended.code)))
}

/// Whether the branch exists, here or on origin.
fn known(site: &Site<'_>, branch: &str) -> Result<bool, Refusal> {
    Ok(site.tip(&format!("refs/heads/{branch}"))?.is_some()
        || site.tip(&format!("refs/remotes/origin/{branch}"))?.is_some())
}

/// The commit that a new branch begins from: the main branch, here or on origin, whichever has the other's commits;
/// origin's where each has commits of its own.
fn newest_main(site: &Site<'_>) -> Result<String, Refusal> {
    if site.repository.origin_url().is_some()
        && let Err(refusal) = fetch_main(site, FETCH)
    {
        site.context.note(refusal.message);
    }
    let own = site.main.commit.clone();
    let Some(fetched) = site.fetched_main()? else { return Ok(own) };
    if site.is_ancestor(&fetched.commit, &own)? {
        return Ok(own);
    }
    if !site.is_ancestor(&own, &fetched.commit)? {
        let name = &site.main.name;
        site.context.note(format!("{name} and origin/{name} have parted: the wave begins from origin's"));
    }
    Ok(fetched.commit)
}

/// Removes a worktree that was not finished, unless there is something in it to lose. Whether it is gone.
fn take_back(site: &Site<'_>, path: &Path, branch: &str) -> Result<bool, Refusal> {
    let git = || Git::at(site.context, path).of_folder();
    let Some(tip) = site.tip(&format!("refs/heads/{branch}"))? else { return Ok(false) };
    let fetched = site.fetched_main()?;
    let on_main = site.is_ancestor(&tip, &site.main.commit)?
        || fetched.is_some_and(|main| site.is_ancestor(&tip, &main.commit).unwrap_or(false));
    // Files that were not written yet are deletions; anything else is somebody's.
    if !on_main || !git().args(["reset", "--quiet", "--mixed"]).run().is_ok_and(|ended| !ended.timed_out) {
        return Ok(false);
    }
    let status = Status::by_git(git())?;
    if status.entries.iter().any(|entry| entry.letters != *b".D") {
        return Ok(false);
    }
    git().args(["reset", "--quiet", "--hard"]).must("the worktree that was not finished cannot be completed")?;
    let turn = site.repository.turn()?;
    let removed = site.git().args(["worktree", "remove"]).arg(path).run()?;
    drop(turn);
    Ok(removed.ok())
}
