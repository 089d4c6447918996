//! Running programs and taking their times.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// A scratch home in which the installed program is called.
#[derive(Debug)]
pub(crate) struct Lab {
    scratch: tempfile::TempDir,
    claude: PathBuf,
}

/// One program call, to be repeated.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    program: PathBuf,
    arguments: Vec<OsString>,
    directory: PathBuf,
    input: Option<Vec<u8>>,
    variables: Vec<(&'static str, OsString)>,
}

/// One measured case.
#[derive(Debug)]
pub(crate) struct Row {
    case: &'static str,
    baseline: &'static str,
    baseline_ms: f64,
    ms: f64,
    limit: &'static str,
    peak_mb: Option<f64>,
}

impl Lab {
    pub(crate) fn new(claude: &Path) -> io::Result<Self> {
        let scratch = tempfile::Builder::new().prefix("crewkit-bench-").tempdir()?;
        fs::create_dir_all(scratch.path().join("home/.claude"))?;
        Ok(Self { scratch, claude: claude.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        self.scratch.path()
    }

    /// An installed drop-in name.
    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.claude.join(name)
    }

    pub(crate) fn call(&self, program: impl Into<PathBuf>, arguments: &[&str]) -> Call {
        Call {
            program: program.into(),
            arguments: arguments.iter().map(OsString::from).collect(),
            directory: self.root().to_owned(),
            input: None,
            variables: vec![("HOME", self.root().join("home").into())],
        }
    }
}

impl Call {
    pub(crate) fn at(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.directory);
        self
    }

    pub(crate) fn fed(mut self, input: &str) -> Self {
        self.input = Some(input.as_bytes().to_vec());
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs([("LC_ALL", "C.UTF-8"), ("USER", "bench"), ("HOSTNAME", "bench"), ("GIT_CONFIG_NOSYSTEM", "1")]);
        for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"] {
            command.env(name, "Bench");
        }
        for name in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
            command.env(name, "bench@example.com");
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        command
    }

    /// Runs it once; standard output.
    pub(crate) fn once(&self) -> io::Result<String> {
        let mut child = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), &self.input) {
            let _ = pipe.write_all(input);
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(format!(
                "{} {:?}: {}: {said}",
                self.program.display(),
                self.arguments,
                output.status
            )));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Runs it once; milliseconds from start to end.
    fn timed(&self) -> io::Result<f64> {
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        let mut child = command.spawn()?;
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), &self.input) {
            let _ = pipe.write_all(input);
        }
        let status = child.wait()?;
        let millis = begun.elapsed().as_secs_f64() * 1e3;
        if status.success() {
            Ok(millis)
        } else {
            Err(io::Error::other(format!("{}: {status}", self.program.display())))
        }
    }

    /// The largest resident set of one call, in MB. A process of its own asks, whose only child the call is.
    fn peak_mb(&self) -> Option<f64> {
        let mut outer = self.clone();
        outer.program = std::env::current_exe().ok()?;
        outer.arguments = vec!["--peak".into(), self.program.clone().into()];
        outer.arguments.extend(self.arguments.iter().cloned());
        let kib: f64 = outer.once().ok()?.parse().ok()?;
        Some(kib * 1024.0 / 1e6)
    }
}

/// Runs a program and gives the largest resident set of it in KiB, as getrusage(2) has it on Linux.
pub(crate) fn peak_kib(mut command: impl Iterator<Item = OsString>) -> io::Result<i64> {
    let program = command.next().ok_or_else(|| io::Error::other("no program given"))?;
    Command::new(program).args(command).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    Ok(nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?.max_rss())
}

/// Measures `subject` in turn with `baseline`; before each call of the subject `prepare` makes it.
pub(crate) fn compare(
    (case, baseline_name, limit): (&'static str, &'static str, &'static str),
    runs: usize,
    baseline: &Call,
    mut prepare: impl FnMut(usize) -> io::Result<Call>,
) -> io::Result<Row> {
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    let mut last = None;
    for run in 0..runs + 5 {
        let subject = prepare(run)?;
        let (their_ms, our_ms) = (baseline.timed()?, subject.timed()?);
        // The first calls fill the caches.
        if run >= 5 {
            theirs.push(their_ms);
            ours.push(our_ms);
        }
        last = Some(subject);
    }
    let peak_mb = match last {
        Some(_) => prepare(runs + 5)?.peak_mb(),
        None => None,
    };
    Ok(Row { case, baseline: baseline_name, baseline_ms: median(theirs), ms: median(ours), limit, peak_mb })
}

impl Row {
    pub(crate) fn line(&self) -> String {
        let peak = self.peak_mb.map_or_else(|| "?".to_owned(), |mb| format!("{mb:.1}"));
        let ratio = self.ms / self.baseline_ms;
        format!(
            "| {} | {} | {:.2} | {:.2} | {ratio:.2} | {} | {peak} |\n",
            self.case, self.baseline, self.baseline_ms, self.ms, self.limit
        )
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The load average of the last minute.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|first| !first.is_empty()).unwrap_or("unknown").to_owned()
}

/// Cores and kernel.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let system = if kernel.is_empty() { std::env::consts::OS.to_owned() } else { "Linux".to_owned() };
    format!("{cores} cores, {} {system}", std::env::consts::ARCH)
}

/// How the program is linked: statically (no interpreter named in it) or not.
pub(crate) fn kind_of(program: &Path) -> &'static str {
    let bytes = fs::read(program).unwrap_or_default();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    match (holds(b"/ld-linux"), holds(b"/ld-musl") || holds(b"GNU C Library")) {
        (true, _) => "linked to the system's C library",
        (false, true) => "static, glibc",
        (false, false) => "static, musl",
    }
}
