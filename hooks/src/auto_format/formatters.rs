//! Formatters: which is for which file, whether a project uses it, and how it is called.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tool::Context;
use serde_json::Value;

/// Most bytes that are read of a project's settings.
const MOST_BYTES: u64 = 1 << 20;

/// A program that formats.
struct Formatter {
    name: &'static str,
    endings: &'static [&'static str],
    arguments: &'static [&'static str],
    /// Whether the folder's files say that the project uses it.
    is_used: fn(&Path) -> bool,
    /// Whether a project that does not say so may get it all the same.
    by_default: bool,
}

/// The first that fits is called; one that the project uses comes before all others.
const FORMATTERS: &[Formatter] = &[
    Formatter {
        name: "ruff",
        endings: &["py"],
        arguments: &["format", "--quiet"],
        is_used: |folder| any(folder, &["ruff.toml", ".ruff.toml"]) || holds(folder, "pyproject.toml", "[tool.ruff"),
        by_default: false,
    },
    Formatter {
        name: "black",
        endings: &["py"],
        arguments: &["-q"],
        is_used: |folder| holds(folder, "pyproject.toml", "[tool.black"),
        by_default: true,
    },
    Formatter {
        name: "biome",
        endings: &["js", "jsx", "ts", "tsx", "json", "css"],
        arguments: &["format", "--write"],
        is_used: |folder| any(folder, &["biome.json", "biome.jsonc"]),
        by_default: false,
    },
    Formatter {
        name: "prettier",
        endings: &["js", "jsx", "ts", "tsx", "json", "css", "scss", "md"],
        arguments: &["--log-level", "silent", "--write"],
        is_used: uses_prettier,
        by_default: true,
    },
    Formatter {
        name: "swift-format",
        endings: &["swift"],
        arguments: &["format", "-i"],
        is_used: |folder| any(folder, &[".swift-format"]),
        by_default: true,
    },
    Formatter {
        name: "gofmt",
        endings: &["go"],
        arguments: &["-w"],
        is_used: |folder| any(folder, &["go.mod"]),
        by_default: true,
    },
    Formatter {
        name: "rustfmt",
        endings: &["rs"],
        arguments: &[],
        is_used: |folder| any(folder, &["rustfmt.toml", ".rustfmt.toml"]),
        by_default: true,
    },
    Formatter {
        name: "shfmt",
        endings: &["sh", "bash"],
        arguments: &["-w"],
        // shfmt takes its options from there (https://github.com/mvdan/sh/blob/master/cmd/shfmt/shfmt.1.scd).
        is_used: |folder| {
            ["*.sh", "[[shell]]", "shell_variant"].iter().any(|part| holds(folder, ".editorconfig", part))
        },
        by_default: true,
    },
];

/// The folders whose files say how a file is formatted: its own and those above it, as far as the repository's top; the
/// nearest first. Outside of a repository all above it.
#[derive(Debug)]
pub(super) struct Project<'p> {
    folders: Vec<&'p Path>,
}

/// A formatter as it is to be called; the file's path is the last argument.
#[derive(Debug)]
pub(super) struct Call {
    /// What it is called.
    pub(super) name: &'static str,
    /// Its program.
    pub(super) program: PathBuf,
    /// Its arguments but the last.
    pub(super) arguments: Vec<OsString>,
}

impl Call {
    /// Whether it is to be given `text` on standard input. rustfmt follows the modules that a file names, and formats
    /// files that nobody edited.
    pub(super) fn by_stream(&self, text: &[u8]) -> bool {
        let names_module = |line: &[u8]| {
            let line = line.trim_ascii();
            line.ends_with(b";")
                && (line.starts_with(b"mod ")
                    || line.starts_with(b"pub") && line.windows(5).any(|part| part == b" mod "))
        };
        self.name == "rustfmt" && text.split(|byte| *byte == b'\n').any(names_module)
    }
}

impl<'p> Project<'p> {
    /// The project of the file at `path` in the repository whose top is `top`.
    pub(super) fn new(path: &'p Path, top: Option<&Path>) -> Self {
        let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
        if let Some(last) = top.and_then(|top| folders.iter().position(|folder| *folder == top)) {
            folders.truncate(last + 1);
        }
        Self { folders }
    }

    /// The program `name` that the project has installed for itself.
    fn own_program(&self, name: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join("node_modules/.bin").join(name)).find(|path| path.is_file())
    }

    /// The edition of Rust that it is written in.
    fn edition(&self) -> String {
        let found = self.folders.iter().find_map(|folder| {
            let text = read(&folder.join("Cargo.toml"))?;
            let value = |line: &str| {
                let value = line.trim().strip_prefix("edition")?.trim_start().strip_prefix('=')?.trim();
                let value = value.split('#').next()?.trim().trim_matches(['"', '\'']);
                (value.len() == 4 && value.bytes().all(|byte| byte.is_ascii_digit())).then(|| value.to_owned())
            };
            text.lines().find_map(value)
        });
        found.unwrap_or_else(|| "2024".to_owned())
    }
}

/// Whether some formatter is for files of this ending.
pub(super) fn is_known(ending: &str) -> bool {
    FORMATTERS.iter().any(|formatter| formatter.endings.contains(&ending))
}

/// The formatter for files of this ending: one that the project uses or, where `by_default` says so, the usual one.
pub(super) fn choose(context: &Context, project: &Project<'_>, ending: &str, by_default: bool) -> Option<Call> {
    let fitting = || FORMATTERS.iter().filter(|formatter| formatter.endings.contains(&ending));
    let used = fitting().filter(|formatter| project.folders.iter().any(|folder| (formatter.is_used)(folder)));
    let usual = fitting().filter(|formatter| by_default && formatter.by_default);
    used.chain(usual).find_map(|formatter| {
        let own = || project.own_program(formatter.name).filter(|_| matches!(formatter.name, "prettier" | "biome"));
        let program = own().or_else(|| context.find_program(formatter.name))?;
        let mut arguments: Vec<OsString> = formatter.arguments.iter().map(OsString::from).collect();
        if formatter.name == "rustfmt" {
            arguments.extend(["--edition".into(), project.edition().into()]);
        }
        Some(Call { name: formatter.name, program, arguments })
    })
}

fn any(folder: &Path, names: &[&str]) -> bool {
    names.iter().any(|name| folder.join(name).is_file())
}

fn holds(folder: &Path, name: &str, part: &str) -> bool {
    read(&folder.join(name)).is_some_and(|text| text.contains(part))
}

fn read(path: &Path) -> Option<String> {
    fs::metadata(path).ok().filter(|data| data.is_file() && data.len() <= MOST_BYTES)?;
    fs::read_to_string(path).ok()
}

/// Whether there are settings of prettier's, or package.json names it (<https://prettier.io/docs/configuration>).
fn uses_prettier(folder: &Path) -> bool {
    const FORMS: [&str; 10] = ["", ".json", ".yml", ".yaml", ".json5", ".js", ".mjs", ".cjs", ".toml", ".ts"];
    if FORMS.iter().any(|form| folder.join(format!(".prettierrc{form}")).is_file())
        || ["js", "mjs", "cjs", "ts"].iter().any(|form| folder.join(format!("prettier.config.{form}")).is_file())
    {
        return true;
    }
    let package = read(&folder.join("package.json")).and_then(|text| serde_json::from_str::<Value>(&text).ok());
    package.is_some_and(|package| {
        package.get("prettier").is_some()
            || ["dependencies", "devDependencies"].iter().any(|key| package[*key].get("prettier").is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_in_files_of_their_own_are_not_followed() {
        let call = |name| Call { name, program: PathBuf::new(), arguments: Vec::new() };
        for text in ["mod x;", "use a;\n  pub mod x;\n", "pub(crate) mod x ;"] {
            assert!(call("rustfmt").by_stream(text.as_bytes()), "{text}");
        }
        for text in ["mod x {\n}\n", "let model = 1;", "// pub fn\n"] {
            assert!(!call("rustfmt").by_stream(text.as_bytes()), "{text}");
        }
        assert!(!call("gofmt").by_stream(b"mod x;"));
    }

    #[test]
    fn the_edition_is_that_of_the_nearest_package_that_says_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tools/x/src/lib.rs");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let edition = || Project::new(&file, Some(folder.path())).edition();
        assert_eq!(edition(), "2024");
        fs::write(folder.path().join("Cargo.toml"), "[workspace.package]\nedition = \"2021\" # old\n").unwrap();
        fs::write(folder.path().join("tools/x/Cargo.toml"), "[package]\nedition.workspace = true\n").unwrap();
        assert_eq!(edition(), "2021");
        fs::write(folder.path().join("tools/x/Cargo.toml"), "edition='2018'\n").unwrap();
        assert_eq!(edition(), "2018");
    }

    #[test]
    fn what_a_project_uses_is_told_by_its_files() {
        for (file, text, ending, wanted) in [
            (".prettierrc", "", "md", "prettier"),
            ("prettier.config.mjs", "", "ts", "prettier"),
            ("package.json", r#"{"prettier": {}}"#, "js", "prettier"),
            ("package.json", r#"{"devDependencies": {"prettier": "3"}}"#, "css", "prettier"),
            ("biome.json", "{}", "ts", "biome"),
            ("pyproject.toml", "[tool.black]\n", "py", "black"),
            ("pyproject.toml", "[tool.ruff.lint]\n", "py", "ruff"),
            ("go.mod", "", "go", "gofmt"),
            ("rustfmt.toml", "", "rs", "rustfmt"),
            (".editorconfig", "[*.sh]\n", "bash", "shfmt"),
            (".swift-format", "{}", "swift", "swift-format"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let source = folder.path().join("src/x");
            fs::write(folder.path().join(file), text).unwrap();
            let project = Project::new(&source, Some(folder.path()));
            let used: Vec<_> = FORMATTERS
                .iter()
                .filter(|one| one.endings.contains(&ending) && project.folders.iter().any(|at| (one.is_used)(at)))
                .map(|one| one.name)
                .collect();
            assert_eq!(used, [wanted], "{file}");
        }
        let none = tempfile::tempdir().unwrap();
        fs::write(none.path().join("package.json"), r#"{"name": "prettier"}"#).unwrap();
        assert!(!uses_prettier(none.path()));
    }
}
