//! rebase-plan: a plan's branch is put on top of the base branch, or left as it was.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{CommandFactory as _, Parser};
use crewkit_repo::{Fetched, Git, Operation, Repository, Status};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::process::Ended;
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};

use super::{Subcommand, show};

pub(super) const SUBCOMMANDS: &[Subcommand] =
    &[Subcommand { name: "rebase-plan", command: RebasePlan::command, run: rebase_plan }];

/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Put the branch of a plan's worktree on top of the base branch; left as it was when that conflicts
#[derive(Debug, Parser)]
#[command(name = "rebase-plan", bin_name = "plan-db rebase-plan")]
struct RebasePlan {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
}

fn rebase_plan(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<RebasePlan>(arguments, exit_code::REFUSED, |args| {
        let stored = context.store()?.plan_views().plan_worktree(args.plan.0)?;
        let stored = stored.ok_or_else(|| show::no_plan(args.plan))?;
        let no_worktree = || Refusal::new(format!("Worktree not found: none is set for plan {}", args.plan.0));
        let path = context.expand_home(&stored.ok_or_else(no_worktree)?);
        let (repository, branch) = checkout(&path)?;
        let no_base = || {
            let place = path.display();
            Refusal::new(format!("no base branch in {place}: neither origin's default branch nor main nor master"))
        };
        let mut base = repository.find_base(context)?.ok_or_else(no_base)?;
        if branch == base.name {
            return Err(Refusal::new(format!(
                "worktree {} is on {branch}: it cannot be put on itself",
                path.display()
            )));
        }
        let dirty = uncommitted(context, &path)?;
        if dirty > 0 {
            let line =
                format!("worktree {} has uncommitted changes ({dirty}): commit or stash them first", path.display());
            return Err(Refusal::new(line));
        }
        match base.fetch(context, &repository, PATIENCE)? {
            Fetched::Now => {}
            Fetched::Gone => {
                return Err(Refusal::new(format!("no such base: origin has no branch {}", base.name)));
            }
            Fetched::Unreachable(why) => {
                context
                    .note(format!("[WARN] origin cannot be reached ({why}): {} is taken as last fetched", base.name));
            }
        }
        let onto = base.reference().ok_or_else(|| Refusal::new(format!("no such base: {} is not here", base.name)))?;
        put_on(context, &path, &repository, &branch, &onto)
    })
}

/// The repository of the worktree at `path` and the branch checked out there.
fn checkout(path: &Path) -> Result<(Repository, String), Refusal> {
    let real: Option<PathBuf> = path.canonicalize().ok();
    let repository = real.as_deref().filter(|real| real.is_dir()).and_then(Repository::discover);
    let Some(repository) = repository.filter(|repository| repository.top == real) else {
        return Err(Refusal::new(format!("Worktree not found: {}", path.display())));
    };
    if let Some(operation) = Operation::under_way(&repository.git_dir) {
        let operation = serde_json::to_value(operation).ok().and_then(|word| word.as_str().map(str::to_owned));
        let operation = operation.unwrap_or_default();
        return Err(Refusal::new(format!("worktree {}: a {operation} is under way there", path.display())));
    }
    let Some(branch) = repository.head().branch().map(str::to_owned) else {
        return Err(Refusal::new(format!("worktree {} has no branch checked out", path.display())));
    };
    Ok((repository, branch))
}

/// The number of tracked files that differ from the commit. Others do not hinder a rebase; git refuses to write over them.
fn uncommitted(context: &Context, path: &Path) -> Result<usize, Refusal> {
    let status = Status::by_git(Git::at(context, path).of_folder())?;
    Ok(status.with(|change| !matches!(change, crewkit_repo::Change::Untracked)).len())
}

fn put_on(context: &Context, path: &Path, repository: &Repository, branch: &str, onto: &str) -> Answer {
    let git = || Git::at(context, path).of_folder();
    let tip =
        || git().args(["rev-parse", "--verify", &format!("refs/heads/{branch}")]).must("the branch cannot be read");
    let before = tip()?.text();
    let short = onto.trim_start_matches("refs/remotes/").trim_start_matches("refs/heads/");
    // Other branches that point into this one stay where they are, and nobody is asked for a message.
    let ended = git()
        .args(["-c", "rebase.updateRefs=false", "-c", "core.editor=true", "-c", "rebase.autoStash=false"])
        .args(["-c", "rebase.backend=merge", "rebase", onto])
        .run()?;
    let said = lines(&ended);
    if ended.ok() {
        return Ok(Outcome::text(said).with_note(format!("[OK] Rebase complete: {branch} is up to date with {short}")));
    }
    let mut reason = ended.complaint();
    if Operation::under_way(&repository.git_dir) == Some(Operation::Rebase) {
        let unmerged = git().args(["diff", "--name-only", "--diff-filter=U", "-z"]).run()?;
        let files: Vec<String> =
            String::from_utf8_lossy(&unmerged.stdout).split_terminator('\0').map(str::to_owned).collect();
        if !files.is_empty() {
            reason = format!("conflict in {}", files.join(", "));
        }
        let aborted = git().args(["rebase", "--abort"]).run()?;
        if !aborted.ok() {
            let line = format!("Rebase failed ({reason}) and cannot be aborted: {}", aborted.complaint());
            return Err(Refusal::new(line).with_help(said));
        }
    }
    let as_it_was = repository.head().branch() == Some(branch) && tip()?.text() == before;
    let state = if as_it_was { "is as it was" } else { "is NOT as it was" };
    let line = format!("Rebase failed: {reason}; {branch} {state} ({})", path.display());
    Err(Refusal::new(line).with_help(said))
}

/// What git wrote, without the lines that it overwrites on a terminal.
fn lines(ended: &Ended) -> String {
    let both = [&ended.stdout[..], &ended.stderr[..]].concat();
    let text = String::from_utf8_lossy(&both);
    let kept = text.lines().map(|line| line.rsplit('\r').next().unwrap_or_default());
    let kept = kept.filter(|line| !line.trim().is_empty() && !line.starts_with("hint:"));
    kept.map(|line| crewkit_tool::text::one_line(line) + "\n").collect()
}
