//! The processor: takes entries from the line, makes a merge commit of each, has the last one validated, and moves the
//! main branch to exactly that commit.
//!
//! What comes next is written to the entry before it is done, and a processor that was killed is understood by looking
//! at the repository: an entry whose merge the main branch contains is landed, any other goes back to its place.

use std::path::Path;
use std::time::Duration;

use crewkit_repo::Git;
use crewkit_store::{MergeQueue, QueueEntry, QueueState, QueueStep};
use crewkit_tool::{Context, Refusal};

use super::checkout;
use super::ground::{Ground, Merge};
use super::mover::{Moved, Mover};
use super::report::{Blocked, Failed, Merged, Report, text_of};
use super::validation::{Bench, Check, Verdict};

/// How often the main branch may move away under a candidate before the queue gives way.
const ATTEMPTS: usize = 5;

/// What a processor is told to do.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    /// What each candidate is tried with; `None` to land without.
    pub(super) check: Option<Check>,
    /// How long trying one out may take.
    pub(super) limit: Duration,
    /// How many entries are tried out together.
    pub(super) batch: usize,
    /// The remote that the main branch is pushed to after each landing.
    pub(super) push: Option<String>,
}

/// The one processor of a queue.
pub(super) struct Processor<'a> {
    pub(super) context: &'a Context,
    pub(super) queue: MergeQueue<'a>,
    pub(super) ground: &'a Ground<'a>,
    /// The repository's name in the queue.
    name: &'a str,
    pub(super) mover: Mover<'a>,
    pub(super) bench: Bench<'a>,
    orders: &'a Orders,
}

/// An entry and the commit of its branch that is being landed.
#[derive(Debug, Clone)]
struct Work {
    id: i64,
    branch: String,
    head: String,
}

/// A work in a chain of merges.
struct Link {
    work: Work,
    base: String,
    commit: String,
}

/// Whether further works can be landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Go,
    Stop,
}

/// The entries of this repository: those that name it, and of those that name none the ones whose branch it has.
pub(super) fn own(
    queue: MergeQueue<'_>,
    name: &str,
    has: impl Fn(&str) -> Result<bool, Refusal>,
) -> Result<Vec<QueueEntry>, Refusal> {
    let mut own = Vec::new();
    for entry in queue.entries(Some(name))? {
        if entry.repository.is_some() || has(&entry.branch)? {
            own.push(entry);
        }
    }
    Ok(own)
}

impl<'a> Processor<'a> {
    pub(super) fn new(
        ground: &'a Ground<'a>,
        queue: MergeQueue<'a>,
        name: &'a str,
        database: &Path,
        orders: &'a Orders,
    ) -> Self {
        let data = database.parent().unwrap_or(Path::new("/"));
        let bench = Bench::new(ground, data, orders.limit);
        let mover = Mover { ground, database: database.to_owned() };
        Self { context: ground.context, queue, ground, name, mover, bench, orders }
    }

    pub(super) fn entries(&self, state: QueueState) -> Result<Vec<QueueEntry>, Refusal> {
        let mut entries = own(self.queue, self.name, |branch| Ok(self.ground.tip(branch)?.is_some()))?;
        entries.retain(|entry| entry.state == state);
        Ok(entries)
    }

    /// Works on the next entries, at most a batch of them; empty when none waits.
    ///
    /// # Errors
    /// When database or git cannot be used.
    pub(super) fn next(&self) -> Result<Vec<Report>, Refusal> {
        loop {
            let queued = self.entries(QueueState::Queued)?;
            let Some(first) = queued.first() else { return Ok(Vec::new()) };
            let reports = self.work_on(first, &queued)?;
            // Without a report somebody took the entries back in that moment.
            if !reports.is_empty() {
                return Ok(reports);
            }
        }
    }

    fn work_on(&self, first: &QueueEntry, queued: &[QueueEntry]) -> Result<Vec<Report>, Refusal> {
        let tip = self.ground.target_tip()?;
        if let Err(busy) = checkout::of_target(self.ground.repository, &self.ground.target) {
            return Ok(vec![Report::Blocked(Blocked::new(&first.branch, "main_busy", busy))]);
        }
        let mut reports = Vec::new();
        let mut works = Vec::new();
        for entry in queued.iter().take(self.orders.batch) {
            let head = self.ground.tip(&entry.branch)?;
            if !self.queue.claim(entry.id, self.name, head.as_deref(), &self.context.now())? {
                continue;
            }
            let Some(head) = head else {
                let error = format!("there is no branch '{}' any more", entry.branch);
                self.fail(entry.id, Failed::new(&entry.branch, "branch_missing", error, Vec::new()), &mut reports)?;
                continue;
            };
            if self.ground.contains(&tip, &head)? {
                let commit = self.ground.brought_in_by(&tip, &head)?;
                self.already_landed(entry.id, &entry.branch, &commit, &mut reports)?;
                continue;
            }
            works.push(Work { id: entry.id, branch: entry.branch.clone(), head });
        }
        self.land(works, &mut reports)?;
        Ok(reports)
    }

    /// Lands `works` in this order as far as they merge and pass. After `Stop` those that are left are back in the line.
    fn land(&self, mut works: Vec<Work>, reports: &mut Vec<Report>) -> Result<Flow, Refusal> {
        let mut attempts = 0;
        while !works.is_empty() {
            let base = self.ground.target_tip()?;
            let (chain, later) = match self.chain(&works, &base, reports) {
                Ok(made) => made,
                Err(refusal) => return self.stop(&works, "git_failed", refusal.to_string(), reports),
            };
            let Some(last) = chain.last() else {
                works = later;
                continue;
            };
            let order = self.mover.order(&base, &last.commit);
            let all = || chain.iter().map(|link| link.work.clone()).chain(later.iter().cloned()).collect::<Vec<_>>();
            if let Err(why) = self.mover.can(&order) {
                return self.stop(&all(), "main_busy", why, reports);
            }
            self.note(QueueStep::Validating, &chain)?;
            let (validated, log) = match self.validate(&order.new)? {
                Verdict::Passed { command, log } => (command, log),
                Verdict::Unknown(why) => return self.stop(&all(), "validation_unavailable", why, reports),
                Verdict::Failed(failure) => {
                    if let [only] = &chain[..] {
                        let failed = Failed::validation(&only.work.branch, &failure, self.orders.limit.as_secs());
                        self.fail(only.work.id, failed, reports)?;
                    } else {
                        let mut first: Vec<Work> = chain.iter().map(|link| link.work.clone()).collect();
                        let mut second = first.split_off(first.len().div_ceil(2));
                        if self.land(first, reports)? == Flow::Stop {
                            second.extend(later);
                            self.put_back(&second)?;
                            return Ok(Flow::Stop);
                        }
                        if self.land(second, reports)? == Flow::Stop {
                            self.put_back(&later)?;
                            return Ok(Flow::Stop);
                        }
                    }
                    works = later;
                    continue;
                }
            };
            self.note(QueueStep::Moving, &chain)?;
            match self.mover.advance(&order) {
                Ok(Moved::Done { left_behind }) => {
                    let landed: Vec<(i64, &str)> =
                        chain.iter().map(|link| (link.work.id, link.commit.as_str())).collect();
                    self.queue.landed(&landed, &self.context.now())?;
                    let pushed = self.push()?;
                    reports.extend(chain.iter().map(|link| {
                        let mut merged = Merged::new(self.ground, &link.work.branch, &link.commit);
                        merged.validated.clone_from(&validated);
                        merged.log = log.as_deref().map(text_of);
                        merged.left_behind.clone_from(&left_behind);
                        merged.pushed = pushed;
                        Report::Merged(merged)
                    }));
                    works = later;
                }
                Ok(Moved::Raced) => {
                    attempts += 1;
                    works = all();
                    if attempts == ATTEMPTS {
                        let error = format!("'{}' was moved by others {ATTEMPTS} times meanwhile", self.ground.target);
                        return self.stop(&works, "main_busy", error, reports);
                    }
                }
                Ok(Moved::Busy(why)) => return self.stop(&all(), "main_busy", why, reports),
                Err(refusal) => return self.stop(&all(), "git_failed", refusal.to_string(), reports),
            }
        }
        Ok(Flow::Go)
    }

    /// A chain of merge commits on `base`, and the works that conflict with an earlier one of it: whether they conflict
    /// with the main branch shows when that has landed. The first one that conflicts with `base` itself has failed.
    fn chain(&self, works: &[Work], base: &str, reports: &mut Vec<Report>) -> Result<(Vec<Link>, Vec<Work>), Refusal> {
        let (mut chain, mut later): (Vec<Link>, Vec<Work>) = (Vec::new(), Vec::new());
        let (mut landed, mut failed) = (Vec::new(), Vec::new());
        for work in works {
            let at = chain.last().map_or(base, |link| &link.commit).to_owned();
            if self.ground.contains(&at, &work.head)? {
                match chain.last() {
                    // An earlier branch of the chain holds it: that merge is its landing, too.
                    Some(last) => {
                        let base = last.base.clone();
                        chain.push(Link { work: work.clone(), base, commit: at });
                    }
                    None => landed.push((work, self.ground.brought_in_by(base, &work.head)?)),
                }
                continue;
            }
            match self.ground.merge(&at, &work.head)? {
                Merge::Clean(tree) => {
                    let commit = self.ground.commit(&tree, &at, &work.head, &work.branch)?;
                    chain.push(Link { work: work.clone(), base: at, commit });
                }
                Merge::Refused { .. } if !chain.is_empty() => later.push(work.clone()),
                Merge::Refused { reason, error, files } => {
                    failed.push((work.id, Failed::new(&work.branch, reason, error, files)));
                }
            }
        }
        for (work, commit) in landed {
            self.already_landed(work.id, &work.branch, &commit, reports)?;
        }
        for (id, report) in failed {
            self.fail(id, report, reports)?;
        }
        Ok((chain, later))
    }

    fn validate(&self, commit: &str) -> Result<Verdict, Refusal> {
        match &self.orders.check {
            None => Ok(Verdict::Passed { command: None, log: None }),
            Some(check) => {
                let verdict = self.bench.try_out(commit, check)?;
                if let Verdict::Passed { command: None, .. } = verdict {
                    self.context
                        .note("nothing to validate with: no package.json, Cargo.toml, go.mod or pytest settings");
                }
                Ok(verdict)
            }
        }
    }

    fn push(&self) -> Result<Option<bool>, Refusal> {
        let Some(remote) = &self.orders.push else { return Ok(None) };
        let name = self.ground.target_ref();
        let spec = format!("{name}:{name}");
        // A remote's path may be relative to the top of the main work tree.
        let repository = self.ground.repository;
        let top = repository.main_worktree().unwrap_or_else(|| repository.common_dir.clone());
        let git = Git::at(self.context, &top).of_folder().args(["push", "--quiet", "--"]).args([remote, &spec]);
        let ended = git.limit(Duration::from_mins(2)).run()?;
        if !ended.ok() {
            self.context.note(format!("not pushed to '{remote}': {}", ended.complaint()));
        }
        Ok(Some(ended.ok()))
    }

    fn note(&self, step: QueueStep, chain: &[Link]) -> Result<(), Refusal> {
        let rows: Vec<(i64, &str, &str)> =
            chain.iter().map(|link| (link.work.id, link.base.as_str(), link.commit.as_str())).collect();
        Ok(self.queue.note_step(step, &rows)?)
    }

    fn already_landed(&self, id: i64, branch: &str, commit: &str, reports: &mut Vec<Report>) -> Result<(), Refusal> {
        self.queue.landed(&[(id, commit)], &self.context.now())?;
        let mut merged = Merged::new(self.ground, branch, commit);
        merged.already = true;
        reports.push(Report::Merged(merged));
        Ok(())
    }

    fn fail(&self, id: i64, report: Failed, reports: &mut Vec<Report>) -> Result<(), Refusal> {
        self.queue.failed(id, &report.error, &self.context.now())?;
        reports.push(Report::Failed(report));
        Ok(())
    }

    fn put_back(&self, works: &[Work]) -> Result<(), Refusal> {
        let ids: Vec<i64> = works.iter().map(|work| work.id).collect();
        Ok(self.queue.put_back(&ids)?)
    }

    /// Gives up for now: the works go back to their places, the first one is reported as blocked.
    fn stop(
        &self,
        works: &[Work],
        reason: &'static str,
        error: String,
        reports: &mut Vec<Report>,
    ) -> Result<Flow, Refusal> {
        self.put_back(works)?;
        if let Some(first) = works.first() {
            reports.push(Report::Blocked(Blocked::new(&first.branch, reason, error)));
        }
        Ok(Flow::Stop)
    }
}
