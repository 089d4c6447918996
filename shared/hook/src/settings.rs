//! What people set for hooks: `crewkit.toml` in the agent's folder, overridden key by key by `.crewkit.toml` of the
//! repository (TOML 1.0, <https://toml.io/en/v1.0.0>). A hook's table has the hook's name without `hook-`.
//!
//! Both files are read at most once an event, and only for a hook that asks; nothing is parsed where none is there. A
//! file that is no TOML counts as not there, which is said once for each state of the file: a line that came with
//! every tool call would be read by nobody.

mod told;
mod value;

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tool::Context;

pub use value::Value;

/// The name of the person's file, in the agent's folder.
pub const USER_FILE: &str = "crewkit.toml";

/// The name of a repository's file, at its top or in a folder above the working directory within it.
pub const PROJECT_FILE: &str = ".crewkit.toml";

/// Every setting with its default, commented out: what `crewkit hooks settings` prints.
pub const DEFAULTS: &str = include_str!("settings/crewkit.toml");

/// Most bytes of a settings file.
const MOST_BYTES: u64 = 1 << 20;

/// The settings that hold in one directory.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What was read, the one that wins first.
    files: Vec<File>,
}

#[derive(Debug, Clone)]
struct File {
    path: PathBuf,
    top: Value,
}

impl Settings {
    /// The settings that hold for a hook called in `directory`. A file that cannot be used is noted in `context`, once.
    pub fn load(context: &Context, directory: &Path) -> Self {
        let user = context.claude_home().ok().map(|home| home.join(USER_FILE));
        let paths = [project_file(directory), user];
        let files = paths.into_iter().flatten().filter_map(|path| match read(&path) {
            Ok(top) => top.map(|top| File { path, top }),
            Err(fault) => {
                told::once(context, &path, &fault);
                None
            }
        });
        Self { files: files.collect() }
    }

    /// Reads one file by itself; `None` when there is none.
    ///
    /// # Errors
    /// One line that names what is wrong with it, without its path.
    pub fn read_file(path: &Path) -> Result<Option<Value>, String> {
        read(path)
    }

    /// The files that hold, the one that wins first.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// Whether the hook `hook` runs: `default`, changed by `hooks.enable` and `hooks.disable` of the person's file, then by
    /// those of the repository's, which has no say in what the person's `hooks.keep` names.
    pub fn runs(&self, hook: &str, default: bool) -> bool {
        let names = |file: &File, key: &str| {
            let names = file.top.get("hooks").and_then(|hooks| hooks.get(key)?.as_texts());
            names.is_some_and(|names| names.contains(&hook))
        };
        let mut runs = default;
        for file in self.files.iter().rev() {
            runs = (runs || names(file, "enable")) && !names(file, "disable");
            if names(file, "keep") && !file.path.ends_with(PROJECT_FILE) {
                break;
            }
        }
        runs
    }

    /// The value of `key` in the table of `hook` (`enforce-line-limit`, `max_lines`), of whatever type.
    pub fn value(&self, hook: &str, key: &str) -> Option<&Value> {
        self.files.iter().find_map(|file| file.top.get(hook)?.get(key))
    }

    /// A setting that is text. One of another type counts as not set, here and below.
    pub fn text(&self, hook: &str, key: &str) -> Option<&str> {
        self.find(hook, key, Value::as_text)
    }

    /// A setting that is a whole number.
    pub fn number(&self, hook: &str, key: &str) -> Option<i64> {
        self.find(hook, key, Value::as_number)
    }

    /// A setting that is true or false.
    pub fn flag(&self, hook: &str, key: &str) -> Option<bool> {
        self.find(hook, key, Value::as_flag)
    }

    /// A setting that is a list of texts, or one text.
    pub fn list(&self, hook: &str, key: &str) -> Option<Vec<&str>> {
        self.find(hook, key, Value::as_texts)
    }

    fn find<'a, T>(&'a self, hook: &str, key: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        self.files.iter().find_map(|file| read(file.top.get(hook)?.get(key)?))
    }
}

/// `.crewkit.toml` in `directory` or the nearest folder above it, as far as the repository's top.
fn project_file(directory: &Path) -> Option<PathBuf> {
    for folder in directory.ancestors() {
        let candidate = folder.join(PROJECT_FILE);
        if fs::metadata(&candidate).is_ok() {
            return Some(candidate);
        }
        if fs::symlink_metadata(folder.join(".git")).is_ok() {
            return None;
        }
    }
    None
}

fn read(path: &Path) -> Result<Option<Value>, String> {
    let data = match fs::metadata(path) {
        Ok(data) => data,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault.to_string()),
    };
    // A pipe of that name would hold up every tool call.
    if !data.is_file() {
        return Err("is no file".to_owned());
    }
    if data.len() > MOST_BYTES {
        return Err(format!("is longer than {MOST_BYTES} bytes"));
    }
    let bytes = fs::read(path).map_err(|fault| fault.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    Value::parse(&text).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self { folder }
        }

        fn load(&self, directory: &str) -> (Settings, Vec<String>) {
            let context = Context::scripted(Script {
                environment: [("HOME".into(), self.folder.path().as_os_str().to_owned())].into(),
                directory: self.folder.path().to_owned(),
                clock: Clock::System,
                stdin: Vec::new(),
            });
            let settings = Settings::load(&context, &self.folder.path().join(directory));
            (settings, context.take_notes())
        }
    }

    #[test]
    fn the_repository_wins_key_by_key() {
        let place = Place::new(&[
            (".claude/crewkit.toml", "[a]\nx = 1\ny = 'user'\nz = ['p', 'q']\n"),
            ("shop/.crewkit.toml", "[a]\nx = 2\nflag = false\n[b]\none = 'only'\n"),
            ("shop/.git/HEAD", ""),
            ("shop/sub/deep/file", ""),
            ("shop/vendored/.git/HEAD", ""),
        ]);
        let (settings, notes) = place.load("shop/sub/deep");
        assert_eq!((settings.number("a", "x"), settings.text("a", "y")), (Some(2), Some("user")));
        assert_eq!((settings.flag("a", "flag"), settings.flag("a", "none")), (Some(false), None));
        assert_eq!(settings.list("a", "z"), Some(vec!["p", "q"]));
        assert_eq!(settings.list("b", "one"), Some(vec!["only"]));
        assert_eq!((settings.text("a", "x"), settings.number("a", "y"), notes.len()), (None, None, 0));
        assert_eq!(settings.paths().count(), 2);
        let (outside, _) = place.load("shop/vendored");
        assert_eq!(outside.number("a", "x"), Some(1));
    }

    #[test]
    fn hooks_are_switched_by_the_person_then_by_the_repository() {
        let place = Place::new(&[
            (".claude/crewkit.toml", "[hooks]\nenable = ['a', 'b']\ndisable = ['c', 'kept']\nkeep = ['kept', 'd']\n"),
            ("shop/.crewkit.toml", "[hooks]\nenable = ['c', 'kept']\ndisable = ['b', 'd']\nkeep = ['a']\n"),
            ("shop/.git/HEAD", ""),
        ]);
        let runs = |directory: &str, default: bool| {
            ["a", "b", "c", "kept", "d", "e"].map(|hook| place.load(directory).0.runs(hook, default))
        };
        assert_eq!(runs("shop", true), [true, false, true, false, true, true]);
        assert_eq!(runs("shop", false), [true, false, true, false, false, false]);
        assert_eq!(runs("", false), [true, true, false, false, false, false]);
    }

    #[test]
    fn no_files_are_no_settings() {
        let (settings, notes) = Place::new(&[("shop/.git/HEAD", "")]).load("shop");
        assert!(settings.text("a", "x").is_none() && settings.paths().count() == 0 && notes.is_empty());
    }

    #[test]
    fn a_broken_file_is_told_once_for_each_state_of_it() {
        let place = Place::new(&[
            (".claude/crewkit.toml", "[a]\nx = 1\n"),
            ("shop/.crewkit.toml", "[a]\nx = \nnext = 1\n"),
            ("shop/.git/HEAD", ""),
        ]);
        let (settings, notes) = place.load("shop");
        assert_eq!(settings.number("a", "x"), Some(1), "the other file still holds");
        assert!(
            notes.len() == 1 && notes[0].contains("shop/.crewkit.toml") && notes[0].contains("line 2"),
            "{notes:?}"
        );
        assert_eq!(place.load("shop").1, [""; 0]);
        fs::write(place.folder.path().join("shop/.crewkit.toml"), "[a\n").unwrap();
        assert_eq!(place.load("shop").1.len(), 1);
        assert_eq!(place.load("shop").1, [""; 0]);
        fs::remove_file(place.folder.path().join("shop/.crewkit.toml")).unwrap();
        fs::create_dir(place.folder.path().join("shop/.crewkit.toml")).unwrap();
        assert_eq!(place.load("shop").1.len(), 1);
    }

    #[test]
    fn the_defaults_set_nothing_and_are_toml_when_uncommented() {
        assert_eq!(Value::parse(DEFAULTS).unwrap().get("hooks"), Value::parse("[hooks]").unwrap().get("hooks"));
        assert!(value::known().unwrap().get("hooks").unwrap().get("disable").is_some());
    }
}
