//! session-recovery: what did the last session leave unfinished? Called at a session's start, by hook or hand.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_repo::{Entry, Git, Operation, Repository, Status};
use crewkit_store::Store;
use crewkit_store::plan_views::{DoneTask, WorkPlace};
use crewkit_tool::args::RowId;
use crewkit_tool::{Answer, Clock, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::Serialize;

/// session-recovery.
pub const TOOL: Tool = Tool {
    name: "session-recovery",
    summary: "what the last session left unfinished",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Lines of a work tree's status that are shown, of a plan's and of another's.
const LINES: usize = 10;
const LINES_ELSEWHERE: usize = 5;
/// Stash entries that are shown.
const STASHES: usize = 3;

/// Tells what the last session left unfinished: uncommitted files, stashes, operations of git that stopped half way, and
/// tasks that were done after the last commit, in the worktrees of all plans under way and their waves; and registered
/// projects whose main checkout is not clean.
///
/// A report: ends with 0 whatever it finds, also without a database.
#[derive(Parser, Debug)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Arguments {
    /// Only this plan, and no other checkouts
    #[arg(long, value_name = "ID")]
    plan: Option<RowId>,
    /// The same as one line of JSON
    #[arg(long)]
    json: bool,
}

/// One thing that was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Issue {
    /// `dirty`, `stash`, `orphan`, `stopped`, `unreadable` or `repo`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<i64>,
    /// The plan's or the project's name.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    path: PathBuf,
    /// What stands below it for people.
    details: Vec<String>,
    /// How many there are in all.
    count: u64,
}

#[derive(Serialize)]
struct Report {
    database: bool,
    issues: Vec<Issue>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| look(context, &arguments))
}

fn look(context: &Context, arguments: &Arguments) -> Answer {
    let store = match context.existing_store() {
        Ok(store) => store,
        // A report that cannot be made must not stop a session's start.
        Err(refusal) => return Ok(Outcome::text(format!("No usable dashboard database: {refusal}"))),
    };
    let issues = match store {
        None => Vec::new(),
        Some(store) => find(context, store, arguments.plan.map(|id| id.0))?,
    };
    if arguments.json {
        return Ok(Outcome::json(&Report { database: store.is_some(), issues }));
    }
    Ok(Outcome::text(match store {
        None => "No dashboard database found: nothing to look at".to_owned(),
        Some(_) => shown(&issues),
    }))
}

fn find(context: &Context, store: &Store, plan: Option<i64>) -> Result<Vec<Issue>, Refusal> {
    let done = store.plan_views().done_tasks(plan)?;
    let mut issues = Vec::new();
    let mut seen = HashSet::new();
    let mut stashes = HashSet::new();
    for place in store.plan_views().work_places(plan)? {
        let path = context.expand_home(&place.path);
        let Some(tree) = Tree::read(context, &path) else { continue };
        seen.insert(tree.top.clone());
        // A stash belongs to the repository, not to the worktree.
        let first = stashes.insert(tree.common.clone());
        issues.extend(tree.issues(&place, first));
        issues.extend(orphans(context, &tree, &place, &done)?);
    }
    if plan.is_some() {
        return Ok(issues);
    }
    for project in store.projects().all()? {
        let path = context.expand_home(Path::new(&project.path));
        let Some(tree) = Tree::read(context, &path) else { continue };
        if !seen.insert(tree.top.clone()) {
            continue;
        }
        let mut details: Vec<String> = tree.lines.iter().take(LINES_ELSEWHERE).cloned().collect();
        let told = stashes.contains(&tree.common);
        if tree.stashes > 0 && !told {
            details.push(format!("{} stash(es)", tree.stashes));
        }
        if !details.is_empty() {
            issues.push(Issue {
                kind: "repo",
                plan: None,
                name: project.name,
                branch: tree.branch,
                path: tree.top,
                count: tree.lines.len() as u64 + if told { 0 } else { tree.stashes },
                details,
            });
        }
    }
    Ok(issues)
}

/// A work tree as it is found.
struct Tree {
    top: PathBuf,
    common: PathBuf,
    branch: Option<String>,
    /// Lines of the short status.
    lines: Vec<String>,
    stashes: u64,
    stash_lines: Vec<String>,
    stopped: Option<Operation>,
    fault: Option<String>,
}

impl Tree {
    /// `None` where there is no work tree (any more).
    fn read(context: &Context, path: &Path) -> Option<Self> {
        if !path.is_dir() {
            return None;
        }
        let repository = Repository::discover(path)?;
        let git = || Git::at(context, path).of_folder();
        let mut tree = Self {
            top: repository.top.clone()?,
            common: repository.common_dir.clone(),
            branch: repository.head().branch().map(str::to_owned),
            lines: Vec::new(),
            stashes: 0,
            stash_lines: Vec::new(),
            stopped: Operation::under_way(&repository.git_dir),
            fault: None,
        };
        match Status::by_git(git()) {
            Ok(status) => {
                tree.lines = status.entries.iter().map(Entry::short).collect();
                tree.stashes = status.stashes;
            }
            Err(refusal) => tree.fault = Some(refusal.message),
        }
        if tree.stashes > 0
            && let Ok(list) = git().args(["stash", "list"]).run()
        {
            tree.stash_lines = list.text().lines().take(STASHES).map(str::to_owned).collect();
        }
        Some(tree)
    }

    fn issues(&self, place: &WorkPlace, with_stashes: bool) -> Vec<Issue> {
        let issue = |kind, details: Vec<String>, count| Issue {
            kind,
            plan: Some(place.plan),
            name: place.name.clone(),
            branch: self.branch.clone(),
            path: self.top.clone(),
            details,
            count,
        };
        let mut issues = Vec::new();
        if let Some(fault) = &self.fault {
            issues.push(issue("unreadable", vec![fault.clone()], 1));
        }
        if let Some(operation) = self.stopped {
            issues.push(issue("stopped", vec![format!("a {} is under way", operation.name())], 1));
        }
        if !self.lines.is_empty() {
            issues.push(issue("dirty", self.lines.iter().take(LINES).cloned().collect(), self.lines.len() as u64));
        }
        if self.stashes > 0 && with_stashes {
            issues.push(issue("stash", self.stash_lines.clone(), self.stashes));
        }
        issues
    }
}

/// Tasks of this place that were done after the branch's last commit: their work may be in no commit.
fn orphans(context: &Context, tree: &Tree, place: &WorkPlace, done: &[DoneTask]) -> Result<Option<Issue>, Refusal> {
    let mine: Vec<&DoneTask> = done.iter().filter(|task| task.plan == place.plan && task.wave == place.wave).collect();
    if mine.is_empty() {
        return Ok(None);
    }
    let ended = Git::at(context, &tree.top).of_folder().args(["log", "-1", "--format=%ct"]).run()?;
    let last: i64 = ended.text().parse().unwrap_or(0);
    let after = |task: &&&DoneTask| Clock::parse(&task.at).is_some_and(|at| at >= last);
    let codes: Vec<String> = mine.iter().filter(after).map(|task| task.code.clone()).collect();
    Ok((!codes.is_empty()).then(|| Issue {
        kind: "orphan",
        plan: Some(place.plan),
        name: place.name.clone(),
        branch: tree.branch.clone(),
        path: tree.top.clone(),
        count: codes.len() as u64,
        details: codes,
    }))
}

fn shown(issues: &[Issue]) -> String {
    if issues.is_empty() {
        return "[OK] All active plans and repos clean\n".to_owned();
    }
    let mut out = String::new();
    for issue in issues {
        let name = text::one_line(&issue.name);
        let branch = text::one_line(issue.branch.as_deref().unwrap_or("DETACHED"));
        let plan = format!("Plan #{} ({name})", issue.plan.unwrap_or_default());
        let _ = match issue.kind {
            "repo" => writeln!(out, "[REPO] {name} on {branch}"),
            "stash" => writeln!(out, "[STASH] {plan}: {} stash(es)", issue.count),
            "orphan" => {
                let codes: Vec<String> = issue.details.iter().map(|code| text::one_line(code)).collect();
                let plan = issue.plan.unwrap_or_default();
                writeln!(out, "[ORPHAN] Plan #{plan}: done after the last commit of {branch}: {}", codes.join(", "))
            }
            kind => writeln!(out, "[{}] {plan} on {branch}", kind.to_uppercase()),
        };
        if matches!(issue.kind, "dirty" | "stopped" | "unreadable") {
            let _ = writeln!(out, "  {}", text::one_line(&issue.path.to_string_lossy()));
        }
        if issue.kind != "orphan" {
            for line in &issue.details {
                let _ = writeln!(out, "    {}", text::one_line(line));
            }
            let more = issue.count.saturating_sub(issue.details.len() as u64);
            if more > 0 {
                let _ = writeln!(out, "    ... {more} more");
            }
        }
    }
    let _ = writeln!(out, "{} issue(s) found", issues.len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_line_and_nothing_steers_a_terminal() {
        let issue = |kind, plan, details: &[&str], count| Issue {
            kind,
            plan,
            name: "A\u{1b}[31m".to_owned(),
            branch: Some("plan/1".to_owned()),
            path: "/w".into(),
            details: details.iter().map(|line| (*line).to_owned()).collect(),
            count,
        };
        let issues = [
            issue("dirty", Some(1), &["?? a"], 4),
            issue("stash", Some(1), &["stash@{0}: x"], 1),
            issue("orphan", Some(1), &["T1", "T2"], 2),
            issue("repo", None, &[" M f", "1 stash(es)"], 2),
        ];
        let text = shown(&issues);
        let wanted = "[DIRTY] Plan #1 (A\\u{1b}[31m) on plan/1\n  /w\n    ?? a\n    ... 3 more\n\
                      [STASH] Plan #1 (A\\u{1b}[31m): 1 stash(es)\n    stash@{0}: x\n\
                      [ORPHAN] Plan #1: done after the last commit of plan/1: T1, T2\n\
                      [REPO] A\\u{1b}[31m on plan/1\n     M f\n    1 stash(es)\n4 issue(s) found\n";
        assert_eq!(text, wanted);
        assert!(shown(&[]).contains("clean"));
    }
}
