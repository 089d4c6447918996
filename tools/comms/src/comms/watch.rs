//! watch: each new message, as it comes, until interrupted.

use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};
use rustix::event::{PollFd, PollFlags};

use super::changes::Changes;
use super::follow::Follower;
use super::signals::Signals;
use super::{lines, open};

/// Follows the chat of all projects.
pub(super) fn run(context: &Context) -> Answer {
    let end = Signals::ending()?;
    let mut follower = Follower::new(open(context)?)?;
    let mut closed = false;
    let mut say = |line: &str| match context.stream(line.as_bytes()) {
        Ok(()) => Ok(()),
        Err(fault) => {
            closed = fault.kind() == std::io::ErrorKind::BrokenPipe;
            Err(Refusal::new(format!("standard output cannot be written: {fault}")))
        }
    };
    let watched = (|| {
        say(&format!("Watching the chat of all projects after message {} (ctrl-c ends)\n", follower.last()))?;
        loop {
            follower.look(|message| say(&lines::listed(message)))?;
            match pause(&end, follower.changes())? {
                Woken::Time => {}
                Woken::Signal => return Ok(Outcome::silent()),
                Woken::ClosedPipe => return Ok(Outcome::silent().with_code(exit_code::CLOSED_PIPE)),
            }
        }
    })();
    if closed { Ok(Outcome::silent().with_code(exit_code::CLOSED_PIPE)) } else { watched }
}

/// What ended a pause.
enum Woken {
    Time,
    Signal,
    ClosedPipe,
}

/// Waits for the next look. The reader of a pipe that went away is noticed here, not only with the next message.
fn pause(end: &Signals, changes: &Changes) -> Result<Woken, Refusal> {
    let out = rustix::stdio::stdout();
    let mut waiting = vec![PollFd::new(end, PollFlags::IN), PollFd::new(&out, PollFlags::empty())];
    waiting.extend(changes.descriptor().map(|told| PollFd::from_borrowed_fd(told, PollFlags::IN)));
    let limit = rustix::event::Timespec::try_from(changes.limit()).ok();
    match rustix::event::poll(&mut waiting, limit.as_ref()) {
        Ok(_) if !waiting[0].revents().is_empty() => Ok(Woken::Signal),
        Ok(_) if waiting[1].revents().contains(PollFlags::ERR) => Ok(Woken::ClosedPipe),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(Woken::Time),
        Err(fault) => Err(Refusal::new(format!("waiting for messages failed: {fault}"))),
    }
}
