//! Which versions of the agents' programs are installed.
//!
//! Asking a program costs up to a second, so what it said is kept in `data/.cli-versions.json` of the agent's folder,
//! with the file it was: it is asked again when that is another file or has changed, and once a day. One that says nothing
//! costs the whole of its time, and is let be for an hour: no two hooks of one event wait for it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crewkit_tool::process::{Ended, Run};
use crewkit_tool::{Context, Refusal};
use serde::{Deserialize, Serialize};

use crate::files;

/// The time a program has to say its version.
const LIMIT: Duration = Duration::from_secs(2);

/// How long an answer holds, in seconds.
const HOLDS: i64 = 86_400;

/// How long a program that said no version is not asked again, in seconds.
const MUTE: i64 = 3_600;

/// What is known of one program.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Known {
    /// Three numbers with dots between them: what it said last. Empty when it has never said a version.
    pub(crate) version: String,
    /// Whether it said none when it was asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) mute: bool,
    /// The program's file, links resolved, and what tells whether it has changed.
    path: PathBuf,
    stamp: String,
    /// When it was asked, seconds since 1970.
    asked: i64,
}

/// What is known of programs, by their names.
pub(crate) type Versions = BTreeMap<String, Known>;

/// Where it is kept.
fn place(context: &Context) -> Result<PathBuf, Refusal> {
    Ok(context.claude_home()?.join("data/.cli-versions.json"))
}

/// What was kept; nothing when there is no file, or none that can be read.
pub(crate) fn kept(context: &Context) -> Versions {
    let read = || serde_json::from_slice(&fs::read(place(context).ok()?).ok()?).ok();
    read().unwrap_or_default()
}

/// Keeps `versions`.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn keep(context: &Context, versions: &Versions) -> Result<(), Refusal> {
    let mut bytes = serde_json::to_vec_pretty(versions).unwrap_or_default();
    bytes.push(b'\n');
    files::replace(&place(context)?, &bytes)
}

impl Known {
    /// Whether it still holds of the file `path` with this `stamp` at the time `now`.
    fn holds(&self, path: &Path, stamp: &str, now: i64) -> bool {
        let time = if self.mute { MUTE } else { HOLDS };
        self.path == path && self.stamp == stamp && (0..time).contains(&(now - self.asked))
    }
}

/// What is known of those of `programs` that are installed, asked at the same time where what was `kept` does not hold
/// any more.
pub(crate) fn installed(context: &Context, programs: &[&str], kept: &Versions) -> Versions {
    let now = context.clock.seconds();
    let mut found = Versions::new();
    let mut asked = Vec::new();
    for program in programs {
        let Some((path, stamp)) = context.find_program(program).and_then(|path| file(&path)) else { continue };
        match kept.get(*program) {
            Some(known) if known.holds(&path, &stamp, now) => {
                found.insert((*program).to_owned(), known.clone());
            }
            _ => {
                let run = Run::new(context, program).arg("--version").limit(LIMIT);
                asked.push((*program, path, stamp, run));
            }
        }
    }
    let answers = std::thread::scope(|scope| {
        let running: Vec<_> = asked
            .into_iter()
            .map(|(program, path, stamp, run)| (program, path, stamp, scope.spawn(move || run.run())))
            .collect();
        running.into_iter().map(|(program, path, stamp, run)| (program, path, stamp, run.join())).collect::<Vec<_>>()
    });
    for (program, path, stamp, answer) in answers {
        let said = answer.ok().and_then(Result::ok).filter(Ended::ok).and_then(|ended| three_parts(&ended.text()));
        let before = || kept.get(program).map(|known| known.version.clone()).unwrap_or_default();
        let mute = said.is_none();
        found.insert(program.to_owned(), Known { version: said.unwrap_or_else(before), mute, path, stamp, asked: now });
    }
    found
}

fn file(path: &Path) -> Option<(PathBuf, String)> {
    let path = path.canonicalize().ok()?;
    let data = fs::metadata(&path).ok()?;
    let stamp = format!("{}.{:09}-{}-{}", data.mtime(), data.mtime_nsec(), data.size(), data.ino());
    Some((path, stamp))
}

/// The first version of three numbers in `text`.
pub(crate) fn three_parts(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
        let mut parts = word.split('.').filter(|part| !part.is_empty());
        let three = [parts.next()?, parts.next()?, parts.next()?];
        (!word.starts_with('.') && !word.contains("..")).then(|| three.join("."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_of_three_numbers() {
        for (text, version) in [
            ("2.1.4 (Claude Code)", Some("2.1.4")),
            ("GitHub Copilot CLI v0.0.372.", Some("0.0.372")),
            ("copilot 1.2.0\nnode 20.1.1", Some("1.2.0")),
            ("gemini 0.9 (0.9.1-beta)", Some("0.9.1")),
            ("version 1.2", None),
            ("...", None),
            ("", None),
        ] {
            assert_eq!(three_parts(text).as_deref(), version, "{text}");
        }
    }
}
