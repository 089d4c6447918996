//! What a tool may know of the world: environment, folders, clock, standard input, database.

mod environment;
mod places;
mod streams;

use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::time::Duration;

use crewkit_store::{Settings, Signature, Store};

use crate::delivery::Deliveries;
use crate::{Clock, Refusal};

pub use environment::{Environment, Script, Stdin};

/// How long an agent is made to wait for a database that another program holds: a hook's call.
const HOOK_PATIENCE: Duration = Duration::from_secs(3);

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
    /// Of a hook: how long it waits for the database, and why that could not be opened.
    patience: Option<Duration>,
    closed: OnceCell<Refusal>,
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
            patience: None,
            closed: OnceCell::new(),
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

    /// The same surroundings for a hook, which an agent waits for: the shared database is waited for 3 s in place of 15,
    /// and not again when it could not be opened, however many hooks ask for it.
    #[must_use]
    pub fn for_hook(self) -> Self {
        Self { patience: Some(HOOK_PATIENCE), ..self }
    }

    /// Surroundings made by a test.
    pub fn scripted(script: Script) -> Self {
        Self {
            environment: Environment::Fixed(script.environment),
            clock: script.clock,
            stdin: Stdin::Bytes(script.stdin),
            directory: OnceCell::from(script.directory),
            store: OnceCell::new(),
            patience: None,
            closed: OnceCell::new(),
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

    /// The variable `name` as text; `None` when it is not set, empty, or not UTF-8.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name)?.into_string().ok()
    }

    /// The variable `name` as a path; `None` when it is not set or empty.
    pub fn variable_path(&self, name: &str) -> Option<PathBuf> {
        self.environment.get(name).map(PathBuf::from)
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

    /// Who works here, for the log of changes: `COMMS_USER`, else the session (`CLAUDE_SESSION_ID`), else the user.
    pub fn agent(&self) -> Option<String> {
        let names = ["COMMS_USER", "CLAUDE_SESSION_ID", "USER", "LOGNAME"];
        names.into_iter().filter_map(|name| self.variable(name)).find(|name| !name.trim().is_empty())
    }

    /// The name of the operating system, as `uname -s` gives it.
    pub fn system(&self) -> String {
        rustix::system::uname().sysname().to_string_lossy().into_owned()
    }

    /// The present time in UTC, `YYYY-MM-DD HH:MM:SS`.
    pub fn now(&self) -> String {
        self.clock.utc()
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
        let settings = self.store_settings()?;
        let store = self.opened(|| match self.patience {
            Some(patience) => Store::open_or_create_within(&settings, patience),
            None => Store::open_or_create(&settings),
        })?;
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
        let settings = self.store_settings()?;
        let store = self.opened(|| match self.patience {
            Some(patience) => Store::open_existing_within(&settings, patience),
            None => Store::open_existing(&settings),
        })?;
        Ok(store.map(|store| self.keep_store(store)))
    }

    /// What `open` gives; in a hook, the refusal that it gave before.
    fn opened<T>(&self, open: impl FnOnce() -> crewkit_store::Result<T>) -> Result<T, Refusal> {
        if let Some(refusal) = self.closed.get() {
            return Err(refusal.clone());
        }
        open().map_err(|fault| {
            let refusal = Refusal::from(fault);
            if self.patience.is_some() { self.closed.get_or_init(|| refusal).clone() } else { refusal }
        })
    }

    fn keep_store(&self, store: Store) -> &Store {
        for notice in store.notices() {
            self.note(notice.clone());
        }
        store.sign_as(Signature { host: self.host(), agent: self.agent() });
        self.store.get_or_init(|| store)
    }
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
    fn the_host_loses_its_local_ending() {
        assert_eq!(context(&[("HOSTNAME", "mac.local")]).host(), "mac");
        assert_eq!(context(&[("HOSTNAME", "mac.local"), ("PLAN_DB_HOST", "desk")]).host(), "desk");
        assert!(!context(&[]).host().contains('.'));
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_asked_for_once_in_a_hook() {
        let home = tempfile::tempdir().unwrap();
        let database = home.path().join("dashboard.db");
        let context = || context(&[("PLAN_DB_FILE", database.to_str().unwrap())]);
        let (hook, tool) = (context().for_hook(), context());
        std::fs::create_dir(&database).unwrap();
        let refusals = [hook.store().unwrap_err(), tool.store().unwrap_err()];
        assert_eq!(refusals[0], refusals[1]);
        std::fs::remove_dir(&database).unwrap();
        assert_eq!(hook.existing_store().unwrap_err(), refusals[0]);
        assert!(tool.store().is_ok() && hook.store().is_err());
    }
}
