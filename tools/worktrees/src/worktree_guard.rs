//! worktree-guard: are we in the assigned worktree? The first command of every worker, and a gate: it refuses whatever it
//! cannot be sure of. (The hook of that name is another program.)

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, Parser};
use crewkit_repo::{Head, Repository, branch_or_detached, real_path, worktree_at};
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, args, exit_code, text};

/// worktree-guard.
pub const TOOL: Tool = Tool {
    name: "worktree-guard",
    summary: "refuses unless the working directory is in the assigned worktree",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Branches that no worker works on, beside the one that `MAIN_BRANCH` names.
const PROTECTED: [&str; 2] = ["main", "master"];

/// Refuses unless the working directory is in the assigned worktree, on a branch of its own.
///
/// Ends with 0 and WORKTREE_OK, or with 1 and WORKTREE_VIOLATION on standard error. The main branch (main, master, the
/// one in MAIN_BRANCH) is never right.
#[derive(Parser, Debug)]
#[command(name = "worktree-guard", disable_version_flag = true)]
struct Arguments {
    /// The worktree that the work belongs to (~ is the home folder)
    #[arg(value_name = "PATH")]
    path: Option<OsString>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        guard(context, arguments.path.as_deref().map(Path::new))
    })
}

/// A violation: the lines for standard error.
fn violation(what: &str, details: &[(&str, String)]) -> Outcome {
    let outcome = Outcome::silent().with_code(exit_code::REFUSED).with_note(format!("WORKTREE_VIOLATION: {what}"));
    details.iter().fold(outcome, |outcome, (label, value)| outcome.with_note(format!("  {label}: {value}")))
}

fn guard(context: &Context, expected: Option<&Path>) -> Answer {
    let Some(expected) = expected.filter(|path| !path.as_os_str().is_empty()) else {
        let usage = Arguments::command().render_usage().to_string();
        return Ok(violation("no expected path provided", &[]).with_note(usage));
    };
    let here = real_path(context.directory()?);
    let expected = real_path(&context.absolute(&context.expand_home(expected))?);
    let Some(repository) = Repository::discover(&here) else {
        return Ok(violation("not in a git repository", &[]));
    };
    let Some(root) = &repository.top else {
        return Ok(violation("not in a work tree of the git repository", &[]));
    };
    let worktrees = repository.known_worktrees(context)?;
    let registered = worktree_at(&worktrees, root);
    let head = match repository.head() {
        Head::Unknown => registered.map_or(Head::Unknown, |tree| tree.head.clone()),
        head => head,
    };
    let branch = branch_or_detached(&head);
    let main = context.variable("MAIN_BRANCH");
    let at = |branch: &str| format!("{} (branch: {branch})", root.display());
    if head.branch().is_some_and(|branch| PROTECTED.contains(&branch) || main.as_deref() == Some(branch)) {
        return Ok(violation(
            &format!("on protected branch '{branch}'"),
            &[
                ("Expected worktree", expected.display().to_string()),
                ("Actual location", at(branch)),
                ("ACTION", "cd to your assigned worktree before any work".to_owned()),
            ],
        ));
    }
    if *root != expected && here != expected {
        let details = [("Expected", expected.display().to_string()), ("Actual", at(branch))];
        return Ok(violation("wrong worktree", &details));
    }
    if registered.is_none() {
        return Ok(violation("directory is not a registered git worktree", &[("Path", root.display().to_string())]));
    }
    if head == Head::Unknown {
        return Ok(violation("its branch cannot be read", &[("Path", root.display().to_string())]));
    }
    Ok(Outcome::text(text::one_line(&format!("WORKTREE_OK: {branch} @ {}", root.display()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_violation_begins_alike_and_names_the_place() {
        let scratch = tempfile::tempdir().unwrap();
        let context = crate::scripted(scratch.path());
        for (arguments, part) in [(&[][..], "no expected path provided"), (&["/x".into()], "not in a git repository")] {
            let outcome = run(&context, arguments).unwrap();
            let said = String::from_utf8(outcome.stderr).unwrap();
            assert_eq!((outcome.code, outcome.stdout.is_empty()), (1, true));
            assert!(said.starts_with("WORKTREE_VIOLATION: ") && said.contains(part), "{said}");
        }
        assert_eq!(run(&context, &["--what".into()]).unwrap_err().code, 1);
    }
}
