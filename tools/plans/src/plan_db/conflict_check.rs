//! conflict-check, conflict-check-spec: files that a plan, or a spec before its import, has in common with the other
//! open plans of its project.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser};
use crewkit_store::plan_views::{PlanViews, TaskTexts};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, exit_code};
use serde::Serialize;
use serde_json::json;

use super::{Subcommand, import};
use crate::spec_tasks;
use crate::task_files::FileSet;

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "conflict-check", command: ConflictCheck::command, run: conflict_check },
    Subcommand { name: "conflict-check-spec", command: ConflictCheckSpec::command, run: conflict_check_spec },
];

/// Files that a plan and the other open plans of its project both touch; exit 0 none, 1 minor, 2 major or cannot tell
#[derive(Debug, Parser)]
#[command(name = "conflict-check", bin_name = "plan-db conflict-check")]
struct ConflictCheck {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
}

/// Files that a spec and the open plans of a project both touch; exit 0 none, 1 minor, 2 major or cannot tell
#[derive(Debug, Parser)]
#[command(name = "conflict-check-spec", bin_name = "plan-db conflict-check-spec")]
struct ConflictCheckSpec {
    /// The project
    #[arg(value_name = "PROJECT_ID")]
    project: String,
    /// The spec; - is standard input
    #[arg(value_name = "SPEC_FILE")]
    spec: PathBuf,
}

/// How much two plans are in each other's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Risk {
    None,
    Minor,
    Major,
}

impl Risk {
    fn of(files: usize, folders: usize) -> Self {
        match (files, folders) {
            (4.., _) => Self::Major,
            (1.., _) | (_, 3..) => Self::Minor,
            _ => Self::None,
        }
    }

    fn recommendation(self) -> &'static str {
        match self {
            Self::None => "proceed",
            Self::Minor => "review_overlap",
            Self::Major => "merge_or_sequence",
        }
    }
}

#[derive(Debug, Serialize)]
struct Conflict {
    plan_id: i64,
    plan_name: String,
    status: String,
    overlap_files: Vec<String>,
    overlap_dirs: Vec<String>,
    risk: Risk,
    recommendation: &'static str,
}

/// What is asked about: a plan, or a spec that is none yet.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Subject {
    Plan { plan_id: i64, plan_name: String },
    Project { project_id: String },
}

#[derive(Debug, Serialize)]
struct Verdict {
    #[serde(flatten)]
    subject: Subject,
    conflicts: Vec<Conflict>,
    overall_risk: Risk,
    recommendation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

impl Verdict {
    fn new(subject: Subject, conflicts: Vec<Conflict>, note: Option<&'static str>) -> Self {
        let worst = conflicts.iter().map(|conflict| conflict.risk).max().unwrap_or(Risk::None);
        Self { subject, conflicts, overall_risk: worst, recommendation: worst.recommendation(), note }
    }

    fn answer(&self) -> Outcome {
        Outcome::json(self).with_code(self.overall_risk as u8)
    }
}

fn conflict_check(context: &Context, arguments: &[OsString]) -> Answer {
    let answer = args::with::<ConflictCheck>(arguments, exit_code::BLOCKED, |args| {
        let views = context.store()?.plan_views();
        let Some(plan) = views.plan(args.plan.0)? else { return Ok(cannot_tell("plan not found")) };
        let mut files = FileSet::default();
        views.task_texts(plan.id)?.iter().filter(|task| counts(task)).for_each(|task| files.join(named_by(task)));
        let subject = Subject::Plan { plan_id: plan.id, plan_name: plan.name };
        if files.is_empty() {
            return Ok(Verdict::new(subject, Vec::new(), Some("no file targets detected in tasks")).answer());
        }
        against(views, &files, subject, &plan.project_id, Some(plan.id))
    });
    verdicts_alone(answer)
}

fn conflict_check_spec(context: &Context, arguments: &[OsString]) -> Answer {
    let answer = args::with::<ConflictCheckSpec>(arguments, exit_code::BLOCKED, |args| {
        let Some(bytes) = import::read_spec(context, &args.spec)? else {
            return Ok(cannot_tell("spec file not found"));
        };
        let waves = match spec_tasks::read(&bytes) {
            Ok(waves) => waves,
            Err(fault) => return Ok(cannot_tell(&fault)),
        };
        let mut files = FileSet::default();
        waves.iter().flat_map(|wave| &wave.tasks).for_each(|task| files.declare_all(&task.files));
        if files.is_empty() {
            let subject = Subject::Project { project_id: args.project };
            return Ok(Verdict::new(subject, Vec::new(), Some("no file targets in spec")).answer());
        }
        let subject = Subject::Plan { plan_id: 0, plan_name: "(new spec)".to_owned() };
        against(context.store()?.plan_views(), &files, subject, &args.project, None)
    });
    verdicts_alone(answer)
}

/// The answer when there is no verdict: 2, as 1 would be one.
pub(crate) fn cannot_tell(why: &str) -> Outcome {
    Outcome::json(&json!({ "error": why })).with_code(exit_code::BLOCKED)
}

/// The same answer; a refusal ends with 2 ("cannot tell"), as 1 would be a verdict.
pub(crate) fn verdicts_alone(answer: Answer) -> Answer {
    answer.map_err(|refusal| refusal.with_code(exit_code::BLOCKED))
}

fn counts(task: &TaskTexts) -> bool {
    matches!(task.status.as_str(), "pending" | "in_progress" | "done")
}

fn named_by(task: &TaskTexts) -> FileSet {
    FileSet::of_task(&task.files, &task.description, &task.test_criteria)
}

fn against(views: PlanViews<'_>, files: &FileSet, subject: Subject, project: &str, except: Option<i64>) -> Answer {
    let peers = views.open_plans(project, except)?;
    if peers.is_empty() {
        return Ok(Verdict::new(subject, Vec::new(), Some("no other active plans in project")).answer());
    }
    let mut of_peers: BTreeMap<i64, FileSet> = BTreeMap::new();
    for task in views.open_plans_task_texts(project, except)?.iter().filter(|task| counts(task)) {
        of_peers.entry(task.plan).or_default().join(named_by(task));
    }
    let folders = files.parents();
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let conflicts = peers.into_iter().filter_map(|peer| {
        let theirs = of_peers.get(&peer.id)?;
        let overlap_files = owned(files.shared(theirs));
        let overlap_dirs = owned(folders.intersection(&theirs.parents()).copied().collect());
        let risk = Risk::of(overlap_files.len(), overlap_dirs.len());
        let some = !overlap_files.is_empty() || !overlap_dirs.is_empty();
        some.then(|| Conflict {
            plan_id: peer.id,
            plan_name: peer.name,
            status: peer.status,
            overlap_files,
            overlap_dirs,
            risk,
            recommendation: risk.recommendation(),
        })
    });
    Ok(Verdict::new(subject, conflicts.collect(), None).answer())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risk_grows_with_files_and_folders() {
        for (files, folders, risk) in [
            (0, 0, Risk::None),
            (0, 2, Risk::None),
            (0, 3, Risk::Minor),
            (1, 0, Risk::Minor),
            (3, 9, Risk::Minor),
            (4, 0, Risk::Major),
        ] {
            assert_eq!(Risk::of(files, folders), risk, "{files} {folders}");
        }
        assert_eq!([Risk::None, Risk::Minor, Risk::Major].map(|risk| risk as u8), [0, 1, 2]);
    }
}
