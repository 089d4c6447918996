//! What a tool may know of the world: environment, folders, clock, standard input, database.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Read, Write};
use std::path::{Component, Path, PathBuf};

use crewkit_store::{Settings, Store};

use crate::delivery::Deliveries;
use crate::{Clock, Refusal};

/// Environment variables: the process's, or a test's.
#[derive(Debug, Clone)]
pub enum Environment {
    /// Those of this process.
    Process,
    /// These and no others; programs that a tool starts get the same.
    Fixed(HashMap<OsString, OsString>),
}

impl Environment {
    /// The value of `name`; a variable that is set to nothing counts as not set.
    pub fn get(&self, name: &str) -> Option<OsString> {
        let value = match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the process")]
            Self::Process => std::env::var_os(name),
            Self::Fixed(map) => map.get(OsStr::new(name)).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// All variables with their values.
    pub fn all(&self) -> Vec<(OsString, OsString)> {
        match self {
            Self::Process => std::env::vars_os().collect(),
            Self::Fixed(map) => map.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

/// Standard input: the process's, or a test's.
#[derive(Debug, Clone)]
pub enum Stdin {
    /// That of this process.
    Process,
    /// These bytes.
    Bytes(Vec<u8>),
}

/// What a test gives a tool in place of the process's surroundings.
#[derive(Debug, Clone)]
pub struct Script {
    /// All environment variables; `HOME` should be among them.
    pub environment: HashMap<OsString, OsString>,
    /// The working directory, absolute.
    pub directory: PathBuf,
    /// The clock.
    pub clock: Clock,
    /// Standard input.
    pub stdin: Vec<u8>,
}

/// Everything outside a tool that it may look at. Nothing is read or opened before it is asked for.
#[derive(Debug)]
pub struct Context {
    /// Environment variables.
    pub environment: Environment,
    /// The clock.
    pub clock: Clock,
    stdin: Stdin,
    directory: OnceCell<PathBuf>,
    store: OnceCell<Store>,
    notes: RefCell<Vec<String>>,
    streamed: Option<RefCell<Vec<u8>>>,
    alone: bool,
    pub(crate) deliveries: Deliveries,
    holds: fn(&str) -> bool,
}

impl Context {
    /// The surroundings of this process.
    pub fn process() -> Self {
        Self {
            environment: Environment::Process,
            clock: Clock::System,
            stdin: Stdin::Process,
            directory: OnceCell::new(),
            store: OnceCell::new(),
            notes: RefCell::default(),
            streamed: None,
            alone: false,
            deliveries: Deliveries::default(),
            holds: |_| false,
        }
    }

    /// The surroundings of this process, whose program holds the tools that `holds` is true for.
    pub(crate) fn process_of_tools(holds: fn(&str) -> bool) -> Self {
        Self { holds, ..Self::process() }
    }

    /// The surroundings of this process, whose program is one tool and no other (see [`Context::is_alone`]).
    pub(crate) fn process_of_one_tool() -> Self {
        Self { alone: true, ..Self::process() }
    }

    /// Surroundings made by a test.
    pub fn scripted(script: Script) -> Self {
        Self {
            environment: Environment::Fixed(script.environment),
            clock: script.clock,
            stdin: Stdin::Bytes(script.stdin),
            directory: OnceCell::from(script.directory),
            store: OnceCell::new(),
            notes: RefCell::default(),
            streamed: Some(RefCell::default()),
            alone: false,
            deliveries: Deliveries::default(),
            holds: |_| false,
        }
    }

    /// Whether the running program holds one tool alone, so that others are programs of their own.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }

    /// Whether the tool `name` of the crew (`git-digest`) can be called: the running program holds it, or it is a program
    /// in `PATH` or a script in the agent's folder.
    pub fn has_tool(&self, name: &str) -> bool {
        (self.holds)(name)
            || self.find_program(name).is_some()
            || self.claude_home().is_ok_and(|home| home.join(format!("scripts/{name}.sh")).is_file())
    }

    /// The file that a call of `program` would run: looked up in `PATH` as execvp(3) does, or, with a slash in its name,
    /// itself from the working directory on. `None` when there is none that may be executed.
    pub fn find_program(&self, program: &str) -> Option<PathBuf> {
        let executable =
            |path: &PathBuf| path.is_file() && rustix::fs::access(path.as_path(), rustix::fs::Access::EXEC_OK).is_ok();
        if program.contains('/') {
            return self.absolute(Path::new(program)).ok().filter(executable);
        }
        let path = self.environment.get("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(program)).find(executable)
    }

    /// The variable `name` as text; `None` when it is not set, empty, or not UTF-8.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name)?.into_string().ok()
    }

    /// The variable `name` as a path; `None` when it is not set or empty.
    pub fn variable_path(&self, name: &str) -> Option<PathBuf> {
        self.environment.get(name).map(PathBuf::from)
    }

    /// The working directory.
    ///
    /// # Errors
    /// When it was deleted or may not be read.
    pub fn directory(&self) -> Result<&Path, Refusal> {
        if let Some(directory) = self.directory.get() {
            return Ok(directory);
        }
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the process")]
        let directory = std::env::current_dir()
            .map_err(|fault| Refusal::new(format!("the working directory cannot be read: {fault}")))?;
        Ok(self.directory.get_or_init(|| directory))
    }

    /// The user's home folder, `HOME`.
    ///
    /// # Errors
    /// When `HOME` is not set.
    pub fn home(&self) -> Result<PathBuf, Refusal> {
        self.variable_path("HOME").ok_or_else(|| Refusal::new("HOME is not set"))
    }

    /// The agent's folder: `CLAUDE_HOME`, else `~/.claude`.
    ///
    /// # Errors
    /// When neither `CLAUDE_HOME` nor `HOME` is set.
    pub fn claude_home(&self) -> Result<PathBuf, Refusal> {
        match self.variable_path("CLAUDE_HOME") {
            Some(path) => self.absolute(&path),
            None => Ok(self.home()?.join(".claude")),
        }
    }

    /// The shared database: `PLAN_DB_FILE`, `DB_FILE`, `CLAUDE_DB`, else `data/dashboard.db` in the agent's folder.
    ///
    /// # Errors
    /// When none of the variables, `CLAUDE_HOME` or `HOME` is set.
    pub fn database_path(&self) -> Result<PathBuf, Refusal> {
        for name in ["PLAN_DB_FILE", "DB_FILE", "CLAUDE_DB"] {
            if let Some(path) = self.variable_path(name) {
                return self.absolute(&self.expand_home(&path));
            }
        }
        Ok(self.claude_home()?.join("data/dashboard.db"))
    }

    /// The chat's database: `COMMS_DB_PATH`, else `~/.claude/comms/messages.db`, one for all agents of the computer
    /// whatever their folders are.
    ///
    /// # Errors
    /// When `HOME` is needed and not set.
    pub fn chat_path(&self) -> Result<PathBuf, Refusal> {
        match self.variable_path("COMMS_DB_PATH") {
            Some(path) => self.absolute(&self.expand_home(&path)),
            None => Ok(self.home()?.join(".claude/comms/messages.db")),
        }
    }

    /// The name of this computer for rows of the database: `PLAN_DB_HOST`, else `HOSTNAME`, else the system's name
    /// up to its first dot; a trailing `.local` is cut.
    pub fn host(&self) -> String {
        let name = self.variable("PLAN_DB_HOST").or_else(|| self.variable("HOSTNAME")).unwrap_or_else(|| {
            let uname = rustix::system::uname();
            let full = uname.nodename().to_string_lossy().into_owned();
            full.split('.').next().unwrap_or_default().to_owned()
        });
        name.strip_suffix(".local").unwrap_or(&name).to_owned()
    }

    /// The name of the operating system, as `uname -s` gives it.
    pub fn system(&self) -> String {
        rustix::system::uname().sysname().to_string_lossy().into_owned()
    }

    /// The present time in UTC, `YYYY-MM-DD HH:MM:SS`.
    pub fn now(&self) -> String {
        self.clock.utc()
    }

    /// `path` made absolute against the working directory, `.`, `..` and doubled slashes taken out; symbolic links
    /// stay. `..` at the root stays at the root.
    ///
    /// # Errors
    /// When `path` is relative and the working directory cannot be read.
    pub fn absolute(&self, path: &Path) -> Result<PathBuf, Refusal> {
        if path.is_absolute() { Ok(normal(path)) } else { Ok(normal(&self.directory()?.join(path))) }
    }

    /// `~` and `~/...` with the home folder in place of the tilde; anything else, or without `HOME`, as it is.
    pub fn expand_home(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home()) {
            (Ok(rest), Ok(home)) if rest.as_os_str().is_empty() => home,
            (Ok(rest), Ok(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }

    /// An absolute path as the database keeps it: `~` in place of the home folder where `path` is that or lies in it.
    pub fn shorten_home(&self, path: &Path) -> PathBuf {
        match self.home().ok().and_then(|home| path.strip_prefix(normal(&home)).ok().map(Path::to_owned)) {
            Some(rest) if rest.as_os_str().is_empty() => PathBuf::from("~"),
            Some(rest) => Path::new("~").join(rest),
            None => path.to_owned(),
        }
    }

    /// All of standard input, at most `most` bytes.
    ///
    /// # Errors
    /// When it cannot be read or is longer.
    pub fn read_stdin(&self, most: u64) -> Result<Vec<u8>, Refusal> {
        match &self.stdin {
            Stdin::Bytes(bytes) => Ok(bytes.clone()),
            Stdin::Process => {
                let mut bytes = Vec::new();
                std::io::stdin()
                    .lock()
                    .take(most + 1)
                    .read_to_end(&mut bytes)
                    .map_err(|fault| Refusal::new(format!("standard input cannot be read: {fault}")))?;
                if bytes.len() as u64 > most {
                    return Err(Refusal::new(format!("standard input is longer than {most} bytes")));
                }
                Ok(bytes)
            }
        }
    }

    /// Standard input, to be read as it comes.
    pub fn stdin(&self) -> Box<dyn Read + '_> {
        match &self.stdin {
            Stdin::Bytes(bytes) => Box::new(bytes.as_slice()),
            Stdin::Process => Box::new(std::io::stdin().lock()),
        }
    }

    /// Whether standard input is a terminal.
    pub fn stdin_is_terminal(&self) -> bool {
        matches!(self.stdin, Stdin::Process) && std::io::stdin().is_terminal()
    }

    /// Whether standard output is a terminal.
    pub fn stdout_is_terminal(&self) -> bool {
        self.streamed.is_none() && std::io::stdout().is_terminal()
    }

    /// Whether colours may be written to standard output: a terminal, `NO_COLOR` not set (<https://no-color.org>), and
    /// not `TERM=dumb`.
    pub fn colours(&self) -> bool {
        self.stdout_is_terminal()
            && self.environment.get("NO_COLOR").is_none()
            && self.variable("TERM").is_none_or(|term| term != "dumb")
    }

    /// Writes `bytes` to standard output at once: for tools that show things as they happen.
    ///
    /// # Errors
    /// The system's, a closed pipe among them; see [`crate::exit_code::CLOSED_PIPE`].
    pub fn stream(&self, bytes: &[u8]) -> std::io::Result<()> {
        if let Some(streamed) = &self.streamed {
            streamed.borrow_mut().extend_from_slice(bytes);
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// What [`Context::stream`] was given so far, in a scripted context.
    pub fn streamed(&self) -> Vec<u8> {
        self.streamed.as_ref().map(|streamed| streamed.borrow().clone()).unwrap_or_default()
    }

    /// Keeps a line for standard error, to be written before the answer's own.
    pub fn note(&self, line: impl Into<String>) {
        self.notes.borrow_mut().push(line.into());
    }

    /// Takes the lines kept by [`Context::note`].
    pub fn take_notes(&self) -> Vec<String> {
        self.notes.take()
    }

    /// Where the shared database is and what its migration needs to know.
    ///
    /// # Errors
    /// As [`Context::database_path`].
    pub fn store_settings(&self) -> Result<Settings, Refusal> {
        Ok(Settings { path: self.database_path()?, host: self.host(), now: self.now() })
    }

    /// The shared database; a missing one is made, an older one brought to the current schema.
    ///
    /// # Errors
    /// See [`crewkit_store::Error`].
    pub fn store(&self) -> Result<&Store, Refusal> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = Store::open_or_create(&self.store_settings()?)?;
        Ok(self.keep_store(store))
    }

    /// The shared database, or `None` when there is none (a file without a table counts as none).
    ///
    /// # Errors
    /// See [`crewkit_store::Error`].
    pub fn existing_store(&self) -> Result<Option<&Store>, Refusal> {
        if let Some(store) = self.store.get() {
            return Ok(Some(store));
        }
        Ok(Store::open_existing(&self.store_settings()?)?.map(|store| self.keep_store(store)))
    }

    fn keep_store(&self, store: Store) -> &Store {
        for notice in store.notices() {
            self.note(notice.clone());
        }
        self.store.get_or_init(|| store)
    }
}

/// `path` with `.`, `..` and doubled slashes taken out, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(variables: &[(&str, &str)]) -> Context {
        Context::scripted(Script {
            environment: variables.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            directory: "/place/here".into(),
            clock: Clock::System,
            stdin: Vec::new(),
        })
    }

    #[test]
    fn the_home_is_cut_only_at_a_slash() {
        let ctx = context(&[("HOME", "/home/al")]);
        assert_eq!(ctx.shorten_home(Path::new("/home/al")), Path::new("~"));
        assert_eq!(ctx.shorten_home(Path::new("/home/al/x")), Path::new("~/x"));
        assert_eq!(ctx.shorten_home(Path::new("/home/alice")), Path::new("/home/alice"));
        assert_eq!(ctx.expand_home(Path::new("~/x")), Path::new("/home/al/x"));
        assert_eq!(ctx.expand_home(Path::new("~x")), Path::new("~x"));
        assert_eq!(ctx.expand_home(Path::new("~")), Path::new("/home/al"));
    }

    #[test]
    fn paths_lose_their_detours() {
        let ctx = context(&[("HOME", "/home/al")]);
        for (given, wanted) in [
            ("a", "/place/here/a"),
            ("./a//b/../c/", "/place/here/a/c"),
            ("../../../../x", "/x"),
            ("/", "/"),
            ("..", "/place"),
        ] {
            assert_eq!(ctx.absolute(Path::new(given)).unwrap(), Path::new(wanted), "{given}");
        }
    }

    #[test]
    fn the_database_follows_its_variables_in_order() {
        let path = |variables: &[(&str, &str)]| context(variables).database_path().unwrap();
        let home = ("HOME", "/h");
        assert_eq!(path(&[home]), Path::new("/h/.claude/data/dashboard.db"));
        assert_eq!(path(&[home, ("CLAUDE_HOME", "/c")]), Path::new("/c/data/dashboard.db"));
        assert_eq!(path(&[home, ("CLAUDE_HOME", "/c"), ("CLAUDE_DB", "/d")]), Path::new("/d"));
        assert_eq!(path(&[home, ("CLAUDE_DB", "/d"), ("DB_FILE", "~/e")]), Path::new("/h/e"));
        assert_eq!(path(&[("DB_FILE", "/e"), ("PLAN_DB_FILE", "f")]), Path::new("/place/here/f"));
        assert!(context(&[]).database_path().is_err());
    }

    #[test]
    fn the_host_loses_its_local_ending() {
        assert_eq!(context(&[("HOSTNAME", "mac.local")]).host(), "mac");
        assert_eq!(context(&[("HOSTNAME", "mac.local"), ("PLAN_DB_HOST", "desk")]).host(), "desk");
        assert!(!context(&[]).host().contains('.'));
    }
}
