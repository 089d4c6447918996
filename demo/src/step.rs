//! One step: a real program is run, shown in a line with its exit code and time, and judged.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

/// What went otherwise than it should.
#[derive(Debug)]
pub(crate) struct Wrong(pub(crate) String);

impl From<std::io::Error> for Wrong {
    fn from(fault: std::io::Error) -> Self {
        Self(fault.to_string())
    }
}

/// The scratch folder as one person or agent sees it.
#[derive(Debug)]
pub(crate) struct Scene {
    root: PathBuf,
    /// Who acts: shown before each line.
    pub(crate) who: String,
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Step {
    what: String,
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scene {
    pub(crate) fn of(root: &Path, who: &str) -> Self {
        Self { root: root.to_owned(), who: who.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    pub(crate) fn claude(&self) -> PathBuf {
        self.home().join(".claude")
    }

    pub(crate) fn title(&self, title: &str) {
        println!("\n{title}");
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Wrong> {
        let path = self.root.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(path, text)?)
    }

    /// A command that sees the scratch home and nothing of the caller's.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, directory: &Path) -> Result<Command, Wrong> {
        for folder in ["home", "tmp", "work"] {
            std::fs::create_dir_all(self.root.join(folder))?;
        }
        let mut search = self.home().join(".local/bin").into_os_string();
        search.push(":");
        search.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", search)
            .env("HOME", self.home())
            .env("TMPDIR", self.root.join("tmp"))
            .envs([("LC_ALL", "C.UTF-8"), ("TERM", "dumb"), ("USER", "demo"), ("NO_COLOR", "1")])
            .envs([("GIT_AUTHOR_NAME", "Demo"), ("GIT_AUTHOR_EMAIL", "demo@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Demo"), ("GIT_COMMITTER_EMAIL", "demo@example.com")])
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("WORKTREE_GUARD_MAIN", "block")
            .current_dir(directory)
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a program in `directory` and shows the step.
    pub(crate) fn run_in<A: AsRef<OsStr>>(
        &self,
        directory: &Path,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Step, Wrong> {
        let mut command = self.command(program, directory)?;
        command.args(arguments);
        self.show(command, None)
    }

    /// The same in the scratch folder.
    pub(crate) fn run<'a>(&self, program: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Result<Step, Wrong> {
        self.run_in(&self.root, program, arguments)
    }

    /// Runs an installed tool in `directory`.
    pub(crate) fn tool_in<'a>(
        &self,
        directory: &Path,
        name: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Step, Wrong> {
        self.run_in(directory, self.home().join(".local/bin").join(name), arguments)
    }

    /// The same in the scratch folder.
    pub(crate) fn tool<'a>(&self, name: &str, arguments: impl IntoIterator<Item = &'a str>) -> Result<Step, Wrong> {
        self.tool_in(&self.root, name, arguments)
    }

    /// Starts this program again, as an agent.
    pub(crate) fn start_self<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Child, Wrong> {
        std::io::stdout().flush()?;
        Ok(self.command(std::env::current_exe()?, &self.root)?.args(arguments).spawn()?)
    }

    /// Runs a command with `input`, shows it in a line, and keeps its time for the report.
    pub(crate) fn show(&self, mut command: Command, input: Option<&str>) -> Result<Step, Wrong> {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let arguments: Vec<String> =
            command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
        let what = format!("{name} {}", arguments.join(" ")).replace(&*self.root.to_string_lossy(), "");
        self.time(&name, what, &mut command, input)
    }

    /// The same under a name and a text of the caller's.
    pub(crate) fn time(
        &self,
        name: &str,
        what: String,
        command: &mut Command,
        input: Option<&str>,
    ) -> Result<Step, Wrong> {
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let begun = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
            // A hook that does not care for its input may have ended already.
            let _ = pipe.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        let millis = begun.elapsed().as_secs_f64() * 1e3;
        let code = output.status.code().unwrap_or(-1);
        let short: String = what.chars().take(72).collect();
        println!("  {:<5} {short:<72} exit {code} {millis:>6.1} ms", self.who);
        let mut times = std::fs::OpenOptions::new().create(true).append(true).open(self.root.join("times"))?;
        times.write_all(format!("{name}\t{millis}\n").as_bytes())?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Step { what, code, stdout: text(output.stdout), stderr: text(output.stderr) })
    }

    /// Judges a fact.
    pub(crate) fn check(&self, holds: bool, what: &str) -> Result<(), Wrong> {
        if holds { Ok(()) } else { Err(Wrong(format!("{}: {what}", self.who))) }
    }

    /// Prints what each program took: calls, median and longest.
    pub(crate) fn report(&self) {
        let text = std::fs::read_to_string(self.root.join("times")).unwrap_or_default();
        let mut times: Vec<(&str, f64)> = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .filter_map(|(name, ms)| Some((name, ms.parse().ok()?)))
            .collect();
        times.sort_by(|one, other| one.0.cmp(other.0).then(one.1.total_cmp(&other.1)));
        println!("what each step took (calls, median, longest)");
        for group in times.chunk_by(|one, other| one.0 == other.0) {
            let (median, longest) = (group[group.len() / 2].1, group[group.len() - 1].1);
            println!("  {:<28} {:>4} {median:>7.1} ms {longest:>7.1} ms", group[0].0, group.len());
        }
    }
}

impl Step {
    /// Judges the exit code.
    pub(crate) fn ends(self, code: i32) -> Result<Self, Wrong> {
        if self.code == code {
            return Ok(self);
        }
        let said = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        Err(Wrong(format!("{}: exit {} instead of {code}: {}", self.what, self.code, said.trim())))
    }

    /// Judges one value of the JSON on standard output, by JSON pointer.
    pub(crate) fn has(self, pointer: &str, wanted: impl Into<Value>) -> Result<Self, Wrong> {
        let wanted = wanted.into();
        let found = self.json()?.pointer(pointer).cloned().unwrap_or_default();
        if found == wanted {
            return Ok(self);
        }
        Err(Wrong(format!("{}: {pointer} is {found} instead of {wanted}", self.what)))
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Result<Value, Wrong> {
        json(&self.what, &self.stdout)
    }

    /// Standard error as JSON.
    pub(crate) fn json_error(&self) -> Result<Value, Wrong> {
        json(&self.what, &self.stderr)
    }

    /// Standard output as one line.
    pub(crate) fn line(&self) -> Result<String, Wrong> {
        let line = self.stdout.trim();
        if line.is_empty() || line.contains('\n') {
            return Err(Wrong(format!("{}: printed no single line: {line:?}", self.what)));
        }
        Ok(line.to_owned())
    }
}

fn json(what: &str, text: &str) -> Result<Value, Wrong> {
    serde_json::from_str(text).map_err(|fault| Wrong(format!("{what}: no JSON ({fault}): {text}")))
}
