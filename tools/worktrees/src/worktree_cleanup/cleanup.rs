//! The modes: which worktrees are looked at, and what is done with each.

use std::path::Path;

use crewkit_repo::{Worktree, branch_or_detached};
use crewkit_store::worktrees::{Assignment, Holder};
use crewkit_tool::{Context, Refusal};

use super::Arguments;
use super::database::Database;
use super::report::{Cleaned, Report, Why};
use super::site::{Leaving, Site, Verdict};
use super::size::shown;
use crate::assigned::place;

/// Most ignored files that are named.
const NAMED: usize = 10;

/// A run of the tool.
pub(super) struct Cleanup<'a> {
    pub(super) context: &'a Context,
    pub(super) arguments: &'a Arguments,
    pub(super) site: Site<'a>,
    pub(super) report: Report,
}

impl<'a> Cleanup<'a> {
    fn database(&self) -> Result<Database<'a>, Refusal> {
        Database::of(self.context)
    }

    pub(super) fn branch(&mut self, branch: &str) -> Result<(), Refusal> {
        self.report.say(format!("=== CLEANUP WORKTREE FOR BRANCH {branch} ==="));
        if let Some(tree) = self.site.tree_of(branch).cloned() {
            return self.by_name(&tree, &[]).map(drop);
        }
        self.report.say(format!("No worktree found for branch {branch}"));
        let Some(commit) = self.site.tip(&format!("refs/heads/{branch}"))? else { return Ok(()) };
        if branch == self.site.main.name || !self.site.is_merged(&commit)? {
            return Ok(());
        }
        if self.arguments.dry_run {
            self.report.say(format!("DRY-RUN: Would delete merged branch: {branch}"));
            return Ok(());
        }
        match self.site.delete_branch(branch, &commit)? {
            None => {
                self.report.say(format!("Deleted merged branch: {branch}"));
                self.report.deleted_branches.push(branch.to_owned());
            }
            Some(reason) => self.report.say(format!("Branch {branch} kept: {reason}")),
        }
        Ok(())
    }

    pub(super) fn plan(&mut self, id: i64) -> Result<(), Refusal> {
        self.report.say(format!("=== CLEANUP WORKTREE FOR PLAN {id} ==="));
        let database = self.database()?;
        let own = database.plan(id)?.filter(|plan| plan.path.is_some());
        let waves = database.waves_of(id)?;
        if own.is_none() && waves.is_empty() {
            self.report.say(format!("No worktree found for plan {id}"));
            return Ok(());
        }
        for assignment in own.into_iter().chain(waves) {
            // The plan's worktree may be a wave's too: then that one is done.
            let Holder::Wave(wave) = assignment.holder else {
                self.assigned(&assignment)?;
                continue;
            };
            if self.database()?.wave(wave)?.is_some_and(|now| now.path.is_some()) {
                self.assigned(&assignment)?;
            }
        }
        Ok(())
    }

    pub(super) fn wave(&mut self, id: i64) -> Result<(), Refusal> {
        self.report.say(format!("=== CLEANUP WORKTREE FOR WAVE {id} ==="));
        match self.database()?.wave(id)? {
            None => self.report.refuse(format!("Wave {id} not found")),
            Some(wave) if wave.path.is_none() => self.report.say(format!("Wave {id} has no worktree")),
            Some(wave) => self.assigned(&wave)?,
        }
        Ok(())
    }

    /// The worktree of a plan or wave. A refusal is reported; others go on.
    fn assigned(&mut self, assignment: &Assignment) -> Result<(), Refusal> {
        let Some(stored) = &assignment.path else { return Ok(()) };
        let path = place(self.context, stored)?;
        let found = self.site.tree(&path).cloned();
        let Some(tree) = found else {
            return if path.exists() { self.elsewhere(assignment, &path) } else { self.gone(assignment, &path) };
        };
        if let Some(branch) = &assignment.branch
            && self.site.tip(&format!("refs/heads/{branch}"))?.is_none()
        {
            let why = Why::new("no-branch", format!("Branch {branch} not found"));
            self.stays(&tree, &why);
            return Ok(());
        }
        if tree.missing && matches!(self.site.judge(&tree)?, Verdict::Keep(_)) {
            return self.gone(assignment, &path);
        }
        self.by_name(&tree, std::slice::from_ref(assignment)).map(drop)
    }

    /// A folder that is no worktree of this repository: perhaps of another one.
    fn elsewhere(&mut self, assignment: &Assignment, path: &Path) -> Result<(), Refusal> {
        match Site::at(self.context, path, self.arguments.older_than)? {
            Some(other) if other.tree(path).is_some() => {
                let here = std::mem::replace(&mut self.site, other);
                let done = self.assigned(assignment);
                self.site = here;
                done
            }
            _ => {
                self.report.refuse(format!("  SKIP: {} is not a registered worktree", path.display()));
                Ok(())
            }
        }
    }

    /// A folder that is not there any more: only the database remembers it.
    fn gone(&mut self, assignment: &Assignment, path: &Path) -> Result<(), Refusal> {
        if self.arguments.dry_run {
            self.report.say(format!("DRY-RUN: Would forget {}, which is gone", path.display()));
            return Ok(());
        }
        self.report.say(format!("  {} is gone", path.display()));
        self.release(std::slice::from_ref(assignment))
    }

    /// One worktree that was asked for. Whether it went.
    fn by_name(&mut self, tree: &Worktree, assigned: &[Assignment]) -> Result<bool, Refusal> {
        match self.site.judge(tree) {
            Ok(Verdict::Go(leaving)) => self.go(tree, &leaving, assigned),
            Ok(Verdict::Keep(why)) => {
                self.stays(tree, &why);
                Ok(false)
            }
            Err(refusal) => {
                let line = format!("{} cannot be judged: {}", tree.path.display(), refusal.message);
                self.stays(tree, &Why::new("unreadable", line));
                Ok(false)
            }
        }
    }

    /// One that was asked for and stays.
    fn stays(&mut self, tree: &Worktree, why: &Why) {
        self.report.refuse(format!("  SKIP: {}", why.text));
        self.report.keep(tree, why, None);
    }

    /// Removes a worktree, its branch and its entries in the database. Whether it went.
    fn go(&mut self, tree: &Worktree, leaving: &Leaving, assigned: &[Assignment]) -> Result<bool, Refusal> {
        let (path, branch) = (tree.path.display(), branch_or_detached(&tree.head));
        let entries = match assigned {
            [] => self.database()?.at(&tree.path)?,
            given => {
                let others = self.database()?.at(&tree.path)?;
                let new = others.into_iter().filter(|other| given.iter().all(|one| one.holder != other.holder));
                given.iter().cloned().chain(new).collect()
            }
        };
        let size = self.site.size(tree)?;
        let mut cleaned = Cleaned {
            path: tree.path.to_string_lossy().into_owned(),
            branch: branch.to_owned(),
            branch_deleted: None,
            size,
            ignored: leaving.ignored.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        };
        if self.arguments.dry_run {
            match assigned.first().map(|assignment| assignment.holder) {
                Some(Holder::Wave(id)) => {
                    self.report.say(format!("DRY-RUN: Would clean up wave {id} worktree: {path} (branch: {branch})"));
                }
                _ => self.report.say(format!("  DRY-RUN: Would remove worktree {path} and branch {branch}")),
            }
            self.say_ignored(leaving, if self.arguments.keep_ignored { "Would keep" } else { "Would lose" });
            self.report.say(format!("  Size: {}", cleaned.size.text()));
            self.report.freed_bytes += cleaned.size.bytes;
            self.report.cleaned.push(cleaned);
            return Ok(true);
        }
        match self.site.remove(tree, leaving, self.arguments.keep_ignored) {
            Ok(done) => {
                done.lines.iter().for_each(|line| self.report.say(line));
                cleaned.branch_deleted = Some(done.branch_deleted);
                let freed = cleaned.size.bytes.saturating_sub(done.left);
                self.report.freed_bytes += freed;
                self.report.say(format!("  Freed: {}", if done.left > 0 { shown(freed) } else { cleaned.size.text() }));
                self.report.cleaned.push(cleaned);
            }
            Err(refusal) => {
                self.stays(tree, &Why::new("git-refused", refusal.message));
                return Ok(false);
            }
        }
        if !self.arguments.keep_ignored {
            self.say_ignored(leaving, "Removed with it");
        }
        self.release(&entries)?;
        Ok(true)
    }

    fn say_ignored(&mut self, leaving: &Leaving, what: &str) {
        let count = leaving.ignored.len();
        if count > 0 {
            let names: Vec<_> = leaving.ignored.iter().take(NAMED).map(|path| path.display().to_string()).collect();
            let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
            self.report.say(format!("  {what}, ignored by git: {}{more}", names.join(", ")));
        }
    }

    fn release(&mut self, entries: &[Assignment]) -> Result<(), Refusal> {
        self.database()?.release(entries)?;
        for entry in entries {
            self.report.say(match entry.holder {
                Holder::Plan(id) => format!("  DB: Cleared worktree_path for plan {id}"),
                Holder::Wave(id) => format!("Cleaned up wave {id} worktree"),
            });
            self.report.released.push(entry.holder.into());
        }
        Ok(())
    }

    pub(super) fn all_merged(&mut self) -> Result<(), Refusal> {
        self.report.say("=== CLEANUP MERGED WORKTREES ===");
        let database = self.database()?;
        let main = self.site.main.name.clone();
        let linked =
            self.site.trees.iter().filter(|tree| !tree.main && !tree.bare && tree.head.branch() != Some(&main));
        let mut cleaned = 0;
        for tree in linked.cloned().collect::<Vec<_>>() {
            let verdict = match self.busy(&database, &tree) {
                Ok(Some(why)) => Ok(Verdict::Keep(why)),
                Ok(None) => self.site.judge(&tree),
                Err(refusal) => Err(refusal),
            };
            match verdict {
                Ok(Verdict::Go(leaving)) => {
                    self.report.say(format!("{}:", branch_or_detached(&tree.head)));
                    cleaned += usize::from(self.go(&tree, &leaving, &[])?);
                }
                Ok(Verdict::Keep(why)) => self.left_alone(&tree, &why)?,
                Err(refusal) => {
                    let line = format!("{}: {}", tree.path.display(), refusal.message);
                    self.left_alone(&tree, &Why::new("unreadable", line))?;
                }
            }
        }
        // One that git refused to remove is a line of the report here, as one that may not go.
        self.report.refused = false;
        if cleaned > 0 {
            let freed = if self.arguments.dry_run { "Would be freed" } else { "Freed" };
            self.report.say(format!("{freed}: {}", shown(self.report.freed_bytes)));
        }
        let would = if self.arguments.dry_run { "DRY-RUN: Would be cleaned" } else { "Cleaned" };
        self.report.say(format!("{would}: {cleaned} worktree(s)"));
        Ok(())
    }

    /// One of all that stays; a dry run tells what it takes.
    fn left_alone(&mut self, tree: &Worktree, why: &Why) -> Result<(), Refusal> {
        self.report.say(format!("  SKIP: {}", why.text));
        let measured = self.arguments.dry_run && !tree.missing && why.word != "unreadable";
        let size = if measured { Some(self.site.size(tree)?) } else { None };
        if let Some(size) = &size {
            self.report.say(format!("    Size: {}", size.text()));
        }
        self.report.keep(tree, why, size);
        Ok(())
    }

    /// Forgets the worktrees whose folder is gone.
    pub(super) fn prune(&mut self) -> Result<(), Refusal> {
        self.report.say("=== FORGET WORKTREES THAT ARE GONE ===");
        let gone: Vec<_> = self.site.trees.iter().filter(|tree| tree.missing && !tree.main).cloned().collect();
        for tree in gone {
            let (path, branch) = (tree.path.display(), branch_or_detached(&tree.head));
            if self.arguments.dry_run {
                self.report.say(format!("  DRY-RUN: Would forget {path} (branch {branch} stays)"));
                self.report.pruned.push(tree.path.to_string_lossy().into_owned());
                continue;
            }
            if let Some(why) = self.site.prune(&tree)? {
                self.report.say(format!("  SKIP: {}", why.text));
                self.report.keep(&tree, &why, None);
            } else {
                self.report.say(format!("  Forgotten: {path} (branch {branch} stays)"));
                self.report.pruned.push(tree.path.to_string_lossy().into_owned());
            }
        }
        Ok(())
    }

    /// Why a merged worktree is left alone unless it is asked for: somebody may be about to work in it.
    fn busy(&self, database: &Database<'_>, tree: &Worktree) -> Result<Option<Why>, Refusal> {
        let Some(branch) = tree.head.branch() else {
            return Ok(Some(Why::new("no-branch", format!("{} is on no branch", tree.path.display()))));
        };
        if let Some(holder) = database.at(&tree.path)?.iter().find(|one| one.in_progress()).map(|one| one.holder) {
            let (kind, id) = match holder {
                Holder::Plan(id) => ("plan", id),
                Holder::Wave(id) => ("wave", id),
            };
            let line = format!("{branch} belongs to {kind} {id}, which is in progress");
            return Ok(Some(Why::new("in-progress", line)));
        }
        let locked = database.locked_in(&tree.path)?;
        if locked > 0 {
            return Ok(Some(Why::new("file-locks", format!("{branch} has {locked} files locked by agents"))));
        }
        let merged = match self.site.tip(&format!("refs/heads/{branch}"))? {
            Some(tip) => self.site.is_ancestor(&tip)?,
            None => false,
        };
        let fresh = merged && !self.site.has_own_commits(tree)?;
        Ok(fresh.then(|| Why::new("fresh", format!("{branch} has no commits of its own yet"))))
    }
}
