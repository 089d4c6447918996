//! What an agent tells a hook, how a hook answers, and how several answers become one: [`Event`].
//!
//! Sources: Claude Code's hooks reference (<https://code.claude.com/docs/en/hooks>) and GitHub Copilot CLI's
//! (<https://docs.github.com/en/copilot/reference/hooks-configuration>).

mod answer;
mod event;
mod merge;

pub use answer::{MOST_CONTEXT, Plain};
pub use event::{Dialect, Event, NotAnEvent};
pub use merge::Given;
