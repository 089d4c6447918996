//! Folders and files: where things lie, and paths as tools show and keep them.

use std::path::{Component, Path, PathBuf};

use super::Context;
use crate::Refusal;

impl Context {
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
    use crate::{Clock, Script};

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
}
