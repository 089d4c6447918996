//! Which package manager a project has, and how its work is asked for.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use crewkit_tool::Context;
use serde::Serialize;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Manager {
    /// npm of Node.js
    Npm,
    /// pnpm
    Pnpm,
    /// Yarn, 1 and later
    Yarn,
    /// Bun
    Bun,
    /// Cargo
    Cargo,
    /// pip
    Pip,
    /// uv
    Uv,
}

use Manager::{Bun, Cargo, Npm, Pip, Pnpm, Uv, Yarn};

/// Lock files of Node.js's managers, in the order they are looked for.
const NODE_LOCKS: [(&str, Manager); 6] = [
    ("package-lock.json", Npm),
    ("npm-shrinkwrap.json", Npm),
    ("pnpm-lock.yaml", Pnpm),
    ("yarn.lock", Yarn),
    ("bun.lock", Bun),
    ("bun.lockb", Bun),
];

/// A manager and the folder of the project it was found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Project {
    /// The manager.
    pub(crate) manager: Manager,
    /// Where its lock file lies, or would.
    pub(crate) folder: PathBuf,
}

impl Project {
    /// The project that `folder` belongs to: the nearest folder with a manifest says which world it is of; among
    /// Node.js's managers `packageManager` of package.json decides, else the nearest lock file, else npm. Nothing found
    /// means npm, which says so itself.
    pub(crate) fn find(folder: &Path) -> Self {
        let parents: Vec<&Path> = within_repository(folder).collect();
        for at in &parents {
            let has = |name: &str| at.join(name).is_file();
            let manager = if has("package.json") || NODE_LOCKS.iter().any(|(name, _)| has(name)) {
                return Self::of_node(at, &parents);
            } else if has("Cargo.toml") {
                Cargo
            } else if has("uv.lock") {
                Uv
            } else if ["pyproject.toml", "requirements.txt", "setup.py"].into_iter().any(has) {
                Pip
            } else {
                continue;
            };
            let folder = match manager {
                // A member of a workspace has no lock file of its own.
                Cargo => parents.iter().find(|above| above.join("Cargo.lock").is_file()).unwrap_or(at),
                _ => at,
            };
            return Self { manager, folder: folder.to_path_buf() };
        }
        Self { manager: Npm, folder: folder.to_owned() }
    }

    fn of_node(at: &Path, parents: &[&Path]) -> Self {
        let above = || parents.iter().copied().filter(|above| at.starts_with(above));
        for folder in above() {
            if let Some(manager) = named_in_package(folder) {
                return Self { manager, folder: folder.to_owned() };
            }
            let lock = NODE_LOCKS.iter().find(|(name, _)| folder.join(name).is_file());
            if let Some((_, manager)) = lock {
                return Self { manager: *manager, folder: folder.to_owned() };
            }
        }
        Self { manager: Npm, folder: at.to_owned() }
    }

    /// The lock files that the manager may write.
    pub(crate) fn locks(&self) -> Vec<PathBuf> {
        let names: Vec<&str> = match self.manager {
            Cargo => vec!["Cargo.lock"],
            Uv => vec!["uv.lock"],
            Pip => vec![],
            manager => NODE_LOCKS.iter().filter(|(_, of)| *of == manager).map(|(name, _)| *name).collect(),
        };
        names.into_iter().map(|name| self.folder.join(name)).collect()
    }
}

/// `folder` and what it lies in, up to the top of its repository; outside of one `folder` alone, lest a stray file of
/// some home folder decides.
fn within_repository(folder: &Path) -> impl Iterator<Item = &Path> {
    let depth = folder.ancestors().position(|at| at.join(".git").exists()).unwrap_or(0);
    folder.ancestors().take(depth + 1)
}

/// The manager that package.json's `packageManager` (as of Corepack, `pnpm@9.1.0`) names.
fn named_in_package(folder: &Path) -> Option<Manager> {
    let text = std::fs::read(folder.join("package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let name = package["packageManager"].as_str()?.split('@').next()?;
    [Npm, Pnpm, Yarn, Bun].into_iter().find(|manager| manager.name() == name)
}

impl Manager {
    /// Its name, which is its program's.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Npm => "npm",
            Pnpm => "pnpm",
            Yarn => "yarn",
            Bun => "bun",
            Cargo => "cargo",
            Pip => "pip",
            Uv => "uv",
        }
    }

    /// Whether it is one of Node.js's.
    pub(crate) fn is_of_node(self) -> bool {
        matches!(self, Npm | Pnpm | Yarn | Bun)
    }

    /// The command line for `word` (`install`, `ci`, or one of the manager's own) with `arguments`.
    pub(crate) fn command(self, context: &Context, word: &OsStr, arguments: &[OsString]) -> Vec<OsString> {
        let names_packages = arguments.iter().any(|argument| !argument.as_encoded_bytes().starts_with(b"-"));
        let folder = context.directory().unwrap_or(Path::new("."));
        let words: &[&str] = match (self, word.to_str().unwrap_or_default()) {
            (Pnpm | Yarn | Bun | Cargo | Uv, "install" | "i") if names_packages => &["add"],
            (Pnpm | Yarn | Bun, "install" | "i") => &["install"],
            (Yarn, "ci") if is_berry(folder) => &["install", "--immutable"],
            (Pnpm | Yarn | Bun, "ci") => &["install", "--frozen-lockfile"],
            (Yarn | Bun | Uv | Cargo, "uninstall" | "rm") => &["remove"],
            (Cargo, "install" | "i") => &["fetch"],
            (Cargo, "ci") => &["fetch", "--locked"],
            (Uv, "install" | "i") => &["sync"],
            (Uv, "ci") => &["sync", "--locked"],
            (Pip, "install" | "i" | "ci") if names_packages => &["install"],
            (Pip, "install" | "i" | "ci") if folder.join("requirements.txt").is_file() => {
                &["install", "-r", "requirements.txt"]
            }
            (Pip, "install" | "i" | "ci") => &["install", "-e", "."],
            (Pip, "uninstall" | "remove" | "rm") => &["uninstall", "-y"],
            _ => &[],
        };
        let mut command: Vec<OsString> = match self {
            Pip => pip(context, folder),
            _ => vec![self.name().into()],
        };
        if words.is_empty() {
            command.push(word.to_owned());
        }
        command.extend(words.iter().map(Into::into));
        command.extend(arguments.iter().cloned());
        command
    }

    /// The manager that a whole command line calls.
    pub(crate) fn called_by(command: &[OsString]) -> Option<Self> {
        let name = Path::new(command.first()?).file_name()?.to_str()?;
        let of_python = name.starts_with("python") || name == "py";
        match name {
            "npm" | "npx" => Some(Npm),
            "pnpm" | "pnpx" => Some(Pnpm),
            "yarn" | "yarnpkg" => Some(Yarn),
            "bun" | "bunx" => Some(Bun),
            "cargo" => Some(Cargo),
            "uv" | "uvx" => Some(Uv),
            _ if name.starts_with("pip") => Some(Pip),
            _ if of_python && command.iter().any(|word| word == "pip") => Some(Pip),
            _ => None,
        }
    }
}

/// Whether a project's Yarn is one later than 1, which has options of its own.
pub(crate) fn is_berry(folder: &Path) -> bool {
    within_repository(folder).any(|at| {
        at.join(".yarnrc.yml").is_file()
            || std::fs::read(at.join("yarn.lock"))
                .is_ok_and(|lock| lock[..lock.len().min(500)].windows(11).any(|piece| piece == b"__metadata:"))
    })
}

/// pip of the project's virtual environment, else the one in PATH, else that of python3.
fn pip(context: &Context, folder: &Path) -> Vec<OsString> {
    let own = [".venv", "venv"].iter().map(|place| folder.join(place).join("bin/pip")).find(|file| file.is_file());
    if let Some(own) = own {
        return vec![own.into_os_string()];
    }
    if is_in_path(context, "pip") {
        return vec!["pip".into()];
    }
    ["python3", "-m", "pip"].map(OsString::from).to_vec()
}

/// Whether a program of this name lies in PATH.
pub(crate) fn is_in_path(context: &Context, program: &str) -> bool {
    let path = context.variable_path("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|place| place.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn scratch(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn found(files: &[(&str, &str)], below: &str) -> (Manager, String) {
        let folder = scratch(files);
        let at = folder.path().join(below);
        std::fs::create_dir_all(&at).unwrap();
        let project = Project::find(&at);
        (project.manager, project.folder.strip_prefix(folder.path()).unwrap().to_string_lossy().into_owned())
    }

    #[test]
    fn the_manager_is_known_by_lock_file_or_package() {
        let package = ("package.json", "{}");
        assert_eq!(found(&[package], "").0, Npm);
        assert_eq!(found(&[], "deep/er").0, Npm);
        assert_eq!(found(&[package, ("pnpm-lock.yaml", "")], "").0, Pnpm);
        assert_eq!(found(&[package, ("yarn.lock", "")], "").0, Yarn);
        assert_eq!(found(&[package, ("bun.lockb", "")], "").0, Bun);
        assert_eq!(found(&[package, ("bun.lock", ""), ("package-lock.json", "{}")], "").0, Npm);
        let named = ("package.json", r#"{"packageManager":"yarn@4.1.0+sha512.x"}"#);
        assert_eq!(found(&[named, ("package-lock.json", "{}")], "").0, Yarn);
        assert_eq!(found(&[package, ("Cargo.toml", "")], "").0, Npm);
        assert_eq!(found(&[("Cargo.toml", "")], "src").0, Cargo);
        assert_eq!(found(&[("pyproject.toml", ""), ("uv.lock", "")], "").0, Uv);
        assert_eq!(found(&[("requirements.txt", "")], "").0, Pip);
    }

    #[test]
    fn a_workspace_has_its_lock_file_above() {
        let files = [("package.json", "{}"), ("pnpm-lock.yaml", ""), ("packages/a/package.json", "{}")];
        assert_eq!(found(&files, "packages/a/src"), (Pnpm, String::new()));
        let files = [("package.json", "{}"), ("yarn.lock", ""), ("core/Cargo.toml", ""), ("core/Cargo.lock", "")];
        assert_eq!(found(&files, "core/src"), (Cargo, "core".to_owned()));
    }

    #[test]
    fn each_manager_is_asked_in_its_own_words() {
        let folder = scratch(&[("requirements.txt", ""), (".yarnrc.yml", "")]);
        let context = Context::scripted(Script {
            environment: std::collections::HashMap::default(),
            directory: folder.path().to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        let line = |manager: Manager, words: &str| {
            let mut words = words.split(' ').map(OsString::from);
            let word = words.next().unwrap();
            let words: Vec<OsString> = words.collect();
            manager.command(&context, &word, &words).join(OsStr::new(" ")).into_string().unwrap()
        };
        for (manager, given, wanted) in [
            (Npm, "install left-pad --save-dev", "npm install left-pad --save-dev"),
            (Npm, "ci", "npm ci"),
            (Npm, "fund", "npm fund"),
            (Pnpm, "install", "pnpm install"),
            (Pnpm, "install left-pad -D", "pnpm add left-pad -D"),
            (Pnpm, "ci", "pnpm install --frozen-lockfile"),
            (Yarn, "ci", "yarn install --immutable"),
            (Yarn, "uninstall a", "yarn remove a"),
            (Bun, "install --production", "bun install --production"),
            (Cargo, "install", "cargo fetch"),
            (Cargo, "install serde", "cargo add serde"),
            (Cargo, "update", "cargo update"),
            (Uv, "ci", "uv sync --locked"),
            (Uv, "pip install x", "uv pip install x"),
            (Pip, "install", "python3 -m pip install -r requirements.txt"),
            (Pip, "uninstall x", "python3 -m pip uninstall -y x"),
        ] {
            assert_eq!(line(manager, given), wanted);
        }
    }

    #[test]
    fn a_whole_command_line_names_its_manager() {
        let called = |line: &str| Manager::called_by(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(called("/usr/bin/pnpm add x"), Some(Pnpm));
        assert_eq!(called("python3.12 -m pip install x"), Some(Pip));
        assert_eq!(called("pip3 install x"), Some(Pip));
        assert_eq!(called("make install"), None);
    }
}
