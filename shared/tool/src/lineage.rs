//! Other processes: whether one lives, and which of those that called us outlives this call.

use std::fs;
use std::io::Read as _;

use rustix::process::{Pid, getpid, getppid, test_kill_process};

/// Programs that run another and end with it: what called them is the caller that counts.
const WRAPPERS: &[&str] = &[
    "timeout",
    "env",
    "nice",
    "nohup",
    "ionice",
    "chrt",
    "stdbuf",
    "setsid",
    "xargs",
    "sudo",
    "doas",
    "time",
    "flock",
    "crewkit",
    "plan-db",
    "plan-db.sh",
    "plan-db-safe",
    "plan-db-safe.sh",
    "file-lock.sh",
];

/// Shells, which end with the call when they were given one command line.
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ash", "ksh", "mksh", "fish", "busybox"];

/// How far up the chain of parents we look.
const GENERATIONS: usize = 16;

/// Whether the process `pid` lives on this computer; one that has ended and was not waited for yet does not.
pub fn alive(pid: i64) -> bool {
    let Some(found) = i32::try_from(pid).ok().filter(|pid| *pid > 0).and_then(Pid::from_raw) else { return false };
    match test_kill_process(found) {
        Ok(()) => stat(pid).is_none_or(|process| !matches!(process.state, b'Z' | b'X')),
        Err(fault) => fault == rustix::io::Errno::PERM,
    }
}

/// This process, in words that stand for no other: its number, and when it was started (clock ticks since the computer
/// was), which tells it from a later one of the same number.
pub fn mark() -> String {
    let own = i64::from(getpid().as_raw_nonzero().get());
    format!("{own}-{}", stat(own).map_or(0, |process| process.started))
}

/// Whether the process of `mark` (see [`mark`]) lives on this computer. What is no mark stands for none that does.
pub fn lives(mark: &str) -> bool {
    let Some((pid, started)) = mark.split_once('-') else { return false };
    let (Ok(pid), Ok(started)) = (pid.parse(), started.parse::<u64>()) else { return false };
    alive(pid) && stat(pid).is_none_or(|process| process.started == started)
}

/// The process on whose behalf we were called: the nearest in the chain of parents that outlives this call. Wrappers
/// such as `timeout`, and shells started for one command line, do not. Where the chain cannot be read (no `/proc`)
/// it is the parent; where nobody is left, this process itself.
pub fn caller() -> i64 {
    let own = i64::from(getpid().as_raw_nonzero().get());
    let parent = getppid().map_or(0, |pid| i64::from(pid.as_raw_nonzero().get()));
    let direct = if parent > 1 { parent } else { own };
    let mut pid = parent;
    for _ in 0..GENERATIONS {
        if pid <= 1 {
            break;
        }
        let Some(process) = stat(pid) else { break };
        if !passes(pid, &process.name) {
            return pid;
        }
        pid = process.parent;
    }
    direct
}

fn passes(pid: i64, name: &str) -> bool {
    if SHELLS.contains(&name) {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        return runs_one_line(&line);
    }
    WRAPPERS.contains(&name)
}

/// Whether a shell's arguments (NUL after each, as in proc_pid_cmdline(5)) give it a command line: `-c`, `-lc`...
fn runs_one_line(arguments: &[u8]) -> bool {
    arguments
        .split(|byte| *byte == 0)
        .skip(1)
        .take_while(|argument| matches!(argument, [b'-' | b'+', _, ..]) && *argument != b"--")
        .any(|argument| argument[0] == b'-' && argument[1] != b'-' && argument.contains(&b'c'))
}

/// The number of the field that tells when a process was started, in proc_pid_stat(5).
const STARTED: usize = 22;

struct Process {
    name: String,
    state: u8,
    parent: i64,
    started: u64,
}

/// The first fields of proc_pid_stat(5); `None` without `/proc` or without the process.
fn stat(pid: i64) -> Option<Process> {
    // The fields that are wanted stand at the beginning; a read of /proc gives them whole.
    let mut beginning = [0; 512];
    let length = fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut beginning).ok()?;
    parse_stat(beginning.get(..length)?)
}

fn parse_stat(text: &[u8]) -> Option<Process> {
    // The name may hold anything, brackets and blanks too: it ends at the last bracket.
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
    let rest = String::from_utf8_lossy(text.get(close + 1..)?);
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    let started = fields.nth(STARTED - 5).and_then(|field| field.parse().ok()).unwrap_or(0);
    Some(Process { name, state, parent, started })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a child that is not waited for")]
    fn child() -> std::process::Child {
        std::process::Command::new("true").spawn().unwrap()
    }

    #[test]
    fn the_dead_are_dead() {
        assert!(alive(i64::from(std::process::id())));
        assert!(alive(1));
        for pid in [0, -1, i64::MAX, 4_194_303] {
            assert!(!alive(pid), "{pid}");
        }
        let mut child = child();
        let pid = i64::from(child.id());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while alive(pid) && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        if cfg!(target_os = "linux") {
            assert!(!alive(pid), "ended, not waited for");
        }
        child.wait().unwrap();
        assert!(!alive(pid));
    }

    #[test]
    fn a_mark_stands_for_one_process() {
        let own = mark();
        assert!(lives(&own), "{own}");
        let mut child = child();
        let gone = format!("{}-7", child.id());
        child.wait().unwrap();
        for other in ["", "1", "x-1", "1-x", "0-0", &gone] {
            assert!(!lives(other), "{other}");
        }
        if cfg!(target_os = "linux") {
            let (pid, started) = own.split_once('-').unwrap();
            assert_ne!(started, "0");
            assert!(!lives(&format!("{pid}-1{started}")), "another process of the same number");
        }
    }

    #[test]
    fn a_shell_for_one_line_passes() {
        for (line, wanted) in [
            (&b"bash\0-c\0file-lock list\0"[..], true),
            (b"sh\0-ec\0x\0", true),
            (b"zsh\0-l\0-c\0x\0", true),
            (b"bash\0+e\0-c\0x\0", true),
            (b"bash\0script.sh\0-c\0", false),
            (b"-bash\0", false),
            (b"bash\0--norc\0", false),
            (b"bash\0--\0-c\0", false),
        ] {
            assert_eq!(runs_one_line(line), wanted, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn a_name_with_brackets_is_read_whole() {
        let process = parse_stat(b"12 (a) b (c) S 7 12 12").unwrap();
        assert_eq!((process.name.as_str(), process.state, process.parent), ("a) b (c", b'S', 7));
        assert!(parse_stat(b"12").is_none());
    }

    #[test]
    fn the_caller_lives() {
        assert!(alive(caller()));
    }
}
