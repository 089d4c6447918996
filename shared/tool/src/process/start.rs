//! Running a program while this one does something else, and reading both of its streams without further threads: in
//! a call of a few milliseconds a thread's start and its turns are a good part of it.

use std::ffi::OsString;
use std::io::{Error, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdout, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::{Ended, KEPT_BYTES, Run, code_of};
use crate::Refusal;

/// Most bytes taken from a stream at once: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// A program that was started and is to be waited for with [`Started::finish`].
#[derive(Debug)]
pub struct Started {
    child: Child,
    program: OsString,
    out: Stream<ChildStdout>,
    err: Stream<ChildStderr>,
}

/// One of its streams.
#[derive(Debug)]
struct Stream<P> {
    /// `None` once it was read to its end.
    pipe: Option<P>,
    kept: Vec<u8>,
}

impl Run {
    /// Starts it, with no standard input and no time limit, and comes back at once.
    ///
    /// # Errors
    /// As [`Run::run`].
    pub fn start(mut self) -> Result<Started, Refusal> {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(|fault| self.fault(&fault))?;
        let out = Stream { pipe: child.stdout.take(), kept: Vec::new() };
        let err = Stream { pipe: child.stderr.take(), kept: Vec::new() };
        Ok(Started { child, program: self.program, out, err })
    }
}

impl Run {
    /// Starts it in a process group of its own, without any stream, and leaves it to itself: it goes on when this program
    /// has ended.
    ///
    /// # Errors
    /// As [`Run::run`].
    pub fn start_detached(mut self) -> Result<(), Refusal> {
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        self.command.spawn().map(drop).map_err(|fault| self.fault(&fault))
    }
}

impl Started {
    /// Waits for its end.
    ///
    /// # Errors
    /// When the system cannot wait for it or read its streams.
    pub fn finish(mut self) -> Result<Ended, Refusal> {
        let fault = |fault: Error| Refusal::new(format!("{}: {fault}", self.program.to_string_lossy()));
        while self.out.pipe.is_some() || self.err.pipe.is_some() {
            let (out, err) = ready(self.out.pipe.as_ref(), self.err.pipe.as_ref()).map_err(fault)?;
            if out {
                self.out.take().map_err(fault)?;
            }
            if err {
                self.err.take().map_err(fault)?;
            }
        }
        let status = self.child.wait().map_err(fault)?;
        Ok(Ended { code: code_of(status), stdout: self.out.kept, stderr: self.err.kept, timed_out: false })
    }
}

/// Waits until one of the two has something to be read, or its end; says which.
fn ready(out: Option<&impl AsFd>, err: Option<&impl AsFd>) -> Result<(bool, bool), Error> {
    let mut waiting = Vec::with_capacity(2);
    waiting.extend(out.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    waiting.extend(err.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    loop {
        match poll(&mut waiting, None) {
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    let mut flags = waiting.iter().map(|pipe| !pipe.revents().is_empty());
    let mut told = |is_open: bool| is_open && flags.next().unwrap_or(false);
    Ok((told(out.is_some()), told(err.is_some())))
}

impl<P: Read> Stream<P> {
    /// Takes what is there; notes the end.
    fn take(&mut self) -> Result<(), Error> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        let before = self.kept.len();
        self.kept.resize(before + CHUNK, 0);
        let count = loop {
            match pipe.read(&mut self.kept[before..]) {
                Err(fault) if fault.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.kept.truncate(before + *count.as_ref().unwrap_or(&0));
        if count? == 0 {
            self.pipe = None;
        }
        // What comes beyond the limit is read and dropped.
        self.kept.truncate(usize::try_from(KEPT_BYTES).unwrap_or(usize::MAX));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;

    fn start(script: &str) -> Started {
        Run::new(&Context::process(), "sh").args(["-c", script]).start().unwrap()
    }

    #[test]
    fn both_streams_come_back_whole_in_any_order() {
        let ended =
            start("head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; echo end >&2; exit 3").finish().unwrap();
        assert_eq!((ended.code, ended.stdout.len(), ended.stderr.len()), (3, 300_000, 300_004));
        let ended = start("exec >&-; echo only; echo err >&2").finish().unwrap();
        assert_eq!((ended.stdout.len(), ended.complaint().is_empty()), (0, false));
        assert_eq!(start("kill -9 $$").finish().unwrap().code, 137);
    }

    #[test]
    fn it_runs_while_we_do_something_else() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("there");
        let started = start(&format!("until test -e '{}'; do sleep 0.01; done; echo seen", file.display()));
        std::fs::write(&file, "").unwrap();
        assert_eq!(started.finish().unwrap().text(), "seen");
    }

    #[test]
    fn one_that_cannot_start_is_named() {
        let refusal = Run::new(&Context::process(), "no-such-program-here").start().unwrap_err();
        assert_eq!((refusal.code, refusal.message.contains("no-such-program-here")), (127, true));
    }
}
