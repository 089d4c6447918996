//! Looking at all files, side by side.

use std::borrow::Cow;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crewkit_scan::{encoding, line_limit, secrets};
use crewkit_tool::{Refusal, text};

use super::changed::Lines;
use super::checks::duplicate_class_names::{Declared, declared};
use super::checks::{CHECKS, Hit, Says, is_comment_line};
use super::select::Picked;
use super::source::Source;
use super::waiver::{Waiver, waivers};

/// How many characters of a line a finding shows, its place included.
const SHOWN: usize = 200;

/// How many bytes of a line are looked at for what is shown of it.
const SHOWN_BYTES: usize = 4000;

/// How many files are worth a thread of their own.
const FILES_A_THREAD: usize = 16;

/// What was seen of one file.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// For each check what it found: line from 0, and what is said.
    pub(super) found: Vec<(usize, Option<usize>, String)>,
    /// The names it declares.
    pub(super) declared: Vec<Declared>,
    /// Its number of lines.
    pub(super) lines: usize,
    /// Its waivers.
    pub(super) waivers: Vec<Waiver>,
    /// The lines, from 0, of waivers that cannot be understood.
    pub(super) unclear: Vec<usize>,
    /// Why it was not checked.
    pub(super) not_read: Option<&'static str>,
    /// Whether a line that is new begins as a comment does.
    pub(super) new_comments: bool,
}

/// Looks at each of `files`, whose new lines are `changed` (empty: all are of interest).
///
/// # Errors
/// The first file that cannot be read, by name.
pub(super) fn look_at(files: &[Picked], changed: &[Lines]) -> Result<Vec<Seen>, Refusal> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = cores.min(files.len() / FILES_A_THREAD).max(1);
    if workers == 1 {
        return files.iter().enumerate().map(|(place, file)| look(file, changed.get(place))).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut seen = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(place) else { return seen };
            seen.push((place, look(file, changed.get(place))));
        }
    };
    let mut all = thread::scope(|scope| {
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::with_capacity(files.len());
        for worker in started {
            all.append(&mut worker.join().map_err(|_| Refusal::new("a thread that reads files failed"))?);
        }
        Ok::<_, Refusal>(all)
    })?;
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, seen)| seen).collect()
}

fn look(file: &Picked, changed: Option<&Lines>) -> Result<Seen, Refusal> {
    let bytes = match read(file) {
        Ok(bytes) => bytes,
        // It was there when it was picked.
        Err(fault) if fault.kind() == ErrorKind::NotFound => {
            return Ok(Seen { not_read: Some("gone"), ..Seen::default() });
        }
        Err(fault) => return Err(Refusal::new(format!("{} cannot be read: {fault}", file.name))),
    };
    if encoding::is_binary(&bytes) {
        return Ok(Seen { not_read: Some("no text"), ..Seen::default() });
    }
    if changed.is_some_and(|lines| *lines == Lines::Some(std::collections::HashSet::new())) {
        return Ok(Seen { lines: line_limit::count(&bytes), ..Seen::default() });
    }
    let source = Source::new(file.name.clone(), &file.path, file.language, bytes);
    let mut found = Vec::new();
    for (place, check) in CHECKS.iter().enumerate() {
        found.extend((check.look)(&source).into_iter().map(|hit| {
            let Hit { line, says } = hit;
            let body = match says {
                Says::Sentence(sentence) => sentence,
                Says::Line => shown(&source, line.unwrap_or_default()),
            };
            (place, line, body)
        }));
    }
    let (waivers, unclear) = waivers(&source);
    let new_comments = changed.is_some_and(|lines| {
        let new = (0..source.line_count()).filter(|line| lines.has(*line));
        new.into_iter().any(|line| is_comment_line(file.language, source.line(line)))
    });
    let lines = source.line_count();
    Ok(Seen { found, declared: declared(&source), lines, waivers, unclear, not_read: None, new_comments })
}

fn read(file: &Picked) -> std::io::Result<Vec<u8>> {
    let mut opened = fs::File::open(&file.path)?;
    let length = opened.metadata()?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    opened.read_to_end(&mut bytes)?;
    Ok(match encoding::utf8(&bytes) {
        Cow::Borrowed(_) => bytes,
        Cow::Owned(decoded) => decoded,
    })
}

/// A line with its place before it, what is secret in it masked.
fn shown(source: &Source, line: usize) -> String {
    let bytes = source.line(line);
    let bytes = &bytes[..bytes.len().min(SHOWN_BYTES)];
    let mut found = Vec::new();
    for rules in [secrets::Rules::Commit, secrets::Rules::Gate] {
        secrets::find_in_line(rules, bytes, 1, &mut found);
    }
    found.sort_by_key(|secret| secret.column);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for secret in found {
        let from = secret.column - 1;
        if from < at {
            continue;
        }
        out.extend_from_slice(&bytes[at..from]);
        out.extend_from_slice(secret.masked.as_bytes());
        at = value_end(bytes, from);
    }
    out.extend_from_slice(&bytes[at..]);
    let content = String::from_utf8_lossy(&out);
    let whole = format!("{}:{}:{}", source.name, line + 1, content.trim_end());
    text::head(&whole, SHOWN).to_owned()
}

/// Where a value that begins at `from` ends: at the quote that stands before it, else at a blank or a quote.
fn value_end(bytes: &[u8], from: usize) -> usize {
    let quote = from.checked_sub(1).map(|before| bytes[before]).filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let ends = |byte: &u8| match quote {
        Some(quote) => *byte == quote,
        None => byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`'),
    };
    bytes[from..].iter().position(ends).map_or(bytes.len(), |length| from + length)
}
