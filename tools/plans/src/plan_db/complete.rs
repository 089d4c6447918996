//! complete: the end of a plan, when everything it asks for is true.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_repo::{Git, MergeState, Repository};
use crewkit_store::plans::{Completed, Gates, PlanBrief};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::process::{Ended, Run};
use crewkit_tool::{Answer, Clock, Context, Outcome, Refusal, exit_code};

use super::Subcommand;

pub(super) const SUBCOMMANDS: &[Subcommand] =
    &[Subcommand { name: "complete", command: Complete::command, run: complete }];

/// Mark a plan done: all tasks finished, no wave merging, validated, its worktree clean and up to date
#[derive(Debug, Parser)]
#[command(name = "complete", bin_name = "plan-db complete")]
struct Complete {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Whatever the state of the plan's worktree is
    #[arg(long)]
    force: bool,
}

fn complete(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Complete>(arguments, exit_code::REFUSED, |args| {
        let (plan, gates, done) = close(context, args.plan.0, "executor", args.force)?;
        let said = match done {
            Completed::Now => format!("[OK] Completed plan {} ({})", plan.id, plan.name),
            Completed::Before => format!("[OK] Plan {} ({}) was completed before", plan.id, plan.name),
        };
        Ok(clean_up(context, &plan, &gates).with_note(said))
    })
}

/// Makes a plan done for `by` when everything that this asks for is true; with `force` whatever the state of its worktree
/// is. Worktrees are left where they are.
///
/// # Errors
/// The first thing that is not true; an unknown plan.
pub(crate) fn close(
    context: &Context,
    plan: i64,
    by: &str,
    force: bool,
) -> Result<(PlanBrief, Gates, Completed), Refusal> {
    let plans = context.store()?.plans();
    let gates = plans.gates(plan)?;
    let plan = plans.brief(plan)?;
    let mut lines = None;
    if gates.status != "done" {
        gates.check()?;
        if !force {
            check_worktree(context, &plan)?;
        }
        lines = lines_changed(context, &plan);
    }
    let done = plans.complete(plan.id, by, lines, &context.host(), &context.now())?;
    Ok((plan, gates, done))
}

fn expanded(context: &Context, path: &str) -> PathBuf {
    context.expand_home(Path::new(path))
}

/// The work tree of the plan with its repository and branch; `None` when it has none that exists, or no branch.
fn plan_worktree(context: &Context, plan: &PlanBrief) -> Option<(PathBuf, Repository, String)> {
    let path = expanded(context, plan.worktree.as_deref()?);
    let repository = Repository::discover(&path).filter(|_| path.is_dir())?;
    let branch = repository.head().branch()?.to_owned();
    Some((path, repository, branch))
}

fn check_worktree(context: &Context, plan: &PlanBrief) -> Result<(), Refusal> {
    let Some((path, repository, branch)) = plan_worktree(context, plan) else { return Ok(()) };
    let no = |reason: &str| {
        let path = path.display();
        Refusal::new(format!(
            "plan {} cannot be completed: worktree {path} is {reason}; --force completes it as it is",
            plan.id
        ))
    };
    let main = repository
        .find_main(context)?
        .ok_or_else(|| no("in a repository whose main branch is not known (MAIN_BRANCH names it)"))?;
    if branch == main.name {
        return Ok(());
    }
    let hindrances = MergeState::of(context, &repository, &main, &path)?.hindrances().join(" ");
    if hindrances.is_empty() { Ok(()) } else { Err(no(&format!("{hindrances} (against {})", main.name))) }
}

/// Lines that the commits of the plan's branch added and removed since the plan was started; `None` when it never was
/// or git cannot tell, none of either without a repository.
fn lines_changed(context: &Context, plan: &PlanBrief) -> Option<(i64, i64)> {
    let started = Clock::parse(plan.started_at.as_deref()?)?;
    let (path, range) = if let Some((path, repository, branch)) = plan_worktree(context, plan) {
        let main = repository.find_main(context).ok().flatten().filter(|main| main.name != branch);
        let range = main.map(|main| own_commits(context, &path, &main.commit, &branch));
        (path, range.unwrap_or_else(|| format!("refs/heads/{branch}")))
    } else {
        let project = plan.project_path.as_deref().map(|path| expanded(context, path)).filter(|path| path.is_dir());
        let Some(path) = project.filter(|path| Repository::discover(path).is_some()) else { return Some((0, 0)) };
        (path, "HEAD".to_owned())
    };
    let window = [format!("--since=@{started} +0000"), format!("--until=@{} +0000", context.clock.seconds())];
    let log = ["log", "--no-merges", "--format=", "--numstat", "--no-ext-diff", "--no-textconv", "-z"];
    let ended = Git::at(context, &path).args(log).args(window).args([range.as_str(), "--"]).run().ok()?;
    if !ended.ok() {
        context.note(format!("[WARN] the plan's lines were not counted: {}", ended.complaint()));
        return None;
    }
    Some(sum_lines(&ended.text()))
}

/// The commits that the branch has for itself, `main` being the main branch's commit; once they are all in the main branch, those since the branch was made,
/// as far as its log tells.
fn own_commits(context: &Context, path: &Path, main: &str, branch: &str) -> String {
    let ahead = format!("{main}..refs/heads/{branch}");
    let ask = |arguments: &[&str]| {
        let ended = Git::at(context, path).args(arguments).run().ok().filter(Ended::ok)?;
        Some(ended.text())
    };
    if ask(&["rev-list", "--max-count=1", &ahead, "--"]).is_none_or(|commit| !commit.is_empty()) {
        return ahead;
    }
    let reference = format!("refs/heads/{branch}");
    let made = ask(&["log", "--walk-reflogs", "--format=%H", &reference, "--"])
        .and_then(|log| log.lines().last().map(str::to_owned));
    made.map_or(reference, |commit| format!("{commit}..refs/heads/{branch}"))
}

/// The sums of `git log --numstat`: added, removed; a binary file has `-` for both.
fn sum_lines(log: &str) -> (i64, i64) {
    let entries = log.split(['\0', '\n']).filter_map(|entry| {
        let mut fields = entry.split('\t');
        let (added, removed) = (fields.next()?, fields.next()?);
        Some((added.parse::<i64>().ok()?, removed.parse::<i64>().ok()?))
    });
    entries.fold((0, 0), |sum, entry| (sum.0 + entry.0, sum.1 + entry.1))
}

/// Removes what is left of the plan's worktrees. A failure is told and changes nothing.
fn clean_up(context: &Context, plan: &PlanBrief, gates: &Gates) -> Outcome {
    if gates.worktrees.is_empty() {
        return Outcome::silent();
    }
    let places = gates.worktrees.iter().map(String::as_str).chain(plan.project_path.as_deref());
    let main = places
        .map(|path| expanded(context, path))
        .filter(|path| path.is_dir())
        .find_map(|path| Repository::discover(&path)?.main_worktree());
    let Some(main) = main else {
        return Outcome::silent().with_note("[WARN] worktrees not cleaned up: their repository is not there");
    };
    let run = Run::tool(context, "worktree-cleanup")
        .and_then(|run| run.args(["--plan", &plan.id.to_string()]).directory(&main).run());
    match run {
        Ok(ended) => {
            let report = Outcome { stdout: ended.stdout, stderr: ended.stderr, code: exit_code::DONE };
            if ended.code == 0 {
                return report;
            }
            report.with_note(format!("[WARN] worktree-cleanup ended with {}", ended.code))
        }
        Err(refusal) => Outcome::silent().with_note(format!("[WARN] worktrees not cleaned up: {refusal}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_summed_and_binaries_are_not() {
        assert_eq!(sum_lines("3\t1\ta b.rs\0-\t-\tx.png\0\n0\t7\tc\0"), (3, 8));
        assert_eq!(sum_lines(""), (0, 0));
    }
}
