//! What merge would do, told without touching anything: no fetch, no call of gh, no lock.

use std::fmt::Write as _;

use crewkit_store::waves::WaveStep;
use crewkit_tool::{Answer, Outcome, Refusal, text};

use super::commit;
use super::site::Site;

pub(super) fn preview(site: &Site<'_>) -> Answer {
    let wave = site.wave();
    let landed = wave.step == Some(WaveStep::Landed);
    let Some(path) = site.rows.recorded_path(site.context)? else {
        if landed {
            return Ok(Outcome::text(format!("DRY-RUN: wave {} is merged already", wave.id)));
        }
        return Err(Refusal::new(format!("wave {} has no worktree", wave.id)));
    };
    if landed && !path.is_dir() {
        return Ok(Outcome::text(format!("DRY-RUN: would clean up after wave {}, which is merged", wave.id)));
    }
    if !path.is_dir() {
        return Err(Refusal::new(format!("the worktree of wave {} is missing: {}", wave.id, path.display())));
    }
    let (branch, main) = (site.branch()?, &site.main.name);
    let changes = commit::state(site, &path, &branch)?.entries.len();
    let mut out = String::new();
    let mut would = |line: String| {
        let _ = writeln!(out, "DRY-RUN: would {}", text::one_line(&line));
    };
    if changes > 0 {
        would(format!("commit {changes} changes: {}", site.rows.commit_message()));
    }
    if site.repository.origin_url().is_some() {
        would(format!("push {branch} to origin"));
        match wave.pr_number {
            Some(number) => would(format!("use pull request #{number}, unless that is merged or closed")),
            None => would(format!("open a pull request to {main}, or use the open one: {}", site.rows.request_title())),
        }
        would("wait for its CI checks, look for reviews in the way, and squash it".to_owned());
    } else {
        would(format!("land {branch} on {main} through merge-queue"));
    }
    would(format!("mark wave {} done, and remove {} and the branch", wave.id, path.display()));
    Ok(Outcome::text(out))
}
