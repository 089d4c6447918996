//! session-cleanup: ends helper processes that a dead session left running. Called by hand, cron or a service.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use clap::{CommandFactory, Parser};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, lineage, text};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

/// session-cleanup.
pub const TOOL: Tool = Tool {
    name: "session-cleanup",
    summary: "ends helper processes that a dead session left running",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// The programs that are looked for, unless told otherwise.
const NAMES: &str = "caffeinate";
/// Age in minutes from which a process is left over.
const MINUTES: u64 = 120;
/// How long `ps` may take.
const PS_LIMIT: Duration = Duration::from_secs(10);

/// Ends helper processes that a dead session left running: those of the names in SESSION_CLEANUP_NAMES (comma-separated,
/// default: caffeinate) that are older than the limit, are this user's, and whose parent is gone.
///
/// One object: killed, failed, skipped_dry_run, threshold_min. Ends with 0; 1 for a number that is none, or when the
/// processes cannot be listed.
#[derive(Parser, Debug)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Arguments {
    /// Names what would be ended, and ends nothing; MINUTES as --max-idle
    #[arg(long, value_name = "MINUTES", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "given, and given with a value")]
    dry_run: Option<Option<u64>>,
    /// Age in minutes from which a process is left over (120)
    #[arg(long, value_name = "MINUTES", conflicts_with = "older_than")]
    max_idle: Option<u64>,
    /// The same with a unit: 90m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = minutes)]
    older_than: Option<u64>,
    /// Those too whose parent is alive, and other users'
    #[arg(long)]
    all: bool,
    /// Waits so long for each to end, then ends it for good (SIGKILL)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=300))]
    grace: Option<u64>,
}

/// A time with a unit, in minutes.
fn minutes(given: &str) -> Result<u64, String> {
    let wrong = || format!("'{given}' is no time: 90m, 2h or 1d");
    let unit = given.chars().last().ok_or_else(wrong)?;
    let number: u64 = given[..given.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let factor = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 1440,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

#[derive(Debug, Serialize)]
struct Report {
    killed: usize,
    failed: usize,
    skipped_dry_run: usize,
    threshold_min: u64,
    processes: Vec<Process>,
}

/// A process as `ps` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Process {
    name: String,
    pid: i32,
    parent: i32,
    age_min: u64,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| clean(context, &arguments))
}

fn clean(context: &Context, arguments: &Arguments) -> Answer {
    let by_dry_run = arguments.dry_run.flatten();
    let limit = arguments.max_idle.or(arguments.older_than).or(by_dry_run).unwrap_or(MINUTES);
    let ended = Run::new(context, "ps").args(["-eo", "pid,ppid,etime,comm"]).limit(PS_LIMIT).run()?;
    if !ended.ok() {
        return Err(Refusal::new(format!("the processes cannot be listed: {}", ended.complaint())));
    }
    let listed = parse(&String::from_utf8_lossy(&ended.stdout));
    let names = context.variable("SESSION_CLEANUP_NAMES").unwrap_or_else(|| NAMES.to_owned());
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let alive = |pid: i32| pid > 1 && listed.iter().any(|process| process.pid == pid);
    let targets: Vec<Process> = listed
        .iter()
        .filter(|process| names.contains(&process.name.as_str()) && process.age_min > limit)
        .filter(|process| arguments.all || (!alive(process.parent) && is_own(process.pid)))
        .cloned()
        .collect();
    let mut report = Report { killed: 0, failed: 0, skipped_dry_run: 0, threshold_min: limit, processes: Vec::new() };
    let mut lines = String::new();
    if arguments.dry_run.is_some() {
        for Process { name, pid, parent, age_min } in &targets {
            let _ =
                writeln!(lines, "WOULD KILL {} PID={pid} (idle {age_min}min, parent={parent})", text::one_line(name));
        }
        report.skipped_dry_run = targets.len();
    } else {
        for process in &targets {
            match end(process.pid, arguments.grace.map(Duration::from_secs)) {
                Ok(true) => report.killed += 1,
                Ok(false) => {}
                Err(fault) => {
                    report.failed += 1;
                    let name = text::one_line(&process.name);
                    let _ = writeln!(lines, "{name} PID={} cannot be ended: {fault}", process.pid);
                }
            }
        }
    }
    report.processes = targets;
    Ok(Outcome::json(&report).with_stderr(lines))
}

/// Whether the process is this user's; one that cannot be looked at counts as that.
fn is_own(pid: i32) -> bool {
    std::fs::metadata(format!("/proc/{pid}")).map_or(true, |found| found.uid() == rustix::process::geteuid().as_raw())
}

/// Ends a process; false when it had ended by itself.
fn end(pid: i32, grace: Option<Duration>) -> Result<bool, rustix::io::Errno> {
    let Some(process) = Pid::from_raw(pid) else { return Ok(false) };
    match kill_process(process, Signal::TERM) {
        Ok(()) => {}
        Err(rustix::io::Errno::SRCH) => return Ok(false),
        Err(fault) => return Err(fault),
    }
    if let Some(grace) = grace {
        let deadline = Instant::now() + grace;
        while lineage::alive(pid.into()) {
            if Instant::now() >= deadline {
                let _ = kill_process(process, Signal::KILL);
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(true)
}

/// The lines of `ps` that are processes; a program named by its path counts by its last part.
fn parse(listing: &str) -> Vec<Process> {
    let process = |line: &str| {
        let mut rest = line.trim_start();
        let mut field = || {
            let (field, after) = rest.split_once(char::is_whitespace)?;
            rest = after.trim_start();
            Some(field)
        };
        let (pid, parent, age) = (field()?.parse().ok()?, field()?.parse().ok()?, age(field()?)?);
        let program = rest.trim_end();
        let name = program.rsplit('/').next().unwrap_or(program).to_owned();
        Some(Process { name, pid, parent, age_min: age / 60 })
    };
    listing.lines().filter_map(process).collect()
}

/// `[[D-]HH:]MM:SS` in seconds (ps(1), etime).
fn age(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse().ok()?, clock),
        None => (0, text),
    };
    let parts: Vec<u64> = clock.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let seconds = match parts[..] {
        [hours, minutes, seconds] => (hours * 60 + minutes) * 60 + seconds,
        [minutes, seconds] => minutes * 60 + seconds,
        _ => return None,
    };
    Some(days * 86_400 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_in_every_form() {
        let cases =
            [("00:59", Some(59)), ("02:01", Some(121)), ("03:00:01", Some(10_801)), ("2-00:00:10", Some(172_810))];
        for (text, wanted) in cases.into_iter().chain([("", None), ("x", None), ("1", None), ("1-2", None)]) {
            assert_eq!(age(text), wanted, "{text}");
        }
        let units = ["90m", "2h", "1d", "", "h", "2w", "2", "ü"].map(|given| minutes(given).ok());
        assert_eq!(units, [Some(90), Some(120), Some(1440), None, None, None, None, None]);
    }

    #[test]
    fn a_listing_is_read_by_its_columns() {
        let listing =
            "  PID  PPID ELAPSED COMMAND\n 10 1 02:01:00 /usr/bin/caffeinate\n 11 10 00:10 two words\nbroken\n";
        let name = |name: &str| name.to_owned();
        let wanted = [
            Process { name: name("caffeinate"), pid: 10, parent: 1, age_min: 121 },
            Process { name: name("two words"), pid: 11, parent: 10, age_min: 0 },
        ];
        assert_eq!(parse(listing), wanted);
    }
}
