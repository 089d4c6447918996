//! Running a program with our own standard streams while something is watched.

use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{Run, code_of};
use crate::Refusal;

/// How soon a signal to us is handed on.
const HEED_EVERY: Duration = Duration::from_millis(100);

/// How long a program that is told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// How a program that was attended ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attended {
    /// Its exit code; 128 + N when signal N ended it.
    pub code: i32,
    /// Whether it was ended because `watch` said so.
    pub stopped: bool,
}

impl Run {
    /// Runs it to its end with our standard streams, and asks `watch` every `every` whether it may go on; when not, its
    /// process group is ended. SIGINT, SIGTERM and SIGHUP to us are handed on to it, and do not end us before it.
    ///
    /// It gets a process group of its own, but for a terminal on standard input: there it stays in ours, for only the
    /// group in the foreground may read.
    ///
    /// # Errors
    /// As [`Run::run`].
    pub fn attend(mut self, every: Duration, mut watch: impl FnMut() -> bool) -> Result<Attended, Refusal> {
        self.command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        let own_group = !std::io::stdin().is_terminal();
        if own_group {
            self.command.process_group(0);
        }
        // Registered before the start: a signal in between is kept for the program.
        let signalled = Arc::new(AtomicUsize::new(0));
        for (signal, number) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1)] {
            signal_hook::flag::register_usize(signal, Arc::clone(&signalled), number)
                .map_err(|fault| self.fault(&fault))?;
        }
        let mut child = self.command.spawn().map_err(|fault| self.fault(&fault))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let send = |signal: Signal| {
            let _ = match pid {
                Some(pid) if own_group => kill_process_group(pid, signal),
                Some(pid) => kill_process(pid, signal),
                None => Ok(()),
            };
        };
        let (told, ended) = mpsc::channel();
        thread::spawn(move || told.send(child.wait()));
        let (mut watched, mut stopped_at, mut killed) = (Instant::now(), None, false);
        let status = loop {
            match ended.recv_timeout(HEED_EVERY.min(every)) {
                Ok(status) => break status.map_err(|fault| self.fault(&fault))?,
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(Refusal::new("the program was lost sight of")),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            match signalled.swap(0, Ordering::Relaxed) {
                0 => {}
                1 => send(Signal::HUP),
                2 => send(Signal::INT),
                _ => send(Signal::TERM),
            }
            match stopped_at {
                None if watched.elapsed() >= every => {
                    watched = Instant::now();
                    if !watch() {
                        send(Signal::TERM);
                        stopped_at = Some(Instant::now());
                    }
                }
                Some(at) if !killed && Instant::now().saturating_duration_since(at) > GRACE => {
                    send(Signal::KILL);
                    killed = true;
                }
                _ => {}
            }
        };
        if stopped_at.is_some() && own_group {
            // Members of the group that outlived their leader.
            send(Signal::KILL);
        }
        Ok(Attended { code: code_of(status), stopped: stopped_at.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;

    fn run(arguments: &[&str]) -> Run {
        Run::new(&Context::process(), "sh").args(arguments)
    }

    #[test]
    fn the_exit_code_is_handed_on() {
        let ended = run(&["-c", "exit 7"]).attend(Duration::from_secs(1), || true).unwrap();
        assert_eq!(ended, Attended { code: 7, stopped: false });
        let missing = Run::new(&Context::process(), "no-such-program-here").attend(Duration::from_secs(1), || true);
        assert_eq!(missing.unwrap_err().code, 127);
    }

    #[test]
    fn what_is_watched_ends_it() {
        let mut looks = 0;
        let ended = run(&["-c", "sleep 60"])
            .attend(Duration::from_millis(10), || {
                looks += 1;
                looks < 3
            })
            .unwrap();
        assert_eq!(ended, Attended { code: 128 + 15, stopped: true });
        assert_eq!(looks, 3);
    }
}
