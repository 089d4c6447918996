//! Following the chat: messages as they come, at the cost of one look at the file's version a time.

use std::time::Duration;

use crewkit_store::chat::{Chat, Message};
use crewkit_tool::Refusal;

/// Time between two looks.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Most messages that are taken at once.
const BATCH: i64 = 200;

/// A place in the chat that moves on with it.
pub(super) struct Follower {
    chat: Chat,
    version: i64,
    last: i64,
}

impl Follower {
    /// Follows `chat` from its end on.
    pub(super) fn new(chat: Chat) -> Result<Self, Refusal> {
        let version = chat.data_version()?;
        let last = chat.last_id()?;
        Ok(Self { chat, version, last })
    }

    /// The chat.
    pub(super) fn chat(&self) -> &Chat {
        &self.chat
    }

    /// The number of the last message that was seen.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// Gives the messages that came since the last look by other programs to `show`.
    pub(super) fn look(&mut self, show: impl FnMut(&Message) -> Result<(), Refusal>) -> Result<(), Refusal> {
        let version = self.chat.data_version()?;
        if version == self.version {
            return Ok(());
        }
        self.version = version;
        self.read(show)
    }

    /// Gives the messages that came since the last look, our own too, to `show`.
    pub(super) fn read(&mut self, mut show: impl FnMut(&Message) -> Result<(), Refusal>) -> Result<(), Refusal> {
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
