//! comms-hook: what an agent's events do to the chat. Agents call it for every session, tool call and git command; with
//! a command of comms it is comms.

mod git_detect;
mod pull;
mod redact;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crewkit_hook::{Dialect, Event};
use crewkit_store::chat::{Chat, Reader};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool};

use crate::comms::{self, check, names};

/// comms-hook. In its hook modes it always ends with 0; otherwise as comms does.
pub const TOOL: Tool =
    Tool { name: "comms-hook", summary: "what an agent's events do to the chat", kind: Kind::Tool, command, run };

/// How long a hook that posts waits for its turn.
const PATIENCE: Duration = Duration::from_secs(3);

/// What it is called for.
#[derive(Debug, Clone, Copy)]
enum Mode {
    SessionStart,
    Check,
    GitDetect,
    SessionEnd,
}

impl Mode {
    const ALL: [(&str, Self, &str); 4] = [
        ("session-start", Self::SessionStart, "SessionStart: name the session by its directory and say so in the chat"),
        ("check", Self::Check, "PreToolUse, UserPromptSubmit, SessionStart: give the agent its unread messages"),
        ("git-detect", Self::GitDetect, "PostToolUse of Bash: tell of git commands; after gh pr merge, pull"),
        ("session-end", Self::SessionEnd, "SessionEnd: say goodbye"),
    ];

    fn named(name: &OsString) -> Option<Self> {
        Self::ALL.iter().find(|(mode, ..)| name == mode).map(|(_, mode, _)| *mode)
    }
}

fn command() -> clap::Command {
    let mode = |(name, _, about): &(&'static str, Mode, &'static str)| clap::Command::new(*name).about(*about);
    clap::Command::new(TOOL.name)
        .about(TOOL.summary)
        .after_help("Each MODE reads an agent's hook event (JSON) from standard input and ends with 0. Any command of comms is done as comms does it.")
        .subcommand_value_name("MODE")
        .disable_help_subcommand(true)
        .subcommands(Mode::ALL.iter().map(mode))
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let by_hand = || comms::run(context, arguments);
    match arguments {
        [] => by_hand(),
        [only] if only == "--help" || only == "-h" => Ok(Outcome::text(command().render_help().to_string())),
        [only] if context.stdin_is_terminal() || only.as_encoded_bytes().starts_with(b"-") => by_hand(),
        [only] if let Some(mode) = Mode::named(only) => Ok(hook(context, mode)),
        [first, ..] if comms::is_command(first) => by_hand(),
        // A mode of a later version, called by an agent, disturbs nobody; a word mistyped by hand is told.
        _ if Event::from_stdin(context).is_ok() => Ok(Outcome::silent()),
        _ => by_hand(),
    }
}

/// A hook's answer; what fails becomes a line on standard error.
fn hook(context: &Context, mode: Mode) -> Outcome {
    let answer = || {
        let event = Event::from_stdin(context)?;
        match mode {
            Mode::Check => check(context, &event),
            Mode::SessionStart => session_start(context, &event),
            Mode::SessionEnd => session_end(context, &event),
            Mode::GitDetect => git_detect(context, &event),
        }
    };
    answer().unwrap_or_else(|refusal| Outcome::silent().with_note(format!("{}: {refusal}", TOOL.name)))
}

/// Gives the agent its unread messages, where the event's answer comes before its eyes. A subagent reads for itself. They
/// count as read once the answer was handed over: see [`Context::after_delivery`].
///
/// # Errors
/// When the chat's database cannot be read or written; as in the functions below.
pub fn check(context: &Context, event: &Event) -> Answer {
    let Some(session) = event.session_id().filter(|_| reaches_the_agent(event)) else { return Ok(Outcome::silent()) };
    let project =
        || folder(context, event).map_or_else(|_| String::new(), |folder| names::project_of(context, &folder));
    let unread = check::for_hook(context, &Reader::new(session, event.agent_id()), project)?;
    Ok(if unread.is_empty() { Outcome::silent() } else { event.add_plain_context(unread.trim_end()) })
}

/// Names the session by its directory and says in the chat that it is there; silent when it only goes on after a
/// compaction.
///
/// # Errors
/// As [`check()`].
pub fn session_start(context: &Context, event: &Event) -> Answer {
    let Some(session) = event.session_id() else { return Ok(Outcome::silent()) };
    // A session whose context was compacted has not ended in between.
    if event.name() == Some("SessionStart") && event.source() == Some("compact") {
        return Ok(Outcome::silent());
    }
    let folder = folder(context, event)?;
    let text = format!("Session started in {}", comms::folder_name(&folder));
    let (name, project) = (names::name_of(context, &folder), names::project_of(context, &folder));
    chat(context)?.arrive(session, name.as_deref(), &project, &context.clock.local_millis(), &text)?;
    Ok(Outcome::silent())
}

/// Says goodbye. Stop, which comes after every answer of the agent, is no end.
///
/// # Errors
/// As [`check()`].
pub fn session_end(context: &Context, event: &Event) -> Answer {
    let Some(session) = event.session_id() else { return Ok(Outcome::silent()) };
    if !matches!(event.name(), Some("Stop" | "SubagentStop")) {
        say(context, event, session, "Session ended")?;
    }
    Ok(Outcome::silent())
}

/// Tells the chat of git commands that a shell command ran; after the merge of a pull request, pulls.
///
/// # Errors
/// As [`check()`].
pub fn git_detect(context: &Context, event: &Event) -> Answer {
    event.session_id().map_or_else(|| Ok(Outcome::silent()), |session| git_detect::run(context, event, session))
}

/// Whether what is answered to the event comes before the agent's eyes. Where it does not, messages stay unread.
fn reaches_the_agent(event: &Event) -> bool {
    let events =
        ["SessionStart", "SubagentStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"];
    event.dialect() != Dialect::Claude || event.name().is_some_and(|name| events.contains(&name))
}

/// The directory that gives the session its name and project: `cwd` as given, for a name is in its text alone.
fn folder(context: &Context, event: &Event) -> Result<PathBuf, Refusal> {
    event.cwd().map_or_else(|| context.directory().map(ToOwned::to_owned), |cwd| context.absolute(cwd.as_ref()))
}

fn chat(context: &Context) -> Result<Chat, Refusal> {
    Ok(comms::open(context)?.with_patience(PATIENCE))
}

/// Posts `text` as the session.
fn say(context: &Context, event: &Event, session: &str, text: &str) -> Result<(), Refusal> {
    let project = names::project_of(context, &folder(context, event)?);
    Ok(chat(context)?.say(session, &project, &context.clock.local_millis(), text)?)
}
