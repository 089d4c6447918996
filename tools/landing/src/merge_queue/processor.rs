//! The processor: takes entries from the line, makes a merge commit of each, has the last one validated, and moves the
//! main branch to exactly that commit.
//!
//! What comes next is written to the entry before it is done, and a processor that was killed is understood by looking
//! at the repository: an entry whose merge the main branch contains is landed, any other goes back to its place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crewkit_store::{MergeQueue, QueueEntry, QueueState, QueueStep};
use crewkit_tool::{Context, Refusal};

use super::checkout::{self, Held, Move};
use super::ground::{Ground, Merge};
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
    context: &'a Context,
    queue: MergeQueue<'a>,
    ground: &'a Ground<'a>,
    /// The repository's name in the queue.
    name: &'a str,
    database: PathBuf,
    bench: Bench<'a>,
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

/// What moving the main branch came to.
enum Moved {
    Done {
        left_behind: Vec<String>,
    },
    /// The main branch is somewhere else by now.
    Raced,
    Busy(String),
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
        Self { context: ground.context, queue, ground, name, database: database.to_owned(), bench, orders }
    }

    fn entries(&self, state: QueueState) -> Result<Vec<QueueEntry>, Refusal> {
        let mut entries = own(self.queue, self.name, |branch| Ok(self.ground.tip(branch)?.is_some()))?;
        entries.retain(|entry| entry.state == state);
        Ok(entries)
    }

    /// Settles what a killed processor left; the entries that it had landed are reported.
    ///
    /// # Errors
    /// When database or git cannot be used.
    pub(super) fn recover(&self) -> Result<Vec<Report>, Refusal> {
        let orphans = self.entries(QueueState::Processing)?;
        if let Some(order) = self.begun_move(&orphans)
            && self.ground.tip(&self.ground.target)?.as_deref() == Some(order.old.as_str())
        {
            // The git that was to move the branch may still be alive: both of us write the same, so it is settled.
            self.advance(&order)?;
        }
        for held in checkout::unfinished(self.context, self.ground.repository, &self.database) {
            let landed = self.ground.tip(&self.ground.target)?;
            let landed = landed.map(|tip| self.ground.contains(&tip, &held.order().new)).transpose()?.unwrap_or(false);
            if landed && let Err(refusal) = held.finish() {
                let place = held.path().display();
                self.context.note(format!("{place} stays behind '{}': {refusal}", self.ground.target));
            }
            held.release();
        }
        if orphans.is_empty() {
            return Ok(Vec::new());
        }
        self.bench.clear()?;
        let tip = self.ground.target_tip()?;
        let mut reports = Vec::new();
        for entry in &orphans {
            let landed = match &entry.candidate {
                Some(candidate) if self.ground.contains(&tip, candidate)? => Some(candidate.clone()),
                _ => self.landed_otherwise(&tip, entry)?,
            };
            match landed {
                None => self.queue.put_back(&[entry.id])?,
                Some(commit) => {
                    self.queue.landed(&[(entry.id, &commit)], &self.context.now())?;
                    let mut merged = Merged::new(self.ground, &entry.branch, &commit);
                    merged.recovered = true;
                    reports.push(Report::Merged(merged));
                }
            }
        }
        Ok(reports)
    }

    /// The move of the main branch that was about to be made for `orphans`.
    fn begun_move(&self, orphans: &[QueueEntry]) -> Option<Move> {
        let moving: Vec<(&str, &str)> = orphans
            .iter()
            .filter(|entry| entry.step.as_deref() == Some(QueueStep::Moving.word()))
            .filter_map(|entry| Some((entry.base.as_deref()?, entry.candidate.as_deref()?)))
            .collect();
        let (old, _) = moving.iter().find(|(base, _)| moving.iter().all(|(_, candidate)| candidate != base))?;
        let (_, new) = moving.iter().find(|(_, candidate)| moving.iter().all(|(base, _)| base != candidate))?;
        Some(Move { old: (*old).to_owned(), new: (*new).to_owned(), database: self.database.clone() })
    }

    /// The merge of an entry's branch, when the main branch contains it.
    fn landed_otherwise(&self, tip: &str, entry: &QueueEntry) -> Result<Option<String>, Refusal> {
        let head = match &entry.head {
            Some(head) => Some(head.clone()),
            None => self.ground.tip(&entry.branch)?,
        };
        match head {
            Some(head) if self.ground.contains(tip, &head)? => Ok(Some(self.ground.brought_in_by(tip, &head)?)),
            _ => Ok(None),
        }
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
            let order = Move { old: base.clone(), new: last.commit.clone(), database: self.database.clone() };
            let all = || chain.iter().map(|link| link.work.clone()).chain(later.iter().cloned()).collect::<Vec<_>>();
            if let Err(why) = self.could_advance(&order) {
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
            match self.advance(&order) {
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

    /// Whether the main branch could be moved as things are: a validation for nothing is a long one.
    fn could_advance(&self, order: &Move) -> Result<(), String> {
        let held = self.hold_all(order)?;
        let hindrance = self.hindrance(&held);
        held.into_iter().for_each(Held::release);
        hindrance.map_or(Ok(()), Err)
    }

    /// Moves the main branch and brings the work trees forward that have it checked out.
    fn advance(&self, order: &Move) -> Result<Moved, Refusal> {
        let held = match self.hold_all(order) {
            Ok(held) => held,
            Err(busy) => return Ok(Moved::Busy(busy)),
        };
        // Looked at again now that nobody can change it.
        let swapped = match self.hindrance(&held) {
            Some(why) => Ok(Moved::Busy(why)),
            None => self
                .ground
                .swap(&order.old, &order.new)
                .map(|done| if done { Moved::Done { left_behind: Vec::new() } } else { Moved::Raced }),
        };
        let mut left = Vec::new();
        for one in held {
            if let Ok(Moved::Done { .. }) = swapped
                && let Err(refusal) = one.bring_forward()
            {
                let place = one.path().display();
                self.context.note(format!("{place} stays behind '{}': {refusal}", self.ground.target));
                left.push(text_of(one.path()));
            }
            one.release();
        }
        Ok(match swapped? {
            Moved::Done { .. } => Moved::Done { left_behind: left },
            other => other,
        })
    }

    /// Holds every work tree that has the main branch checked out; none, when one cannot be held.
    fn hold_all(&self, order: &Move) -> Result<Vec<Held<'_>>, String> {
        let mut held: Vec<Held<'_>> = Vec::new();
        for checkout in checkout::of_target(self.ground.repository, &self.ground.target)? {
            match checkout.hold(self.context, order) {
                Ok(one) => held.push(one),
                Err(why) => {
                    held.into_iter().for_each(Held::release);
                    return Err(why);
                }
            }
        }
        Ok(held)
    }

    /// What keeps the held work trees from being brought forward.
    fn hindrance(&self, held: &[Held<'_>]) -> Option<String> {
        if let Err(busy) = checkout::of_target(self.ground.repository, &self.ground.target) {
            return Some(busy);
        }
        held.iter().find_map(|one| {
            if one.is_at(&self.ground.target) {
                one.check().err()
            } else {
                Some(format!("{} is changing branches", one.path().display()))
            }
        })
    }

    fn push(&self) -> Result<Option<bool>, Refusal> {
        let Some(remote) = &self.orders.push else { return Ok(None) };
        let name = self.ground.target_ref();
        let spec = format!("{name}:{name}");
        let git = self.ground.git().args(["push", "--quiet", "--"]).args([remote, &spec]);
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
        merged.already_merged = true;
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
