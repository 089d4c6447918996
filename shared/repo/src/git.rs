//! The git program, for changes and for what only it can tell.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use crewkit_tool::process::{Ended, Run, Started};
use crewkit_tool::{Context, Refusal};

/// The variables by which a caller (a hook of git, mostly) sends git to a repository of its choice.
const PLACES: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
];

/// One call of git in a folder. Its environment keeps it from asking questions and from touching the index for a
/// mere look.
#[derive(Debug)]
pub struct Git {
    run: Run,
}

impl Git {
    /// A call of git in `directory`.
    pub fn at(context: &Context, directory: &Path) -> Self {
        let run = Run::new(context, "git")
            .directory(directory)
            .variable("GIT_TERMINAL_PROMPT", "0")
            .variable("GIT_OPTIONAL_LOCKS", "0")
            .variable("LC_ALL", "C.UTF-8");
        Self { run }
    }

    /// Makes git take the repository that its folder lies in, whatever the environment says.
    #[must_use]
    pub fn of_folder(mut self) -> Self {
        self.run = without_repository(self.run);
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.run = self.run.args(arguments);
        self
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.run = self.run.arg(argument);
        self
    }

    /// A variable of git's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.run = self.run.variable(name, value);
        self
    }

    /// The time it may take (a network's, mostly).
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.run = self.run.limit(limit);
        self
    }

    /// Lets git's own lines go to our standard error as they come.
    #[must_use]
    pub fn chatter(mut self) -> Self {
        self.run = self.run.chatter();
        self
    }

    /// Bytes for git's standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.run = self.run.stdin(bytes);
        self
    }

    /// Runs it; git's failure is no error here, see [`Ended::code`].
    ///
    /// # Errors
    /// When git cannot be started, see [`Run::run`].
    pub fn run(self) -> Result<Ended, Refusal> {
        self.run.run()
    }

    /// Starts it and comes back at once, see [`Run::start`].
    ///
    /// # Errors
    /// When git cannot be started.
    pub fn start(self) -> Result<Started, Refusal> {
        self.run.start()
    }

    /// Runs it and takes a failure for a refusal with git's own complaint, `doing` before it.
    ///
    /// # Errors
    /// When git cannot be started or ends with something other than 0.
    pub fn must(self, doing: &str) -> Result<Ended, Refusal> {
        let ended = self.run.run()?;
        if ended.timed_out {
            return Err(Refusal::new(format!("{doing}: git took too long")));
        }
        if !ended.ok() {
            return Err(Refusal::new(format!("{doing}: {}", ended.complaint())));
        }
        Ok(ended)
    }
}

/// `run` without the variables that name a repository: for a program that is to work on the folder it runs in.
#[must_use]
pub fn without_repository(run: Run) -> Run {
    PLACES.into_iter().fold(run, Run::without_variable)
}
