//! Running a program and handing its output on as it comes, in bounded memory.

use std::io::{Error, ErrorKind, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::SigId;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::{pipe, unregister};

use super::{Run, code_of};
use crate::Refusal;

/// Most bytes taken from a pipe at once: what a pipe holds.
const CHUNK: usize = 64 << 10;
/// How long a program that is told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// How long pipes that the program's own children hold open are listened to after its end without a word.
const QUIET: Duration = Duration::from_millis(300);
/// The same, while there are words.
const LINGER: Duration = Duration::from_secs(3);

/// The stream that a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Standard output, or both when they are joined.
    Out,
    /// Standard error.
    Err,
}

/// How a program whose output was handed on ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streamed {
    /// Its exit code; 128 + N when signal N ended it, and when we were told to end by signal N. One whose time was up
    /// never ends with 0, even if it said so.
    pub code: i32,
    /// The signal that we were told to end by.
    pub interrupted: Option<i32>,
    /// Whether it was ended because its time was up.
    pub timed_out: bool,
}

impl Run {
    /// Runs it to its end in a process group of its own, without standard input, and hands every piece of its output
    /// to `take` as it comes (at most 64 KiB at once). With `joined` both streams are one pipe, so that their order is
    /// kept. SIGINT, SIGQUIT, SIGTERM and SIGHUP to us, and the end of the time
    /// limit, end the whole group.
    ///
    /// # Errors
    /// As [`Run::run`].
    pub fn stream(mut self, joined: bool, take: &mut dyn FnMut(Source, &[u8])) -> Result<Streamed, Refusal> {
        let signals = Signals::heed().map_err(|fault| self.fault(&fault))?;
        let started = self.spawn_with_pipes(joined).map_err(|fault| self.fault(&fault))?;
        let mut watch = Watch { limit: self.limit, ..Watch::new(started, signals) };
        watch.run(take).map_err(|fault| self.fault(&fault))
    }

    fn spawn_with_pipes(&mut self, joined: bool) -> Result<(Child, Pipe, Option<Pipe>), Error> {
        self.command.stdin(Stdio::null()).process_group(0);
        let (out, out_end) = std::io::pipe()?;
        let err = if joined {
            self.command.stderr(out_end.try_clone()?);
            None
        } else {
            let (err, err_end) = std::io::pipe()?;
            self.command.stderr(err_end);
            Some(err)
        };
        self.command.stdout(out_end);
        let child = self.command.spawn()?;
        // Our copies of the writing ends would keep the pipes open.
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok((child, Some(out), err.map(Some)))
    }
}

/// The reading end of a pipe; `None` once it was read to its end.
type Pipe = Option<PipeReader>;

/// Signals to this process, as something that can be waited for.
struct Signals {
    wake: UnixStream,
    told: Arc<AtomicUsize>,
    ids: Vec<SigId>,
}

impl Signals {
    /// Heeded from before the start of the program: a signal in between is kept for it.
    fn heed() -> Result<Self, Error> {
        let (wake, end) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let told = Arc::new(AtomicUsize::new(0));
        let mut ids = Vec::new();
        for (signal, number) in [(SIGINT, 2), (SIGQUIT, 3), (SIGTERM, 15), (SIGHUP, 1)] {
            ids.push(signal_hook::flag::register_usize(signal, Arc::clone(&told), number)?);
            ids.push(pipe::register(signal, OwnedFd::from(end.try_clone()?))?);
        }
        ids.push(pipe::register(SIGCHLD, OwnedFd::from(end))?);
        Ok(Self { wake, told, ids })
    }

    /// The signal that came since the last call.
    fn take(&mut self) -> Option<i32> {
        let mut bytes = [0; 64];
        while matches!(self.wake.read(&mut bytes), Ok(count) if count > 0) {}
        match self.told.swap(0, Ordering::Relaxed) {
            1 => Some(SIGHUP),
            2 => Some(SIGINT),
            3 => Some(SIGQUIT),
            15 => Some(SIGTERM),
            _ => None,
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            unregister(id);
        }
    }
}

struct Watch {
    child: Child,
    group: Option<Pid>,
    out: Pipe,
    err: Pipe,
    signals: Signals,
    started: Instant,
    limit: Option<Duration>,
    told_to_end: Option<Instant>,
    killed: bool,
    interrupted: Option<i32>,
    timed_out: bool,
}

impl Watch {
    fn new((child, out, err): (Child, Pipe, Option<Pipe>), signals: Signals) -> Self {
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Self {
            child,
            group,
            out,
            err: err.flatten(),
            signals,
            started: Instant::now(),
            limit: None,
            told_to_end: None,
            killed: false,
            interrupted: None,
            timed_out: false,
        }
    }

    fn run(&mut self, take: &mut dyn FnMut(Source, &[u8])) -> Result<Streamed, Error> {
        let mut buffer = vec![0; CHUNK];
        let mut ended: Option<(i32, Instant)> = None;
        loop {
            let open = self.out.is_some() || self.err.is_some();
            match ended {
                Some((code, _)) if !open => return Ok(self.streamed(code)),
                Some((code, at)) if at.elapsed() > LINGER => return Ok(self.streamed(code)),
                _ => {}
            }
            let wait = if ended.is_some() { Some(QUIET) } else { self.next_deadline() };
            let (woken, out, err) = self.wait(wait)?;
            if out {
                read_some(&mut self.out, &mut buffer, Source::Out, take)?;
            }
            if err {
                read_some(&mut self.err, &mut buffer, Source::Err, take)?;
            }
            // Before the look at the child: a signal that says it ended must not be taken after that look.
            if woken && let Some(signal) = self.signals.take() {
                self.heed(signal);
            }
            if let Some((code, _)) = ended {
                if !out && !err && !woken {
                    return Ok(self.streamed(code));
                }
            } else if let Some(status) = if woken || !(out || err) { self.child.try_wait()? } else { None } {
                ended = Some((code_of(status), Instant::now()));
                if self.told_to_end.is_some() {
                    // Members of the group that outlived their leader.
                    self.send(Signal::KILL);
                }
            }
            self.heed_time();
        }
    }

    fn streamed(&self, code: i32) -> Streamed {
        let code = if self.timed_out && code == 0 { 128 + SIGTERM } else { code };
        let code = self.interrupted.map_or(code, |signal| 128 + signal);
        Streamed { code, interrupted: self.interrupted, timed_out: self.timed_out }
    }

    /// A signal to us: handed on; a second one does not wait any longer.
    fn heed(&mut self, signal: i32) {
        if self.interrupted.replace(signal).is_some() {
            self.killed = true;
            self.send(Signal::KILL);
            return;
        }
        self.told_to_end = Some(Instant::now());
        self.send(match signal {
            SIGHUP => Signal::HUP,
            SIGINT => Signal::INT,
            SIGQUIT => Signal::QUIT,
            _ => Signal::TERM,
        });
    }

    fn heed_time(&mut self) {
        match self.told_to_end {
            None if self.limit.is_some_and(|limit| self.started.elapsed() >= limit) => {
                self.timed_out = true;
                self.told_to_end = Some(Instant::now());
                self.send(Signal::TERM);
            }
            Some(at) if !self.killed && at.elapsed() > GRACE => {
                self.killed = true;
                self.send(Signal::KILL);
            }
            _ => {}
        }
    }

    fn send(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
    }

    /// How long nothing but the program's own doing has to be waited for.
    fn next_deadline(&self) -> Option<Duration> {
        let left = |total: Duration, since: Instant| total.saturating_sub(since.elapsed()) + Duration::from_millis(1);
        match (self.told_to_end, self.limit) {
            (Some(at), _) => Some(left(GRACE, at)),
            (None, Some(limit)) => Some(left(limit, self.started)),
            (None, None) => None,
        }
    }

    /// Waits for a signal or output; says whether there is a signal, and output on either stream.
    fn wait(&self, most: Option<Duration>) -> Result<(bool, bool, bool), Error> {
        let fds: Vec<BorrowedFd> =
            [Some(self.signals.wake.as_fd()), self.out.as_ref().map(AsFd::as_fd), self.err.as_ref().map(AsFd::as_fd)]
                .into_iter()
                .flatten()
                .collect();
        let mut waiting: Vec<PollFd> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let most = most.and_then(|most| Timespec::try_from(most).ok());
        match poll(&mut waiting, most.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut ready = waiting.iter().map(|fd| !fd.revents().is_empty());
        let mut next = |is_open: bool| is_open && ready.next().unwrap_or(false);
        Ok((next(true), next(self.out.is_some()), next(self.err.is_some())))
    }
}

/// Hands on what is there; notes the end.
fn read_some(
    pipe: &mut Pipe,
    buffer: &mut [u8],
    source: Source,
    take: &mut dyn FnMut(Source, &[u8]),
) -> Result<(), Error> {
    let Some(open) = pipe else { return Ok(()) };
    match open.read(buffer) {
        Ok(0) => *pipe = None,
        Ok(count) => take(source, &buffer[..count]),
        Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
        Err(fault) => return Err(fault),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;

    fn stream(script: &str, joined: bool, limit: Option<Duration>) -> (Streamed, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut run = Run::new(&Context::process(), "sh").args(["-c", script]);
        run.limit = limit;
        let ended = run
            .stream(joined, &mut |source, bytes| match source {
                Source::Out => out.extend_from_slice(bytes),
                Source::Err => err.extend_from_slice(bytes),
            })
            .unwrap();
        (ended, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn both_streams_come_apart_or_in_their_order() {
        let script = "echo a; echo b >&2; echo c; exit 4";
        let (ended, out, err) = stream(script, false, None);
        assert_eq!((ended.code, out.as_str(), err.as_str()), (4, "a\nc\n", "b\n"));
        let (ended, out, err) = stream(script, true, None);
        assert_eq!((ended.code, out.as_str(), err.as_str()), (4, "a\nb\nc\n", ""));
        assert_eq!(stream("kill -9 $$", true, None).0.code, 137);
        let (_, out, _) = stream("head -c 3000000 /dev/zero | tr '\\0' x", true, None);
        assert_eq!(out.len(), 3_000_000);
    }

    #[test]
    fn a_child_left_behind_does_not_hold_us() {
        let started = Instant::now();
        let (ended, out, _) = stream("sleep 20 & echo done", true, None);
        assert_eq!((ended.code, out.as_str()), (0, "done\n"));
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn one_that_closes_its_streams_is_waited_for() {
        let (ended, ..) = stream("exec >&- 2>&-; sleep 0.2; exit 5", false, None);
        assert_eq!(ended.code, 5);
    }

    #[test]
    fn the_limit_ends_the_whole_group_and_keeps_what_was_said() {
        let started = Instant::now();
        let (ended, out, _) = stream("echo first; sleep 60 & sleep 60", true, Some(Duration::from_millis(200)));
        assert_eq!((ended.timed_out, ended.code, out.as_str()), (true, 143, "first\n"));
        assert!(started.elapsed() < Duration::from_secs(10));
        let polite = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
        let (ended, ..) = stream(polite, true, Some(Duration::from_millis(200)));
        assert_eq!((ended.timed_out, ended.code), (true, 143));
    }

    #[test]
    fn one_that_cannot_start_is_named() {
        let refusal = Run::new(&Context::process(), "no-such-program-here").stream(true, &mut |_, _| {}).unwrap_err();
        assert_eq!((refusal.code, refusal.message.contains("no-such-program-here")), (127, true));
    }
}
