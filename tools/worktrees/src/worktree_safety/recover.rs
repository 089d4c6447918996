//! recover: put uncommitted changes aside, see what was put aside, give it back.

use clap::Args;
use crewkit_repo::Change;
use crewkit_tool::{Answer, Context, Outcome, Refusal, text};
use serde::Serialize;

use super::stash::{Stash, tracked, untracked};
use super::{Tree, lines, some};

/// Fewest digits by which a stash can be named.
const LEAST_DIGITS: usize = 4;

/// Put uncommitted changes aside; with --apply, give changes back that were put aside.
#[derive(Args, Debug)]
pub(super) struct Recover {
    /// Give back the changes of the stash ID [default: the last of this worktree]
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", conflicts_with = "list")]
    apply: Option<String>,
    /// List what was put aside in this worktree, the newest first
    #[arg(long)]
    list: bool,
    /// Put files that git does not know aside too
    #[arg(long, short = 'u', conflicts_with_all = ["list", "apply"])]
    untracked: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// The answer with `--json`.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// `stashed`, `clean`, `applied`, `listed`.
    status: &'static str,
    /// The stash that was made or given back.
    stash: Option<Stash>,
    /// Everything that is put aside of this worktree, the newest first.
    stashes: Vec<Stash>,
    /// What git does not know and was left where it is.
    untracked: Vec<String>,
    /// Whether what was staged is staged again; `null` when nothing was given back.
    index: Option<bool>,
    #[serde(skip)]
    lines: Vec<String>,
}

impl Recover {
    pub(super) fn run(self, context: &Context) -> Answer {
        let tree = Tree::here(context)?;
        let mut report = match &self.apply {
            Some(id) => apply(&tree, id)?,
            None if self.list => Report { status: "listed", ..Report::default() },
            None => self.put_aside(&tree)?,
        };
        let name = tree.name();
        let all = tree.stashes()?;
        report.stashes = all.into_iter().filter(|stash| stash.worktree() == Some(&name)).collect();
        if self.json {
            return Ok(Outcome::json(&report));
        }
        let made = report.stash.as_ref().filter(|_| report.status == "stashed");
        for stash in report.stashes.iter().filter(|stash| Some(*stash) != made) {
            let line = format!("{} {}", stash.id, stash.message);
            report.lines.push(if self.list { line } else { format!("Stashed earlier: {line}") });
        }
        if self.list && report.stashes.is_empty() {
            report.lines.push("Nothing of this worktree is stashed".to_owned());
        }
        if !self.list {
            report.lines.push("recover done".to_owned());
        }
        Ok(Outcome::text(lines(&report.lines)))
    }

    fn put_aside(&self, tree: &Tree<'_>) -> Result<Report, Refusal> {
        let status = tree.status()?;
        let unmerged = status.with(|change| change == Change::Unmerged);
        if let Some(entry) = unmerged.first() {
            tree.must_be_at_rest()?;
            return Err(Refusal::new(format!("git cannot stash: {} is in conflict", entry.text())));
        }
        if status.head.is_none() {
            return Err(Refusal::new("git cannot stash: there is no commit yet"));
        }
        let changes = if self.untracked { status.entries.len() } else { tracked(&status) };
        let mut report = Report { status: "clean", untracked: untracked(&status), ..Report::default() };
        if changes == 0 {
            report.lines.push("No uncommitted changes to recover".to_owned());
        } else {
            let stash = tree.put_aside("recover", &status, self.untracked)?;
            let short = &stash.id[..stash.id.len().min(12)];
            report.lines.push(format!("Recovering: stashing {changes} uncommitted changes"));
            report.lines.push(format!("Recovery info: stash {} ({})", stash.id, stash.message));
            report.lines.push(format!("Give them back: worktree-safety recover --apply {short}"));
            (report.status, report.stash) = ("stashed", Some(stash));
        }
        if self.untracked {
            report.untracked.clear();
        }
        if !report.untracked.is_empty() {
            let names = some(&report.untracked);
            report.lines.push(format!("{} untracked files stay: {names}", report.untracked.len()));
        }
        Ok(report)
    }
}

fn apply(tree: &Tree<'_>, id: &str) -> Result<Report, Refusal> {
    tree.must_be_at_rest()?;
    let status = tree.status()?;
    let changes = tracked(&status);
    if changes > 0 {
        let line = format!("{} has {changes} uncommitted changes: commit them first", tree.top.display());
        return Err(Refusal::new(line));
    }
    let stash = find(tree, id)?;
    if let Some(other) = stash.worktree().filter(|path| *path != tree.name()) {
        tree.context.note(format!("stash {} was made in {other}", stash.id));
    }
    let back = tree.give_back(&stash.id)?;
    let mut report = Report { status: "applied", index: Some(back.index), ..Report::default() };
    report.lines.push(format!("Recovering: {} ({})", stash.id, stash.message));
    if !back.index {
        report.lines.push("What was staged is back, but not staged".to_owned());
    }
    report.stash = Some(stash);
    Ok(report)
}

/// The stash that `id` begins the id of; with nothing given the newest of this worktree.
fn find(tree: &Tree<'_>, id: &str) -> Result<Stash, Refusal> {
    let all = tree.stashes()?;
    if id.is_empty() {
        let name = tree.name();
        let own = all.into_iter().find(|stash| stash.worktree() == Some(&name));
        return own.ok_or_else(|| Refusal::new("nothing of this worktree is stashed (ID names another stash)"));
    }
    let digits = id.len() >= LEAST_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits {
        return Err(Refusal::new(format!("--apply: '{id}' is not the id of a stash")));
    }
    let id = id.to_ascii_lowercase();
    let mut found = all.into_iter().filter(|stash| stash.id.starts_with(&id));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(Refusal::new(format!("--apply: several stashes begin with '{id}'"))),
        (Some(stash), None) => Ok(stash),
        // One that was taken out of the list is still there for a while.
        (None, _) => dropped(tree, &id),
    }
}

fn dropped(tree: &Tree<'_>, id: &str) -> Result<Stash, Refusal> {
    let resolve = |name: String| -> Result<Option<String>, Refusal> {
        let ended = tree.git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).run()?;
        Ok(ended.ok().then(|| ended.text()))
    };
    let none = || Refusal::new(format!("--apply: there is no stash '{id}'"));
    let id = resolve(format!("{id}^{{commit}}"))?.ok_or_else(none)?;
    // A stash is a merge of its base and its index, and says so.
    let message = tree.git().args(["log", "-1", "--format=%s", &id, "--"]).must("the stash cannot be read")?.text();
    let like_one = message.starts_with("On ") || message.starts_with("WIP on ");
    if !like_one || resolve(format!("{id}^2"))?.is_none() {
        return Err(Refusal::new(format!("--apply: {id} is no stash: {}", text::head(&message, 60))));
    }
    let own = message.strip_prefix("On ").and_then(|rest| rest.split_once(": ")).map(|(_, own)| own.to_owned());
    Ok(Stash { id, message: own.unwrap_or(message) })
}
