//! check: unread messages. Most calls find none, before every tool call of every agent, so that case is one question to
//! the database; only when there is something does a second one take it and move the cursor.

use std::cell::Cell;
use std::time::Duration;

use crewkit_store::chat::{Chat, GENERAL, Identity, Message, Unread};
use crewkit_tool::{Answer, Context, Outcome, Refusal, text};
use serde::Serialize;

use super::arguments::Check;
use super::{directed, lines, open, project_here};

/// Most characters that a hook adds to an agent's context; the agent cuts at 10 000, and other hooks of the same event
/// speak too.
const HOOK_CHARACTERS: usize = 8_000;

/// Most characters of one message in an agent's context.
const HOOK_MESSAGE_CHARACTERS: usize = 3_000;

/// How long a hook waits for its turn to move the cursor; the messages come with the next call then.
const HOOK_PATIENCE: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct Json<'a> {
    name: &'a str,
    project: &'a str,
    left_out: i64,
    messages: Vec<JsonMessage<'a>>,
}

#[derive(Serialize)]
struct JsonMessage<'a> {
    #[serde(flatten)]
    message: &'a Message,
    directed: bool,
}

/// The command with its options.
pub(super) fn run(context: &Context, check: &Check) -> Answer {
    if !check.peek && !check.json {
        return text(context, &check.session);
    }
    let chat = open(context)?;
    let (reader, project) = reader(&chat, &check.session, || project_here(context))?;
    let unread = if check.peek {
        chat.peek_unread(&check.session, &project)?
    } else {
        take(&chat, &check.session, &reader, &project, |_, _| true)?
    };
    if !check.json {
        return Ok(Outcome::text(lines::check(&unread, usize::MAX)));
    }
    let messages = unread
        .messages
        .iter()
        .map(|message| JsonMessage { directed: directed::is_for(&message.message, &unread.reader.name), message });
    let (name, project) = (&unread.reader.name, &unread.reader.project);
    Ok(Outcome::json(&Json { name, project, left_out: unread.left_out, messages: messages.collect() }))
}

/// The command without options.
pub(super) fn text(context: &Context, session: &str) -> Answer {
    let chat = open(context)?;
    let (reader, project) = reader(&chat, session, || project_here(context))?;
    let unread = take(&chat, session, &reader, &project, |_, _| true)?;
    Ok(Outcome::text(lines::check(&unread, usize::MAX)))
}

/// What an agent's context gets before a tool call, or nothing. Messages that would make it too long stay unread.
/// `project` is asked only for a session without a name.
pub(crate) fn for_hook(context: &Context, session: &str, project: impl FnOnce() -> String) -> Result<String, Refusal> {
    let chat = open(context)?.with_patience(HOOK_PATIENCE);
    let (reader, project) = reader(&chat, session, project)?;
    let used = Cell::new(0);
    let fits = |taken: &[Message], message: &Message| {
        let before = if taken.is_empty() { 0 } else { used.get() };
        let line = lines::checked(message, &reader.name, HOOK_MESSAGE_CHARACTERS);
        used.set(before + line.chars().count());
        taken.is_empty() || used.get() <= HOOK_CHARACTERS
    };
    let unread = take(&chat, session, &reader, &project, fits)?;
    let whole = lines::check(&unread, HOOK_MESSAGE_CHARACTERS);
    Ok(text::head(&whole, HOOK_CHARACTERS + 900).to_owned())
}

/// Who asks, and the project of a session that has no name.
fn reader(chat: &Chat, session: &str, project: impl FnOnce() -> String) -> Result<(Identity, String), Refusal> {
    if let Some(reader) = chat.identity(session)? {
        return Ok((reader, GENERAL.to_owned()));
    }
    let project = project();
    Ok((Identity::unnamed(session, &project), project))
}

fn take(
    chat: &Chat,
    session: &str,
    reader: &Identity,
    project: &str,
    fits: impl Fn(&[Message], &Message) -> bool,
) -> Result<Unread, Refusal> {
    if !chat.has_unread(session, reader)? {
        let reader = reader.clone();
        return Ok(Unread { reader, messages: Vec::new(), left_out: 0, more: false });
    }
    Ok(chat.take_unread(session, project, fits)?)
}
