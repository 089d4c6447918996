//! What hooks did, for people: `logs/hooks.log` in the agent's folder.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use crewkit_tool::{Context, text};

/// Adds a line of the hook `name`. A log that cannot be written stops no hook.
pub(crate) fn add(context: &Context, name: &str, line: &str) {
    let Ok(folder) = context.claude_home().map(|home| home.join("logs")) else { return };
    let line = format!("{} {name}: {}\n", context.now(), text::one_line(line));
    let _ = fs::create_dir_all(&folder);
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join("hooks.log"));
    let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
}
