//! A terminal that gives every key at once, and is as it was when we leave it.

use std::panic;
use std::sync::Arc;

use crewkit_tool::Refusal;
use rustix::stdio::{stdin, stdout};
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcgetwinsize, tcsetattr};

/// Columns of a terminal that does not tell.
const COLUMNS: usize = 80;

/// Bracketed paste on and off: a pasted text is marked as one.
const PASTE_ON: &[u8] = b"\x1b[?2004h";
const PASTE_OFF: &[u8] = b"\x1b[?2004l";

/// The terminal of standard input and output. Dropping it, or a panic, gives it back as it was.
pub(super) struct Terminal {
    before: Arc<Termios>,
}

impl Terminal {
    /// Takes the terminal: no echo, no lines, no keys that send signals. Output stays as it is.
    pub(super) fn take() -> Result<Self, Refusal> {
        let before = Arc::new(
            tcgetattr(stdin()).map_err(|fault| Refusal::new(format!("the terminal cannot be read: {fault}")))?,
        );
        let terminal = Self { before };
        terminal.enter()?;
        let (before, others) = (Arc::clone(&terminal.before), panic::take_hook());
        panic::set_hook(Box::new(move |fault| {
            give_back(&before);
            others(fault);
        }));
        Ok(terminal)
    }

    fn enter(&self) -> Result<(), Refusal> {
        let mut modes = (*self.before).clone();
        modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        modes.input_modes -= InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR | InputModes::IXON;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin(), OptionalActions::Now, &modes)
            .map_err(|fault| Refusal::new(format!("the terminal cannot be set: {fault}")))?;
        // A terminal without the marks still sends the text.
        let _ = rustix::io::write(stdout(), PASTE_ON);
        Ok(())
    }

    /// Stops the program as ctrl-z does, with the terminal as it was, and goes on when it is continued.
    pub(super) fn suspend(&self) -> Result<(), Refusal> {
        give_back(&self.before);
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
        self.enter()?;
        stopped.map_err(|fault| Refusal::new(format!("the program cannot be stopped: {fault}")))
    }

    /// Takes the terminal again, after something else may have changed it.
    pub(super) fn again(&self) -> Result<(), Refusal> {
        self.enter()
    }

    /// Its columns.
    pub(super) fn columns() -> usize {
        match tcgetwinsize(stdout()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
            _ => COLUMNS,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back(&self.before);
    }
}

fn give_back(before: &Termios) {
    // A terminal that was closed takes nothing back.
    let _ = rustix::io::write(stdout(), PASTE_OFF);
    let _ = tcsetattr(stdin(), OptionalActions::Now, before);
}
