//! Hooks that may also be called without an event: by git, or by hand.

use crewkit_hook::{Event, NotAnEvent};
use crewkit_tool::{Context, Refusal};

/// Most bytes of standard input that are read; a longer event is no event.
const MOST_BYTES: u64 = 256 << 20;

/// The event on standard input; `None` when nothing stands there, or a person sits there.
///
/// # Errors
/// When there is something else.
pub(crate) fn event(context: &Context) -> Result<Option<Event>, Refusal> {
    if context.stdin_is_terminal() {
        return Ok(None);
    }
    match Event::parse(&context.read_stdin(MOST_BYTES)?) {
        Ok(event) => Ok(Some(event)),
        Err(NotAnEvent::Empty) => Ok(None),
        Err(fault) => Err(Refusal::new(fault.to_string())),
    }
}

/// An event without anything in it: what a call without an event is answered as.
pub(crate) fn no_event() -> Result<Event, Refusal> {
    Event::parse(b"{}").map_err(|fault| Refusal::new(fault.to_string()))
}
