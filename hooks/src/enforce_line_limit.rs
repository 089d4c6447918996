//! hook-enforce-line-limit: after a file was edited, sends the agent back to split it when it has grown too long; before
//! it is written, says so already. Called by the agent (PostToolUse and PreToolUse, Edit, MultiEdit, Write).

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use crewkit_hook::{Event, Plain, Settings};
use crewkit_repo::Repository;
use crewkit_scan::line_limit;
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, text};
use serde_json::Value;

use crate::entry;
use crate::glob::glob;

/// hook-enforce-line-limit.
pub const TOOL: Tool = Tool {
    name: "hook-enforce-line-limit",
    summary: "sends the agent back to split a file that has grown too long",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The table of its settings.
const TABLE: &str = "enforce-line-limit";

/// Reads a hook event from standard input. After an edit, a file of more than 250 lines is a block that asks to split it;
/// one that was too long before is only mentioned. Before a file is written whole (PreToolUse), too many lines are
/// mentioned. Lock files, minified files, databases and what lies in node_modules, vendor, .git, dist or build are let
/// be.
///
/// `LINE_LIMIT`, else `max_lines` under [enforce-line-limit] in crewkit.toml, is another limit, 0 for none. The list
/// `limits` gives some files their own: "PATTERN = LINES", * for any text, held against the path in the repository, or
/// against the name where the pattern has no slash; 0 lines for no limit.
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// The answer to `event`; silent for anything but an edit of a file.
///
/// # Errors
/// When the directory that a relative path starts from cannot be told.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let before_it = match event.name() {
        None | Some("PostToolUse") => false,
        Some("PreToolUse") if event.tool() == Some("Write") => true,
        Some(_) => return Ok(Outcome::silent()),
    };
    let (mut blocks, mut advice) = (Vec::new(), Vec::new());
    for path in entry::edited_files(context, event)? {
        let lines = if before_it {
            event.input_text("content").map(line_limit::count)
        } else {
            fs::metadata(&path)
                .ok()
                .filter(fs::Metadata::is_file)
                .and_then(|_| fs::read(&path).ok())
                .map(line_limit::count)
        };
        let Some(lines) = lines.filter(|lines| *lines > 0) else { continue };
        let limits = Limits { context, settings: event.settings(context) };
        let Some(limit) = limits.exceeded(&path, lines) else { continue };
        let shown = text::one_line(&path.to_string_lossy());
        let before = if before_it { None } else { lines_before(event, lines) };
        if before_it {
            advice.push(format!(
                "{shown} would have {lines} lines, {limit} is the limit. Split it before you write it: one concern a file."
            ));
        } else if let Some(before) = before.filter(|before| *before > limit) {
            advice.push(format!(
                "{shown} has {lines} lines ({before} before this edit), {limit} is the limit. It was too long already; \
                 split it when you work on it further."
            ));
        } else {
            blocks.push(format!(
                "BLOCKED: {shown} has {lines} lines, {limit} is the limit. Split it into files of one concern each."
            ));
        }
    }
    Ok(match (blocks.is_empty(), advice.is_empty()) {
        (false, _) => event.block(&blocks.join("\n")),
        (true, false) => event.advise(&advice.join("\n"), Plain::Stderr),
        (true, true) => Outcome::silent(),
    })
}

/// The limits that hold.
struct Limits<'e> {
    context: &'e Context,
    settings: &'e Settings,
}

impl Limits<'_> {
    /// The most lines that the file at `path` may have; `None` when `lines` are not too many, or it is let be.
    fn exceeded(&self, path: &Path, lines: usize) -> Option<usize> {
        let general = self.general();
        let own = self.settings.list(TABLE, "limits").unwrap_or_default();
        if own.is_empty() && lines <= general {
            return None;
        }
        let repository = path.parent().and_then(Repository::discover);
        let relative = repository.as_ref().and_then(|repository| repository.relative(path)).unwrap_or(path);
        if line_limit::exempt(relative) {
            return None;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let inside = relative.to_string_lossy();
        let own = own.into_iter().find_map(|line| {
            let Some((pattern, limit)) =
                line.rsplit_once('=').and_then(|(pattern, limit)| Some((pattern.trim(), limit.trim().parse().ok()?)))
            else {
                self.context.note(format!("not a limit (PATTERN = LINES): {}", text::cut(line, 80)));
                return None;
            };
            let held = if pattern.contains('/') { &inside } else { &name };
            glob(pattern, held).then_some(limit)
        });
        let limit = own.unwrap_or(general);
        (limit > 0 && lines > limit).then_some(limit)
    }

    fn general(&self) -> usize {
        if let Some(given) = self.context.variable("LINE_LIMIT") {
            match given.trim().parse() {
                Ok(limit) => return limit,
                Err(_) => self.context.note(format!("LINE_LIMIT is '{}', no number", text::cut(&given, 20))),
            }
        }
        let number = self.settings.number(TABLE, "max_lines");
        number.and_then(|number| usize::try_from(number).ok()).unwrap_or(line_limit::DEFAULT)
    }
}

/// How many lines the file had before this edit, where the event tells: the whole text as it was, or the texts that were
/// put in place of each other. `lines` is what it has now.
fn lines_before(event: &Event, lines: usize) -> Option<usize> {
    let response = event.response();
    let original = response.and_then(|response| response.get("originalFile"));
    if let Some(original) = original.and_then(Value::as_str) {
        return Some(line_limit::count(original));
    }
    let one = |edit: &serde_json::Map<String, Value>| {
        let ends = |key: &str| Some(edit.get(key)?.as_str()?.matches('\n').count());
        let everywhere = edit.get("replace_all").and_then(Value::as_bool) == Some(true);
        // How many places were changed is not told.
        if everywhere { None } else { Some((ends("old_string")?, ends("new_string")?)) }
    };
    let (old, new) = match event.input().get("edits").and_then(Value::as_array) {
        Some(edits) => edits.iter().try_fold((0, 0), |(old, new), edit| {
            let (one_old, one_new) = one(edit.as_object()?)?;
            Some((old + one_old, new + one_new))
        })?,
        None => one(event.input())?,
    };
    (lines + old).checked_sub(new)
}

#[cfg(test)]
mod tests;
