//! worktree-guard: are we in the assigned worktree? The first command of every worker, and a gate: it refuses whatever it
//! cannot be sure of. (The hook of that name is another program.)

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_repo::{Head, Repository, branch_or_detached, is_protected, real_path, worktree_at};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, exit_code, text};
use serde::Serialize;

use crate::assigned::place;

/// worktree-guard.
pub const TOOL: Tool = Tool {
    name: "worktree-guard",
    summary: "refuses unless the working directory is in the assigned worktree",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Refuses unless the working directory is in the assigned worktree, on a branch of its own.
///
/// Ends with 0 and WORKTREE_OK, or with 1 and WORKTREE_VIOLATION on standard error. A protected branch is never right:
/// those in WORKTREE_GUARD_BRANCHES (comma-separated, release/* for all that begin so; main,master without it), and the one
/// in MAIN_BRANCH.
#[derive(Parser, Debug)]
#[command(name = "worktree-guard", disable_version_flag = true)]
#[command(group = clap::ArgGroup::new("expected"))]
struct Arguments {
    /// The worktree that the work belongs to (~ is the home folder)
    #[arg(value_name = "PATH", group = "expected")]
    path: Option<OsString>,
    /// The worktree that the database has for this plan
    #[arg(long, value_name = "ID", group = "expected", allow_negative_numbers = true)]
    plan: Option<RowId>,
    /// The worktree that the database has for this wave (row id)
    #[arg(long, value_name = "ID", group = "expected", allow_negative_numbers = true)]
    wave: Option<RowId>,
    /// One JSON object: ok, violation, expected, root, branch; a violation's on standard error
    #[arg(long)]
    json: bool,
}

/// What was found out, in the order of finding; `null` where the check ended before.
#[derive(Debug, Default, Serialize)]
struct Report {
    ok: bool,
    violation: Option<String>,
    expected: Option<String>,
    root: Option<String>,
    branch: Option<String>,
    /// Lines below the violation.
    #[serde(skip)]
    details: Vec<(&'static str, String)>,
    #[serde(skip)]
    usage: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        let mut report = Report::default();
        match guard(context, &arguments, &mut report)? {
            None => report.ok = true,
            violation => report.violation = violation,
        }
        Ok(if arguments.json { report.json() } else { report.text() })
    })
}

impl Report {
    fn json(&self) -> Outcome {
        if self.ok { Outcome::json(self) } else { Outcome::json_error(self, exit_code::REFUSED) }
    }

    fn text(&self) -> Outcome {
        let Some(violation) = &self.violation else {
            let (branch, root) = (self.branch.as_deref().unwrap_or_default(), self.root.as_deref().unwrap_or_default());
            return Outcome::text(text::one_line(&format!("WORKTREE_OK: {branch} @ {root}")));
        };
        let first = format!("WORKTREE_VIOLATION: {violation}");
        let outcome = Outcome::silent().with_code(exit_code::REFUSED).with_note(first);
        let outcome = self
            .details
            .iter()
            .fold(outcome, |outcome, (label, value)| outcome.with_note(format!("  {label}: {value}")));
        if self.usage { outcome.with_note(Arguments::command().render_usage().to_string()) } else { outcome }
    }
}

/// The worktree that is meant, or why that cannot be told.
fn expected(context: &Context, arguments: &Arguments, report: &mut Report) -> Result<Result<PathBuf, String>, Refusal> {
    if let Some(path) = arguments.path.as_deref().map(Path::new).filter(|path| !path.as_os_str().is_empty()) {
        return Ok(Ok(real_path(&context.absolute(&context.expand_home(path))?)));
    }
    let (kind, RowId(id)) = match (arguments.plan, arguments.wave) {
        (Some(plan), _) => ("plan", plan),
        (_, Some(wave)) => ("wave", wave),
        _ => {
            report.usage = true;
            return Ok(Err("no expected path provided".to_owned()));
        }
    };
    let Some(store) = context.existing_store()? else {
        return Ok(Err(format!("{kind} {id} is not known: there is no database")));
    };
    let found = if kind == "plan" { store.assignments().plan(id)? } else { store.assignments().wave(id)? };
    Ok(match found.map(|assignment| assignment.path) {
        None => Err(format!("{kind} {id} not found")),
        Some(None) => Err(format!("{kind} {id} has no worktree")),
        Some(Some(stored)) => Ok(place(context, &stored)?),
    })
}

/// The first violation; `None` when there is none.
fn guard(context: &Context, arguments: &Arguments, report: &mut Report) -> Result<Option<String>, Refusal> {
    let expected = match expected(context, arguments, report)? {
        Ok(expected) => expected,
        Err(violation) => return Ok(Some(violation)),
    };
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    report.expected = Some(shown(&expected));
    let here = real_path(context.directory()?);
    let Some(repository) = Repository::discover(&here) else {
        return Ok(Some("not in a git repository".to_owned()));
    };
    let Some(root) = &repository.top else {
        return Ok(Some("not in a work tree of the git repository".to_owned()));
    };
    report.root = Some(shown(root));
    let worktrees = repository.known_worktrees(context)?;
    let registered = worktree_at(&worktrees, root);
    let head = match repository.head() {
        Head::Unknown => registered.map_or(Head::Unknown, |tree| tree.head.clone()),
        head => head,
    };
    let branch = branch_or_detached(&head);
    report.branch = Some(branch.to_owned());
    let main = context.variable("MAIN_BRANCH");
    let actual = format!("{} (branch: {branch})", shown(root));
    if head.branch().is_some_and(|branch| is_protected(context, branch) || main.as_deref() == Some(branch)) {
        report.details = vec![
            ("Expected worktree", shown(&expected)),
            ("Actual location", actual),
            ("ACTION", "cd to your assigned worktree before any work".to_owned()),
        ];
        return Ok(Some(format!("on protected branch '{branch}'")));
    }
    if *root != expected && here != expected {
        report.details = vec![("Expected", shown(&expected)), ("Actual", actual)];
        return Ok(Some("wrong worktree".to_owned()));
    }
    if registered.is_none() {
        report.details = vec![("Path", shown(root))];
        return Ok(Some("directory is not a registered git worktree".to_owned()));
    }
    if head == Head::Unknown {
        report.details = vec![("Path", shown(root))];
        return Ok(Some("its branch cannot be read".to_owned()));
    }
    Ok(None)
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
