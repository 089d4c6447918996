//! The commands that agents call.

use std::path::Path;

use crewkit_store::chat::{Identity, NewMessage};
use crewkit_tool::args::RowId;
use crewkit_tool::{Answer, Context, Outcome, Refusal};

use super::arguments::Post;
use super::{WRONG_USAGE, names, open, project_here};

/// Most bytes of a message from standard input.
const MOST_BYTES: u64 = 64 << 20;

/// Adds a message.
pub(super) fn post(context: &Context, post: &Post) -> Answer {
    let wrong = |what: &str| Refusal::new(what).with_code(WRONG_USAGE);
    let message = if post.stdin {
        String::from_utf8(context.read_stdin(MOST_BYTES)?).map_err(|_| wrong("the message is not UTF-8"))?
    } else {
        post.words.join(" ")
    };
    if message.trim().is_empty() {
        return Err(wrong("the message is empty"));
    }
    let sender = post.sender.clone().unwrap_or_else(|| default_sender(context));
    let chat = open(context)?;
    let mut project = post.project.clone();
    if let Some(RowId(id)) = post.reply_to {
        let Some(answered) = chat.message(id)? else { return Err(Refusal::new(format!("there is no message {id}"))) };
        // Where the one who is answered listens.
        if project.is_none() {
            project = Some(chat.project_of(&answered.sender, &answered.project)?.unwrap_or(answered.project));
        }
    }
    let nearest =
        if project.is_none() && chat.is_shared_name(&sender)? { project_here(context) } else { String::new() };
    chat.post(&NewMessage {
        timestamp: &context.clock.local_millis(),
        sender: &sender,
        channel: &post.channel,
        project: project.as_deref(),
        nearest: &nearest,
        reply_to: post.reply_to.map(|RowId(id)| id),
        message: &message,
    })?;
    Ok(Outcome::silent())
}

/// Who speaks when no sender is given.
pub(super) fn default_sender(context: &Context) -> String {
    ["COMMS_USER", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| context.variable(name))
        .find(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "user".to_owned())
}

/// Gives `session` the name that `directory` stands for, if any.
pub(super) fn auto_assign(context: &Context, session: &str, directory: &Path) -> Answer {
    let directory = context.absolute(directory)?;
    if let Some(name) = names::name_of(context, &directory) {
        let project = names::project_of(context, &directory);
        open(context)?.register(session, &name, &project, &context.clock.local_millis())?;
    }
    Ok(Outcome::silent())
}

/// Shows the name of `session`.
pub(super) fn resolve_name(context: &Context, session: &str) -> Answer {
    let identity = open(context)?.identity(session)?.unwrap_or_else(|| Identity::unnamed(session, ""));
    Ok(Outcome::text(super::lines::name(&identity.name)))
}
