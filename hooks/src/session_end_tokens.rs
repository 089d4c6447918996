//! hook-session-end-tokens: counts what a session used. Called by the agent after each answer (Stop, SubagentStop) and
//! at the session's end (SessionEnd).
//!
//! Each call reads what was written into the transcript since the last one. A database is not made for it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use crewkit_hook::Event;
use crewkit_store::token_usage::Added;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, text};
use crewkit_transcript::{Recorded, Transcript, record};

use crate::entry;

/// hook-session-end-tokens.
pub const TOOL: Tool = Tool {
    name: "hook-session-end-tokens",
    summary: "counts what a session's answers used, each once, and what it costs",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The size at which the log gives way to a new one, in bytes.
const LOG_BYTES: u64 = 1 << 20;

const PRICES: &str = "\
Own prices, in dollars a million tokens, come before the built-in ones:
  {\"prices\": [{\"models\": [\"my-model\"], \"input\": 1, \"output\": 5, \"cache_read\": 0.1}]}
A name holds for models that contain it and carry no further version. Further keys: since (a day, YYYY-MM-DD),
cache_write_5m, cache_write_1h, long ({\"above\": TOKENS, \"input\", \"output\", ...}), fast ({\"input\", \"output\", ...}).";

/// Reads a hook event (Stop, SubagentStop, SessionEnd) from standard input and brings the tokens of its session up to
/// date in the database: a row for each model, task, branch and day, subagents apart, with the cost at list prices.
///
/// Each answer is counted once, however often it stands in transcripts. A model without a known price has no cost, not
/// the cost 0; own prices stand in ~/.claude/data/model-prices.json, or in the file that MODEL_PRICES names. What was
/// added stands in ~/.claude/logs/token-tracking.log.
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true, after_help = PRICES)]
struct Args {}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// Counts what the session of `event` used; silent, also for other events.
///
/// # Errors
/// When the transcript or the database cannot be read or written.
pub fn answer(context: &Context, event: &Event) -> Answer {
    if !event.name().is_none_or(|name| matches!(name, "Stop" | "SubagentStop" | "SessionEnd")) {
        return Ok(Outcome::silent());
    }
    let Some(path) = event.transcript_path() else { return Ok(Outcome::silent()) };
    let place = |path: &str| context.absolute(&context.expand_home(Path::new(path)));
    let subagent = event.text("agent_transcript_path").map(place).transpose()?;
    let path = place(path)?;
    if !path.is_file() && subagent.as_ref().is_none_or(|path| !path.is_file()) {
        return Ok(Outcome::silent());
    }
    let Some(store) = context.existing_store()? else { return Ok(Outcome::silent()) };
    let transcript = Transcript {
        session: event.session_id().map(ToOwned::to_owned),
        path,
        directory: event.cwd().map(PathBuf::from),
        subagent: subagent.map(|path| (path, event.agent_type().map(ToOwned::to_owned))),
    };
    let Recorded { project, added } = record(context, store, &transcript)?;
    if !added.is_empty()
        && let Err(refusal) = log(context, &project, &added)
    {
        context.note(refusal.to_string());
    }
    Ok(Outcome::silent())
}

/// Writes a line for each model into the log.
fn log(context: &Context, project: &str, added: &[Added]) -> Result<(), Refusal> {
    let time = context.clock.local_millis();
    let time = time.get(11..19).unwrap_or(&time);
    let mut lines = String::new();
    for Added { model, amounts, cost_usd } in added {
        let cost = cost_usd.map_or_else(|| "?".to_owned(), |cost| format!("{cost:.6}"));
        let (project, model) = (text::one_line(project), text::one_line(model));
        let _ = writeln!(lines, "{time} {project} | {model} | in:{} out:{} | ${cost}", amounts.input, amounts.output);
    }
    let folder = context.claude_home()?.join("logs");
    let path = folder.join("token-tracking.log");
    let cannot = |fault: std::io::Error| Refusal::new(format!("{}: {fault}", path.display()));
    fs::create_dir_all(&folder).map_err(cannot)?;
    if fs::metadata(&path).is_ok_and(|data| data.len() > LOG_BYTES) {
        fs::rename(&path, path.with_extension("log.1")).map_err(cannot)?;
    }
    let mut file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(cannot)?;
    file.write_all(lines.as_bytes()).map_err(cannot)
}
