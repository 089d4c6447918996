//! What an agent tells a hook, and how a hook answers: [`Event`] and its answers.
//!
//! Sources: Claude Code's hooks reference (<https://code.claude.com/docs/en/hooks>) and GitHub Copilot CLI's
//! (<https://docs.github.com/en/copilot/reference/hooks-configuration>).

mod answer;
mod event;

pub use answer::{MOST_CONTEXT, Plain};
pub use event::{Dialect, Event, NotAnEvent};
