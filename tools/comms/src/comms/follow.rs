//! Following the chat: messages as they come, at the cost of one look at the file's version a time.

use crewkit_store::chat::{Chat, Message};
use crewkit_tool::Refusal;

use super::changes::Changes;

/// Most messages that are taken at once.
const BATCH: i64 = 200;

/// A place in the chat that moves on with it.
pub(super) struct Follower {
    chat: Chat,
    changes: Changes,
    version: i64,
    last: i64,
}

impl Follower {
    /// Follows `chat` from its end on.
    pub(super) fn new(chat: Chat) -> Result<Self, Refusal> {
        // The first question makes what is missing, the file of the writers' queue too.
        chat.last_id()?;
        let changes = Changes::of(&chat);
        let version = chat.data_version()?;
        let last = chat.last_id()?;
        Ok(Self { chat, changes, version, last })
    }

    /// The chat.
    pub(super) fn chat(&self) -> &Chat {
        &self.chat
    }

    /// The chat, no longer followed.
    pub(super) fn into_chat(self) -> Chat {
        self.chat
    }

    /// What to wait for before the next look.
    pub(super) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The number of the last message that was seen.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// Gives the messages that came since the last look by other programs to `show`.
    pub(super) fn look(&mut self, show: impl FnMut(&Message) -> Result<(), Refusal>) -> Result<(), Refusal> {
        self.changes.forget();
        let version = self.chat.data_version()?;
        if version == self.version {
            return Ok(());
        }
        self.version = version;
        self.read(show)
    }

    /// Gives the messages that came since the last look, our own too, to `show`.
    pub(super) fn read(&mut self, mut show: impl FnMut(&Message) -> Result<(), Refusal>) -> Result<(), Refusal> {
        self.changes.forget();
        loop {
            let messages = self.chat.after(self.last, BATCH)?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in &messages {
                show(message)?;
                self.last = message.id;
            }
        }
    }
}
