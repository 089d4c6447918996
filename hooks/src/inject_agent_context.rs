//! hook-inject-agent-context: gives a subagent the rules of the crew, those for its type, and what is being worked on.
//! Called by the agent (SubagentStart).

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_hook::{Dialect, Event};
use crewkit_repo::Repository;
use crewkit_store::chat::{Chat, Reader};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, text};

use crate::{entry, wildcard};

/// hook-inject-agent-context.
pub const TOOL: Tool = Tool {
    name: "hook-inject-agent-context",
    summary: "gives a subagent the crew's rules and the plan it works on",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The name of this hook's table in crewkit.toml.
const TABLE: &str = "inject-agent-context";

/// The rules for everybody, where no file gives others.
const RULES: &str = "# Rules for this task
- Verify before claim: say that something works only after you have seen it work.
- Act rather than suggest: make the change, then tell what it is.
- Minimum complexity: the simplest change that does the whole of the task; nothing beside it.
- At most 250 lines a file; split what is longer.";

/// The rules for those who write and run code, where no file gives others.
const SECURITY: &str = "# Security
- Parameterised queries; never put values into SQL text or a shell's command line.
- No secrets in code, logs or commits; take them from the environment.
- A content security policy (CSP) for web pages; TLS 1.2 or later for connections.
- Access control on every endpoint.";

/// Agent types that write and run code, where no setting names others.
const RUN_CODE: [&str; 3] = ["task-executor*", "Bash", "*release*"];

/// What begins a section for some agent types, as a heading of any level.
const SECTION: &str = "agents:";

/// Most messages of the chat that are shown, and most characters of each.
const MOST_MESSAGES: usize = 5;
const MOST_CHARACTERS: usize = 300;

/// Reads a hook event from standard input and answers with context for the subagent that starts.
///
/// The text comes from `agent-context.md` in the agent's folder and from `.claude/agent-context.md` of the project, one
/// after the other. What stands before the first heading that begins with `agents:` is for all; such a heading
/// (`## agents: task-executor*, Bash`) is followed by text for the types it names. Without either file there are short
/// rules for all, and rules on security for the types under `run_code` in [inject-agent-context] in crewkit.toml
/// (default: task-executor*, Bash, *release*). Then come the plan and task that are being worked on, and unread
/// messages of the crew's chat.
#[derive(Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// The answer to `event`; silent for anything but the start of a subagent whose type is told.
///
/// # Errors
/// None today; what cannot be read is noted and left out.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let starts = match event.name() {
        Some(name) => name == "SubagentStart",
        None => event.dialect() == Dialect::Bare && event.tool().is_none(),
    };
    let Some(kind) = event.agent_type().filter(|_| starts) else { return Ok(Outcome::silent()) };
    let mut parts = rules(context, event, kind);
    for part in [work(context, event), messages(context, event)] {
        match part {
            Ok(part) => parts.extend(part),
            Err(refusal) => context.note(refusal.to_string()),
        }
    }
    if parts.is_empty() {
        return Ok(Outcome::silent());
    }
    Ok(event.add_context(&parts.join("\n\n")))
}

fn rules(context: &Context, event: &Event, kind: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut given = false;
    for path in rule_files(context, event) {
        match fs::read(&path) {
            Ok(bytes) => {
                given = true;
                let text = for_type(&String::from_utf8_lossy(&bytes), kind);
                parts.extend((!text.is_empty()).then_some(text));
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
            Err(fault) => context.note(format!("{}: {fault}", path.display())),
        }
    }
    if given {
        return parts;
    }
    parts.push(RULES.to_owned());
    let set = event.settings(context).list(TABLE, "run_code");
    if set
        .unwrap_or_else(|| RUN_CODE.to_vec())
        .iter()
        .any(|pattern| wildcard::matches(pattern.as_bytes(), kind.as_bytes()))
    {
        parts.push(SECURITY.to_owned());
    }
    parts
}

/// The person's file, then the project's where that is another.
fn rule_files(context: &Context, event: &Event) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        context.claude_home().ok().map(|home| home.join("agent-context.md")).into_iter().collect();
    if let Ok(here) = event.directory(context) {
        let top = here.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&here);
        let file = top.join(".claude/agent-context.md");
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

/// What `text` has for agents of the type `kind`.
fn for_type(text: &str, kind: &str) -> String {
    let mut out = String::new();
    let mut wanted = true;
    for line in text.lines() {
        let heading = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim());
        let patterns = heading.and_then(|heading| {
            let (begin, rest) = heading.split_at_checked(SECTION.len())?;
            begin.eq_ignore_ascii_case(SECTION).then_some(rest)
        });
        match patterns {
            Some(patterns) => {
                wanted =
                    patterns.split(',').any(|pattern| wildcard::matches(pattern.trim().as_bytes(), kind.as_bytes()));
            }
            None if wanted => {
                out.push_str(line);
                out.push('\n');
            }
            None => {}
        }
    }
    out.trim().to_owned()
}

/// The plan and task that are being worked on here: those of the session, else those of the worktree, else those of the
/// project when it has one plan at work.
fn work(context: &Context, event: &Event) -> Result<Option<String>, Refusal> {
    let Some(store) = context.existing_store()? else { return Ok(None) };
    let views = store.plan_views();
    let of_session = match event.session_id() {
        Some(session) => views.plan_of_session(session)?,
        None => None,
    };
    let Some(plan) = of_session.map_or_else(|| plan_here(context, event, &views.active()?), |plan| Ok(Some(plan)))?
    else {
        return Ok(None);
    };
    let checkpoint = views.checkpoint(plan)?;
    let mut out = format!("# Work in progress\nActive Plan: {plan}");
    if let Some(name) = &checkpoint.name {
        let _ = write!(out, "\nPlan Name: {}", text::one_line(name));
    }
    for task in checkpoint.running.iter().take(MOST_MESSAGES) {
        let _ = write!(out, "\nTask in progress: {}: {}", text::one_line(&task.code), text::one_line(&task.title));
    }
    if let Some(worktree) = &checkpoint.worktree {
        let _ = write!(out, "\nWorktree: {}", text::one_line(&worktree.to_string_lossy()));
    }
    Ok(Some(out))
}

fn plan_here(
    context: &Context,
    event: &Event,
    active: &[crewkit_store::plan_views::ActivePlan],
) -> Result<Option<i64>, Refusal> {
    if active.is_empty() {
        return Ok(None);
    }
    let here = event.directory(context)?;
    let within = |folder: &Path| here.starts_with(context.expand_home(folder));
    if let Some(plan) = active.iter().find(|plan| plan.worktrees.iter().any(|folder| within(folder))) {
        return Ok(Some(plan.id));
    }
    let main = Repository::discover(&here).and_then(|repository| repository.main_worktree());
    let of_project = |folder: &PathBuf| {
        within(folder) || main.as_ref().is_some_and(|main| main.starts_with(context.expand_home(folder)))
    };
    let mut plans = active.iter().filter(|plan| plan.project.as_ref().is_some_and(of_project));
    Ok(plans.next().filter(|_| plans.next().is_none()).map(|plan| plan.id))
}

/// What others have written to the session in the crew's chat and nobody has shown it yet; it stays unread.
fn messages(context: &Context, event: &Event) -> Result<Option<String>, Refusal> {
    let path = match context.variable_path("COMMS_DB_PATH") {
        Some(path) => context.absolute(&context.expand_home(&path))?,
        None => context.home()?.join(".claude/comms/messages.db"),
    };
    let Some(session) = event.session_id().filter(|_| path.is_file()) else { return Ok(None) };
    let chat = Chat::open(&path)?;
    let Some(reader) = chat.identity(session)? else { return Ok(None) };
    let unread = chat.peek_unread(&Reader::new(session, event.agent_id()), &reader.project)?.messages;
    if unread.is_empty() {
        return Ok(None);
    }
    let mut out = format!("# Unread messages of the crew: {}", unread.len());
    for message in unread.iter().rev().take(MOST_MESSAGES).rev() {
        let said = text::cut(&text::one_line(&message.message), MOST_CHARACTERS);
        let _ = write!(out, "\n[{}] {said}", text::one_line(&message.sender));
    }
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_for_the_types_they_name() {
        let text =
            "# Rules\nfor all\n\n## Agents: task-executor*, Bash\ncode\n### more\nof it\n## agents: Explore\nlook\n";
        assert_eq!(for_type(text, "Bash"), "# Rules\nfor all\n\ncode\n### more\nof it");
        assert_eq!(for_type(text, "Explore"), "# Rules\nfor all\n\nlook");
        assert_eq!(for_type(text, "Plan"), "# Rules\nfor all");
        assert_eq!(for_type("## agents: x\ny", "Plan"), "");
    }
}
