//! hook-debug-hook-input: appends what a hook is given to a log, to see what an agent sends. Called by the agent for any
//! event.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_hook::Event;
use crewkit_scan::secrets;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::Serialize;
use serde_json::{Map, Value};

/// hook-debug-hook-input.
pub const TOOL: Tool = Tool {
    name: "hook-debug-hook-input",
    summary: "logs what a hook is given",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The name of this hook's table in crewkit.toml.
const TABLE: &str = "debug-hook-input";

/// A log of this many bytes is put aside before the next entry.
const FULL: u64 = 5_000_000;

/// Most bytes of standard input that are kept in an entry, and that are read.
const MOST_KEPT: usize = 1 << 20;
const MOST_BYTES: u64 = 256 << 20;

/// Appends the time, its arguments, the environment variables with `claude` in them (a secret's value as ***) and standard
/// input to `logs/hook-debug.log` in the agent's folder. The log is only for the user; at 5 MB it becomes
/// `hook-debug.log.1`.
///
/// With --json (or `format = "json"` under [debug-hook-input] in crewkit.toml) an entry is one line of JSON in
/// `logs/hook-debug.jsonl`, whose key `input` is the event: `tail -n1 hook-debug.jsonl | jq .input | hook-NAME` gives it
/// to another hook.
#[derive(Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {
    /// Logs events of this name alone (SessionStart); may be given more than once.
    #[arg(long, value_name = "NAME")]
    event: Vec<String>,
    /// Writes JSON Lines.
    #[arg(long)]
    json: bool,
    /// Arguments that are logged.
    #[arg(value_name = "ARG", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |args| {
        let bytes = if context.stdin_is_terminal() { Vec::new() } else { context.read_stdin(MOST_BYTES)? };
        let event = Event::parse(&bytes).ok();
        let shown: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
        let name = event.as_ref().and_then(Event::name);
        let json = args.json || event.as_ref().is_some_and(|event| wants_json(context, event));
        if args.event.is_empty() || args.event.iter().any(|wanted| Some(wanted.as_str()) == name) {
            log(context, json, &shown, &bytes)?;
        }
        Ok(Outcome::silent())
    })
}

/// Logs `event`; always silent. `events` under [debug-hook-input] in crewkit.toml names those that are logged (default:
/// all).
///
/// # Errors
/// When the log cannot be written.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let wanted = event.settings(context).list(TABLE, "events");
    if wanted.is_none_or(|wanted| event.name().is_some_and(|name| wanted.contains(&name))) {
        log(context, wants_json(context, event), &[], event.to_json().to_string().as_bytes())?;
    }
    Ok(Outcome::silent())
}

fn wants_json(context: &Context, event: &Event) -> bool {
    event.settings(context).text(TABLE, "format") == Some("json")
}

#[derive(Serialize)]
struct Entry<'a> {
    time: String,
    args: &'a [String],
    env: Map<String, Value>,
    input: Value,
    /// How many bytes of the input are not in the entry.
    #[serde(skip_serializing_if = "is_zero")]
    cut: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

fn log(context: &Context, json: bool, arguments: &[String], input: &[u8]) -> Result<(), Refusal> {
    let kept = &input[..input.len().min(MOST_KEPT)];
    let cut = input.len() - kept.len();
    let given = String::from_utf8_lossy(kept);
    let time = context.clock.utc_iso();
    let folder = context.claude_home()?.join("logs");
    if json {
        let input = serde_json::from_str(&given).unwrap_or_else(|_| Value::String(given.into_owned()));
        let env = environment(context).into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        let entry = Outcome::json(&Entry { time, args: arguments, env, input, cut });
        return append(&folder.join("hook-debug.jsonl"), &entry.stdout);
    }
    let mut out = format!("=== {time}\nARGS: {}\n", text::one_line(&arguments.join(" ")));
    for (name, value) in environment(context) {
        let _ = writeln!(out, "ENV: {}={}", text::one_line(&name), text::one_line(&value));
    }
    out.push_str("STDIN: ");
    for c in given.trim_end().chars() {
        if text::is_unsafe(c) && c != '\n' && c != '\t' { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if cut > 0 {
        let _ = write!(out, "\n[{cut} more bytes]");
    }
    out.push('\n');
    append(&folder.join("hook-debug.log"), out.as_bytes())
}

/// The variables with `claude` in them, by name; what may be a secret as `***`.
fn environment(context: &Context) -> Vec<(String, String)> {
    let about_claude = |text: &str| text.to_ascii_lowercase().contains("claude");
    let mut found: Vec<(String, String)> = context
        .environment
        .all()
        .into_iter()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, value)| about_claude(name) || about_claude(value))
        .map(|(name, value)| {
            let hidden = is_secret(&name) || !secrets::find(&value).is_empty();
            (name, if hidden { "***".to_owned() } else { value })
        })
        .collect();
    found.sort_unstable();
    found
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH"].iter().any(|word| name.contains(word))
}

/// Appends `entry` to the log at `path` in one write, which no other entry can come into.
fn append(path: &Path, entry: &[u8]) -> Result<(), Refusal> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut log = open(path)?;
        log.write_all(entry)
    };
    write().map_err(|fault| Refusal::new(format!("{}: {fault}", path.display())))
}

/// The log, locked and not full.
fn open(path: &Path) -> std::io::Result<File> {
    loop {
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        log.lock()?;
        let data = log.metadata()?;
        // While this one waited for the lock, another may have put the log aside.
        if fs::metadata(path).is_ok_and(|now| now.ino() == data.ino()) {
            if data.len() < FULL {
                if data.permissions().mode() & 0o077 != 0 {
                    log.set_permissions(fs::Permissions::from_mode(0o600))?;
                }
                return Ok(log);
            }
            let mut aside = path.as_os_str().to_owned();
            aside.push(".1");
            fs::rename(path, PathBuf::from(aside))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/x.log");
        append(&path, b"one\n").unwrap();
        append(&path, b"two\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        append(&path, &vec![b'x'; 5_000_000]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        append(&path, b"three\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three\n");
        assert_eq!(fs::metadata(folder.path().join("logs/x.log.1")).unwrap().len(), 5_000_008);
    }

    #[test]
    fn secrets_by_their_names() {
        assert!(is_secret("CLAUDE_API_KEY") && is_secret("anthropic_auth") && is_secret("X_TOKEN"));
        assert!(!is_secret("CLAUDE_PROJECT_DIR"));
    }
}
