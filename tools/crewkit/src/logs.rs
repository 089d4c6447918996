//! `crewkit log`: the kept outputs of commands that digests ran.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use clap::{Args, Subcommand};
use crewkit_digest::log::{self, Entry};
use crewkit_digest::{MAX_LINE, text as clean};
use crewkit_tool::{Answer, Context, Outcome, Refusal, text};
use serde::Serialize;

/// Most bytes written by one call of show or grep: an answer is held in memory.
const MOST_SHOWN: usize = 32 << 20;

/// The arguments of `crewkit log`.
#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All logs, newest first: ID, bytes, age.
    List {
        /// As a list of objects: id, bytes, age_seconds, path.
        #[arg(long)]
        json: bool,
    },
    /// The lines of a log, colours and control characters taken out.
    Show {
        /// ID, the beginning of one, a log's path, or `last`.
        id: String,
        /// Only the first N lines.
        #[arg(long, value_name = "N", conflicts_with = "tail")]
        head: Option<usize>,
        /// Only the last N lines.
        #[arg(long, value_name = "N")]
        tail: Option<usize>,
        /// The bytes as they are (at most 32 MiB).
        #[arg(long, conflicts_with_all = ["head", "tail"])]
        raw: bool,
    },
    /// The lines of a log that contain a text, each with its number; exit 1 when there is none.
    Grep {
        /// ID, the beginning of one, a log's path, or `last`.
        id: String,
        /// The text, taken literally.
        text: String,
        /// Capital letters make no difference (ASCII).
        #[arg(short, long)]
        ignore_case: bool,
        /// Lines shown before and after each.
        #[arg(short = 'C', long, value_name = "N", default_value_t = 0)]
        context: usize,
    },
}

#[derive(Serialize)]
struct Row {
    id: String,
    bytes: u64,
    age_seconds: u64,
    path: String,
}

pub(crate) fn run(context: &Context, arguments: LogArguments) -> Answer {
    let folder = log::folder(context)?;
    match arguments.command {
        Command::List { json } => Ok(list(context, &folder, json)),
        Command::Show { id, raw: true, .. } => raw(&log::find(&folder, &id)?),
        Command::Show { id, head, tail, .. } => show(&log::find(&folder, &id)?, head, tail),
        Command::Grep { id, text, ignore_case, context } => {
            grep(&log::find(&folder, &id)?, &text, ignore_case, context)
        }
    }
}

fn list(context: &Context, folder: &Path, json: bool) -> Outcome {
    let now = context.clock.seconds();
    let age = |entry: &Entry| {
        let written = entry.written.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        u64::try_from(now).unwrap_or(0).saturating_sub(written)
    };
    let logs = log::list(folder);
    if json {
        let rows: Vec<Row> = logs
            .into_iter()
            .map(|entry| Row {
                age_seconds: age(&entry),
                bytes: entry.bytes,
                path: entry.path.to_string_lossy().into_owned(),
                id: entry.id,
            })
            .collect();
        return Outcome::json(&rows);
    }
    let rows: Vec<Vec<String>> = logs
        .iter()
        .map(|entry| vec![entry.id.clone(), format!("{} B", entry.bytes), format!("{} s ago", age(entry))])
        .collect();
    Outcome::text(text::columns(&rows))
}

fn unreadable(entry: &Entry, fault: &std::io::Error) -> Refusal {
    Refusal::new(format!("{} cannot be read: {fault}", entry.path.display()))
}

fn raw(entry: &Entry) -> Answer {
    let mut bytes = Vec::new();
    std::fs::File::open(&entry.path)
        .and_then(|file| file.take(MOST_SHOWN as u64).read_to_end(&mut bytes))
        .map_err(|fault| unreadable(entry, &fault))?;
    Ok(Outcome { stdout: bytes, ..Outcome::default() })
}

/// Hands each line to `take`, cleaned, with its number from 1; `take` says whether to go on.
fn each_line(entry: &Entry, mut take: impl FnMut(usize, &str) -> bool) -> Result<(), Refusal> {
    let mut read = || -> std::io::Result<()> {
        let mut file = BufReader::with_capacity(64 << 10, std::fs::File::open(&entry.path)?);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let count = file.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line)?;
            if count == 0 {
                break;
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            } else if count == MAX_LINE {
                file.skip_until(b'\n')?;
            }
            if !take(number, &clean::clean(&line)) {
                break;
            }
        }
        Ok(())
    };
    read().map_err(|fault| unreadable(entry, &fault))
}

fn show(entry: &Entry, head: Option<usize>, tail: Option<usize>) -> Answer {
    if let Some(most) = tail {
        return last_lines(entry, most);
    }
    let mut out = String::new();
    let mut cut = false;
    each_line(entry, |number, line| {
        if head.is_some_and(|most| number > most) {
            return false;
        }
        cut = out.len() + line.len() > MOST_SHOWN;
        if !cut {
            out.push_str(line);
            out.push('\n');
        }
        !cut
    })?;
    let outcome = Outcome::text(out);
    Ok(if cut { outcome.with_note("cut at 32 MiB; --tail N shows the end") } else { outcome })
}

/// The last lines, read from the end of the file on.
fn last_lines(entry: &Entry, most: usize) -> Answer {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(&entry.path)?;
        let length = file.metadata()?.len();
        let from = length.saturating_sub(MOST_SHOWN as u64);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|fault| unreadable(entry, &fault))?;
    let lines: Vec<&[u8]> = bytes.strip_suffix(b"\n").unwrap_or(&bytes).split(|byte| *byte == b'\n').collect();
    let mut out = String::new();
    for line in &lines[lines.len().saturating_sub(most)..] {
        out.push_str(&clean::clean(line));
        out.push('\n');
    }
    Ok(Outcome::text(out))
}

fn grep(entry: &Entry, wanted: &str, ignore_case: bool, around: usize) -> Answer {
    let folded = |line: &str| if ignore_case { line.to_ascii_lowercase() } else { line.to_owned() };
    let wanted = folded(wanted);
    let mut out = String::new();
    let mut before: std::collections::VecDeque<(usize, String)> = std::collections::VecDeque::new();
    let (mut found, mut after, mut last) = (0_usize, 0, 0);
    each_line(entry, |number, line| {
        let hit = if ignore_case { folded(line).contains(&wanted) } else { line.contains(&wanted) };
        if hit {
            found += 1;
            after = around;
            if last > 0 && around > 0 && number - before.len() > last + 1 {
                out.push_str("--\n");
            }
            for (number, line) in before.drain(..) {
                let _ = writeln!(out, "{number}-{line}");
            }
            let _ = writeln!(out, "{number}:{line}");
            last = number;
        } else if after > 0 {
            after -= 1;
            let _ = writeln!(out, "{number}-{line}");
            last = number;
        } else if around > 0 {
            if before.len() == around {
                before.pop_front();
            }
            before.push_back((number, line.to_owned()));
        }
        out.len() < MOST_SHOWN
    })?;
    Ok(Outcome::text(out).with_code(u8::from(found == 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(folder: &Path, bytes: &[u8]) -> Entry {
        let path = folder.join("aaaabbbbcccc.log");
        std::fs::write(&path, bytes).unwrap();
        log::list(folder).remove(0)
    }

    fn said(answer: Answer) -> (String, u8) {
        let outcome = answer.unwrap();
        (String::from_utf8(outcome.stdout).unwrap(), outcome.code)
    }

    #[test]
    fn lines_are_shown_clean_from_either_end() {
        let folder = tempfile::tempdir().unwrap();
        let entry = entry(folder.path(), b"one\r\n\x1b[31mtwo\x1b[0m\nthree\n");
        assert_eq!(said(show(&entry, None, None)).0, "one\ntwo\nthree\n");
        assert_eq!(said(show(&entry, Some(1), None)).0, "one\n");
        assert_eq!(said(show(&entry, None, Some(2))).0, "two\nthree\n");
        assert_eq!(said(show(&entry, None, Some(9))).0, "one\ntwo\nthree\n");
        assert!(said(raw(&entry)).0.contains('\u{1b}'));
    }

    #[test]
    fn grep_numbers_lines_and_says_when_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(MAX_LINE + 10);
        let entry = entry(folder.path(), format!("a\n{long}\nNeedle\nb\nc\nneedle end").as_bytes());
        assert_eq!(said(grep(&entry, "needle", false, 0)), ("6:needle end\n".into(), 0));
        assert_eq!(said(grep(&entry, "NEEDLE", true, 0)).0, "3:Needle\n6:needle end\n");
        assert_eq!(said(grep(&entry, "c", false, 1)).0, "4-b\n5:c\n6-needle end\n");
        assert_eq!(said(grep(&entry, ".", false, 0)), (String::new(), 1));
    }
}
