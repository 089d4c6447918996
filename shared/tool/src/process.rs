//! Starting another program: an argument list, a time limit, a process group, and always its exit code.

mod attend;
mod interrupts;
mod start;
mod stream;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::{Context, Environment, Refusal, exit_code};

pub use attend::Attended;
pub use interrupts::Interrupts;
pub use start::Started;
pub use stream::{Source, Streamed};

/// Most bytes kept of each stream of a program; what comes after is read and dropped.
const KEPT_BYTES: u64 = 64 << 20;

/// A program to be run. There is no way to give a shell's command line.
#[derive(Debug)]
pub struct Run {
    command: Command,
    program: OsString,
    stdin: Option<Vec<u8>>,
    limit: Option<Duration>,
    chatter: bool,
    log: Option<File>,
}

/// How a program ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Its exit code; 128 + N when signal N ended it.
    pub code: i32,
    /// What it wrote to standard output; empty when that went to our standard error.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error; empty when that went to our standard error.
    pub stderr: Vec<u8>,
    /// Whether it was ended because its time was up.
    pub timed_out: bool,
}

impl Ended {
    /// Whether it ended with 0.
    pub fn ok(&self) -> bool {
        self.code == 0
    }

    /// Standard output as text, without the line end; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }

    /// The last line that it wrote to standard error (else to standard output) that is not blank.
    pub fn complaint(&self) -> String {
        let last = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned())
        };
        last(&self.stderr).or_else(|| last(&self.stdout)).unwrap_or_else(|| format!("exit code {}", self.code))
    }
}

impl Run {
    /// `program` (looked up in `PATH` unless it holds a slash), with the environment of `context` and no standard input.
    pub fn new(context: &Context, program: impl AsRef<OsStr>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that starts programs")]
        let mut command = Command::new(program.as_ref());
        if let Environment::Fixed(map) = &context.environment {
            command.env_clear().envs(map);
        }
        if let Ok(directory) = context.directory() {
            command.current_dir(directory);
        }
        Self { command, program: program.as_ref().to_owned(), stdin: None, limit: None, chatter: false, log: None }
    }

    /// The tool `name` of the crew, with the environment of `context`: the running program under that name when it is
    /// all of them in one, else the program of that name beside it, else the one in `PATH`.
    ///
    /// # Errors
    /// When the path of the running program cannot be read.
    pub fn tool(context: &Context, name: &str) -> Result<Self, Refusal> {
        let own = std::env::current_exe()
            .map_err(|fault| Refusal::new(format!("the running program cannot be found: {fault}")))?;
        if !context.is_alone() {
            let mut run = Self::new(context, own);
            // Argument 0 says which tool is meant; the program's file may itself be a link that bears a tool's name.
            run.command.arg0("crewkit").arg(name);
            run.program = name.into();
            return Ok(run);
        }
        let beside = own.with_file_name(name);
        Ok(if beside.is_file() { Self::new(context, beside) } else { Self::new(context, name) })
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    /// The directory it runs in.
    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// A variable taken out of its environment.
    #[must_use]
    pub fn without_variable(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Bytes for its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// The time it may take; after that its whole process group is ended.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Lets both of its streams go to our standard error as they come, instead of keeping them.
    #[must_use]
    pub fn chatter(mut self) -> Self {
        self.chatter = true;
        self
    }

    /// Lets both of its streams go to `file` as they come, in the order they come in, instead of keeping them.
    #[must_use]
    pub fn log(mut self, file: File) -> Self {
        self.log = Some(file);
        self
    }

    /// Puts the program in the place of this one, with our streams; comes back only when it cannot be started.
    pub fn replace(mut self) -> Refusal {
        let fault = self.command.exec();
        self.fault(&fault)
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// A refusal that names the program: code 127 when it is not found, 126 when it cannot be executed, else 1.
    /// A program that ran and failed is no error: see [`Ended::code`].
    pub fn run(mut self) -> Result<Ended, Refusal> {
        if self.stdin.is_none() && self.limit.is_none() && !self.chatter && self.log.is_none() {
            return self.start()?.finish();
        }
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        if let Some(log) = self.log.take() {
            let second = log.try_clone().map_err(|fault| self.fault(&fault))?;
            self.command.stdout(Stdio::from(second)).stderr(Stdio::from(log));
        } else if self.chatter {
            let ours = || Ok::<_, std::io::Error>(Stdio::from(rustix::io::dup(rustix::stdio::stderr())?));
            self.command.stdout(ours().map_err(|fault| self.fault(&fault))?);
            self.command.stderr(ours().map_err(|fault| self.fault(&fault))?);
        } else {
            self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        if self.limit.is_some() {
            self.command.process_group(0);
        }
        let mut child = self.command.spawn().map_err(|fault| self.fault(&fault))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let writer = self.stdin.take().zip(child.stdin.take()).map(|(bytes, mut pipe)| {
            // A program that does not read its input to the end closes the pipe: its exit code tells the rest.
            thread::spawn(move || drop(pipe.write_all(&bytes)))
        });
        let out = child.stdout.take().map(keep);
        let err = child.stderr.take().map(keep);

        let (status, timed_out) = match self.limit {
            None => (child.wait().map_err(|fault| self.fault(&fault))?, false),
            Some(limit) => {
                let (told, ended) = mpsc::channel();
                let waiter = thread::spawn(move || told.send(child.wait()));
                let first = ended.recv_timeout(limit);
                let timed_out = first.is_err();
                let status = first.or_else(|_| {
                    for (signal, grace) in
                        [(Signal::TERM, Duration::from_millis(500)), (Signal::KILL, Duration::from_secs(5))]
                    {
                        if let Some(group) = group {
                            let _ = kill_process_group(group, signal);
                        }
                        if let Ok(status) = ended.recv_timeout(grace) {
                            return Ok(status);
                        }
                    }
                    Err(Refusal::new(format!("{} does not end", self.program.to_string_lossy())))
                })?;
                let _ = waiter.join();
                if timed_out && let Some(group) = group {
                    // Members of the group that outlived their leader would hold the pipes open.
                    let _ = kill_process_group(group, Signal::KILL);
                }
                (status.map_err(|fault| self.fault(&fault))?, timed_out)
            }
        };
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        let read = |stream: Option<thread::JoinHandle<Vec<u8>>>| {
            stream.and_then(|thread| thread.join().ok()).unwrap_or_default()
        };
        Ok(Ended { code: code_of(status), stdout: read(out), stderr: read(err), timed_out })
    }

    fn fault(&self, fault: &std::io::Error) -> Refusal {
        let program = self.program.to_string_lossy();
        match fault.kind() {
            std::io::ErrorKind::NotFound => {
                let directory =
                    self.command.get_current_dir().filter(|directory| !directory.is_dir()).map(Path::to_owned);
                directory.map_or_else(
                    || Refusal::new(format!("{program}: not found")).with_code(exit_code::NOT_FOUND),
                    |directory: PathBuf| Refusal::new(format!("no such folder: {}", directory.display())),
                )
            }
            std::io::ErrorKind::PermissionDenied => {
                Refusal::new(format!("{program}: cannot be executed")).with_code(exit_code::NOT_EXECUTABLE)
            }
            _ => Refusal::new(format!("{program}: {fault}")),
        }
    }
}

/// Reads a stream to its end in a thread of its own and keeps its first [`KEPT_BYTES`].
fn keep(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = stream.by_ref().take(KEPT_BYTES).read_to_end(&mut kept);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        kept
    })
}

/// The exit code as a shell gives it.
fn code_of(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(program: &str, arguments: &[&str]) -> Run {
        Run::new(&Context::process(), program).args(arguments)
    }

    #[test]
    fn the_exit_code_and_both_streams_come_back() {
        let ended = run("sh", &["-c", "cat; echo err >&2; exit 3"]).stdin(b"in".to_vec()).run().unwrap();
        assert_eq!((ended.code, ended.text().as_str(), ended.complaint().as_str()), (3, "in", "err"));
        assert_eq!(run("sh", &["-c", "kill -9 $$"]).run().unwrap().code, 137);
    }

    #[test]
    fn a_program_that_cannot_start_is_named() {
        let missing = run("no-such-program-here", &[]).run().unwrap_err();
        assert_eq!((missing.code, missing.to_string().contains("no-such-program-here")), (127, true));
        assert_eq!(run("/", &[]).run().unwrap_err().code, 126);
        assert_eq!(run("true", &[]).directory(Path::new("/no/such")).run().unwrap_err().code, 1);
    }

    #[test]
    fn a_log_gets_both_streams_in_their_order() {
        let path = std::env::temp_dir().join(format!("crewkit-log-{}", std::process::id()));
        let ended = run("sh", &["-c", "echo a; echo b >&2; echo c; exit 4"]).log(File::create(&path).unwrap()).run();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let ended = ended.unwrap();
        assert_eq!((text.as_str(), ended.code, ended.stdout.len()), ("a\nb\nc\n", 4, 0));
    }

    #[test]
    fn the_limit_ends_the_whole_group() {
        let started = std::time::Instant::now();
        let ended = run("sh", &["-c", "sleep 60 & sleep 60"]).limit(Duration::from_millis(100)).run().unwrap();
        assert!(ended.timed_out && ended.code == 128 + 15, "{ended:?}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
