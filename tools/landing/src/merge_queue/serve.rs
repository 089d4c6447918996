//! `process`: one entry, a batch, all of them, or a crew's for as long as it runs.

use std::time::{Duration, Instant};

use crewkit_repo::{Git, Repository};
use crewkit_store::{Error, QueueState, Store, queue};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};
use serde_json::json;

use super::ground::{Ground, Merge};
use super::processor::{Orders, Processor, own};
use super::report::Report;
use super::validation::Check;
use super::{data_folder, has_branch, name_of, repository, target};

/// How long a validation may take unless told otherwise, in seconds.
const LIMIT_S: u64 = 1800;

/// How long a blocked or empty queue is left alone by `--watch`, in seconds.
const INTERVAL_S: u64 = 2;

/// Arguments of `process`.
#[derive(Debug, clap::Args)]
pub(super) struct ProcessArguments {
    /// Validates each candidate: with CMD, else the configured command, else by manifest: `npx tsc --noEmit`,
    /// `cargo check`, `go build ./...`, `pytest`.
    #[arg(long, value_name = "CMD", num_args = 0..=1, default_missing_value = "")]
    validate: Option<String>,
    /// Validates each candidate with this command line (`sh -c`).
    #[arg(long, value_name = "CMD", conflicts_with = "validate")]
    validate_cmd: Option<String>,
    /// Lands without validation, whatever is configured.
    #[arg(long, conflicts_with_all = ["validate", "validate_cmd"])]
    no_validate: bool,
    /// How long validating a candidate may take (1800).
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// Validates up to N entries together; when that fails, halves of them, until it is known which one fails.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    batch: u8,
    /// Goes on until the queue is empty or blocked.
    #[arg(long)]
    all: bool,
    /// Serves the queue until it is ended; a line of JSON an entry.
    #[arg(long, conflicts_with = "all")]
    watch: bool,
    /// With --watch: ends when nothing was to be done for so long.
    #[arg(long, value_name = "SECONDS", requires = "watch")]
    idle: Option<u64>,
    /// Waits up to so many seconds for another processor to end.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// Pushes the main branch after each landing.
    #[arg(long, value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin")]
    push: Option<String>,
    /// Tells whether the next entry would conflict; changes nothing.
    #[arg(long, conflicts_with_all = ["all", "watch", "batch", "push", "wait"])]
    dry_run: bool,
}

fn empty() -> Outcome {
    Outcome::json(&json!({"status": "empty", "message": "no items in queue"}))
}

pub(super) fn process(context: &Context, arguments: &ProcessArguments) -> Answer {
    let repository = repository(context)?;
    let settings = Settings::read(context, &repository)?;
    let orders = orders(context, arguments, &settings)?;
    // A queue that is served may get its database later.
    let store = if arguments.watch { Some(context.store()?) } else { context.existing_store()? };
    let Some(store) = store else { return Ok(empty()) };
    let name = name_of(&repository)?;
    let target = target(context, &repository);
    let ground = Ground::new(context, &repository, target.unwrap_or_default(), settings.sign);
    if arguments.dry_run {
        return dry_run(&ground, store, name);
    }
    let data = data_folder(context)?;
    let patience = Duration::from_secs(arguments.wait.unwrap_or(0));
    let _turn = match queue::wait(&data.join("merge-queue.lock"), Instant::now() + patience) {
        Ok(turn) => turn,
        Err(Error::Busy { .. }) => {
            let error = json!({"error": "another merge process is running"});
            return Ok(Outcome::json_error(&error, exit_code::REFUSED));
        }
        Err(other) => return Err(other.into()),
    };
    let waiting = own(store.merge_queue(), name, |branch| has_branch(&repository, branch))?;
    if !arguments.watch && !waiting.iter().any(|entry| entry.state.is_live()) {
        return Ok(empty());
    }
    need_target(&ground)?;
    let database = data.join(store.path().file_name().unwrap_or_default());
    let processor = Processor::new(&ground, store.merge_queue(), name, &database, &orders);
    if arguments.watch {
        return watch(context, &processor, arguments.idle.map(Duration::from_secs));
    }
    let recovered = processor.recover()?;
    if arguments.all || arguments.batch > 1 {
        return several(&processor, arguments.all, recovered);
    }
    let mut reports = processor.next()?;
    Ok(match reports.pop() {
        None => recovered.last().map_or_else(empty, Outcome::json),
        Some(report) => {
            let code = code_of(&report);
            let mut answer = json!(report);
            if !recovered.is_empty() {
                answer["recovered"] = json!(recovered);
            }
            Outcome::json(&answer).with_code(code)
        }
    })
}

fn code_of(report: &Report) -> u8 {
    if report.is_merged() { exit_code::DONE } else { exit_code::REFUSED }
}

fn need_target(ground: &Ground<'_>) -> Result<(), Refusal> {
    if ground.target.is_empty() {
        return Err(Refusal::new("there is no main branch: neither main nor master, and origin has none"));
    }
    Ok(())
}

/// One batch, or all of the queue, in one answer.
fn several(processor: &Processor<'_>, all: bool, mut results: Vec<Report>) -> Answer {
    loop {
        let reports = processor.next()?;
        let over = reports.is_empty() || reports.iter().any(Report::is_blocked);
        results.extend(reports);
        if over || !all {
            break;
        }
    }
    if results.is_empty() {
        return Ok(empty());
    }
    let count = |wanted: fn(&Report) -> bool| results.iter().filter(|report| wanted(report)).count();
    let (merged, blocked) = (count(Report::is_merged), count(Report::is_blocked));
    let failed = results.len() - merged - blocked;
    let status = match (blocked, failed) {
        (0, 0) => "merged",
        (0, _) => "failed",
        _ => "blocked",
    };
    let code = if merged == results.len() { exit_code::DONE } else { exit_code::REFUSED };
    let answer = json!({"status": status, "merged": merged, "failed": failed, "results": results});
    Ok(Outcome::json(&answer).with_code(code))
}

/// Serves the queue; each report is a line of JSON as soon as it is known. A reason to wait is told once.
fn watch(context: &Context, processor: &Processor<'_>, idle: Option<Duration>) -> Answer {
    let mut last_work = Instant::now();
    let mut told = None;
    let mut reports = processor.recover()?;
    loop {
        let waits = reports.is_empty() || reports.iter().any(Report::is_blocked);
        for report in reports {
            match &report {
                Report::Blocked(blocked) if told.as_ref() == Some(blocked) => continue,
                Report::Blocked(blocked) => told = Some(blocked.clone()),
                _ => {
                    told = None;
                    last_work = Instant::now();
                }
            }
            let line = Outcome::json(&report).stdout;
            if context.stream(&line).is_err() {
                return Ok(Outcome::silent().with_code(exit_code::CLOSED_PIPE));
            }
        }
        if idle.is_some_and(|idle| last_work.elapsed() >= idle) {
            return Ok(Outcome::silent());
        }
        if waits {
            let pause = Duration::from_secs(INTERVAL_S);
            let left = idle.map_or(pause, |idle| idle.saturating_sub(last_work.elapsed()));
            std::thread::sleep(pause.min(left));
        }
        reports = processor.next()?;
    }
}

/// Whether the next entry would conflict. Nothing is written but objects of git that nothing refers to.
fn dry_run(ground: &Ground<'_>, store: &Store, name: &str) -> Answer {
    let entries = own(store.merge_queue(), name, |branch| has_branch(ground.repository, branch))?;
    let Some(entry) = entries.iter().find(|entry| entry.state == QueueState::Queued) else { return Ok(empty()) };
    need_target(ground)?;
    let branch = &entry.branch;
    let Some(head) = ground.tip(branch)? else {
        let answer = json!({"dry_run": true, "branch": branch, "would_conflict": false, "reason": "branch_missing"});
        return Ok(Outcome::json(&answer).with_code(exit_code::REFUSED));
    };
    let answer = match ground.merge(&ground.target_tip()?, &head)? {
        Merge::Clean(_) => json!({"dry_run": true, "branch": branch, "would_conflict": false}),
        Merge::Refused { reason, error, files } => json!({
            "dry_run": true, "branch": branch, "would_conflict": true, "reason": reason, "files": files, "error": error,
        }),
    };
    Ok(Outcome::json(&answer))
}

/// What the repository's git configuration says.
#[derive(Debug, Default)]
struct Settings {
    validate: Option<String>,
    sign: bool,
}

impl Settings {
    fn read(context: &Context, repository: &Repository) -> Result<Self, Refusal> {
        let keys = r"^(crewkit\.validate|commit\.gpgsign)$";
        let git = Git::at(context, &repository.common_dir).of_folder().variable("GIT_DIR", &repository.common_dir);
        let list = git.args(["config", "--null", "--get-regexp", keys]).run()?.stdout;
        let mut settings = Self::default();
        for record in String::from_utf8_lossy(&list).split('\0') {
            let (key, value) = record.split_once('\n').unwrap_or((record, "true"));
            match key {
                "crewkit.validate" => settings.validate = Some(value.to_owned()).filter(|line| !line.trim().is_empty()),
                "commit.gpgsign" => settings.sign = matches!(value, "true" | "yes" | "on" | "1"),
                _ => {}
            }
        }
        Ok(settings)
    }
}

fn orders(context: &Context, arguments: &ProcessArguments, settings: &Settings) -> Result<Orders, Refusal> {
    let given = arguments.validate_cmd.clone().or_else(|| arguments.validate.clone().filter(|line| !line.is_empty()));
    if given.as_deref().is_some_and(|line| line.trim().is_empty()) {
        return Err(Refusal::new("the validation command is empty"));
    }
    let configured = || context.variable("MERGE_QUEUE_VALIDATE").or_else(|| settings.validate.clone());
    let check = if arguments.no_validate {
        None
    } else if let Some(line) = given.or_else(configured) {
        Some(Check::Line(line))
    } else {
        arguments.validate.as_ref().map(|_| Check::ByManifest)
    };
    let limit = match (arguments.timeout, context.variable("MERGE_QUEUE_TIMEOUT")) {
        (Some(seconds), _) => seconds,
        (None, None) => LIMIT_S,
        (None, Some(text)) => text
            .parse()
            .ok()
            .filter(|seconds| (1..=86_400).contains(seconds))
            .ok_or_else(|| Refusal::new(format!("MERGE_QUEUE_TIMEOUT: '{text}' is no number of seconds")))?,
    };
    Ok(Orders {
        check,
        limit: Duration::from_secs(limit),
        batch: usize::from(arguments.batch),
        push: arguments.push.clone(),
    })
}
