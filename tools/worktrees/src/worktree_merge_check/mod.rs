//! worktree-merge-check: one line for each worktree: can it be merged? People and agents call it; the rules are those by
//! which plan-db closes a plan.

mod between;

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{CommandFactory, Parser};
use crewkit_repo::{Git, MainBranch, MergeState, Repository, Worktree, branch_or_detached};
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, args, exit_code, text};
use serde::Serialize;

use between::{Clash, Side, clashes};

/// worktree-merge-check.
pub const TOOL: Tool = Tool {
    name: "worktree-merge-check",
    summary: "one line for each worktree: can it be merged into the main branch",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// The number of uncommitted changes that `--detail` names.
const NAMED: usize = 5;

/// One line for each worktree that is not on the main branch: branch, folder, and what stands between it and the main
/// branch.
///
/// DIRTY(n) uncommitted paths, BEHIND(n) commits of the main branch that it lacks, CONFLICT a merge would conflict,
/// ALREADY_MERGED its content is in the main branch, MISSING its folder is gone, UNREADABLE git cannot read it; else
/// READY(+n) commits to merge, or EMPTY.
///
/// With --between, below: a line beginning with BETWEEN for each two branches that can no longer both be merged without
/// a conflict, and the files; what is not committed does not count.
///
/// Ends with 0; 1 outside a repository, without a main branch, when no worktree has the branch of --detail or --branch,
/// and when one cannot be read.
#[derive(Parser, Debug)]
#[command(name = "worktree-merge-check", disable_version_flag = true)]
struct Arguments {
    /// Tell more of this branch's worktree: path, counts, changed files, uncommitted changes
    #[arg(long, value_name = "BRANCH")]
    detail: Option<String>,
    /// Only the worktree of this branch
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Conflicts of worktrees with each other too
    #[arg(long)]
    between: bool,
    /// One JSON object: `main`, `commit`, `worktrees`, `between`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    main: String,
    commit: String,
    worktrees: Vec<Judged>,
    /// `null` when it was not asked for.
    between: Option<Vec<Clash>>,
}

/// One worktree. What is not known is `null`.
#[derive(Debug, Serialize)]
struct Judged {
    branch: String,
    path: String,
    /// The words of the third column.
    state: String,
    ahead: Option<u64>,
    behind: Option<u64>,
    dirty: Option<usize>,
    merged: Option<bool>,
    conflict_files: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| check(context, &arguments))
}

/// A failure in the words that callers look for.
fn failed(why: &str) -> Outcome {
    Outcome::silent().with_code(exit_code::REFUSED).with_note(format!("ERR: {why}"))
}

fn check(context: &Context, arguments: &Arguments) -> Answer {
    let Some(repository) = Repository::discover(context.directory()?) else {
        return Ok(failed("not a git repo"));
    };
    let Some(main) = repository.find_main(context)? else {
        return Ok(failed("no main branch: neither main nor master nor origin/HEAD (MAIN_BRANCH can name it)"));
    };
    let mut out = format!("MAIN={}\n", main.commit);
    let mut report =
        Report { main: main.name.clone(), commit: main.commit.clone(), worktrees: Vec::new(), between: None };
    let mut notes = Vec::new();
    let (mut detailed, mut found) = (false, false);
    let mut sides = Vec::new();
    let trees = repository.known_worktrees(context)?;
    for tree in trees.iter().filter(|tree| !tree.bare && tree.head.branch() != Some(&main.name)) {
        let branch = branch_or_detached(&tree.head);
        let shown = arguments.branch.as_deref().is_none_or(|only| only == branch);
        if !shown && !arguments.between {
            continue;
        }
        found |= shown;
        let state = if tree.missing {
            Ok(MergeState::Missing)
        } else {
            MergeState::of(context, &repository, &main, &tree.path)
        };
        if let (true, Ok(MergeState::Known { commit, relation, .. })) = (arguments.between, &state)
            && !relation.merged
        {
            sides.push(Side { tree, commit: commit.clone(), shown });
        }
        if !shown {
            continue;
        }
        let words = state.as_ref().map_or_else(|_| "UNREADABLE".to_owned(), ToString::to_string);
        if let Err(refusal) = &state {
            notes.push(format!("{}: {refusal}", tree.path.display()));
        }
        let folder = tree.path.file_name().unwrap_or(tree.path.as_os_str()).to_string_lossy();
        out += &text::one_line(&format!("{branch} | {folder} | {words}"));
        out.push('\n');
        if arguments.detail.as_deref() == Some(branch) {
            detailed = true;
            out += &detail(context, &repository, &main, tree, state.as_ref().ok());
        }
        report.worktrees.push(judged(tree, words, state.map_err(|refusal| refusal.message)));
    }
    if arguments.between {
        let clashes = clashes(context, &repository, &main, &sides)?;
        for clash in &clashes {
            let [one, other] = &clash.branches;
            out += &text::one_line(&format!("BETWEEN {one} | {other} | CONFLICT {}", clash.files.join(", ")));
            out.push('\n');
        }
        if clashes.is_empty() {
            out += "BETWEEN: no conflicts\n";
        }
        report.between = Some(clashes);
    }
    let mut code = if notes.is_empty() { exit_code::DONE } else { exit_code::REFUSED };
    if let Some(branch) = arguments.detail.as_ref().filter(|_| !detailed) {
        notes.push(format!("ERR: no worktree has the branch '{branch}'"));
        code = exit_code::REFUSED;
    }
    if let Some(branch) = arguments.branch.as_ref().filter(|_| !found) {
        notes.push(format!("ERR: no worktree has the branch '{branch}'"));
        code = exit_code::REFUSED;
    }
    let outcome = if arguments.json { Outcome::json(&report) } else { Outcome::text(out) };
    Ok(notes.iter().fold(outcome.with_code(code), Outcome::with_note))
}

fn judged(tree: &Worktree, state: String, known: Result<MergeState, String>) -> Judged {
    let mut row = Judged {
        branch: branch_or_detached(&tree.head).to_owned(),
        path: tree.path.to_string_lossy().into_owned(),
        state,
        ahead: None,
        behind: None,
        dirty: None,
        merged: None,
        conflict_files: None,
        error: None,
    };
    match known {
        Ok(MergeState::Known { relation, status, .. }) => {
            row.ahead = Some(relation.ahead);
            row.behind = Some(relation.behind);
            row.dirty = Some(status.entries.len());
            row.merged = Some(relation.merged);
            row.conflict_files = Some(relation.conflicts.unwrap_or_default());
        }
        Ok(MergeState::Missing | MergeState::Empty) => {}
        Err(reason) => row.error = Some(reason),
    }
    row
}

/// What `--detail` adds below a line.
fn detail(
    context: &Context,
    repository: &Repository,
    main: &MainBranch,
    tree: &Worktree,
    state: Option<&MergeState>,
) -> String {
    let mut out = text::one_line(&format!("  path: {}", tree.path.display())) + "\n";
    let Some(MergeState::Known { commit, relation, status }) = state else { return out };
    let _ = writeln!(out, "  ahead: {} behind: {}", relation.ahead, relation.behind);
    let range = format!("{}...{commit}", main.commit);
    let diff = ["diff", "--shortstat", "--no-ext-diff", "--no-textconv", "--no-color", &range, "--"];
    let summary = Git::at(context, &repository.base()).of_folder().args(diff).run();
    let summary = match summary {
        Ok(ended) if ended.ok() => ended.text(),
        Ok(ended) => format!(" {}", ended.complaint()),
        Err(refusal) => format!(" {refusal}"),
    };
    out += "  files:\n";
    out += &text::one_line(if summary.is_empty() { " none" } else { &summary });
    out.push('\n');
    if let Some(files) = &relation.conflicts {
        out += &text::one_line(&format!("  conflicts: {}", files.join(", ")));
        out.push('\n');
    }
    if !status.clean() {
        out += "  uncommitted:\n";
        for entry in status.entries.iter().take(NAMED) {
            out += &text::one_line(&entry.short());
            out.push('\n');
        }
        if status.entries.len() > NAMED {
            let _ = writeln!(out, "... and {} more", status.entries.len() - NAMED);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_a_repository_it_says_so() {
        let scratch = tempfile::tempdir().unwrap();
        let outcome = run(&crate::scripted(scratch.path()), &[]).unwrap();
        assert_eq!((outcome.code, outcome.stderr.as_slice()), (1, &b"ERR: not a git repo\n"[..]));
    }
}
