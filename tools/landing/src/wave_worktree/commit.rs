//! What is not committed in the worktree becomes one commit.

use std::path::Path;
use std::time::Duration;

use crewkit_repo::{Change, Git, Operation, Repository, Status, branch_or_detached};
use crewkit_store::waves::WaveStep;
use crewkit_tool::Refusal;

use super::merge::say;
use super::site::Site;

/// How long a commit may take, hooks included.
const COMMIT: Duration = Duration::from_mins(15);

/// The worktree's state, which has to be one that can be committed and landed.
///
/// # Errors
/// When another branch is checked out, git is in the middle of something, or there is no commit.
pub(super) fn state(site: &Site<'_>, path: &Path, branch: &str) -> Result<Status, Refusal> {
    let place = path.display();
    let tree = site.tree(path)?.filter(|tree| !tree.missing);
    let tree = tree.ok_or_else(|| Refusal::new(format!("{place} is not a worktree of the repository")))?;
    if tree.head.branch() != Some(branch) {
        let other = branch_or_detached(&tree.head);
        return Err(Refusal::new(format!("{place} is on {other}, not on {branch}")));
    }
    if let Some(operation) = Repository::discover(path).and_then(|at| Operation::under_way(&at.git_dir)) {
        return Err(Refusal::new(format!("{place} is in the middle of a {}", operation.name())));
    }
    let status = Status::by_git(Git::at(site.context, path).of_folder())?;
    if let Some(entry) = status.with(|change| change == Change::Unmerged).first() {
        return Err(Refusal::new(format!("{place}: {} is in conflict", entry.text())));
    }
    Ok(status)
}

/// Commits what is not committed; the full id of the branch's newest commit then.
///
/// # Errors
/// As [`state`]; when git or a hook refuses.
pub(super) fn commit(site: &Site<'_>, path: &Path, branch: &str, may: bool) -> Result<String, Refusal> {
    let before = state(site, path, branch)?;
    let no_commit = || Refusal::new(format!("{branch} has no commit"));
    if before.clean() {
        say(site.context, "2 nothing to commit");
        return before.head.ok_or_else(no_commit);
    }
    let count = before.entries.len();
    if !may {
        let line = format!("{} has {count} uncommitted changes, which --resume does not take up", path.display());
        return Err(Refusal::new(line));
    }
    site.waves()?.begin(site.wave().id, WaveStep::Committing, None, &site.context.now())?;
    let git = || Git::at(site.context, path).of_folder().limit(COMMIT);
    git().args(["add", "--all"]).must("the changes cannot be staged")?;
    let message = site.rows.commit_message();
    let ended = git().args(["commit", "--quiet", "-m", &message]).run()?;
    let after = state(site, path, branch)?;
    if after.head == before.head {
        let reason = if ended.timed_out { "git took too long".to_owned() } else { ended.complaint() };
        String::from_utf8_lossy(&ended.stderr).lines().for_each(|line| site.context.note(line));
        return Err(Refusal::new(format!("nothing was committed: {reason}")));
    }
    if !after.clean() {
        site.context.note(format!("{} changes came up while the commit was made", after.entries.len()));
    }
    say(site.context, &format!("2 committed {count} changes: {message}"));
    after.head.ok_or_else(no_commit)
}
