//! What is not committed yet in a worktree: a warning, since the commit comes after the gate.

use std::path::Path;

use crewkit_repo::{Git, Repository, Status};
use crewkit_tool::Context;

/// How many files are named.
const NAMED: usize = 5;

/// The warning for `worktree` as the database keeps it; `None` when there is nothing to warn of.
pub(crate) fn warning(context: &Context, worktree: Option<&Path>) -> Option<String> {
    let path = context.expand_home(worktree?);
    let repository = Repository::discover(&path).filter(|_| path.is_dir())?;
    let top = repository.top?;
    let call = Git::at(context, &top).of_folder();
    let ended = call.args(["status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames"]).run();
    let status = ended.ok().filter(crewkit_tool::process::Ended::ok).and_then(|ended| Status::parse(&ended.stdout));
    let Some(status) = status else {
        return Some(format!("[WARN] git cannot tell what is uncommitted in {}", path.display()));
    };
    let count = status.entries.len();
    if count == 0 {
        return None;
    }
    let names: Vec<String> = status.entries.iter().take(NAMED).map(crewkit_repo::Entry::text).collect();
    let more = if count > NAMED { ", ..." } else { "" };
    Some(format!("[WARN] {count} uncommitted files in {}: {}{more}", path.display(), names.join(", ")))
}
