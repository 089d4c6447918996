//! check: unread messages. Most calls find none, before every tool call of every agent, so that case is one question to
//! the database. When there is something it is offered first, and counts as read once the answer was written: see
//! `crewkit_store::chat` on unread messages.

use std::cell::Cell;
use std::time::Duration;

use crewkit_store::chat::{Chat, GENERAL, Identity, Message, Reader, Unread};
use crewkit_tool::{Answer, Context, Outcome, Refusal, lineage, text};
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
    if !check.peek && !check.json && check.agent.is_none() {
        return text(context, &check.session);
    }
    let chat = open(context)?;
    let reader = Reader::new(&check.session, check.agent.as_deref());
    let (identity, project) = identity(&chat, &reader, || project_here(context))?;
    let unread = if check.peek {
        chat.peek_unread(&reader, &project)?
    } else {
        take(context, chat, &reader, identity, &project, |_, _| true)?
    };
    if !check.json {
        return Ok(Outcome::text(lines::check(&unread, usize::MAX)));
    }
    let messages = unread
        .messages
        .iter()
        .map(|message| JsonMessage { directed: directed::is_directed(message, &unread.reader.name), message });
    let (name, project) = (&unread.reader.name, &unread.reader.project);
    Ok(Outcome::json(&Json { name, project, left_out: unread.left_out, messages: messages.collect() }))
}

/// The command without options.
pub(super) fn text(context: &Context, session: &str) -> Answer {
    let chat = open(context)?;
    let reader = Reader::new(session, None);
    let (identity, project) = identity(&chat, &reader, || project_here(context))?;
    let unread = take(context, chat, &reader, identity, &project, |_, _| true)?;
    Ok(Outcome::text(lines::check(&unread, usize::MAX)))
}

/// What an agent's context gets before a tool call, or nothing. Messages that would make it too long stay unread.
/// `project` is asked only for a session without a name.
pub(crate) fn for_hook(
    context: &Context,
    reader: &Reader,
    project: impl FnOnce() -> String,
) -> Result<String, Refusal> {
    let chat = open(context)?.with_patience(HOOK_PATIENCE);
    let (identity, project) = identity(&chat, reader, project)?;
    let name = identity.name.clone();
    let used = Cell::new(0);
    let fits = |taken: &[Message], message: &Message| {
        let before = if taken.is_empty() { 0 } else { used.get() };
        let line = lines::checked(message, &name, HOOK_MESSAGE_CHARACTERS);
        used.set(before + line.chars().count());
        taken.is_empty() || used.get() <= HOOK_CHARACTERS
    };
    let unread = take(context, chat, reader, identity, &project, fits)?;
    let whole = lines::check(&unread, HOOK_MESSAGE_CHARACTERS);
    Ok(text::head(&whole, HOOK_CHARACTERS + 900).to_owned())
}

/// Who asks, and the project of a session that has no name.
fn identity(chat: &Chat, reader: &Reader, project: impl FnOnce() -> String) -> Result<(Identity, String), Refusal> {
    if let Some(known) = chat.identity(reader.session())? {
        return Ok((known, GENERAL.to_owned()));
    }
    let project = project();
    Ok((Identity::unnamed(reader.session(), &project), project))
}

/// The unread messages; they count as read once the answer that they become was written.
fn take(
    context: &Context,
    chat: Chat,
    reader: &Reader,
    identity: Identity,
    project: &str,
    fits: impl Fn(&[Message], &Message) -> bool,
) -> Result<Unread, Refusal> {
    if !chat.has_unread(reader, &identity)? {
        return Ok(Unread::nothing(identity));
    }
    let process = lineage::mark();
    let unread = chat.offer_unread(reader, project, &process, lineage::lives, fits)?;
    if let Some(last) = unread.messages.last().map(|message| message.id) {
        let reader = reader.clone();
        context.after_delivery(move || Ok(chat.confirm(&reader, last, &process)?));
    }
    Ok(unread)
}
