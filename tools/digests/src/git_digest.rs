//! git-digest: the state of a repository in one small object: branch, upstream, counts of changes, last commits. Agents
//! call it on every turn, gates before a task is closed, the dashboard from other hosts.
//!
//! Nothing is kept between calls: an answer is what git says now. Git's status and the reading of the last commits
//! (in this process) run side by side.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, ValueEnum};
use crewkit_repo::{Change, Entry, Git, History, Operation, Repository, Status};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::Serialize;
use serde_json::Value;

/// git-digest.
pub const TOOL: Tool = Tool {
    name: "git-digest",
    summary: "the state of a repository in one small object",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// The number of commits in the answer.
const COMMITS: usize = 5;
/// Most characters of a commit's subject.
const SUBJECT: usize = 200;

/// The state of a repository as one line of JSON: branch, upstream, counts of changes, last commits.
///
/// Ends with 0 when the state could be read, whatever it is; else with 1 and an object with status "error" and msg.
#[derive(Parser, Debug)]
#[command(name = "git-digest", disable_version_flag = true)]
struct Arguments {
    /// Name the changed files too
    #[arg(long)]
    full: bool,
    /// Most names in each list; what was cut is counted under `more` (0: no limit)
    #[arg(long, value_name = "N", default_value_t = 50, allow_negative_numbers = true)]
    limit: usize,
    /// One line for each work tree of the repository, the main one first, each with its `path`
    #[arg(long)]
    all_worktrees: bool,
    /// Which keys: all of them, or few: those that are neither 0, empty nor told by others
    #[arg(long, value_name = "KEYS", value_enum, default_value_t = Keys::All)]
    keys: Keys,
    /// Accepted for old callers: no answer is ever kept
    #[arg(long, overrides_with = "no_cache")]
    no_cache: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keys {
    All,
    Few,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Digest {
    /// The work tree, when there is a line for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    branch: String,
    sha: String,
    clean: bool,
    has_upstream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<String>,
    /// Said only where an upstream is set that does not exist (any more).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    upstream_gone: bool,
    ahead: u64,
    behind: u64,
    staged: usize,
    unstaged: usize,
    untracked: usize,
    conflicts: usize,
    stashes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conflict_files: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    staged_files: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unstaged_files: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    untracked_files: Option<Vec<String>>,
    /// How many names each list lacks.
    #[serde(skip_serializing_if = "More::is_empty")]
    more: More,
    commits: Vec<String>,
}

/// The number of names cut from each list.
#[derive(Debug, Default, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the lists")]
struct More {
    #[serde(skip_serializing_if = "is_zero")]
    conflict_files: usize,
    #[serde(skip_serializing_if = "is_zero")]
    staged_files: usize,
    #[serde(skip_serializing_if = "is_zero")]
    unstaged_files: usize,
    #[serde(skip_serializing_if = "is_zero")]
    untracked_files: usize,
}

impl More {
    fn is_empty(&self) -> bool {
        self.conflict_files + self.staged_files + self.unstaged_files + self.untracked_files == 0
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What is said instead of a digest.
#[derive(Debug, Serialize)]
struct Failure<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    status: &'static str,
    msg: &'a str,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        if arguments.all_worktrees {
            return every_worktree(context, &arguments);
        }
        let directory = context.directory()?;
        let git_dir = || match context.variable_path("GIT_DIR") {
            Some(path) => context.absolute(&path).ok(),
            None => Repository::discover(directory).map(|repository| repository.git_dir),
        };
        match look(&arguments, git_dir, || Git::at(context, directory)) {
            Ok(digest) => Ok(told(&digest, arguments.keys)),
            Err(refusal) => {
                let failure = Failure { path: None, status: "error", msg: &refusal.message };
                Err(refusal.clone().with_code(exit_code::REFUSED).with_json(&failure))
            }
        }
    })
}

/// One line for each work tree. One that cannot be read is a line too, and the exit code says so.
fn every_worktree(context: &Context, arguments: &Arguments) -> Answer {
    let Some(repository) = Repository::discover(context.directory()?) else {
        let failure = Failure { path: None, status: "error", msg: "not a git repository" };
        return Err(Refusal::new(failure.msg).with_json(&failure));
    };
    let mut outcome = Outcome::silent();
    for tree in repository.worktrees().into_iter().filter(|tree| !tree.bare) {
        let path = tree.path.to_string_lossy().into_owned();
        let looked = if tree.missing {
            Err(Refusal::new("its folder is gone"))
        } else {
            let git_dir = || Repository::discover(&tree.path).map(|found| found.git_dir);
            look(arguments, git_dir, || Git::at(context, &tree.path).of_folder())
        };
        let line = match looked {
            Ok(digest) => told(&Digest { path: Some(path), ..digest }, arguments.keys),
            Err(refusal) => {
                outcome = outcome.with_code(exit_code::REFUSED).with_note(format!("{path}: {refusal}"));
                Outcome::json(&Failure { path: Some(path), status: "error", msg: &refusal.message })
            }
        };
        outcome.stdout.extend(line.stdout);
    }
    Ok(outcome)
}

/// The digest of the work tree that `git` is called in and whose git folder `git_dir` finds.
fn look(
    arguments: &Arguments,
    git_dir: impl FnOnce() -> Option<PathBuf>,
    git: impl Fn() -> Git,
) -> Result<Digest, Refusal> {
    let (status, (history, operation)) = Status::beside(git(), || {
        let git_dir = git_dir()?;
        Some((History::read(&git_dir, COMMITS), Operation::under_way(&git_dir)))
    })
    .map(|(status, seen)| (status, seen.unwrap_or_default()))?;
    let commits = match (&status.head, history) {
        (None, _) => Vec::new(),
        // Git's word counts: whatever this process found, it must be the history of the commit that git sees.
        (Some(head), Some(history)) if history.head == *head => history.commits,
        (Some(head), _) => History::by_git(git(), head, COMMITS)?.commits,
    };
    let sha = commits.first().map(|commit| commit.short.clone()).unwrap_or_default();
    let commits = commits
        .iter()
        .map(|commit| format!("{} {}", commit.short, text::cut(&plain(&commit.subject), SUBJECT)))
        .collect();

    let staged = status.with(|change| matches!(change, Change::Tracked { staged: true, .. }));
    let unstaged = status.with(|change| matches!(change, Change::Tracked { unstaged: true, .. }));
    let untracked = status.with(|change| change == Change::Untracked);
    let conflicts = status.with(|change| change == Change::Unmerged);
    let most = if arguments.limit == 0 { usize::MAX } else { arguments.limit };
    let mut more = More::default();
    let list = |entries: &[&Entry], wanted: bool, cut: &mut usize| {
        wanted.then(|| {
            *cut = entries.len().saturating_sub(most);
            entries.iter().take(most).map(|entry| entry.text()).collect()
        })
    };
    Ok(Digest {
        path: None,
        conflict_files: list(&conflicts, !conflicts.is_empty(), &mut more.conflict_files),
        staged_files: list(&staged, arguments.full, &mut more.staged_files),
        unstaged_files: list(&unstaged, arguments.full, &mut more.unstaged_files),
        untracked_files: list(&untracked, arguments.full, &mut more.untracked_files),
        more,
        clean: status.clean(),
        staged: staged.len(),
        unstaged: unstaged.len(),
        untracked: untracked.len(),
        conflicts: conflicts.len(),
        stashes: status.stashes,
        has_upstream: status.ahead_behind.is_some(),
        upstream_gone: status.upstream.is_some() && status.head.is_some() && status.ahead_behind.is_none(),
        ahead: status.ahead_behind.map_or(0, |(ahead, _)| ahead),
        behind: status.ahead_behind.map_or(0, |(_, behind)| behind),
        operation,
        branch: status.branch.unwrap_or_else(|| "DETACHED".to_owned()),
        upstream: status.upstream,
        sha,
        commits,
    })
}

/// The digest with the keys that are wanted.
fn told(digest: &Digest, keys: Keys) -> Outcome {
    let (Keys::Few, Ok(Value::Object(whole))) = (keys, serde_json::to_value(digest)) else {
        return Outcome::json(digest);
    };
    let counted = |key: &str| {
        // A list that is whole says how long it is.
        let list = whole.get(&format!("{}_files", if key == "conflicts" { "conflict" } else { key }));
        let length = list.and_then(Value::as_array).map(|list| list.len() as u64);
        length.is_some() && length == whole.get(key).and_then(Value::as_u64)
    };
    let says = |(key, value): &(&String, &Value)| match value {
        Value::Bool(said) => *said || *key == "clean",
        Value::Number(_) => value.as_u64() != Some(0) && !counted(key),
        Value::Array(list) => !list.is_empty(),
        // The newest commit begins with it.
        Value::String(text) => !text.is_empty() && *key != "sha",
        _ => true,
    };
    let few: serde_json::Map<String, Value> =
        whole.iter().filter(says).map(|(key, value)| (key.clone(), value.clone())).collect();
    Outcome::json(&few)
}

/// A subject without colour codes and other control characters.
fn plain(subject: &str) -> String {
    let mut out = String::with_capacity(subject.len());
    let mut chars = subject.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            // A control sequence ends with a letter or one of the signs beside them (ECMA-48, 5.4).
            chars.by_ref().find(|c| ('@'..='~').contains(c));
        } else if c == '\t' {
            out.push(' ');
        } else if !text::is_unsafe(c) {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests;
