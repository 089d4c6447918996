//! `merge`: a wave's branch into the main branch, step by step.

use std::path::PathBuf;
use std::time::Duration;

use crewkit_store::waves::WaveStep;
use crewkit_tool::{Answer, Context, Outcome, Refusal, text};

use super::create::hold_known;
use super::github::Github;
use super::site::{Rows, Site};
use super::{Which, commit, local, preview};

/// How long checks are waited for unless told otherwise, in seconds.
const CI_SECONDS: u64 = 600;

/// Arguments of `merge`.
#[derive(Debug, clap::Args)]
pub(super) struct MergeArguments {
    #[command(flatten)]
    pub(super) which: Which,
    /// Opens the pull request and looks at its checks once, without waiting; 1 unless it could be merged at once.
    #[arg(long)]
    no_wait: bool,
    /// Goes on with a merge that was begun; changes made since are not taken up.
    #[arg(long)]
    resume: bool,
    /// How long CI checks are waited for [default: WAVE_CI_TIMEOUT, else 600]
    #[arg(long, value_name = "SECONDS", conflicts_with = "no_wait", allow_negative_numbers = true)]
    timeout: Option<u64>,
    /// Takes a pull request without any check for one that passed, although the branch has workflows.
    #[arg(long)]
    pub(super) no_ci_ok: bool,
    /// Opens a new pull request where the last one was closed without a merge.
    #[arg(long)]
    pub(super) new_request: bool,
}

/// A line of progress: a result of this tool, so it goes to standard output, as it happens.
pub(super) fn say(context: &Context, line: &str) {
    // Who listens may leave; the wave goes on.
    let _ = context.stream(format!("{}\n", text::one_line(line)).as_bytes());
}

pub(super) fn merge(context: &Context, arguments: &MergeArguments, dry_run: bool) -> Answer {
    let which = arguments.which;
    if dry_run {
        return preview::preview(&Site::of(context, which)?);
    }
    let most = patience(context, arguments)?;
    let _turn = hold_known(context, which)?;
    let rows = Rows::read(context, which)?;
    let landed = rows.wave.step == Some(WaveStep::Landed);
    let Some(path) = rows.recorded_path(context)? else {
        let wave = rows.wave.id;
        if landed {
            return Ok(Outcome::text(format!("Wave {wave} is merged already")));
        }
        let line = format!("wave {wave} has no worktree: 'wave-worktree create {} {wave}' makes it one", rows.plan.id);
        return Err(Refusal::new(line));
    };
    if arguments.resume && rows.wave.step.is_none_or(|step| step == WaveStep::Creating) {
        return Err(Refusal::new(format!("no merge of wave {} was begun: nothing to resume", rows.wave.id)));
    }
    let site = Site::find(context, rows)?;
    let branch = site.branch()?;
    if branch == site.main.name {
        return Err(Refusal::new(format!("wave {} has the main branch '{branch}'", site.wave().id)));
    }
    let github = Github { context, directory: site.repository.base() };
    let landing = Landing { context, arguments, most, site, branch, path, github };
    landing.run().map(|()| Outcome::silent())
}

fn patience(context: &Context, arguments: &MergeArguments) -> Result<Option<Duration>, Refusal> {
    if arguments.no_wait {
        return Ok(None);
    }
    let seconds = match (arguments.timeout, context.variable("WAVE_CI_TIMEOUT")) {
        (Some(seconds), _) => seconds,
        (None, Some(text)) => {
            text.parse().map_err(|_| Refusal::new(format!("WAVE_CI_TIMEOUT: '{text}' is not a number of seconds")))?
        }
        (None, None) => CI_SECONDS,
    };
    Ok(Some(Duration::from_secs(seconds)))
}

/// A wave on its way.
pub(super) struct Landing<'a> {
    pub(super) context: &'a Context,
    pub(super) arguments: &'a MergeArguments,
    pub(super) most: Option<Duration>,
    pub(super) site: Site<'a>,
    pub(super) branch: String,
    pub(super) path: PathBuf,
    pub(super) github: Github<'a>,
}

impl Landing<'_> {
    pub(super) fn say(&self, line: impl AsRef<str>) {
        say(self.context, line.as_ref());
    }

    /// Writes down what is about to be done.
    pub(super) fn begin(&self, step: WaveStep, head: Option<&str>) -> Result<(), Refusal> {
        Ok(self.site.waves()?.begin(self.site.wave().id, step, head, &self.context.now())?)
    }

    pub(super) fn set_merging(&self) -> Result<(), Refusal> {
        Ok(self.site.waves()?.set_merging(self.site.wave().id, &self.context.now())?)
    }

    fn run(&self) -> Result<(), Refusal> {
        if let Some(head) = self.left_over()? {
            self.finish(&head);
            return Ok(());
        }
        if !self.path.is_dir() {
            let line = format!("the worktree of wave {} is missing: {}", self.site.wave().id, self.path.display());
            return Err(Refusal::new(line));
        }
        self.say(format!("1 worktree {}", self.path.display()));
        if self.site.wave().status == "done" {
            // Its tasks are; the wave is when its branch has landed.
            self.set_merging()?;
        }
        let wave = self.site.wave();
        if wave.tasks_done < wave.tasks_total {
            let (done, total) = (wave.tasks_done, wave.tasks_total);
            self.context.note(format!("wave {}: {done} of {total} tasks are done", wave.id));
        }
        let head = commit::commit(&self.site, &self.path, &self.branch, !self.arguments.resume)?;
        if self.site.repository.origin_url().is_some() {
            return self.through_origin(&head);
        }
        let remotes = self.site.git().args(["remote"]).must("the remotes cannot be listed")?.text();
        if !remotes.is_empty() {
            let names = remotes.lines().collect::<Vec<_>>().join(", ");
            return Err(Refusal::new(format!("there is no remote 'origin' to push to, only {names}")));
        }
        local::land(self, &head)?;
        self.landed(&head)
    }

    /// The commit that has landed, when only the cleaning up is left: nothing new is in the worktree.
    fn left_over(&self) -> Result<Option<String>, Refusal> {
        let wave = self.site.wave();
        let Some(head) = wave.head.clone().filter(|_| wave.step == Some(WaveStep::Landed)) else { return Ok(None) };
        if !self.path.is_dir() {
            return Ok(Some(head));
        }
        let state = commit::state(&self.site, &self.path, &self.branch)?;
        Ok((state.clean() && state.head.as_ref() == Some(&head)).then_some(head))
    }
}
