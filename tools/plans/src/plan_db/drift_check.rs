//! drift-check: how far the base branch has moved since a plan was made, and whether it moved where the plan works.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{CommandFactory as _, Parser};
use crewkit_repo::{Fetched, Moved, Repository};
use crewkit_store::plan_views::PlanViews;
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Clock, Context, Outcome, Refusal, exit_code, text};
use serde::Serialize;

use super::Subcommand;
use super::conflict_check::{cannot_tell, verdicts_alone};
use crate::task_files::{FileSet, normal};

pub(super) const SUBCOMMANDS: &[Subcommand] =
    &[Subcommand { name: "drift-check", command: DriftCheck::command, run: drift_check }];

/// How long origin is waited for; what was fetched last is compared then.
const PATIENCE: Duration = Duration::from_secs(3);
/// Characters of a commit's line.
const COMMIT_CHARACTERS: usize = 60;
/// Days after which a plan is to be made anew.
const OLD_DAYS: i64 = 7;
/// Files in common above which a plan is to be made anew.
const MANY_FILES: usize = 3;

/// How far the base branch has moved since the plan was made; exit 0 none, 1 minor, 2 major or cannot tell
#[derive(Debug, Parser)]
#[command(name = "drift-check", bin_name = "plan-db drift-check")]
struct DriftCheck {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Compare with what was fetched last; without it origin is asked, for 3 seconds at most
    #[arg(long)]
    no_fetch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Drift {
    None,
    Minor,
    Major,
}

impl Drift {
    fn of(files: usize, behind: u64, days: Option<i64>) -> Self {
        if files > MANY_FILES || days.is_some_and(|days| days > OLD_DAYS) {
            Self::Major
        } else if files > 0 || behind > 0 {
            Self::Minor
        } else {
            Self::None
        }
    }

    fn recommendation(self) -> &'static str {
        match self {
            Self::None => "proceed",
            Self::Minor => "rebase",
            Self::Major => "replan",
        }
    }
}

#[derive(Debug, Serialize)]
struct Overlapping {
    file: String,
    commit: String,
}

#[derive(Debug, Serialize)]
struct Report {
    plan_id: i64,
    days_stale: Option<i64>,
    main_commits_since: Option<u64>,
    branch_behind: u64,
    overlap_count: usize,
    overlapping_files: Vec<Overlapping>,
    drift: Drift,
    recommendation: &'static str,
    plan_status: String,
}

#[derive(Debug, Serialize)]
struct Untold {
    plan_id: i64,
    error: String,
    days_stale: Option<i64>,
}

fn drift_check(context: &Context, arguments: &[OsString]) -> Answer {
    verdicts_alone(args::with::<DriftCheck>(arguments, exit_code::BLOCKED, |args| {
        let views = context.store()?.plan_views();
        let Some(plan) = views.plan(args.plan.0)? else { return Ok(cannot_tell("plan not found")) };
        let created = plan.created_at.as_deref().and_then(Clock::parse);
        let days_stale = created.map(|created| (context.clock.seconds() - created).max(0) / 86400);
        let untold = |error: &str| {
            let answer = Untold { plan_id: plan.id, error: error.to_owned(), days_stale };
            Ok(Outcome::json(&answer).with_code(exit_code::BLOCKED))
        };
        let stored = views.plan_worktree(plan.id)?.flatten();
        let worktree = stored.map(|path| context.expand_home(&path));
        let Some((directory, repository, own)) = place(context, worktree.as_deref())? else {
            return untold("no git root");
        };
        let looked = look(context, &Question { created, own, fetch: !args.no_fetch }, &directory, &repository, || {
            open_files(views, plan.id)
        });
        let seen = match looked {
            Ok(seen) => seen,
            Err(refusal) => return untold(&refusal.to_string()),
        };
        let drift = Drift::of(seen.overlapping.len(), seen.behind, days_stale);
        let report = Report {
            plan_id: plan.id,
            days_stale,
            main_commits_since: seen.since,
            branch_behind: seen.behind,
            overlap_count: seen.overlapping.len(),
            overlapping_files: seen.overlapping,
            drift,
            recommendation: drift.recommendation(),
            plan_status: plan.status,
        };
        Ok(Outcome::json(&report).with_code(drift as u8))
    }))
}

/// Where the plan is worked on: its worktree, else the current folder; and whether it is the former.
fn place(context: &Context, worktree: Option<&Path>) -> Result<Option<(PathBuf, Repository, bool)>, Refusal> {
    let found = |path: &Path| Repository::discover(path).map(|repository| (path.to_owned(), repository));
    if let Some((path, repository)) = worktree.filter(|path| path.is_dir()).and_then(found) {
        return Ok(Some((path, repository, true)));
    }
    if let Some(path) = worktree {
        context.note(format!(
            "[WARN] the plan's worktree {} is not there: the current folder is looked at",
            path.display()
        ));
    }
    Ok(found(context.directory()?).map(|(path, repository)| (path, repository, false)))
}

struct Question {
    /// When the plan was made, seconds since 1970.
    created: Option<i64>,
    /// Whether the folder is the plan's own worktree.
    own: bool,
    fetch: bool,
}

struct Seen {
    since: Option<u64>,
    behind: u64,
    overlapping: Vec<Overlapping>,
}

fn look(
    context: &Context,
    question: &Question,
    directory: &Path,
    repository: &Repository,
    files: impl FnOnce() -> Result<FileSet, Refusal>,
) -> Result<Seen, Refusal> {
    let no_base = || Refusal::new("no base branch: neither origin's default branch nor main nor master");
    let mut base = repository.find_base(context)?.ok_or_else(no_base)?;
    if question.fetch {
        match base.fetch(context, repository, PATIENCE)? {
            Fetched::Now => {}
            Fetched::Gone => context.note(format!("[WARN] origin has no branch {}: compared as it was", base.name)),
            Fetched::Unreachable(why) => {
                context.note(format!("[WARN] origin cannot be reached ({why}): compared with what was fetched last"));
            }
        }
    }
    let reference =
        base.reference().ok_or_else(|| Refusal::new(format!("no base branch: {} is not here", base.name)))?;
    let moved = Moved { directory, base: &reference };
    let behind = moved.behind(context)?;
    let since = question.created.map(|created| moved.commits_since(context, created)).transpose()?;
    let may_overlap = since != Some(0) && (behind > 0 || !question.own);
    let files = if may_overlap { files()? } else { FileSet::default() };
    let mut overlapping = BTreeMap::new();
    if !files.is_empty() {
        for touched in moved.touched(context, question.created, question.own)? {
            if normal(&touched.file).is_some_and(|name| files.covers(&name)) {
                let line = format!("{} {}", touched.commit, touched.subject);
                overlapping.insert(touched.file, text::head(&line, COMMIT_CHARACTERS).to_owned());
            }
        }
    }
    let overlapping = overlapping.into_iter().map(|(file, commit)| Overlapping { file, commit }).collect();
    Ok(Seen { since, behind, overlapping })
}

/// The files that the plan's open tasks name.
fn open_files(views: PlanViews<'_>, plan: i64) -> Result<FileSet, Refusal> {
    let mut files = FileSet::default();
    for task in views.task_texts(plan)?.iter().filter(|task| matches!(task.status.as_str(), "pending" | "in_progress"))
    {
        files.join(FileSet::of_task(&task.files, &task.description, &task.test_criteria));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_grows_with_files_days_and_commits() {
        for (files, behind, days, drift) in [
            (0, 0, Some(7), Drift::None),
            (0, 0, None, Drift::None),
            (0, 1, Some(0), Drift::Minor),
            (1, 0, Some(0), Drift::Minor),
            (3, 9, Some(7), Drift::Minor),
            (4, 0, Some(0), Drift::Major),
            (0, 0, Some(8), Drift::Major),
        ] {
            assert_eq!(Drift::of(files, behind, days), drift, "{files} {behind} {days:?}");
        }
        assert_eq!([Drift::None, Drift::Minor, Drift::Major].map(|drift| drift as u8), [0, 1, 2]);
    }
}
