//! All processes of this computer, from `/proc` (proc_pid_stat(5), proc_pid_environ(5)); none where there is no such thing.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

/// A process as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i64,
    /// The number of its parent.
    pub parent: i64,
    /// The number of the process that leads its session (setsid(2)).
    pub session: i64,
    /// The name of its program, at most 15 bytes.
    pub name: String,
    /// When it started, in clock ticks since the computer did: tells it from a later one of the same number.
    started: u64,
}

/// Processes, and who started whom.
#[derive(Debug, Default)]
pub struct Processes {
    all: HashMap<i64, Process>,
}

impl Processes {
    /// Those that live now; without those that have ended and were not waited for.
    pub fn now() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Self { all: pids.filter_map(|pid| Some((pid, look(pid)?))).collect() }
    }

    /// All of them, in the order of their numbers.
    pub fn all(&self) -> Vec<&Process> {
        let mut all: Vec<_> = self.all.values().collect();
        all.sort_by_key(|process| process.pid);
        all
    }

    /// The process `pid` and those above it, nearest first.
    pub fn line(&self, pid: i64) -> Vec<&Process> {
        let mut line: Vec<&Process> = Vec::new();
        let mut at = pid;
        while let Some(process) = self.all.get(&at) {
            // A number that was given anew while we looked could close a circle.
            if line.iter().any(|known| known.pid == process.pid) {
                break;
            }
            line.push(process);
            at = process.parent;
        }
        line
    }
}

impl Process {
    /// The value of `name` in the environment it was started with; `None` when it is not there or may not be read.
    pub fn variable(&self, name: &str) -> Option<Vec<u8>> {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).ok()?;
        let value = |entry: &[u8]| Some(entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_vec());
        environment.split(|byte| *byte == 0).find_map(value)
    }

    /// Its arguments, that of its name first; bytes that are not UTF-8 are replaced.
    pub fn arguments(&self) -> Vec<String> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let line = line.strip_suffix(b"\0").unwrap_or(&line);
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    /// Whether it lives still.
    pub fn lives(&self) -> bool {
        look(self.pid).is_some_and(|now| now.started == self.started)
    }

    /// Sends it a signal; never to a later process of the same number.
    #[cfg(target_os = "linux")]
    fn signal(&self, signal: Signal) {
        use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
        let Some(pid) = i32::try_from(self.pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw) else { return };
        // The descriptor stays with the process that had the number when it was opened.
        if let Ok(process) = pidfd_open(pid, PidfdFlags::empty())
            && self.lives()
        {
            let _ = pidfd_send_signal(&process, signal);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn signal(&self, _: Signal) {}
}

/// How long a process that was killed is given to be gone: the kernel frees its memory first.
const GONE_WITHIN: Duration = Duration::from_millis(500);

/// Tells `processes` to end (SIGTERM), and kills those that live still after `grace`.
pub fn end(processes: &[&Process], grace: Duration) {
    for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, GONE_WITHIN)] {
        let mut left: Vec<_> = processes.iter().filter(|process| process.lives()).collect();
        for process in &left {
            process.signal(signal);
        }
        let deadline = Instant::now() + patience;
        while !left.is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
            left.retain(|process| process.lives());
        }
    }
}

fn look(pid: i64) -> Option<Process> {
    parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads proc_pid_stat(5); `None` for a process that has ended.
fn parse(pid: i64, stat: &[u8]) -> Option<Process> {
    // The name may hold anything, brackets and blanks too: it ends at the last bracket.
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(stat.get(open + 1..close)?).into_owned();
    let rest = String::from_utf8_lossy(stat.get(close + 1..)?).into_owned();
    // From the third field of the manual page on.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse().ok();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    Some(Process { pid, parent: number(1)?, session: number(3)?, name, started: fields.get(19)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_os = "linux")]
    use std::os::unix::process::ExitStatusExt as _;

    #[expect(clippy::disallowed_methods, reason = "a child that is not waited for")]
    fn child(script: &str) -> std::process::Child {
        std::process::Command::new("sh").args(["-c", script]).env("MARK_OF_TEST", "a b").spawn().unwrap()
    }

    #[test]
    fn a_line_of_the_kernel_is_read_whole() {
        let stat = b"12 (a) b (c) S 7 12 11 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4321 9 9";
        let process = parse(12, stat).unwrap();
        assert_eq!((process.name.as_str(), process.parent, process.session), ("a) b (c", 7, 11));
        assert_eq!(process.started, 4321);
        assert!(parse(12, b"12 (x) Z 7 12 11 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4321").is_none());
        assert!(parse(12, b"12").is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn processes_are_known_and_ended() {
        let mut polite = child("exec sleep 60");
        let mut stubborn = child("trap '' TERM; while :; do sleep 0.05; done");
        std::thread::sleep(Duration::from_millis(200));
        let now = Processes::now();
        let of = |child: &std::process::Child| now.all[&i64::from(child.id())].clone();
        let both = [of(&polite), of(&stubborn)];
        assert_eq!(both[0].variable("MARK_OF_TEST").as_deref(), Some(&b"a b"[..]));
        assert_eq!(both[0].variable("MARK_OF"), None);
        assert_eq!(both[0].arguments(), ["sleep", "60"]);
        let own = i64::from(std::process::id());
        assert!(now.line(both[0].pid).iter().any(|process| process.pid == own));
        assert!(now.all().windows(2).all(|pair| pair[0].pid < pair[1].pid));
        end(&[&both[0], &both[1]], Duration::from_millis(300));
        assert_eq!(polite.wait().unwrap().signal(), Some(15));
        assert_eq!(stubborn.wait().unwrap().signal(), Some(9));
        assert!(!both[0].lives());
    }
}
