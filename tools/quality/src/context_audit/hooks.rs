//! A dry run of every hook.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crewkit_tool::process::{Ended, Run};
use crewkit_tool::{Context, Refusal};

use super::{Line, Verdict};

const SECTION: &str = "Hooks";

/// How long a hook may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How many run side by side.
const TOGETHER: usize = 8;

/// Variables that would lead a hook to the user's own data.
const OWN_PLACES: [&str; 8] = [
    "CLAUDE_HOME",
    "PLAN_DB_FILE",
    "DB_FILE",
    "CLAUDE_DB",
    "COMMS_DB_PATH",
    "CLAUDE_PROJECT_DIR",
    "CLAUDE_CONFIG_DIR",
    "SSH_AUTH_SOCK",
];

/// Variables by which HTTP clients find a proxy. None listens at the port of `discard` (RFC 863).
const PROXIES: [&str; 6] = ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
const NOWHERE: &str = "http://127.0.0.1:9";

/// Runs every `*.sh` of the hooks' folder with `{}` on standard input, in an empty folder, with a home of its own.
pub(super) fn run_all(context: &Context, home: &Path) -> Vec<Line> {
    let folder = home.join("hooks");
    let mut names: Vec<PathBuf> = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|name| name.extension().is_some_and(|ending| ending == "sh"))
        .collect();
    names.sort();
    if names.is_empty() {
        return Vec::new();
    }
    let scratch = match Scratch::new(context) {
        Ok(scratch) => scratch,
        Err(fault) => return vec![Line::new(SECTION, Verdict::Fail, format!("no folder for a dry run: {fault}"))],
    };
    let alone = can_be_alone(context);
    let mut lines = Vec::new();
    for part in names.chunks(TOGETHER) {
        let runs: Vec<_> = part
            .iter()
            .map(|name| {
                let path = folder.join(name);
                let executable =
                    fs::metadata(&path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
                executable.then(|| scratch.run(context, &path, alone))
            })
            .collect();
        let ended: Vec<Option<Result<Ended, Refusal>>> = thread::scope(|scope| {
            let started: Vec<_> = runs.into_iter().map(|run| run.map(|run| scope.spawn(|| run.run()))).collect();
            let lost = || Err(Refusal::new("the run failed"));
            started.into_iter().map(|run| run.map(|run| run.join().unwrap_or_else(|_| lost()))).collect()
        });
        for (name, ended) in part.iter().zip(ended) {
            let (verdict, what) = match ended {
                None => (Verdict::Fail, "not executable".to_owned()),
                Some(Err(fault)) => (Verdict::Warn, fault.to_string()),
                Some(Ok(ended)) if ended.timed_out => (Verdict::Warn, format!("no end within {} s", LIMIT.as_secs())),
                Some(Ok(ended)) if ended.ok() => (Verdict::Pass, "runs".to_owned()),
                Some(Ok(ended)) => (Verdict::Warn, format!("ends with {} on empty input", ended.code)),
            };
            lines.push(Line::new(SECTION, verdict, format!("{}: {what}", name.display())));
        }
    }
    lines
}

/// Whether programs can be run without the network here: Linux' unshare(1), where users may make namespaces.
fn can_be_alone(context: &Context) -> bool {
    let probe = Run::new(context, "unshare").args(["--map-current-user", "--net", "--", "true"]).limit(LIMIT).run();
    probe.is_ok_and(|ended| ended.ok())
}

/// A scratch folder with a home and an empty folder in it; taken away when dropped.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new(context: &Context) -> std::io::Result<Self> {
        let folder = context.variable_path("TMPDIR").unwrap_or_else(|| "/tmp".into());
        let mut last = std::io::Error::other("no free name");
        for number in 0..100 {
            let path = folder.join(format!("context-audit-{}-{number}", std::process::id()));
            match fs::DirBuilder::new().create(&path) {
                Ok(()) => {
                    let scratch = Self(path);
                    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o700))?;
                    for name in ["home/.claude", "empty", "tmp"] {
                        fs::create_dir_all(scratch.0.join(name))?;
                    }
                    return Ok(scratch);
                }
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    fn run(&self, context: &Context, hook: &Path, alone: bool) -> Run {
        let run = if alone {
            Run::new(context, "unshare").args(["--map-current-user", "--net", "--"]).arg(hook)
        } else {
            Run::new(context, hook)
        };
        let run = OWN_PLACES.iter().fold(run, |run, name| run.without_variable(name));
        let run = PROXIES.iter().fold(run, |run, name| run.variable(name, NOWHERE));
        run.variable("HOME", self.0.join("home"))
            .variable("XDG_CONFIG_HOME", self.0.join("home/.config"))
            .variable("XDG_CACHE_HOME", self.0.join("home/.cache"))
            .variable("XDG_DATA_HOME", self.0.join("home/.local/share"))
            .variable("XDG_STATE_HOME", self.0.join("home/.local/state"))
            .variable("TMPDIR", self.0.join("tmp"))
            .directory(&self.0.join("empty"))
            .stdin(b"{}".to_vec())
            .limit(LIMIT)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
