//! Signals as something to wait for beside the terminal: the first byte on the pipe says that one came.

use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use crewkit_tool::Refusal;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGWINCH};

/// Signals that are caught from now on.
#[derive(Debug)]
pub(super) struct Signals {
    pipe: UnixStream,
}

impl Signals {
    /// Those that ask the program to end. A terminal that was closed is not among them: who started the program with
    /// nohup wants it to go on.
    pub(super) fn ending() -> Result<Self, Refusal> {
        Self::catch(&[SIGINT, SIGTERM])
    }

    /// Those that ask the program to leave its terminal.
    pub(super) fn leaving() -> Result<Self, Refusal> {
        Self::catch(&[SIGINT, SIGTERM, SIGHUP])
    }

    /// Those after which a terminal has to be drawn anew.
    pub(super) fn redrawing() -> Result<Self, Refusal> {
        Self::catch(&[SIGWINCH, SIGCONT])
    }

    fn catch(signals: &[i32]) -> Result<Self, Refusal> {
        let caught = || -> std::io::Result<UnixStream> {
            let (ours, theirs) = UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            for signal in signals {
                signal_hook::low_level::pipe::register(*signal, theirs.try_clone()?)?;
            }
            Ok(ours)
        };
        Ok(Self { pipe: caught().map_err(|fault| Refusal::new(format!("signals cannot be caught: {fault}")))? })
    }

    /// Forgets the signals that came so far.
    pub(super) fn forget(&mut self) {
        let mut bytes = [0; 64];
        while self.pipe.read(&mut bytes).is_ok_and(|count| count > 0) {}
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
