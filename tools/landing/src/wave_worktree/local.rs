//! The way into the main branch without a remote: merge-queue.

use std::time::Duration;

use crewkit_store::waves::WaveStep;
use crewkit_tool::Refusal;
use crewkit_tool::process::Run;
use serde_json::Value;

use super::merge::{Landing, say};

/// How long another processor of the queue is waited for, in seconds.
const WAIT_S: &str = "600";

/// How long one landing may take: the wait, and a validation.
const LAND: Duration = Duration::from_hours(2);

/// Lands the wave's branch, whose newest commit is `head`.
///
/// # Errors
/// When the queue does not land it; the reason is the queue's.
pub(super) fn land(landing: &Landing<'_>, head: &str) -> Result<(), Refusal> {
    let site = &landing.site;
    let context = site.context;
    let has_landed = || -> Result<bool, Refusal> {
        let main = site.repository.find_main(context)?.unwrap_or_else(|| site.main.clone());
        Ok(site.relation(&main, head)?.1)
    };
    if has_landed()? {
        say(context, &format!("{} has all of {} already", site.main.name, landing.branch));
        return Ok(());
    }
    landing.begin(WaveStep::Merging, Some(head))?;
    landing.set_merging()?;
    say(context, "3 there is no remote: the branch is landed through merge-queue");
    let queue = || Ok::<_, Refusal>(Run::tool(context, "merge-queue")?.directory(&site.repository.base()));
    let plan = site.rows.plan.id.to_string();
    let queued = queue()?.args(["enqueue", "--plan-id", &plan, "--", &landing.branch]).run()?;
    let said = String::from_utf8_lossy(&queued.stderr).into_owned();
    if !queued.ok() && !said.contains("already in queue") {
        return Err(Refusal::new(format!("{} cannot be queued: {}", landing.branch, reason(&queued.stderr))));
    }
    loop {
        let ended = queue()?.args(["process", "--wait", WAIT_S]).limit(LAND).run()?;
        let answer: Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
        let (status, branch) = (answer["status"].as_str(), answer["branch"].as_str());
        let own = branch == Some(landing.branch.as_str());
        match status {
            // Others are first, or another processor has landed ours.
            Some("merged" | "failed") if !own => {}
            _ if has_landed()? => {
                say(context, &format!("7 {} is merged into {}", landing.branch, site.main.name));
                return Ok(());
            }
            Some("failed" | "blocked") => {
                let line = format!("merge-queue: {} {}", branch.unwrap_or_default(), reason(&ended.stdout));
                return Err(Refusal::new(line));
            }
            Some("empty") => return Err(Refusal::new("merge-queue took the branch, but did not land it")),
            _ => return Err(Refusal::new(format!("merge-queue: {}", reason(&ended.stderr)))),
        }
    }
}

/// Why the queue refused: in its own words where they can be read.
fn reason(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let Ok(answer) = serde_json::from_str::<Value>(&text) else { return text.trim().to_owned() };
    let word = |key: &str| answer[key].as_str().map(|text| text.trim().to_owned());
    match (word("reason"), word("error")) {
        (Some(reason), Some(error)) => format!("{reason}: {}", error.lines().next().unwrap_or_default()),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => text.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn the_queue_is_quoted() {
        assert_eq!(
            reason(br#"{"reason":"merge_conflict","error":"CONFLICT in a\nmore"}"#),
            "merge_conflict: CONFLICT in a"
        );
        assert_eq!(reason(br#"{"error":"branch not found"}"#), "branch not found");
        assert_eq!(reason(b"merge-queue: no\n"), "merge-queue: no");
    }
}
