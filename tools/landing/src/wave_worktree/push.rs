//! What goes over the network by git itself.

use std::time::Duration;

use crewkit_tool::Refusal;
use crewkit_tool::process::Ended;

use super::site::Site;

/// How long a fetch may take.
pub(super) const FETCH: Duration = Duration::from_mins(2);

/// How long a push may take, hooks included.
const PUSH: Duration = Duration::from_mins(10);

/// How long a look at a reference of origin may take.
const LOOK: Duration = Duration::from_mins(1);

/// Fetches origin's main branch.
///
/// # Errors
/// Git's reason.
pub(super) fn fetch_main(site: &Site<'_>, limit: Duration) -> Result<(), Refusal> {
    let name = &site.main.name;
    let refspec = format!("+refs/heads/{name}:{}", site.remote_main());
    let ended = site.git().args(["fetch", "--quiet", "--no-tags", "origin", &refspec]).limit(limit).run()?;
    if ended.ok() && !ended.timed_out {
        return Ok(());
    }
    Err(Refusal::new(format!("origin's {name} cannot be fetched: {}", reason(&ended))))
}

/// Why git refused: the line that says so, among those that advise.
fn reason(ended: &Ended) -> String {
    if ended.timed_out {
        return "git took too long".to_owned();
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let marks = ["[rejected]", "[remote rejected]", "fatal: "];
    let told = |mark: &&str| said.lines().map(str::trim).find(|line| line.contains(*mark)).map(str::to_owned);
    marks.iter().find_map(told).unwrap_or_else(|| ended.complaint())
}

/// Pushes `branch` to origin, which it then tracks; never by force.
///
/// # Errors
/// Git's reason. All it said is kept as notes.
pub(super) fn push(site: &Site<'_>, branch: &str) -> Result<(), Refusal> {
    let refspec = format!("refs/heads/{branch}:refs/heads/{branch}");
    let ended = site.git().args(["push", "--set-upstream", "origin", &refspec]).limit(PUSH).run()?;
    if !ended.ok() || ended.timed_out {
        let said = String::from_utf8_lossy(&ended.stderr);
        said.lines().filter(|line| !line.trim().is_empty()).for_each(|line| site.context.note(line));
        return Err(Refusal::new(format!("{branch} was not pushed: {}", reason(&ended))));
    }
    Ok(())
}

/// Deletes the wave's branch on origin, if it is there and still at `head`. A line when it stays.
pub(super) fn delete_remote(site: &Site<'_>, branch: &str, head: &str) -> Result<Option<String>, Refusal> {
    let reference = format!("refs/heads/{branch}");
    let look = site.git().args(["ls-remote", "origin", &reference]).limit(LOOK).run()?;
    if !look.ok() {
        return Ok(Some(format!("whether origin still has {branch} cannot be seen: {}", reason(&look))));
    }
    let text = look.text();
    let Some(at) = text.lines().find_map(|line| line.strip_suffix(&format!("\t{reference}"))) else { return Ok(None) };
    if at != head {
        return Ok(Some(format!("{branch} stays on origin: it has other commits there")));
    }
    let lease = format!("--force-with-lease={reference}:{head}");
    let ended = site.git().args(["push", "--quiet", &lease, "origin", &format!(":{reference}")]).limit(LOOK).run()?;
    Ok((!ended.ok()).then(|| format!("{branch} stays on origin: {}", reason(&ended))))
}
