//! Uncommitted changes put aside in git's stash, and given back.
//!
//! The stash is one list for all worktrees of a repository, in which a number means another entry after each change. So
//! an entry is known by its commit's id, and named after branch and worktree; the list is changed in turn.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crewkit_repo::{Change, Git, Status};
use crewkit_tool::{Refusal, text};
use serde::Serialize;

use super::{Tree, branch_of};

/// An entry of the stash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Stash {
    /// The full id of its commit.
    pub(super) id: String,
    /// Its message, without git's words before it.
    pub(super) message: String,
}

/// A stash given back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GivenBack {
    /// Whether what was staged is staged again.
    pub(super) index: bool,
    /// Whether the entry was in the list, from which it is gone now.
    pub(super) dropped: bool,
}

impl Stash {
    /// The path of the worktree it was made in, when this tool made it.
    pub(super) fn worktree(&self) -> Option<&str> {
        // Neither the kind nor a branch's name holds a blank.
        let (branch, path) = self.message.strip_prefix("worktree-safety ")?.split_once(" @ ")?;
        (branch.split(' ').count() == 2).then_some(path)
    }
}

/// The paths of the status that git's stash takes: tracked ones.
pub(super) fn tracked(status: &Status) -> usize {
    status.with(|change| change != Change::Untracked).len()
}

/// The paths that git does not know.
pub(super) fn untracked(status: &Status) -> Vec<String> {
    status.with(|change| change == Change::Untracked).iter().map(|entry| entry.text()).collect()
}

impl Tree<'_> {
    /// This worktree's path as it stands in the message of a stash.
    pub(super) fn name(&self) -> String {
        text::one_line(&self.top.to_string_lossy())
    }

    /// All entries, the newest first.
    pub(super) fn stashes(&self) -> Result<Vec<Stash>, Refusal> {
        let call = self.git().args(["stash", "list", "-z", "--no-show-signature", "--format=%H %B"]);
        let listed = call.must("the stash cannot be listed")?.stdout;
        let text = String::from_utf8_lossy(&listed);
        let entries = text.split('\0').filter_map(|record| record.split_once(' '));
        Ok(entries
            .map(|(id, message)| {
                let message = message.trim_end();
                // Git writes `On BRANCH: ` before it; one of git's own begins `WIP on BRANCH: `.
                let own = message.strip_prefix("On ").and_then(|rest| rest.split_once(": ")).map(|(_, own)| own);
                Stash { id: id.to_owned(), message: own.unwrap_or(message).to_owned() }
            })
            .collect())
    }

    /// Puts all tracked changes aside, staged or not, with `and_untracked` the untracked files too. After it no tracked
    /// file differs from its commit.
    ///
    /// # Errors
    /// When git refuses, and when something cannot be put aside: then everything is where it was.
    pub(super) fn put_aside(&self, kind: &str, status: &Status, and_untracked: bool) -> Result<Stash, Refusal> {
        let message = format!("worktree-safety {kind}: {} @ {}", branch_of(status), self.name());
        let call = self.git().args(["stash", "push", "--quiet", "--message", &message]);
        let call = if and_untracked { call.arg("--include-untracked") } else { call };
        let turn = self.repository.turn()?;
        let before = self.stashes()?;
        let pushed = call.run()?;
        let new = self.stashes()?.into_iter().find(|stash| stash.message == message && !before.contains(stash));
        drop(turn);
        let fault = match (pushed.ok(), &new) {
            (true, Some(_)) => {
                let left = self.status()?;
                let paths: Vec<String> = left
                    .with(|change| and_untracked || change != Change::Untracked)
                    .iter()
                    .map(|entry| entry.text())
                    .collect();
                if paths.is_empty() { None } else { Some(format!("git's stash does not take {}", super::some(&paths))) }
            }
            (true, None) => Some("git's stash took nothing".to_owned()),
            (false, _) => Some(format!("git cannot stash: {}", pushed.complaint())),
        };
        match (fault, new) {
            (None, Some(stash)) => Ok(stash),
            (Some(fault), Some(stash)) => Err(match self.give_back(&stash.id) {
                Ok(_) => Refusal::new(format!("{fault}; nothing was changed")),
                Err(other) => Refusal::new(format!("{fault}; what it took is in stash {}: {other}", stash.id)),
            }),
            (fault, None) => Err(Refusal::new(fault.unwrap_or_else(|| "git's stash took nothing".to_owned()))),
        }
    }

    /// Gives back the changes of the stash with the commit `id`, and takes it out of the list. No tracked file may
    /// differ from its commit.
    ///
    /// # Errors
    /// When the changes conflict with what is there now: then the worktree is as before, and the stash stays.
    pub(super) fn give_back(&self, id: &str) -> Result<GivenBack, Refusal> {
        self.must_not_collide(id)?;
        let index = match self.try_apply(id, true)? {
            None => true,
            Some(_) => match self.try_apply(id, false)? {
                None => false,
                Some(complaint) => {
                    return Err(Refusal::new(format!("stash {id} does not fit what is here: {complaint}")));
                }
            },
        };
        Ok(GivenBack { index, dropped: self.forget(id)? })
    }

    /// Git's complaint when it does not apply; then the worktree is as before.
    fn try_apply(&self, id: &str, index: bool) -> Result<Option<String>, Refusal> {
        let call = self.git().args(["stash", "apply", "--quiet"]);
        let call = if index { call.arg("--index") } else { call };
        let applied = call.arg(id).run()?;
        if applied.ok() {
            return Ok(None);
        }
        if tracked(&self.status()?) > 0 {
            self.git().args(["reset", "--hard", "--quiet"]).must("the half-applied stash cannot be undone")?;
        }
        // The names of conflicting files stand on standard output.
        let told = String::from_utf8_lossy(&applied.stdout).into_owned();
        let conflict = told.lines().find(|line| line.starts_with("CONFLICT")).map(str::to_owned);
        Ok(Some(conflict.unwrap_or_else(|| applied.complaint())))
    }

    /// Refuses when a file that the stash would bring is there already and unknown to git: undoing a conflict would take
    /// it away.
    fn must_not_collide(&self, id: &str) -> Result<(), Refusal> {
        let names = |call: Git| -> Result<Vec<Vec<u8>>, Refusal> {
            let told = call.must("the stash cannot be read")?.stdout;
            Ok(told.split(|&byte| byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
        };
        let is_there = |name: &Vec<u8>| self.top.join(OsStr::from_bytes(name)).symlink_metadata().is_ok();
        let added = |other: &str| {
            let diff = ["diff", "--name-only", "-z", "--no-renames", "--diff-filter=A", "--no-ext-diff"];
            names(self.git().args(diff).args([&format!("{id}^1"), other, "--"]))
        };
        let mut there = added(id)?;
        there.extend(added(&format!("{id}^2"))?);
        there.retain(is_there);
        if !there.is_empty() {
            let call = self.git().args(["--literal-pathspecs", "ls-files", "-z", "--"]);
            let known = names(call.args(there.iter().map(|name| OsStr::from_bytes(name))))?;
            there.retain(|name| !known.contains(name));
        }
        let third = format!("{id}^3");
        if self.git().args(["rev-parse", "--verify", "--quiet", &third]).run()?.ok() {
            let untracked = names(self.git().args(["ls-tree", "-r", "-z", "--name-only", &third]))?;
            there.extend(untracked.into_iter().filter(is_there));
        }
        match there.first() {
            Some(name) => Err(Refusal::new(format!(
                "stash {id} brings {}, which is there already: move that away first",
                String::from_utf8_lossy(name)
            ))),
            None => Ok(()),
        }
    }

    /// Takes the entry with the commit `id` out of the list; whether it was there.
    fn forget(&self, id: &str) -> Result<bool, Refusal> {
        let _turn = self.repository.turn()?;
        let Some(at) = self.stashes()?.iter().position(|stash| stash.id == id) else { return Ok(false) };
        let number = format!("stash@{{{at}}}");
        let told = self.git().args(["stash", "drop", &number]).must("the stash stays in the list")?.text();
        let dropped = told.rsplit_once('(').map(|(_, rest)| rest.trim_end_matches([')', '\n'])).unwrap_or_default();
        if !dropped.is_empty() && dropped != id {
            // Somebody changed the list between the look and the step: what was dropped goes back.
            let message = self.git().args(["log", "-1", "--format=%B", dropped, "--"]).must("a stash is lost")?.text();
            self.git().args(["stash", "store", "--message", &message, dropped]).must("a stash is lost")?;
            return Err(Refusal::new(format!(
                "the changes are back; stash {id} stays in the list, which others change"
            )));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stash_knows_its_worktree() {
        for (message, wanted) in [
            ("worktree-safety pre-check: feat/x @ /w/a shop", Some("/w/a shop")),
            ("worktree-safety recover: DETACHED @ /w @ /b", Some("/w @ /b")),
            ("worktree-safety is on x @ /w", None),
            ("b0c49c2 x @ y", None),
            ("", None),
        ] {
            let stash = Stash { id: String::new(), message: message.to_owned() };
            assert_eq!(stash.worktree(), wanted, "{message}");
        }
    }
}
