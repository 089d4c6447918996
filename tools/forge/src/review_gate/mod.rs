//! review-gate: a commit status that holds a pull request's merge until its reviewers, the review bot among them, have
//! reviewed it and none of their threads is open. Called by a step of a workflow (`examples/review-gate.yml`) or by hand.
//!
//! What the gate says of what GitHub told stands in `verdict.rs`, which pull request is meant in `subject.rs`.

mod subject;
mod verdict;

use std::ffi::OsString;
use std::thread;
use std::time::{Duration, Instant};

use clap::{CommandFactory as _, Parser};
use crewkit_forge::{Fault, Github, Name};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, text};
use serde::Serialize;

use subject::Subject;
use verdict::{Reviewer, State, Verdict};

/// review-gate.
pub const TOOL: Tool = Tool {
    name: "review-gate",
    summary: "a commit status that holds a merge until the review is done",
    kind: Kind::Tool,
    command,
    run,
};

/// Exit code for wrong usage.
const WRONG_USAGE: u8 = 1;

/// The name of the status.
const STATUS: &str = "Copilot Review Gate";

/// Who reviews when nobody else is named.
const REVIEWER: &str = "copilot-pull-request-reviewer[bot]";

/// Most characters of a status's description that GitHub takes.
const DESCRIPTION_CHARACTERS: usize = 140;

/// The shortest and the longest time between two looks of a gate that waits.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Sets a commit status that holds a pull request's merge until its reviewers have reviewed it and none of their threads
/// is open: pending while a review is missing, failure while threads are open, success after that.
#[derive(Parser, Debug)]
#[command(name = "review-gate", disable_version_flag = true)]
#[command(after_help = "\
Without --pr the pull request of the event in GITHUB_EVENT_PATH is meant.

Environment:
  GITHUB_REPOSITORY     the repository
  GITHUB_EVENT_PATH     the event of the workflow
  GH_TOKEN, GITHUB_TOKEN
                        the token; it needs pull-requests: read and statuses: write
  GITHUB_API_URL        where GitHub is; without it, or without a token, gh is asked
  SSL_CERT_FILE         the certificates to trust instead of Mozilla's

Exit codes: 0 status set, or no pull request in the event; 1 GitHub does not answer, a status that cannot be written,
wrong usage (nothing is set then)")]
struct Args {
    /// The repository [default: GITHUB_REPOSITORY]
    #[arg(long, value_name = "OWNER/REPO")]
    repo: Option<Name>,
    /// The pull request [default: the event's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pr: Option<u64>,
    /// The commit that gets the status [default: the head of the pull request]
    #[arg(long, value_name = "SHA", value_parser = subject::commit)]
    sha: Option<String>,
    /// Who has to review; may be given several times, or with commas between, and then all have to. An app's login ends
    /// in `[bot]`
    #[arg(long, value_name = "LOGIN", default_value = REVIEWER, value_delimiter = ',', value_parser = login)]
    reviewer: Vec<String>,
    /// Count only reviews of that commit
    #[arg(long)]
    require_head: bool,
    /// Look again for so many seconds while a review is missing
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = clap::value_parser!(u64).range(0..=86_400))]
    wait: u64,
    /// The name of the status
    #[arg(long, value_name = "NAME", default_value = STATUS)]
    context: String,
    /// Only say what the status would be
    #[arg(long)]
    dry_run: bool,
    /// The summary as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Json<'a> {
    state: State,
    description: &'a str,
    repo: String,
    pr: u64,
    sha: &'a str,
    context: &'a str,
    open_threads: usize,
    reviewers: &'a [Reviewer],
    posted: bool,
}

#[derive(Serialize)]
struct NoPullRequest {
    state: Option<State>,
    posted: bool,
}

fn command() -> clap::Command {
    Args::command()
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, WRONG_USAGE, |args| gate(context, &args))
}

fn gate(context: &Context, args: &Args) -> Answer {
    if args.context.trim().is_empty() {
        return Err(Refusal::new("--context is empty").with_code(WRONG_USAGE));
    }
    let mut reviewers: Vec<&str> = Vec::new();
    for login in &args.reviewer {
        if !reviewers.iter().any(|one| one.eq_ignore_ascii_case(login)) {
            reviewers.push(login);
        }
    }
    let github = Github::new(context);
    let Some(subject) = Subject::find(context, &github, args)? else {
        if args.json {
            return Ok(Outcome::json(&NoPullRequest { state: None, posted: false }));
        }
        return Ok(Outcome::text("no pull request in the event; no status is set"));
    };
    let github = github?;
    let deadline = Instant::now() + Duration::from_secs(args.wait);
    let pause = Duration::from_secs(args.wait / 20).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    let mut posted: Option<(State, String)> = None;
    let verdict = loop {
        let verdict = look(&github, &subject, &reviewers, args.require_head)?;
        let said = (verdict.state, text::head(&verdict.description, DESCRIPTION_CHARACTERS).to_owned());
        if !args.dry_run && posted.as_ref() != Some(&said) {
            post(&github, &subject, &args.context, &said)?;
            posted = Some(said);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if verdict.state != State::Pending || left.is_zero() {
            break verdict;
        }
        thread::sleep(pause.min(left));
    };
    let Verdict { state, description, open_threads, reviewers } = &verdict;
    let name = &subject.name;
    if args.json {
        return Ok(Outcome::json(&Json {
            state: *state,
            description,
            repo: name.to_string(),
            pr: subject.number,
            sha: &subject.commit,
            context: &args.context,
            open_threads: *open_threads,
            reviewers,
            posted: posted.is_some(),
        }));
    }
    let (pr, commit, title) = (subject.number, &subject.commit, &args.context);
    let line = format!("{title}: {}: {description} ({name}#{pr} at {commit})", state.word());
    Ok(Outcome::text(text::one_line(&line)))
}

/// What GitHub tells now.
fn look(github: &Github<'_>, subject: &Subject, reviewers: &[&str], require_head: bool) -> Result<Verdict, Refusal> {
    let what = |what: &str, fault: &Fault| {
        Refusal::new(format!("the {what} of {}#{} cannot be read: {fault}", subject.name, subject.number))
    };
    let reviews = github.reviews(&subject.name, subject.number).map_err(|fault| what("reviews", &fault))?;
    let threads = github.threads(&subject.name, subject.number).map_err(|fault| what("review threads", &fault))?;
    Ok(verdict::verdict(reviewers, &reviews, &threads, require_head.then_some(subject.commit.as_str())))
}

fn post(github: &Github<'_>, subject: &Subject, context: &str, said: &(State, String)) -> Result<(), Refusal> {
    let (state, description) = said;
    let path = format!("repos/{}/statuses/{}", subject.name, subject.commit);
    let fields = [
        ("state", state.word()),
        ("context", context),
        ("description", description.as_str()),
        ("target_url", subject.address.as_str()),
    ];
    match github.post(&path, &fields) {
        Ok(_) => Ok(()),
        Err(fault) => {
            let why = match fault.status() {
                Some(403 | 404) if subject.is_fork => {
                    "; a run for a fork's pull request has a token that only reads: run the gate on pull_request_target"
                }
                Some(403 | 404) => "; the token needs statuses: write",
                _ => "",
            };
            Err(Refusal::new(format!("the status of {} cannot be written: {fault}{why}", subject.commit)))
        }
    }
}

/// A login as GitHub gives them, `[bot]` behind an app's.
fn login(text: &str) -> Result<String, String> {
    let text = text.trim();
    let name = text.strip_suffix("[bot]").unwrap_or(text);
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        Ok(text.to_owned())
    } else {
        Err("not a login".to_owned())
    }
}
