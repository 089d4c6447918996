//! pre-check: is the worktree fresh enough to begin in?

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use crewkit_repo::{MainBranch, Status};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use serde::Serialize;

use super::stash::{Stash, tracked, untracked};
use super::{Tree, branch_of, limit, lines, main_branch, some};

/// The exit code when the worktree is too far behind for an automatic rebase.
const MANUAL: u8 = 2;

/// The exit code when it is so far behind that work in it makes no sense.
const BLOCKED: u8 = 3;

/// The exit code when the rebase failed.
const FAILED: u8 = 4;

/// How long a fetch may take.
const FETCH: Duration = Duration::from_mins(1);

/// Bring the worktree up to the main branch, or refuse, before a task begins in it.
///
/// Uncommitted changes are put aside (files that git does not know stay); a worktree that is a little behind is
/// rebased. A rebase that fails is undone, and the changes given back.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 go on; 1 refused, or it could not be found out; 2 manual rebase required; 3 blocked; \
                        4 the rebase failed and was undone."
)]
pub(super) struct PreCheck {
    /// Rebase when at most N commits behind [default: $WORKTREE_SAFETY_REBASE_MAX, else 3]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    rebase_max: Option<u32>,
    /// Block when more than N commits behind [default: $WORKTREE_SAFETY_BLOCK_ABOVE, else 10]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    block_above: Option<u32>,
    /// Fetch the main branch from origin first, and compare with that where it is ahead of the local one
    #[arg(long)]
    fetch: bool,
    /// Put files that git does not know aside too
    #[arg(long, short = 'u')]
    untracked: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// The answer with `--json`.
#[derive(Debug, Serialize)]
struct Report {
    /// `ok`, `manual-rebase`, `blocked`, `rebase-failed`.
    status: &'static str,
    branch: String,
    main: String,
    /// Before the rebase.
    behind: u64,
    rebased: bool,
    stash: Option<Stash>,
    /// What git does not know and was left where it is.
    untracked: Vec<String>,
    /// The full id of what is checked out at the end.
    commit: String,
    dry_run: bool,
    /// Why not.
    error: Option<String>,
    #[serde(skip)]
    code: u8,
    #[serde(skip)]
    lines: Vec<String>,
    #[serde(skip)]
    notes: Vec<String>,
}

impl PreCheck {
    pub(super) fn run(self, context: &Context) -> Answer {
        let rebase_max = limit(context, self.rebase_max, "WORKTREE_SAFETY_REBASE_MAX", 3)?;
        let block_above = limit(context, self.block_above, "WORKTREE_SAFETY_BLOCK_ABOVE", 10)?;
        if rebase_max > block_above {
            let line = format!("the limit for a rebase, {rebase_max}, is above the one for a block, {block_above}");
            return Err(Refusal::new(line));
        }
        let tree = Tree::here(context)?;
        let mut main = main_branch(context, &tree.repository)?;
        if self.fetch {
            main = fetched(&tree, main)?;
        }
        tree.must_be_at_rest()?;
        let status = tree.status()?;
        let Some(commit) = status.head.clone() else {
            return Err(Refusal::new(format!("{} has no commit yet", tree.top.display())));
        };
        let report = Report {
            status: "ok",
            branch: branch_of(&status).to_owned(),
            main: main.name.clone(),
            behind: behind(&tree, &main, &commit)?,
            rebased: false,
            stash: None,
            untracked: untracked(&status),
            commit,
            dry_run: self.dry_run,
            error: None,
            code: exit_code::DONE,
            lines: Vec::new(),
            notes: Vec::new(),
        };
        let report = self.judge(&tree, &main, &status, report, (rebase_max.into(), block_above.into()))?;
        let text = if self.json { String::new() } else { lines(&report.lines) };
        let outcome = if self.json { Outcome::json(&report) } else { Outcome::text(text) };
        let notes = report.notes.iter().chain(&report.error);
        Ok(notes.fold(outcome.with_code(report.code), Outcome::with_note))
    }

    fn judge(
        &self,
        tree: &Tree<'_>,
        main: &MainBranch,
        status: &Status,
        mut report: Report,
        (rebase_max, block_above): (u64, u64),
    ) -> Result<Report, Refusal> {
        let behind = report.behind;
        if behind > block_above {
            let line = format!("BLOCK: branch {} is {behind} commits behind {}", report.branch, main.name);
            return Ok(report.ended("blocked", BLOCKED, line));
        }
        if behind > rebase_max {
            return Ok(report.ended("manual-rebase", MANUAL, format!("Manual rebase required ({behind} behind)")));
        }
        if behind > 0 && status.branch.is_none() {
            let line = format!("Manual rebase required ({behind} behind): HEAD is detached");
            return Ok(report.ended("manual-rebase", MANUAL, line));
        }
        let changes = if self.untracked { status.entries.len() } else { tracked(status) };
        let would = if self.dry_run { "Would be done: " } else { "" };
        if changes > 0 {
            report.lines.push(format!("{would}Stashing {changes} uncommitted changes"));
            if !self.dry_run {
                let stash = tree.put_aside("pre-check", status, self.untracked)?;
                report.lines.push(format!("Stash: {} ({})", stash.id, stash.message));
                report.stash = Some(stash);
            }
        }
        if self.untracked && !self.dry_run {
            report.untracked.clear();
        } else if !report.untracked.is_empty() && !self.untracked {
            let names = some(&report.untracked);
            report.lines.push(format!("{} untracked files stay: {names}", report.untracked.len()));
        }
        if behind > 0 {
            let line = format!("{would}Auto-rebasing {} onto {} ({behind} behind)", report.branch, main.name);
            report.lines.push(line);
            if !self.dry_run {
                let put_aside = |refusal: Refusal| match &report.stash {
                    Some(stash) => {
                        Refusal::new(format!("{refusal}; the uncommitted changes are in stash {}", stash.id))
                    }
                    None => refusal,
                };
                match rebase(tree, main, status, &report.commit).map_err(put_aside)? {
                    Rebased::Done { commit, notes } => {
                        report.rebased = true;
                        report.commit = commit;
                        report.notes.extend(notes);
                    }
                    Rebased::Not(why) => return Ok(report.failed(tree, why)),
                }
            }
        }
        if let Some(stash) = &report.stash {
            let short = &stash.id[..stash.id.len().min(12)];
            report.lines.push(format!("Give them back: worktree-safety recover --apply {short}"));
        }
        report.lines.push("pre-check done".to_owned());
        Ok(report)
    }
}

impl Report {
    fn ended(mut self, status: &'static str, code: u8, line: String) -> Self {
        (self.status, self.code, self.error) = (status, code, Some(text::one_line(&line)));
        self
    }

    /// A rebase failed: what was put aside for it goes back.
    fn failed(mut self, tree: &Tree<'_>, why: String) -> Self {
        let mut line = format!("Rebase failed ({} behind): {why}", self.behind);
        if let Some(stash) = self.stash.take() {
            match tree.give_back(&stash.id) {
                Ok(_) => line += "; the uncommitted changes are back",
                Err(refusal) => {
                    let _ = write!(line, "; the uncommitted changes are in stash {}: {refusal}", stash.id);
                    self.stash = Some(stash);
                }
            }
        }
        self.ended("rebase-failed", FAILED, line)
    }
}

/// The number of commits of the main branch that `commit` lacks.
fn behind(tree: &Tree<'_>, main: &MainBranch, commit: &str) -> Result<u64, Refusal> {
    let range = format!("{commit}..{}", main.commit);
    let counted = tree.git().args(["rev-list", "--count", &range, "--"]).must("commits cannot be counted")?.text();
    counted.parse().map_err(|_| Refusal::new(format!("commits cannot be counted: git says '{counted}'")))
}

/// The main branch as it is on origin now, where that has all of the local one; else the local one.
fn fetched(tree: &Tree<'_>, main: MainBranch) -> Result<MainBranch, Refusal> {
    let call = tree.git().args(["fetch", "--quiet", "--no-tags", "origin", &main.name]).limit(FETCH);
    call.must("the main branch cannot be fetched")?;
    let reference = format!("refs/remotes/origin/{}", main.name);
    let name = format!("{reference}^{{commit}}");
    let found = tree.git().args(["rev-parse", "--verify", "--quiet", &name]).must("origin has no main branch")?.text();
    let newer = tree.git().args(["merge-base", "--is-ancestor", &main.commit, &found]).run()?;
    Ok(if newer.ok() { MainBranch { name: main.name, reference, commit: found } } else { main })
}

/// How a rebase ended.
enum Rebased {
    Done {
        /// The full id of the new commit.
        commit: String,
        notes: Vec<String>,
    },
    /// It failed and was undone.
    Not(String),
}

/// Rebases the checked-out branch, at `before`, onto the main branch. No tracked file differs from its commit.
fn rebase(tree: &Tree<'_>, main: &MainBranch, status: &Status, before: &str) -> Result<Rebased, Refusal> {
    let count = |what: &[&str]| -> Result<u64, Refusal> {
        let call = tree.git().args(["rev-list", "--count"]).args(what).arg("--");
        Ok(call.must("commits cannot be counted")?.text().parse().unwrap_or(0))
    };
    let own = format!("{}..{before}", main.commit);
    let merges = count(&[&own, "--merges"])?;
    let published = match status.ahead_behind {
        Some(_) => count(&[&own])?.saturating_sub(count(&[&own, "^@{upstream}"])?),
        None => 0,
    };
    // Whatever the user's settings are: no editor, no stash of git's own, no other branch moved along.
    let settings = ["rebase.autoStash=false", "rebase.autoSquash=false", "rebase.updateRefs=false", "core.editor=true"];
    let call = settings.iter().fold(tree.git(), |call, setting| call.args(["-c", setting]));
    let call = call.arg("rebase");
    // A plain rebase would take the branch's own merges apart.
    let call = if merges > 0 { call.arg("--rebase-merges") } else { call };
    let ended = call.arg(&main.commit).run()?;
    let here = || -> Result<(Option<String>, Option<String>), Refusal> {
        let now = tree.status()?;
        Ok((now.branch, now.head))
    };
    if ended.ok() {
        let (branch, head) = here()?;
        let commit = head.unwrap_or_default();
        if branch == status.branch && behind(tree, main, &commit)? == 0 {
            let note = format!("{published} commits of it were pushed before: push it with --force-with-lease");
            return Ok(Rebased::Done { commit, notes: if published > 0 { vec![note] } else { Vec::new() } });
        }
    }
    let told = [&ended.stdout[..], b"\n", &ended.stderr[..]].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    let line = |word: &str| told.lines().map(str::trim).find(|line| line.starts_with(word)).map(str::to_owned);
    let why =
        line("CONFLICT").or_else(|| line("error:")).or_else(|| line("fatal:")).unwrap_or_else(|| ended.complaint());
    undo(tree)?;
    let (branch, head) = here()?;
    if branch == status.branch && head.as_deref() == Some(before) {
        return Ok(Rebased::Not(format!("{why}; undone, the branch is as before")));
    }
    Ok(Rebased::Not(format!("{why}; it could NOT be undone: the branch {} was at {before}", branch_of(status))))
}

fn undo(tree: &Tree<'_>) -> Result<(), Refusal> {
    if tree.must_be_at_rest().is_err() {
        tree.git().args(["rebase", "--abort"]).run()?;
    }
    Ok(())
}
