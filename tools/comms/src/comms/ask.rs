//! ask: a question to somebody, and the wait for the answer.

use std::time::{Duration, Instant};

use crewkit_store::chat::{Message, NewMessage};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};
use rustix::event::{PollFd, PollFlags};
use serde::Serialize;

use super::arguments::Ask;
use super::follow::Follower;
use super::{WRONG_USAGE, agents, directed, lines, open, project_here};

#[derive(Serialize)]
struct Json<'a> {
    asked: i64,
    answer: Option<&'a Message>,
}

/// Posts the question and shows the first answer to it: a reply, or a message of the one who was asked that is directed
/// at the one who asks.
pub(super) fn run(context: &Context, ask: &Ask) -> Answer {
    let text = ask.words.join(" ");
    if text.trim().is_empty() {
        return Err(Refusal::new("the question is empty").with_code(WRONG_USAGE));
    }
    let sender = ask.sender.clone().unwrap_or_else(|| agents::default_sender(context));
    if sender.eq_ignore_ascii_case(&ask.name) {
        return Err(Refusal::new(format!("'{}' is who asks", ask.name)).with_code(WRONG_USAGE));
    }
    let mut follower = Follower::new(open(context)?)?;
    let nearest = project_here(context);
    let asked = follower.chat().post(&NewMessage {
        timestamp: &context.clock.local_millis(),
        sender: &sender,
        channel: &ask.channel,
        project: ask.project.as_deref(),
        nearest: &nearest,
        reply_to: None,
        message: &format!("{}: {text}", ask.name),
    })?;
    let project = follower.chat().message(asked)?.map_or(nearest, |question| question.project);
    let anybody = ask.name.eq_ignore_ascii_case("all");
    let is_answer = |message: &Message| {
        let asked_one = anybody || message.sender.to_lowercase() == ask.name.to_lowercase();
        message.id > asked
            && message.sender != sender
            && (message.reply_to == Some(asked) || (asked_one && directed::opens_for(&message.message, &sender)))
    };
    let Some(answer) = wait(&mut follower, Duration::from_secs(ask.wait), is_answer)? else {
        let none = format!(
            "no answer from {} to message {asked} within {} s; a later one comes with check",
            lines::name(&ask.name),
            ask.wait
        );
        let refusal = Refusal::new(none);
        return Err(if ask.json { refusal.with_json(&Json { asked, answer: None }) } else { refusal });
    };
    let outcome = if ask.json {
        Outcome::json(&Json { asked, answer: Some(&answer) })
    } else {
        Outcome::text(lines::answer(&answer))
    };
    let chat = follower.into_chat();
    context.after_delivery(move || Ok(chat.mark_shown(&sender, &project, answer.id)?));
    Ok(outcome.with_code(exit_code::DONE))
}

/// The first message that `is_answer`, if one comes within `limit`.
fn wait(
    follower: &mut Follower,
    limit: Duration,
    is_answer: impl Fn(&Message) -> bool,
) -> Result<Option<Message>, Refusal> {
    let deadline = Instant::now() + limit;
    loop {
        let mut found = None;
        follower.read(|message| {
            if found.is_none() && is_answer(message) {
                found = Some(message.clone());
            }
            Ok(())
        })?;
        let left = deadline.saturating_duration_since(Instant::now());
        if found.is_some() || left.is_zero() {
            return Ok(found);
        }
        let changes = follower.changes();
        let limit = rustix::event::Timespec::try_from(left.min(changes.limit())).ok();
        let told = changes.descriptor().map(|told| PollFd::from_borrowed_fd(told, PollFlags::IN));
        let mut waiting: Vec<PollFd<'_>> = told.into_iter().collect();
        match rustix::event::poll(&mut waiting, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(fault) => return Err(Refusal::new(format!("waiting for the answer failed: {fault}"))),
        }
    }
}
