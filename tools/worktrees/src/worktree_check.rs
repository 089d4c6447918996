//! worktree-check: where am I. For people and agents, before they work with git.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_repo::{Entry, Git, Repository, Status, real_path};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
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

/// Says where the working directory is: worktree, branch, uncommitted changes, and the other worktrees.
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
    clean: bool,
    uncommitted: usize,
    /// The first few.
    changes: Vec<String>,
    worktrees: Vec<list::Row>,
    expected: Option<String>,
    #[serde(rename = "match")]
    matches: Option<bool>,
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
    let report = Report {
        pwd: directory.to_string_lossy().into_owned(),
        root: root.to_string_lossy().into_owned(),
        branch: status.branch.clone().unwrap_or_else(|| "DETACHED".to_owned()),
        main: repository.is_main(),
        clean: status.clean(),
        uncommitted: status.entries.len(),
        changes: status.entries.iter().take(NAMED).map(Entry::short).collect(),
        worktrees: list::rows(&repository, &repository.known_worktrees(context)?),
        expected: arguments.expected.as_ref().map(|path| path.to_string_lossy().into_owned()),
        matches,
    };
    let code = if matches == Some(false) { exit_code::REFUSED } else { exit_code::DONE };
    let outcome = if arguments.json { Outcome::json(&report) } else { Outcome::text(report.text(&root)) };
    Ok(outcome.with_code(code))
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
        if self.clean {
            lines.push("✅ Working tree clean".to_owned());
        } else {
            lines.push(format!("⚠️  Uncommitted changes: {} files", self.uncommitted));
            lines.extend(self.changes.iter().cloned());
            if self.uncommitted > NAMED {
                lines.push(format!("   ... and {} more", self.uncommitted - NAMED));
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
