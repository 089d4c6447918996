//! `cleanup`, and the end of a merge: the worktree goes, and the branch when it is merged. Git removes it; what git
//! refuses stays.

use std::path::Path;

use crewkit_repo::{Git, Operation, Repository, Status, real_path};
use crewkit_store::worktrees::Assignment;
use crewkit_tool::{Answer, Context, Outcome, Refusal, text};

use super::Which;
use super::create::hold_known;
use super::site::Site;

/// What may be lost with a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Nothing.
    Keep,
    /// What is not committed.
    Force,
}

pub(super) fn cleanup(context: &Context, which: Which, force: bool, dry_run: bool) -> Answer {
    let _turn = if dry_run { None } else { Some(hold_known(context, which)?) };
    let site = Site::of(context, which)?;
    let wave = site.wave();
    let Some(path) = site.rows.recorded_path(context)? else {
        return Ok(Outcome::text(format!("Wave {} has no worktree", wave.id)));
    };
    let care = if force { Care::Force } else { Care::Keep };
    if dry_run {
        check(&site, &path, care)?;
        let line = format!("DRY-RUN: would remove the worktree {} (branch {})", path.display(), site.branch()?);
        return Ok(Outcome::text(text::one_line(&line)));
    }
    remove(&site, &path, care, None)?;
    Ok(Outcome::text(format!("Cleaned up wave {} worktree", wave.id)))
}

/// Whether the worktree may go; the number of uncommitted changes that go with it.
///
/// # Errors
/// When it may not, with the reason.
fn check(site: &Site<'_>, path: &Path, care: Care) -> Result<usize, Refusal> {
    let place = path.display();
    let Some(tree) = site.tree(path)? else {
        if path.exists() {
            return Err(Refusal::new(format!("{place} is not a worktree of the repository")));
        }
        return Ok(0);
    };
    if tree.main || tree.bare {
        return Err(Refusal::new(format!("{place} is the main working tree, which is never removed")));
    }
    if let Some(reason) = &tree.locked {
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        return Err(Refusal::new(format!("{place} is a locked worktree{reason}")));
    }
    if tree.missing {
        return Ok(0);
    }
    if let Some(operation) = Repository::discover(path).and_then(|at| Operation::under_way(&at.git_dir))
        && care == Care::Keep
    {
        return Err(Refusal::new(format!("{place} is in the middle of a {}", operation.name())));
    }
    let count = Status::by_git(Git::at(site.context, path).of_folder())?.entries.len();
    if count > 0 && care == Care::Keep {
        let line = format!("{place} has {count} uncommitted changes: commit them, or give --force to lose them");
        return Err(Refusal::new(line));
    }
    Ok(count)
}

/// Removes the worktree at `path`, the wave's branch when it is at `landed` or merged, and both from the database.
///
/// # Errors
/// When the worktree may not go, or git refuses; then branch and database stay as they are, too.
pub(super) fn remove(site: &Site<'_>, path: &Path, care: Care, landed: Option<&str>) -> Result<(), Refusal> {
    let lost = check(site, path, care)?;
    let turn = site.repository.turn()?;
    if site.tree(path)?.is_some() {
        let force: &[&str] = if care == Care::Force { &["--force"] } else { &[] };
        let call = site.git().args(["worktree", "remove"]).args(force).arg(path);
        call.must(&format!("git does not remove {}", path.display()))?;
        if lost > 0 {
            site.context.note(format!("{lost} uncommitted changes were lost"));
        }
    }
    if let Some(kept) = delete_branch(site, landed)? {
        site.context.note(kept);
    }
    drop(turn);
    release(site, path)
}

/// Deletes the wave's branch when it is at `landed` or merged. A line when it stays.
pub(super) fn delete_branch(site: &Site<'_>, landed: Option<&str>) -> Result<Option<String>, Refusal> {
    let branch = site.branch()?;
    let Some(tip) = site.tip(&format!("refs/heads/{branch}"))? else { return Ok(None) };
    if branch == site.main.name {
        return Ok(None);
    }
    if landed != Some(&tip) && !site.is_merged(&tip)? {
        return Ok(Some(format!("branch {branch} stays: it is not merged")));
    }
    let ended = site.git().args(["branch", "--quiet", "-D", "--end-of-options", &branch]).run()?;
    Ok((!ended.ok()).then(|| format!("branch {branch} stays: {}", ended.complaint())))
}

/// Takes the worktree out of the database: of the wave, and of every plan or wave that has it.
fn release(site: &Site<'_>, path: &Path) -> Result<(), Refusal> {
    let assignments = site.store()?.assignments();
    let context = site.context;
    let here = |one: &Assignment| {
        let stored = one.path.as_deref().map(|stored| context.absolute(&context.expand_home(stored)));
        stored.is_some_and(|stored| stored.is_ok_and(|stored| real_path(&stored) == path))
    };
    let all: Vec<_> = assignments.all()?.into_iter().filter(here).collect();
    Ok(assignments.release(&all, &context.now())?)
}
