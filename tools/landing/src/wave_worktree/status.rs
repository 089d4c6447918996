//! `status`: the waves of a plan.

use std::path::Path;

use crewkit_repo::{Git, Repository, Status};
use crewkit_store::waves::Wave;
use crewkit_tool::{Answer, Context, Outcome, Refusal, text};
use serde::Serialize;

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    wave_id: &'a str,
    name: &'a str,
    status: &'a str,
    tasks_done: i64,
    tasks_total: i64,
    branch_name: Option<&'a str>,
    pr_number: Option<i64>,
    pr_url: Option<&'a str>,
    worktree_path: Option<String>,
    /// `clean`, `dirty`, `missing`, `unknown`; null without a worktree.
    worktree: Option<&'static str>,
    /// What merge or create was doing last.
    step: Option<&'static str>,
}

pub(super) fn status(context: &Context, plan: i64, json: bool) -> Answer {
    let waves = match context.existing_store()? {
        Some(store) => store.waves().of_plan(plan)?,
        None => Vec::new(),
    };
    let rows = waves.iter().map(|wave| row(context, wave)).collect::<Result<Vec<_>, _>>()?;
    if json {
        return Ok(Outcome::json(&rows));
    }
    if rows.is_empty() {
        return Ok(Outcome::text(format!("No waves found for plan {plan}")));
    }
    let heads = ["Wave", "Status", "Tasks", "Branch", "PR", "Worktree"];
    let mut lines = vec![heads.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(Row::cells));
    Ok(Outcome::text(text::columns(&lines)))
}

fn row<'a>(context: &Context, wave: &'a Wave) -> Result<Row<'a>, Refusal> {
    let path = wave.worktree.as_deref().map(|path| context.absolute(&context.expand_home(path))).transpose()?;
    Ok(Row {
        id: wave.id,
        wave_id: &wave.code,
        name: &wave.name,
        status: &wave.status,
        tasks_done: wave.tasks_done,
        tasks_total: wave.tasks_total,
        branch_name: wave.branch.as_deref(),
        pr_number: wave.pr_number,
        pr_url: wave.pr_url.as_deref(),
        worktree: path.as_deref().map(|path| state(context, path)),
        worktree_path: path.map(|path| path.to_string_lossy().into_owned()),
        step: wave.step.map(crewkit_store::waves::WaveStep::word),
    })
}

fn state(context: &Context, path: &Path) -> &'static str {
    if !path.is_dir() {
        return "missing";
    }
    // A folder inside another repository is no worktree.
    let is_top = Repository::discover(path).is_some_and(|at| at.top == path.canonicalize().ok());
    match Status::by_git(Git::at(context, path).of_folder()) {
        Ok(status) if is_top => {
            if status.clean() {
                "clean"
            } else {
                "dirty"
            }
        }
        _ => "unknown",
    }
}

impl Row<'_> {
    fn cells(&self) -> Vec<String> {
        let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let mark = match self.worktree {
            Some("clean") => "[Clean]",
            Some("dirty") => "[Dirty]",
            Some("missing") => "[Missing]",
            Some(_) => "[Unknown]",
            None => "[-]",
        };
        vec![
            self.wave_id.to_owned(),
            self.status.to_owned(),
            format!("{}/{}", self.tasks_done, self.tasks_total),
            or_dash(self.branch_name),
            self.pr_number.map_or_else(|| "-".to_owned(), |number| format!("#{number}")),
            format!("{} {mark}", or_dash(self.worktree_path.as_deref())),
        ]
    }
}
