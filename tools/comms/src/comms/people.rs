//! The commands that people call.

use std::fmt::Write as _;

use crewkit_store::chat::{Assigned, Filter};
use crewkit_tool::args::RowId;
use crewkit_tool::{Answer, Context, Outcome, Refusal, text};

use super::arguments::{History, Only, Search};
use super::{WRONG_USAGE, lines, names, open, since};

/// Minutes after its last message in which an agent counts as active.
const ACTIVE_MINUTES: i64 = 10;

/// How many senders `assign` lists.
const SPEAKERS: i64 = 20;

/// Columns a name is padded to in lists of senders.
const NAME_COLUMNS: usize = 20;

/// Shows the newest messages.
pub(super) fn history(context: &Context, history: &History) -> Answer {
    newest(context, history.count, &[], &history.only)
}

/// Shows the newest messages that hold all of the words.
pub(super) fn search(context: &Context, search: &Search) -> Answer {
    newest(context, search.count, &search.words, &search.only)
}

fn newest(context: &Context, count: i64, words: &[String], only: &Only) -> Answer {
    let since = match &only.since {
        None => None,
        Some(text) => Some(since::local(context, text).ok_or_else(|| {
            Refusal::new(format!("--since: '{text}' is no time (15:04, 2026-01-31, 2026-01-31T15:04, 30m, 2h, 3d)"))
                .with_code(WRONG_USAGE)
        })?),
    };
    let filter = Filter {
        project: only.project.clone(),
        channel: only.channel.clone(),
        sender: only.from.clone(),
        since,
        words: words.to_vec(),
        thread: only.thread.map(|RowId(id)| id),
    };
    let any = filter.project.is_none() && filter.channel.is_none() && filter.sender.is_none();
    let all = any && filter.since.is_none() && filter.thread.is_none() && filter.words.is_empty();
    let messages = open(context)?.newest(count, &filter)?;
    if only.json {
        return Ok(Outcome::json(&messages));
    }
    if messages.is_empty() {
        let none = match (all, count) {
            (true, 0) => "",
            (true, _) => "No messages yet.",
            (false, _) => "No such messages.",
        };
        return Ok(Outcome::text(none));
    }
    let line = if only.ids || context.stdout_is_terminal() { lines::numbered } else { lines::listed };
    Ok(Outcome::text(messages.iter().map(line).collect::<String>()))
}

/// Shows who posted lately.
pub(super) fn status(context: &Context, json: bool) -> Answer {
    let since = since::minutes_ago(context, ACTIVE_MINUTES);
    let active = open(context)?.active_since(&since)?;
    if json {
        return Ok(Outcome::json(&active));
    }
    if active.is_empty() {
        return Ok(Outcome::text(format!("No agents active in the last {ACTIVE_MINUTES} minutes.")));
    }
    let mut out = format!("Active in the last {ACTIVE_MINUTES} minutes (name, messages, last):\n");
    for one in active {
        let name = text::pad(&lines::name(&one.name), NAME_COLUMNS);
        let _ = writeln!(out, "{name} {:<6} {}", one.messages, lines::time(&one.last));
    }
    Ok(Outcome::text(out))
}

/// Gives a name to a session, or lists who could be given one.
pub(super) fn assign(context: &Context, name: Option<&str>, id: Option<&str>) -> Answer {
    let (Some(name), Some(given)) = (name, id) else { return candidates(context) };
    let wrong = |what: String| Err(Refusal::new(what).with_code(WRONG_USAGE));
    let id = given.strip_prefix("agent-").unwrap_or(given);
    if id.trim().is_empty() {
        return wrong(format!("'{given}' is no session's id"));
    }
    if id.contains(['%', '*', '?']) || id.chars().all(|c| c == '_') {
        return wrong(format!("'{given}' is a pattern; give a session's id or its beginning"));
    }
    match open(context)?.assign(name, id, &context.clock.local_millis())? {
        Assigned::Done => Ok(Outcome::text(format!("Assigned: {} -> {}", lines::name(given), lines::name(name)))),
        Assigned::TooShort => wrong(format!("'{given}' is too short: give 4 characters of the session's id, or all")),
        Assigned::Several(ids) => {
            wrong(format!("'{given}' is the beginning of {} sessions: {}", ids.len(), ids.join(", ")))
        }
    }
}

fn candidates(context: &Context) -> Answer {
    let chat = open(context)?;
    let speakers = chat.speakers(SPEAKERS)?;
    let taken = chat.names()?;
    let mut out = String::new();
    if speakers.is_empty() {
        out.push_str("Nobody has posted yet.\n");
    } else {
        out.push_str("Recent senders:\n");
    }
    for speaker in speakers {
        let sender = text::pad(&lines::name(&speaker.sender), NAME_COLUMNS);
        let name = speaker.name.map_or_else(|| "[unassigned]".to_owned(), |name| format!("(= {})", lines::name(&name)));
        let _ = writeln!(out, "  {} {sender} {name}", lines::time(&speaker.last));
    }
    let names: Vec<String> = names::available(context)
        .iter()
        .map(|name| if taken.contains(name) { format!("{} (taken)", lines::name(name)) } else { lines::name(name) })
        .collect();
    let _ = writeln!(out, "Available names: {}", names.join(", "));
    out.push_str("comms assign NAME ID gives a name to a session.\n");
    Ok(Outcome::text(out))
}

/// Deletes old messages.
pub(super) fn prune(context: &Context, days: u32) -> Answer {
    let before = since::minutes_ago(context, i64::from(days) * 24 * 60);
    let gone = open(context)?.prune(&before)?;
    Ok(Outcome::text(format!("Pruned: {gone} messages older than {days} days")))
}
