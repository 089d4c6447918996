//! hook-auto-format: after a file was edited, runs the formatter of its kind on it. Called by the agent (PostToolUse, Edit,
//! MultiEdit, Write).
//!
//! A file that the agent wrote whole is its own to format. One that it changed in a line or two is somebody's: it is
//! formatted only where the project says by a file of settings that it uses the formatter.

mod formatters;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use clap::CommandFactory as _;
use crewkit_hook::{Dialect, Event, Plain};
use crewkit_repo::Repository;
use crewkit_scan::line_limit;
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, text};

use crate::entry;
use formatters::{Call, Project};

/// hook-auto-format.
pub const TOOL: Tool = Tool {
    name: "hook-auto-format",
    summary: "runs the formatter of its kind on a file that was edited",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The table of its settings.
const TABLE: &str = "auto-format";

/// How long a formatter may take where no setting says otherwise, in seconds.
const SECONDS: u64 = 10;

/// Largest file that is formatted, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// Reads a hook event from standard input. Formats the file that was edited: py by ruff or black; js, jsx, ts, tsx, json,
/// css, scss, md by biome or prettier (that of node_modules first); swift by swift-format; go by gofmt; rs by rustfmt;
/// sh, bash by shfmt. Tells the agent when the file changed. Never fails.
///
/// `AUTO_FORMAT`, else `mode` under [auto-format] in crewkit.toml, says when: auto (a file written whole; an edited one
/// where the project configures the formatter), configured (only there), always, off (default: auto). The list `skip`
/// names endings to let be; `seconds` is the time a formatter may take (default: 10).
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

/// When a file is formatted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Off,
    Auto,
    Configured,
    Always,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// The answer to `event`; silent for anything but a file that was edited, and where the formatter changed nothing.
///
/// # Errors
/// When the directory that a relative path starts from cannot be told.
pub fn answer(context: &Context, event: &Event) -> Answer {
    if event.name().is_some_and(|name| name != "PostToolUse") {
        return Ok(Outcome::silent());
    }
    let mut changed = Vec::new();
    for path in entry::edited_files(context, event)? {
        if let Some(program) = format(context, event, &path) {
            changed.push(format!(
                "{} was reformatted by {program} after this edit: read it again before you edit it further.",
                text::one_line(&path.to_string_lossy())
            ));
        }
    }
    let said = changed.join("\n");
    Ok(match event.dialect() {
        _ if changed.is_empty() => Outcome::silent(),
        Dialect::Bare => event.advise(&said, Plain::Stderr),
        Dialect::Claude | Dialect::Copilot => event.add_context(&said),
    })
}

/// Formats the file at `path`; the formatter's name when that changed it.
fn format(context: &Context, event: &Event, path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?;
    if !formatters::is_known(ending) {
        return None;
    }
    fs::metadata(path).ok().filter(|data| data.is_file() && data.len() <= MOST_BYTES)?;
    let settings = event.settings(context);
    let mode = mode(context, event);
    let skipped = settings.list(TABLE, "skip").is_some_and(|endings| endings.contains(&ending));
    if mode == Mode::Off || skipped {
        return None;
    }
    let before = fs::read(path).ok()?;
    let repository = Repository::discover(path.parent()?);
    let inside = repository.as_ref().and_then(|repository| repository.relative(path));
    if line_limit::exempt(inside.unwrap_or(path)) {
        return None;
    }
    let project = Project::new(path, repository.as_ref().and_then(|repository| repository.top.as_deref()));
    let whole = mode == Mode::Always || mode == Mode::Auto && event.tool() == Some("Write");
    let call = formatters::choose(context, &project, ending, whole)?;
    let seconds = settings.number(TABLE, "seconds").and_then(|seconds| u64::try_from(seconds).ok());
    let limit = Duration::from_secs(seconds.unwrap_or(SECONDS).clamp(1, 600));
    let after = apply(context, &call, path, &before, limit)?;
    (after != before).then_some(call.name)
}

/// Runs the formatter; the file's content after that, or `None` when it failed.
fn apply(context: &Context, call: &Call, path: &Path, before: &[u8], limit: Duration) -> Option<Vec<u8>> {
    let run = Run::new(context, &call.program).args(&call.arguments).limit(limit);
    let run = run.directory(path.parent()?);
    if call.by_stream(before) {
        let ended = run.stdin(before.to_vec()).run().ok()?;
        if ended.ok() && !ended.stdout.is_empty() && ended.stdout != before {
            fs::write(path, &ended.stdout).ok()?;
        }
    } else {
        run.arg(path).run().ok()?;
    }
    fs::read(path).ok()
}

fn mode(context: &Context, event: &Event) -> Mode {
    let variable = context.variable("AUTO_FORMAT");
    let name = variable.as_deref().or_else(|| event.settings(context).text(TABLE, "mode")).unwrap_or("auto");
    match name {
        "off" | "0" => Mode::Off,
        "configured" => Mode::Configured,
        "always" | "1" => Mode::Always,
        "auto" => Mode::Auto,
        other => {
            context.note(format!("the mode '{}' is none of auto, configured, always, off", text::cut(other, 20)));
            Mode::Auto
        }
    }
}

#[cfg(test)]
mod tests;
