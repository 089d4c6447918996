//! Taking an agent's worktree away again.

use std::path::Path;

use crewkit_repo::{Head, real_path};
use crewkit_tool::Refusal;

use super::{Crew, Row, Status};
use crate::worktree_cleanup::{Site, Verdict};

/// Removes the worktree at `path` and its branches, if nothing is lost with them.
pub(super) fn remove(crew: &mut Crew<'_>, path: &Path, mut row: Row) -> Row {
    match try_remove(crew, path, &row.branch) {
        Ok(status) => row.status = status,
        Err(refusal) => row.fail(refusal),
    }
    row
}

fn try_remove(crew: &mut Crew<'_>, path: &Path, branch: &str) -> Result<Status, Refusal> {
    let context = crew.context;
    let directory = context.directory()?;
    let mut site = Site::at(context, directory)?.ok_or_else(|| Refusal::new("the repository is gone"))?;
    let here = real_path(path);
    let Some(tree) = site.tree(&here).cloned() else {
        if path.symlink_metadata().is_ok() {
            return Err(Refusal::new(format!("{} is no worktree of this repository", path.display())));
        }
        return Ok(Status::None);
    };
    if let Head::Branch(other) = &tree.head
        && other != branch
        && other.starts_with("agent/")
    {
        return Err(Refusal::new(format!("{} is the worktree of another agent's branch, {other}", path.display())));
    }
    if real_path(directory).starts_with(&here) {
        return Err(Refusal::new(format!("{} is the working directory: remove it from elsewhere", path.display())));
    }
    let leaving = match site.judge(&tree)? {
        Verdict::Go(leaving) => leaving,
        Verdict::Keep(why) => return Err(Refusal::new(why)),
    };
    let ignored: Vec<String> = leaving.ignored.iter().map(|path| path.display().to_string()).collect();
    if let Some(own) = ignored.iter().find(|name| name.starts_with(".env")) {
        // Links to the main work tree's are not among them: this one is nowhere else.
        return Err(Refusal::new(format!("{} has a file of its own that git ignores: {own}", path.display())));
    }
    if !ignored.is_empty() {
        let would = if crew.dry_run { "would go" } else { "went" };
        crew.notes.push(format!("{}: {would} with it, ignored by git: {}", path.display(), ignored.join(", ")));
    }
    if crew.dry_run {
        return Ok(Status::WouldRemove);
    }
    let lines = site.remove(&tree, &leaving, false)?;
    crew.notes.extend(lines.into_iter().filter(|line| line.contains(" kept: ")));
    if tree.head.branch() != Some(branch)
        && let Some(commit) = site.tip(&format!("refs/heads/{branch}"))?
    {
        let kept = if site.is_merged(&commit)? {
            site.delete_branch(branch, &commit)?
        } else {
            Some(format!("it is not merged into {}", site.main.name))
        };
        crew.notes.extend(kept.map(|why| format!("branch {branch} kept: {why}")));
    }
    Ok(Status::Removed)
}
