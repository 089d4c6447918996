//! hook-model-registry-refresh: says when the registry of models is old, and has it refreshed when it is very old.
//! Called by the agent (SessionStart) and by hand.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_hook::{Event, Plain};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{called, files, programs};

/// hook-model-registry-refresh.
pub const TOOL: Tool = Tool {
    name: "hook-model-registry-refresh",
    summary: "says when the registry of models is old, and has it refreshed",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The registry, and the tool that refreshes it.
const REGISTRY: &str = "models-registry.json";
const REFRESH: &str = "model-registry";

/// Older than this many days it is said to be; older than this it is refreshed.
const OLD: i64 = 7;
const VERY_OLD: i64 = 14;

const DAY: i64 = 86_400;

/// The programs whose versions are compared.
const PROGRAMS: [&str; 4] = ["copilot", "claude", "gemini", "opencode"];

/// Looks at `models-registry.json` in `data/` of the agent's folder, else in `data/` here, else here. Older than 14 days:
/// starts `model-registry refresh` in the background; older than 7: says so. Says also when copilot, claude, gemini or
/// opencode has another version than the registry knows. The same is said at most once a day.
#[derive(Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

/// What was done and said lately: `data/.model-registry-notices.json`. Times in seconds since 1970.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Notices {
    refreshed: Option<i64>,
    said: BTreeMap<String, i64>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |_| match called::event(context)? {
        Some(event) => answer(context, &event),
        None => answer(context, &called::no_event()?),
    })
}

/// The answer to `event`; silent for anything but the start of a session, and for a call by hand.
///
/// # Errors
/// When what was said cannot be kept: it would be said at every start.
pub fn answer(context: &Context, event: &Event) -> Answer {
    if event.name().is_some_and(|name| name != "SessionStart") || event.tool().is_some() {
        return Ok(Outcome::silent());
    }
    let here = event.directory(context)?;
    let data = context.claude_home()?.join("data");
    let places = [data.join(REGISTRY), here.join("data").join(REGISTRY), here.join(REGISTRY)];
    let found =
        places.iter().find_map(|path| fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|data| (path, data)));
    let Some((path, metadata)) = found else { return Ok(Outcome::silent()) };

    let now = context.clock.seconds();
    let days = (now - metadata.mtime()).div_euclid(DAY);
    let versions = versions(context, path);
    if days < OLD && versions.is_none() {
        return Ok(Outcome::silent());
    }
    let place = data.join(".model-registry-notices.json");
    let mut notices = notices(&place, now);
    let mut lines = Vec::new();
    if now - metadata.mtime() > VERY_OLD * DAY && notices.refreshed.is_none() && refresh(context, &here) {
        notices.refreshed = Some(now);
        lines.push(format!("INFO: {REGISTRY} is {days} days old; {REFRESH} refresh was started"));
    } else if now - metadata.mtime() > OLD * DAY && notices.refreshed.is_none() {
        lines.push(format!("INFO: {REGISTRY} is {days} days old: {REFRESH} refresh brings it up to date"));
    }
    lines.extend(versions);
    lines.retain(|line| !notices.said.contains_key(line));
    if lines.is_empty() {
        return Ok(Outcome::silent());
    }
    notices.said.extend(lines.iter().map(|line| (line.clone(), now)));
    files::replace(&place, &serde_json::to_vec(&notices).unwrap_or_default())?;
    Ok(event.advise(&lines.join("\n"), Plain::Stdout))
}

/// What was done and said within the last day.
fn notices(place: &Path, now: i64) -> Notices {
    let read = || serde_json::from_slice(&fs::read(place).ok()?).ok();
    let mut notices: Notices = read().unwrap_or_default();
    let lately = |at: &i64| (0..DAY).contains(&(now - at));
    notices.refreshed = notices.refreshed.filter(lately);
    notices.said.retain(|_, at| lately(at));
    notices
}

/// Starts the refresh; whether it could be started.
fn refresh(context: &Context, here: &Path) -> bool {
    let script = || {
        let script = context.claude_home().ok()?.join(format!("scripts/{REFRESH}.sh"));
        Some(script).filter(|script| script.is_file())
    };
    let program: Option<PathBuf> = context.find_program(REFRESH).or_else(script);
    let run = match program {
        Some(program) => Ok(Run::new(context, program)),
        None if context.has_tool(REFRESH) => Run::tool(context, REFRESH),
        None => return false,
    };
    let started = run.and_then(|run| run.arg("refresh").directory(here).start_detached());
    started.map_err(|refusal: Refusal| context.note(refusal.to_string())).is_ok()
}

/// The programs that have another version than the registry at `path` knows, in one line; `None` when none has.
fn versions(context: &Context, path: &Path) -> Option<String> {
    let registry: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let known = registry.get("cli_versions")?.as_object()?;
    let version = |program: &str| {
        let entry = known.get(program)?;
        programs::three_parts(entry.as_str().or_else(|| entry.get("version")?.as_str())?)
    };
    let asked: Vec<&str> = PROGRAMS.into_iter().filter(|program| version(program).is_some()).collect();
    let installed = programs::installed(context, &asked, &programs::kept(context));
    let differing: Vec<String> = asked
        .iter()
        .filter_map(|program| {
            let (known, now) = (version(program)?, &installed.get(*program).filter(|one| !one.mute)?.version);
            (known != *now).then(|| format!("{program} {now} (registry: {})", text::one_line(&known)))
        })
        .collect();
    (!differing.is_empty()).then(|| format!("INFO: other versions than {REGISTRY} knows: {}", differing.join(", ")))
}
