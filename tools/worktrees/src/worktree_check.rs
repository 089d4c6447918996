//! worktree-check: where am I. For people and agents, before they work with git.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_repo::{Entry, Git, Repository, Status, ahead_behind, real_path};
use crewkit_store::locks::{Filter, Here};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, lineage, text};
use serde::Serialize;

use crate::list;

/// worktree-check.
pub const TOOL: Tool = Tool {
    name: "worktree-check",
    summary: "which worktree this is, its branch, its uncommitted changes, and all the others",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// The number of uncommitted changes that are named.
const NAMED: usize = 5;

/// Says where the working directory is: worktree, branch, how it stands to the main branch, uncommitted changes, the files
/// here that agents have locked, and the other worktrees.
///
/// Ends with 0; 1 outside a repository, or when it is not the EXPECTED worktree.
#[derive(Parser, Debug)]
#[command(name = "worktree-check", disable_version_flag = true)]
struct Arguments {
    /// The worktree that is meant: the name of its folder, or its path
    #[arg(value_name = "EXPECTED")]
    expected: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    pwd: String,
    root: String,
    branch: String,
    main: bool,
    /// These are `null` when there is no main branch, or no commit here.
    #[serde(flatten)]
    against: Against,
    clean: bool,
    uncommitted: usize,
    /// The first few.
    changes: Vec<String>,
    /// `null` when the database cannot be read.
    locks: Option<Vec<Held>>,
    worktrees: Vec<list::Row>,
    expected: Option<String>,
    #[serde(rename = "match")]
    matches: Option<bool>,
}

/// How the branch stands to the main branch.
#[derive(Debug, Default, Serialize)]
struct Against {
    main_branch: Option<String>,
    ahead: Option<u64>,
    behind: Option<u64>,
}

/// A file of this worktree that somebody has locked.
#[derive(Debug, Serialize)]
struct Held {
    /// From the top of the worktree.
    file: String,
    task_id: Option<String>,
    session_id: Option<String>,
    agent: Option<String>,
    /// Seconds since it was locked.
    age: Option<i64>,
    /// Whether an agent that wants the file may break the lock.
    stale: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| check(context, &arguments))
}

fn check(context: &Context, arguments: &Arguments) -> Answer {
    let directory = context.directory()?;
    let none = || Refusal::new(format!("Not in a git repository: {}", directory.display()));
    let repository = Repository::discover(directory).ok_or_else(none)?;
    let root = repository.top.clone().ok_or_else(|| {
        Refusal::new(format!("Not in a work tree: {} is part of a repository's own folder", directory.display()))
    })?;
    let status = Status::by_git(Git::at(context, directory).of_folder())?;
    let matches = match &arguments.expected {
        Some(expected) => Some(is_expected(context, &root, expected)?),
        None => None,
    };
    let against = against(context, &repository, status.head.as_deref()).unwrap_or_else(|refusal| {
        context.note(refusal.message);
        Against::default()
    });
    let locks = match locks(context, &root) {
        Ok(locks) => Some(locks),
        Err(refusal) => {
            context.note(format!("who has locked files here is not known: {}", refusal.message));
            None
        }
    };
    let report = Report {
        pwd: directory.to_string_lossy().into_owned(),
        root: root.to_string_lossy().into_owned(),
        branch: status.branch.clone().unwrap_or_else(|| "DETACHED".to_owned()),
        main: repository.is_main(),
        against,
        clean: status.clean(),
        uncommitted: status.entries.len(),
        changes: status.entries.iter().take(NAMED).map(Entry::short).collect(),
        locks,
        worktrees: list::rows(&repository, &repository.known_worktrees(context)?),
        expected: arguments.expected.as_ref().map(|path| path.to_string_lossy().into_owned()),
        matches,
    };
    let code = if matches == Some(false) { exit_code::REFUSED } else { exit_code::DONE };
    let outcome = if arguments.json { Outcome::json(&report) } else { Outcome::text(report.text(&root)) };
    Ok(outcome.with_code(code))
}

fn against(context: &Context, repository: &Repository, head: Option<&str>) -> Result<Against, Refusal> {
    let (Some(commit), Some(main)) = (head, repository.find_main(context)?) else { return Ok(Against::default()) };
    let (ahead, behind) = ahead_behind(context, repository, &main, commit)?;
    Ok(Against { main_branch: Some(main.name), ahead: Some(ahead), behind: Some(behind) })
}

/// The locks on files below `root`. Without a database there are none.
fn locks(context: &Context, root: &Path) -> Result<Vec<Held>, Refusal> {
    // Without a home there is no database to look for.
    let store = if context.database_path().is_ok() { context.existing_store()? } else { None };
    let Some(store) = store else { return Ok(Vec::new()) };
    let (host, now) = (context.host(), context.now());
    let here = Here { host: &host, now: &|| now.clone(), alive: &lineage::alive };
    let all = store.locks().list(&Filter::default(), &now)?;
    let held = |lock: crewkit_store::locks::Lock| {
        let file = Path::new(&lock.file).strip_prefix(root).ok()?.to_string_lossy().into_owned();
        let stale = lock.stale(&here);
        let crewkit_store::locks::Lock { task_id, session_id, agent, age, .. } = lock;
        Some(Held { file, task_id, session_id, agent, age, stale })
    };
    Ok(all.into_iter().filter_map(held).collect())
}

/// Whether `root` is the worktree that `expected` means: by the folder's name, else by its path.
fn is_expected(context: &Context, root: &Path, expected: &Path) -> Result<bool, Refusal> {
    let name = expected.components().count() == 1;
    if name && expected.file_name() == root.file_name() {
        return Ok(true);
    }
    let place = !name || expected.file_name().is_none() || expected.starts_with("~");
    Ok(place
        && !expected.as_os_str().is_empty()
        && real_path(&context.absolute(&context.expand_home(expected))?) == *root)
}

impl Held {
    fn text(&self) -> String {
        let owner = [("task", &self.task_id), ("session", &self.session_id), ("agent", &self.agent)];
        let owner: Vec<String> =
            owner.iter().filter_map(|(kind, name)| Some(format!("{kind} {}", name.as_deref()?))).collect();
        let stale = if self.stale { ", stale" } else { "" };
        format!("   {}: {}{stale}", self.file, owner.join(", "))
    }
}

impl Report {
    fn text(&self, root: &Path) -> String {
        let mut lines = vec![
            "=== WORKTREE CONTEXT CHECK ===".to_owned(),
            String::new(),
            format!("📁 PWD: {}", self.pwd),
            format!("📂 Git root: {}", self.root),
            format!("🌿 Branch: {}", self.branch),
            format!("🌳 Worktree: YES (main={})", if self.main { "yes" } else { "no" }),
        ];
        if let Against { main_branch: Some(branch), ahead: Some(ahead), behind: Some(behind) } = &self.against
            && *branch != self.branch
        {
            lines.push(format!("🔀 Against {branch}: {ahead} ahead, {behind} behind"));
        }
        if self.clean {
            lines.push("✅ Working tree clean".to_owned());
        } else {
            lines.push(format!("⚠️  Uncommitted changes: {} files", self.uncommitted));
            lines.extend(self.changes.iter().cloned());
            if self.uncommitted > NAMED {
                lines.push(format!("   ... and {} more", self.uncommitted - NAMED));
            }
        }
        if let Some(locks) = self.locks.as_ref().filter(|locks| !locks.is_empty()) {
            lines.push(format!("🔒 Locked files: {}", locks.len()));
            lines.extend(locks.iter().take(NAMED).map(Held::text));
            if locks.len() > NAMED {
                lines.push(format!("   ... and {} more", locks.len() - NAMED));
            }
        }
        lines.extend([String::new(), "--- All Worktrees ---".to_owned()]);
        let mut out: String = lines.iter().map(|line| text::one_line(line) + "\n").collect();
        out += &list::text(&self.worktrees);
        if let (Some(expected), Some(matches)) = (&self.expected, self.matches) {
            let name = root.file_name().unwrap_or(root.as_os_str()).to_string_lossy();
            let lines = if matches {
                vec![format!("✅ MATCH: In expected worktree '{expected}'")]
            } else {
                let full = format!("   Full path: {}", self.root);
                vec![format!("❌ MISMATCH: Expected '{expected}' but in '{name}'"), full]
            };
            out.push('\n');
            out.extend(lines.iter().map(|line| text::one_line(line) + "\n"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_a_path_may_be_expected() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().canonicalize().unwrap().join("shop");
        std::fs::create_dir(&root).unwrap();
        let context = crate::scripted(&root);
        let expected = |given: &str| is_expected(&context, &root, Path::new(given)).unwrap();
        for given in ["shop", "shop/", ".", "../shop", "~", root.to_str().unwrap()] {
            assert!(expected(given), "{given}");
        }
        for given in ["hop", "..", "other/shop", "./shop", ""] {
            assert!(!expected(given), "{given}");
        }
        assert!(run(&context, &[]).unwrap_err().message.starts_with("Not in a git repository"));
    }
}
