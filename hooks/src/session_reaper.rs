//! hook-session-reaper: when a session ends, ends the shells and background programs that it left behind, and no other's.
//! Called by the agent (SessionEnd; SessionStart for the mark).
//!
//! # Which processes are a session's
//! Those whose environment names it: by [`MARK`], which the hook has the agent give to all shells it starts (SessionStart:
//! the file that `CLAUDE_ENV_FILE` names), or by the variables that agents set themselves. And the shells of the agent that
//! calls the hook, as far as they bear its kind of command line: an agent has one session at a time.
//!
//! # Which are let be
//! Whatever called the hook; agents and what runs under them; what names another session; multiplexers and other programs
//! that are made to stay, with all that runs in them; and, while the agent goes on (the session was cleared or another one
//! resumed), what it still holds.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use clap::CommandFactory as _;
use crewkit_hook::Event;
use crewkit_tool::processes::{self, Process, Processes};
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, args, exit_code, lineage, text};
use serde_json::json;

use crate::{entry, log};

/// hook-session-reaper.
pub const TOOL: Tool = Tool {
    name: "hook-session-reaper",
    summary: "ends the background programs that a session left behind",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The table of its settings.
const TABLE: &str = "session-reaper";

/// The variable that names the session in the shells of an agent.
pub const MARK: &str = "CREWKIT_SESSION";

/// That and the variables that agents set.
const MARKS: [&str; 3] = [MARK, "CLAUDE_SESSION_ID", "CLAUDE_CODE_SESSION_ID"];

/// How long a program may take to end before it is killed: the end of a session waits for its hooks.
const GRACE: Duration = Duration::from_millis(800);

/// Agents, by the name of their program.
const AGENTS: [&str; 5] = ["claude", "copilot", "codex", "gemini", "opencode"];

/// Programs that are made to stay when those who started them go.
const STAYING: [&str; 16] = [
    "tmux",
    "screen",
    "zellij",
    "dtach",
    "abduco",
    "mosh-server",
    "ssh-agent",
    "gpg-agent",
    "dbus-daemon",
    "systemd",
    "sshd",
    "dockerd",
    "containerd",
    "sccache",
    "watchman",
    "emacs",
];

/// Shells that lead a session of their own because an agent started them so.
const SHELLS: [&str; 7] = ["sh", "bash", "zsh", "dash", "fish", "ksh", "ash"];

/// Reads a hook event from standard input. When a session ends, its shells and background programs are told to end, and
/// killed when they don't; what was ended is noted in ~/.claude/logs/hooks.log. Other sessions, agents, multiplexers
/// (tmux) and servers made to stay are let be; `keep` under [session-reaper] in crewkit.toml names further programs.
///
/// Call it at SessionStart too: it then has the agent mark its shells, so that they are known when nobody holds them any
/// more. Needs /proc; elsewhere it does nothing.
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {
    /// Ends nothing; prints what would be ended, as JSON.
    #[arg(long)]
    dry_run: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |arguments| {
        let event = Event::from_stdin(context)?;
        if arguments.dry_run { Ok(dry_run(context, &event)) } else { answer(context, &event) }
    })
}

/// The answer to `event`: always silent.
///
/// # Errors
/// Never.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let Some(session) = event.session_id() else { return Ok(Outcome::silent()) };
    if event.name() == Some("SessionStart") {
        mark_shells(context, session);
    } else if entry::is_session_end(event) {
        let now = Processes::now();
        let left = left_behind(context, event, session, &now);
        if !left.is_empty() {
            processes::end(&left, GRACE);
            let names: Vec<String> = left.iter().map(|one| format!("{} ({})", one.name, one.pid)).collect();
            let line = format!("ended {} process(es) of session {session}: {}", left.len(), names.join(", "));
            log::add(context, "session-reaper", &line);
        }
    }
    Ok(Outcome::silent())
}

/// What would be ended.
fn dry_run(context: &Context, event: &Event) -> Outcome {
    let now = Processes::now();
    let left = match event.session_id() {
        Some(session) if entry::is_session_end(event) => left_behind(context, event, session, &now),
        _ => Vec::new(),
    };
    let shown = |one: &&Process| {
        let arguments = text::one_line(&text::cut(&one.arguments().join(" "), 200));
        json!({"pid": one.pid, "name": text::one_line(&one.name), "arguments": arguments})
    };
    let list: Vec<_> = left.iter().map(shown).collect();
    Outcome::json(&json!({"killed": 0, "skipped": left.len(), "dry_run": true, "processes": list}))
}

/// Has the agent set [`MARK`] in all shells that it starts from now on.
fn mark_shells(context: &Context, session: &str) {
    let Some(path) = context.variable_path("CLAUDE_ENV_FILE") else { return };
    // The file is read by a shell: only what is nothing but a name goes into it.
    if !session.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return;
    }
    let file = OpenOptions::new().append(true).create(true).open(&path);
    if let Err(fault) = file.and_then(|mut file| file.write_all(format!("export {MARK}={session}\n").as_bytes())) {
        context.note(format!("{}: {fault}", path.display()));
    }
}

/// What a process has to do with the session that ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bond {
    /// It is the session's.
    Own,
    /// It, and what it has started, is not to be touched.
    Foreign,
    /// It is what its parent is.
    Inherited,
}

/// The processes that the session left behind.
fn left_behind<'p>(context: &Context, event: &Event, session: &str, now: &'p Processes) -> Vec<&'p Process> {
    let callers: HashSet<i64> = now.line(i64::from(std::process::id())).iter().map(|process| process.pid).collect();
    let caller = now.line(lineage::caller()).first().map(|process| process.pid);
    let agent = now.line(i64::from(std::process::id())).into_iter().find(|process| is_agent(process));
    let goes_on = matches!(event.reason(), Some("clear" | "resume"));
    // Where the agent itself bears the session's name, so do its helpers and the other hooks that run now.
    let holder = agent.map(|agent| agent.pid).or(caller).filter(|pid| {
        let bears = now.line(*pid).first().is_some_and(|process| names(process, session) == Some(true));
        goes_on || bears
    });
    let keep = event.settings(context).list(TABLE, "keep").unwrap_or_default();
    let bond = |process: &Process| {
        if callers.contains(&process.pid) || is_agent(process) || stays(process, &keep) {
            return Bond::Foreign;
        }
        match names(process, session) {
            Some(false) => Bond::Foreign,
            Some(true) => Bond::Own,
            None => Bond::Inherited,
        }
    };
    let bonds: HashMap<i64, Bond> = now.all().into_iter().map(|process| (process.pid, bond(process))).collect();
    let is_left = |process: &&Process| {
        let line = now.line(process.pid);
        let held = |holder: i64| line.iter().any(|above| above.pid == holder);
        // Up to those whom the hook owes its own life.
        let length = line.iter().position(|above| callers.contains(&above.pid)).unwrap_or(line.len());
        let below = &line[..length];
        let any = |wanted: Bond| below.iter().any(|above| bonds.get(&above.pid) == Some(&wanted));
        if below.is_empty() || any(Bond::Foreign) {
            return false;
        }
        let held_by_agent = !goes_on && agent.is_some_and(|agent| held(agent.pid));
        held_by_agent && below.iter().any(|above| is_agent_shell(above)) || any(Bond::Own) && !holder.is_some_and(held)
    };
    now.all().into_iter().filter(is_left).collect()
}

/// Whether the environment of `process` names `session`; `None` when it names none.
fn names(process: &Process, session: &str) -> Option<bool> {
    let value = MARKS.iter().find_map(|mark| process.variable(mark))?;
    Some(value == session.as_bytes())
}

/// Whether it is an agent: by its name or, for one that an interpreter runs, by that of its program.
fn is_agent(process: &Process) -> bool {
    let is = |name: &str| AGENTS.contains(&name);
    if is(&process.name) {
        return true;
    }
    matches!(process.name.as_str(), "node" | "MainThread" | "bun" | "deno")
        && process.arguments().get(1).is_some_and(|program| {
            program.split('/').any(|part| AGENTS.iter().any(|agent| part.split(['-', '.']).any(|word| word == *agent)))
        })
}

/// Whether it is made to stay: by its name, or because it has left the session it was started in.
fn stays(process: &Process, keep: &[&str]) -> bool {
    // tmux calls its server "tmux: server".
    let name = process.name.split(':').next().unwrap_or_default().to_ascii_lowercase();
    STAYING.contains(&name.as_str())
        || keep.iter().any(|kept| *kept == process.name)
        || process.session == process.pid && !SHELLS.contains(&process.name.as_str())
}

/// Whether it is a shell as Claude Code starts them: its line reads a snapshot of the user's shell, or keeps the working
/// directory in a file of the agent's.
fn is_agent_shell(process: &Process) -> bool {
    SHELLS.contains(&process.name.as_str())
        && process.arguments().iter().any(|argument| {
            argument.contains("/shell-snapshots/")
                || argument.split_once("/claude-").is_some_and(|(_, behind)| behind.contains("-cwd"))
        })
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
