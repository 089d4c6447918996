//! Standard input and output.

use std::io::{IsTerminal, Read, Write};

use super::{Context, Stdin};
use crate::Refusal;

impl Context {
    /// All of standard input, at most `most` bytes.
    ///
    /// # Errors
    /// When it cannot be read or is longer.
    pub fn read_stdin(&self, most: u64) -> Result<Vec<u8>, Refusal> {
        match &self.stdin {
            Stdin::Bytes(bytes) => Ok(bytes.clone()),
            Stdin::Process => {
                let mut bytes = Vec::new();
                std::io::stdin()
                    .lock()
                    .take(most + 1)
                    .read_to_end(&mut bytes)
                    .map_err(|fault| Refusal::new(format!("standard input cannot be read: {fault}")))?;
                if bytes.len() as u64 > most {
                    return Err(Refusal::new(format!("standard input is longer than {most} bytes")));
                }
                Ok(bytes)
            }
        }
    }

    /// Standard input, to be read as it comes.
    pub fn stdin(&self) -> Box<dyn Read + '_> {
        match &self.stdin {
            Stdin::Bytes(bytes) => Box::new(bytes.as_slice()),
            Stdin::Process => Box::new(std::io::stdin().lock()),
        }
    }

    /// Whether standard input is a terminal.
    pub fn stdin_is_terminal(&self) -> bool {
        matches!(self.stdin, Stdin::Process) && std::io::stdin().is_terminal()
    }

    /// Whether standard output is a terminal.
    pub fn stdout_is_terminal(&self) -> bool {
        self.streamed.is_none() && std::io::stdout().is_terminal()
    }

    /// Whether colours may be written to standard output: a terminal, `NO_COLOR` not set (<https://no-color.org>), and
    /// not `TERM=dumb`.
    pub fn colours(&self) -> bool {
        self.stdout_is_terminal()
            && self.environment.get("NO_COLOR").is_none()
            && self.variable("TERM").is_none_or(|term| term != "dumb")
    }

    /// Writes `bytes` to standard output at once: for tools that show things as they happen.
    ///
    /// # Errors
    /// The system's, a closed pipe among them; see [`crate::exit_code::CLOSED_PIPE`].
    pub fn stream(&self, bytes: &[u8]) -> std::io::Result<()> {
        if let Some(streamed) = &self.streamed {
            streamed.borrow_mut().extend_from_slice(bytes);
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// What [`Context::stream`] was given so far, in a scripted context.
    pub fn streamed(&self) -> Vec<u8> {
        self.streamed.as_ref().map(|streamed| streamed.borrow().clone()).unwrap_or_default()
    }
}
