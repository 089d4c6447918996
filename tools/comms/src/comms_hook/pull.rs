//! Bringing the main checkout up to date after a pull request was merged.

use std::path::Path;
use std::time::{Duration, Instant};

use crewkit_repo::{Git, Repository};
use crewkit_tool::{Context, Refusal, text};

use super::git_detect::{Merge, owner_and_name};
use crate::comms::folder_name;

/// How long all of it may take: the agent waits.
const LIMIT: Duration = Duration::from_secs(10);

/// Most characters of a reason.
const REASON_CHARACTERS: usize = 120;

/// Pulls the remote's default branch into the main checkout of the repository at `directory`, by fast-forward and only
/// when the checkout is on that branch and clean. What to tell the others comes back; nothing outside a repository,
/// for another repository's merge, or where nothing has happened yet.
pub(super) fn after_merge(context: &Context, directory: &Path, merge: &Merge) -> Option<String> {
    let main = Repository::discover(directory)?.main_worktree()?;
    let name = folder_name(&main);
    let mut pull = Pull { context, main: &main, deadline: Instant::now() + LIMIT };
    let remote = pull.remote()?;
    if let Some(wanted) = &merge.repository
        && pull.git(&["remote", "get-url", &remote]).ok().and_then(|url| owner_and_name(&url)).as_ref() != Some(wanted)
    {
        return None;
    }
    let mut branch = String::new();
    match pull.fast_forward(&remote, &mut branch) {
        Ok(true) => Some(format!("auto-pulled {branch} in {name}/")),
        Ok(false) if merge.later => None,
        Ok(false) => Some(format!("auto-pulled {branch} in {name}/ (nothing new)")),
        Err(refusal) => {
            let what = if branch.is_empty() { "auto-pull".to_owned() } else { format!("auto-pull of {branch}") };
            let reason = text::cut(&refusal.to_string(), REASON_CHARACTERS);
            Some(format!("{what} in {name}/ was not possible: {reason}"))
        }
    }
}

struct Pull<'a> {
    context: &'a Context,
    main: &'a Path,
    deadline: Instant,
}

impl Pull<'_> {
    /// Standard output of git in the main checkout.
    fn git(&mut self, arguments: &[&str]) -> Result<String, Refusal> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let ended = Git::at(self.context, self.main).args(arguments).limit(left).must("git")?;
        Ok(ended.text())
    }

    /// The remote that the checkout follows: its branch's, else origin; `None` without remotes.
    fn remote(&mut self) -> Option<String> {
        let remotes = self.git(&["remote"]).ok()?;
        let followed = Repository::discover(self.main)
            .and_then(|repository| repository.head().branch().map(|branch| format!("branch.{branch}.remote")))
            .and_then(|key| self.git(&["config", "--get", &key]).ok());
        let known = |name: &str| remotes.lines().any(|remote| remote == name);
        followed.filter(|name| known(name)).or_else(|| known("origin").then(|| "origin".to_owned()))
    }

    /// The remote's default branch: as it was when last told, else asked.
    fn default_branch(&mut self, remote: &str) -> Result<String, Refusal> {
        let head = format!("refs/remotes/{remote}/HEAD");
        let prefix = format!("refs/remotes/{remote}/");
        if let Ok(target) = self.git(&["symbolic-ref", "--quiet", &head])
            && let Some(branch) = target.strip_prefix(&prefix)
        {
            return Ok(branch.to_owned());
        }
        let told = self.git(&["ls-remote", "--symref", remote, "HEAD"])?;
        told.lines()
            .find_map(|line| line.strip_prefix("ref: refs/heads/")?.split_whitespace().next().map(str::to_owned))
            .ok_or_else(|| Refusal::new(format!("{remote} does not tell its default branch")))
    }

    /// Whether there was something to pull; `branch` is told as soon as it is known.
    fn fast_forward(&mut self, remote: &str, branch: &mut String) -> Result<bool, Refusal> {
        *branch = self.default_branch(remote)?;
        let checked_out = Repository::discover(self.main).map(|repository| repository.head());
        match checked_out.as_ref().and_then(|head| head.branch()) {
            Some(on) if on == branch => {}
            Some(on) => return Err(Refusal::new(format!("{on} is checked out there"))),
            None => return Err(Refusal::new("no branch is checked out there")),
        }
        if !self.git(&["status", "--porcelain"])?.is_empty() {
            return Err(Refusal::new("there are uncommitted changes"));
        }
        let before = self.git(&["rev-parse", "HEAD"])?;
        // The name is the remote's word: in full it cannot be taken for an option.
        self.git(&["pull", "--quiet", "--ff-only", remote, &format!("refs/heads/{branch}")])?;
        Ok(self.git(&["rev-parse", "HEAD"])? != before)
    }
}
