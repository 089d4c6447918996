//! hook-version-check: says once when an agent's program has become another version. Called by the agent (SessionStart,
//! Setup) and by hand.

use std::ffi::OsString;
use std::fs;

use clap::{CommandFactory as _, Parser};
use crewkit_hook::{Dialect, Event};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use crate::{called, files, programs};

/// hook-version-check.
pub const TOOL: Tool = Tool {
    name: "hook-version-check",
    summary: "says once when an agent's program was updated",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The name of this hook's table in crewkit.toml.
const TABLE: &str = "version-check";

/// The programs that are asked, where no setting names others.
const PROGRAMS: [&str; 4] = ["claude", "copilot", "opencode", "gemini"];

/// The program whose version has a file of its own.
const CLAUDE: &str = "claude";

/// Asks claude, copilot, opencode and gemini (`programs` under [version-check] in crewkit.toml), where they are
/// installed, for their versions, and says which have changed since the last call. What they said is kept in `data/` of
/// the agent's folder, `.claude-code-version` and `.cli-versions.json`; the first call says nothing. A program has two
/// seconds to answer, and is asked again only when its file has changed, or the next day (after an hour, when it said no
/// version).
#[derive(Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SystemMessage {
    system_message: String,
}

#[derive(Serialize)]
struct Notification {
    notification: String,
    severity: &'static str,
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
/// When what was found cannot be kept: it would be said again and again.
pub fn answer(context: &Context, event: &Event) -> Answer {
    if event.name().is_some_and(|name| !matches!(name, "SessionStart" | "Setup")) || event.tool().is_some() {
        return Ok(Outcome::silent());
    }
    let set = event.settings(context).list(TABLE, "programs");
    let changes = changes(context, &set.unwrap_or_else(|| PROGRAMS.to_vec()))?;
    if changes.is_empty() {
        return Ok(Outcome::silent());
    }
    let said = changes.join("\n");
    Ok(match event.dialect() {
        Dialect::Claude => Outcome::json(&SystemMessage { system_message: said }),
        Dialect::Copilot | Dialect::Bare => Outcome::json(&Notification { notification: said, severity: "info" }),
    })
}

/// Which of `names` have changed, a line each; what is found is kept.
fn changes(context: &Context, names: &[&str]) -> Result<Vec<String>, Refusal> {
    let kept = programs::kept(context);
    let found = programs::installed(context, names, &kept);
    let claude_file = context.claude_home()?.join("data/.claude-code-version");
    let mut changes = Vec::new();
    let mut all = kept.clone();
    for (name, known) in found {
        if known.mute {
            all.insert(name, known);
            continue;
        }
        let own = name == CLAUDE;
        let before = if own {
            fs::read_to_string(&claude_file).ok().and_then(|text| programs::three_parts(&text))
        } else {
            kept.get(&name).map(|known| known.version.clone()).filter(|version| !version.is_empty())
        };
        if own && before.as_deref() != Some(known.version.as_str()) {
            files::replace(&claude_file, format!("{}\n", known.version).as_bytes())?;
        }
        if let Some(before) = before.filter(|before| *before != known.version) {
            let title = if own { "Claude Code" } else { name.as_str() };
            changes.push(format!("{title} was updated from {before} to {}", known.version));
        }
        all.insert(name, known);
    }
    if all != kept {
        programs::keep(context, &all)?;
    }
    Ok(changes)
}
