//! worktree-cleanup: removes worktrees whose branch is merged, with their branch and their entry in the database. People
//! call it, and plan-db when a plan is completed.
//!
//! Git itself removes a worktree, never with force: what git refuses to remove stays.

mod database;
mod site;

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, Parser};
use crewkit_repo::{Worktree, branch_or_detached};
use crewkit_store::worktrees::{Assignment, Holder};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, exit_code, text};

pub(crate) use database::Database;
use site::Leaving;
pub(crate) use site::{Site, Verdict};

/// worktree-cleanup.
pub const TOOL: Tool = Tool {
    name: "worktree-cleanup",
    summary: "removes worktrees whose branch is merged, with branch and database entry",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Most ignored files that are named.
const NAMED: usize = 10;

/// Removes worktrees whose branch is merged, with their branch and their entry in the database.
///
/// Merged is a branch whose commits, or the same changes after a squash, are in the main branch (here, or as last
/// fetched from origin). A worktree stays when its branch is not merged, when it has uncommitted changes, when it is
/// locked, and when it is the main one.
///
/// Ends with 0; 1 when a worktree stays that was asked for by name, plan or wave.
#[derive(Parser, Debug)]
#[command(name = "worktree-cleanup", disable_version_flag = true)]
#[command(group = clap::ArgGroup::new("which").required(true))]
struct Arguments {
    /// The worktree of this plan, and those of its waves
    #[arg(long, value_name = "ID", group = "which", allow_negative_numbers = true)]
    plan: Option<RowId>,
    /// The worktree of this wave (row id)
    #[arg(long, value_name = "ID", group = "which", allow_negative_numbers = true)]
    wave: Option<RowId>,
    /// The worktree of this branch; without one, the branch if it is merged
    #[arg(long, value_name = "BRANCH", group = "which")]
    branch: Option<String>,
    /// Every worktree with work that is merged; those without commits of their own, with files that agents lock, or of
    /// a plan or wave in progress stay
    #[arg(long, group = "which")]
    all_merged: bool,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Leave files that git ignores (real .env files, data) in the folder
    #[arg(long)]
    keep_ignored: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let read = match args::parse::<Arguments>(arguments) {
        Ok(read) => read,
        Err(args::Instead::Help(help)) => return Ok(help),
        Err(args::Instead::Wrong(refusal)) => {
            return Err(refusal.with_help(Arguments::command().render_usage().to_string()));
        }
    };
    let directory = context.directory()?;
    let site = Site::at(context, directory)?
        .ok_or_else(|| Refusal::new(format!("Not in a git repository: {}", directory.display())))?;
    let mut cleanup = Cleanup { context, arguments: &read, site, report: Report::default() };
    let done = match (&read.branch, read.plan, read.wave) {
        (Some(branch), ..) => cleanup.branch(branch),
        (_, Some(RowId(id)), _) => cleanup.plan(id),
        (.., Some(RowId(id))) => cleanup.wave(id),
        _ => cleanup.all_merged(),
    };
    let mut report = cleanup.report;
    if let Err(refusal) = done {
        // What was done before it is told all the same.
        report.refuse(refusal.message);
    }
    let code = if report.refused { exit_code::REFUSED } else { exit_code::DONE };
    Ok(report.errors.iter().fold(Outcome::text(report.lines).with_code(code), Outcome::with_note))
}

/// What was done and what was not.
#[derive(Default)]
struct Report {
    lines: String,
    errors: Vec<String>,
    refused: bool,
}

impl Report {
    fn say(&mut self, line: impl AsRef<str>) {
        self.lines += &text::one_line(line.as_ref());
        self.lines.push('\n');
    }

    fn refuse(&mut self, line: impl Into<String>) {
        self.errors.push(line.into());
        self.refused = true;
    }
}

/// A run of the tool.
struct Cleanup<'a> {
    context: &'a Context,
    arguments: &'a Arguments,
    site: Site<'a>,
    report: Report,
}

impl<'a> Cleanup<'a> {
    fn database(&self) -> Result<Database<'a>, Refusal> {
        Database::of(self.context)
    }

    fn branch(&mut self, branch: &str) -> Result<(), Refusal> {
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
            None => self.report.say(format!("Deleted merged branch: {branch}")),
            Some(reason) => self.report.say(format!("Branch {branch} kept: {reason}")),
        }
        Ok(())
    }

    fn plan(&mut self, id: i64) -> Result<(), Refusal> {
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

    fn wave(&mut self, id: i64) -> Result<(), Refusal> {
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
        let path = database::place(self.context, stored)?;
        let found = self.site.tree(&path).cloned();
        let Some(tree) = found else {
            return if path.exists() { self.elsewhere(assignment, &path) } else { self.gone(assignment, &path) };
        };
        if let Some(branch) = &assignment.branch
            && self.site.tip(&format!("refs/heads/{branch}"))?.is_none()
        {
            self.report.refuse(format!("  SKIP: Branch {branch} not found"));
            return Ok(());
        }
        if tree.missing && matches!(self.site.judge(&tree)?, Verdict::Keep(_)) {
            return self.gone(assignment, &path);
        }
        self.by_name(&tree, std::slice::from_ref(assignment)).map(drop)
    }

    /// A folder that is no worktree of this repository: perhaps of another one.
    fn elsewhere(&mut self, assignment: &Assignment, path: &Path) -> Result<(), Refusal> {
        match Site::at(self.context, path)? {
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
                self.report.refuse(format!("  SKIP: {why}"));
                Ok(false)
            }
            Err(refusal) => {
                self.report.refuse(format!("  SKIP: {} cannot be judged: {}", tree.path.display(), refusal.message));
                Ok(false)
            }
        }
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
        if self.arguments.dry_run {
            match assigned.first().map(|assignment| assignment.holder) {
                Some(Holder::Wave(id)) => {
                    self.report.say(format!("DRY-RUN: Would clean up wave {id} worktree: {path} (branch: {branch})"));
                }
                _ => self.report.say(format!("  DRY-RUN: Would remove worktree {path} and branch {branch}")),
            }
            self.say_ignored(leaving, if self.arguments.keep_ignored { "Would keep" } else { "Would lose" });
            return Ok(true);
        }
        match self.site.remove(tree, leaving, self.arguments.keep_ignored) {
            Ok(lines) => lines.iter().for_each(|line| self.report.say(line)),
            Err(refusal) => {
                self.report.refuse(format!("  SKIP: {}", refusal.message));
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
        }
        Ok(())
    }

    fn all_merged(&mut self) -> Result<(), Refusal> {
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
                Ok(Verdict::Keep(why)) => self.report.say(format!("  SKIP: {why}")),
                Err(refusal) => self.report.say(format!("  SKIP: {}: {}", tree.path.display(), refusal.message)),
            }
        }
        // One that git refused to remove is a line of the report here, as one that may not go.
        self.report.refused = false;
        let would = if self.arguments.dry_run { "DRY-RUN: Would be cleaned" } else { "Cleaned" };
        self.report.say(format!("{would}: {cleaned} worktree(s)"));
        Ok(())
    }

    /// Why a merged worktree is left alone unless it is asked for: somebody may be about to work in it.
    fn busy(&self, database: &Database<'_>, tree: &Worktree) -> Result<Option<String>, Refusal> {
        let Some(branch) = tree.head.branch() else {
            return Ok(Some(format!("{} is on no branch", tree.path.display())));
        };
        if let Some(holder) = database.at(&tree.path)?.iter().find(|one| one.in_progress()).map(|one| one.holder) {
            let (kind, id) = match holder {
                Holder::Plan(id) => ("plan", id),
                Holder::Wave(id) => ("wave", id),
            };
            return Ok(Some(format!("{branch} belongs to {kind} {id}, which is in progress")));
        }
        let locked = database.locked_in(&tree.path)?;
        if locked > 0 {
            return Ok(Some(format!("{branch} has {locked} files locked by agents")));
        }
        let merged = match self.site.tip(&format!("refs/heads/{branch}"))? {
            Some(tip) => self.site.is_ancestor(&tip)?,
            None => false,
        };
        Ok((merged && !self.site.has_own_commits(tree)?).then(|| format!("{branch} has no commits of its own yet")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_mode_is_asked_for() {
        let scratch = tempfile::tempdir().unwrap();
        let context = crate::scripted(scratch.path());
        for arguments in [&[][..], &["--plan", "0"], &["--plan", "1", "--wave", "2"], &["--dry-run"], &["--branch"]] {
            let refusal = run(&context, &arguments.iter().map(OsString::from).collect::<Vec<_>>()).unwrap_err();
            assert!(refusal.code == 1 && refusal.help.contains("Usage"), "{refusal:?}");
        }
        let refusal = run(&context, &["--all-merged".into()]).unwrap_err();
        assert!(refusal.message.starts_with("Not in a git repository"), "{refusal}");
    }
}
