//! A scratch crew for tests: a home, a repository, worktrees, a database of any age, and the real program called
//! through its links, in one line each.

#![allow(missing_docs)]

pub mod http;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

pub use serde_json::{Value, json};

/// The program under test, built by the same call of cargo that runs the tests.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut folder = std::env::current_exe().expect("the test knows its own path");
        folder.pop();
        if folder.ends_with("deps") {
            folder.pop();
        }
        let program = folder.join("crewkit");
        assert!(program.is_file(), "{} is not built: run `cargo build` first (make test does)", program.display());
        program
    })
}

/// How a tool ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("no JSON ({fault}): {self:?}"))
    }

    /// The same answer, after a check of its exit code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// The same answer, after a check that it refused in one line on standard error that holds `parts`.
    #[track_caller]
    pub fn refused(self, code: i32, parts: &[&str]) -> Self {
        let whole = self.code == code && self.stdout.is_empty() && self.stderr.trim_end().lines().count() == 1;
        assert!(whole && parts.iter().all(|part| self.stderr.contains(part)), "want {code} and {parts:?}: {self:?}");
        self
    }
}

/// A scratch home with crewkit linked into it as install.sh does, and folders to work in. Deleted when dropped.
#[derive(Debug)]
pub struct Crew {
    folder: tempfile::TempDir,
    root: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl Default for Crew {
    fn default() -> Self {
        Self::new()
    }
}

impl Crew {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("crew-").tempdir().expect("a scratch folder");
        let root = folder.path().canonicalize().expect("a scratch folder");
        for name in ["home", "work", "bin", "tmp"] {
            fs::create_dir(root.join(name)).expect("a scratch folder");
        }
        Self { folder, root, variables: Vec::new() }
    }

    /// The scratch folder: `home`, `work`, `bin` (first in PATH) and `tmp` lie in it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The agent's folder.
    pub fn claude(&self) -> PathBuf {
        self.home().join(".claude")
    }

    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The shared database.
    pub fn database(&self) -> PathBuf {
        self.claude().join("data/dashboard.db")
    }

    /// One more environment variable for everything that is run.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Keeps the scratch folder when the test ends, to look at.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// A command with a cleared environment, HOME in the scratch folder and a fixed git identity, run in `work`.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut search = self.root.join("bin").into_os_string();
        search.push(":");
        search.push(path);
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs([("HOME", self.home()), ("TMPDIR", self.root.join("tmp"))])
            .env("PATH", search)
            .envs([
                ("LC_ALL", "C.UTF-8"),
                ("TZ", "UTC"),
                ("TERM", "dumb"),
                ("HOSTNAME", "testhost"),
                ("USER", "tester"),
            ])
            .envs([("GIT_AUTHOR_NAME", "Tester"), ("GIT_COMMITTER_NAME", "Tester")])
            .envs([("GIT_AUTHOR_EMAIL", "t@example.com"), ("GIT_COMMITTER_EMAIL", "t@example.com")])
            .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_COUNT", "2")])
            .envs([("GIT_CONFIG_KEY_0", "init.defaultBranch"), ("GIT_CONFIG_VALUE_0", "main")])
            .envs([("GIT_CONFIG_KEY_1", "protocol.file.allow"), ("GIT_CONFIG_VALUE_1", "always")])
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.work())
            .stdin(Stdio::null());
        command
    }

    /// The tool `name` (or a drop-in name such as `scripts/comms.sh`), called through a link of that name.
    pub fn tool(&self, name: &str) -> Command {
        let link = self.claude().join(if name.contains('/') { name.to_owned() } else { format!("bin/{name}") });
        if !link.is_symlink() {
            fs::create_dir_all(link.parent().expect("a folder")).expect("a folder");
            // Two threads of one test may race for the link.
            if let Err(fault) = symlink(program(), &link) {
                assert!(link.is_symlink(), "{}: {fault}", link.display());
            }
        }
        self.command(link)
    }

    /// Runs the tool `name` with `arguments` in `work` to its end.
    pub fn run<A: AsRef<OsStr>>(&self, name: &str, arguments: impl IntoIterator<Item = A>) -> Ended {
        finish(self.tool(name).args(arguments), None)
    }

    /// The same in `directory`.
    pub fn run_in<A: AsRef<OsStr>>(
        &self,
        directory: &Path,
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Ended {
        finish(self.tool(name).current_dir(directory).args(arguments), None)
    }

    /// The same in `work` with `input` on standard input.
    pub fn feed<A: AsRef<OsStr>>(
        &self,
        input: impl AsRef<[u8]>,
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Ended {
        finish(self.tool(name).args(arguments), Some(input.as_ref()))
    }

    /// Starts the tool and leaves it running, its streams piped.
    pub fn start<A: AsRef<OsStr>>(&self, name: &str, arguments: impl IntoIterator<Item = A>) -> Child {
        let mut command = self.tool(name);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the tool starts")
    }

    /// Runs git in `directory`; it must succeed.
    #[track_caller]
    pub fn git(&self, directory: &Path, arguments: &[&str]) -> String {
        let ended = finish(self.command("git").current_dir(directory).args(arguments), None);
        assert_eq!(ended.code, 0, "git {arguments:?}: {ended:?}");
        ended.stdout.trim_end().to_owned()
    }

    /// A repository `work/NAME` with one commit on `main`.
    #[track_caller]
    pub fn repository(&self, name: &str) -> PathBuf {
        let top = self.work().join(name);
        fs::create_dir_all(&top).expect("a folder");
        self.git(&top, &["init", "-q"]);
        self.write(&top.join("README.md"), "# demo\n");
        self.git(&top, &["add", "-A"]);
        self.git(&top, &["commit", "-q", "-m", "first commit"]);
        top
    }

    /// Writes a file, making its folder.
    #[track_caller]
    pub fn write(&self, path: &Path, text: impl AsRef<[u8]>) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// A stand-in program `name`, first in PATH: a shell script with this body.
    pub fn stub(&self, name: &str, body: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.root.join("bin").join(name);
        self.write(&path, format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a stub");
    }

    /// The rows of a query on the shared database, each a list of values as JSON.
    #[track_caller]
    pub fn sql(&self, query: &str) -> Vec<Vec<Value>> {
        rows(&self.database(), query)
    }

    /// The first value of the first row of a query on the shared database.
    #[track_caller]
    pub fn value(&self, query: &str) -> Value {
        self.sql(query).first().and_then(|row| row.first()).cloned().unwrap_or(Value::Null)
    }
}

/// Runs a command to its end, with `input` on standard input.
pub fn finish(command: &mut Command, input: Option<&[u8]>) -> Ended {
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let writer = child
        .stdin
        .take()
        .zip(input.map(<[u8]>::to_vec))
        .map(|(mut pipe, bytes)| std::thread::spawn(move || drop(pipe.write_all(&bytes))));
    let output = child.wait_with_output().expect("the program ends");
    if let Some(writer) = writer {
        let _ = writer.join();
    }
    let code = output
        .status
        .code()
        .unwrap_or_else(|| 128 + std::os::unix::process::ExitStatusExt::signal(&output.status).unwrap_or_default());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The rows of a query on a database, each a list of values as JSON (blobs as text).
#[track_caller]
pub fn rows(database: &Path, query: &str) -> Vec<Vec<Value>> {
    let connection = rusqlite::Connection::open(database).expect("a database");
    connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout");
    // As crewkit's own connections have it; SQLite as rusqlite builds it enforces them.
    connection.pragma_update(None, "foreign_keys", false).expect("a setting");
    let mut statement = connection.prepare(query).unwrap_or_else(|fault| panic!("{query}: {fault}"));
    let width = statement.column_count();
    let found = statement.query_map([], |row| {
        (0..width)
            .map(|at| {
                Ok(match row.get_ref(at)? {
                    rusqlite::types::ValueRef::Null => Value::Null,
                    rusqlite::types::ValueRef::Integer(number) => json!(number),
                    rusqlite::types::ValueRef::Real(number) => json!(number),
                    rusqlite::types::ValueRef::Text(text) | rusqlite::types::ValueRef::Blob(text) => {
                        json!(String::from_utf8_lossy(text))
                    }
                })
            })
            .collect()
    });
    found.and_then(Iterator::collect).unwrap_or_else(|fault| panic!("{query}: {fault}"))
}
