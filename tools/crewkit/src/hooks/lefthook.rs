//! lefthook: a marked block in `lefthook-local.yml`, the file that it reads beside the repository's and that is one
//! person's alone (<https://lefthook.dev/configuration/>). Nothing else of lefthook's is changed; its generated hooks are
//! written anew with every `lefthook install`.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_hooks::pre_commit::call_of_program;
use crewkit_repo::Git;
use crewkit_tool::{Context, Refusal};

use super::git::{CALL, MARK};

const BEGIN: &str = "# crewkit hooks: begin";
const END: &str = "# crewkit hooks: end";

/// The person's file, and the repository's beside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LocalFile {
    /// Where it is or would be.
    pub(super) path: PathBuf,
    /// Whether the configuration is YAML, in which the block is written.
    yaml: bool,
}

impl LocalFile {
    /// The file beside the configuration in `top`; `None` where there is no configuration of lefthook's.
    pub(super) fn of(top: &Path) -> Option<Self> {
        for (name, local) in [("lefthook", "lefthook-local"), (".lefthook", ".lefthook-local")] {
            for (ending, yaml) in [("yml", true), ("yaml", true), ("toml", false), ("json", false)] {
                if top.join(format!("{name}.{ending}")).is_file() {
                    let there = ["yml", "yaml"].map(|ending| top.join(format!("{local}.{ending}")));
                    let path = there.iter().find(|path| path.is_file()).unwrap_or(&there[0]).clone();
                    return Some(Self { path, yaml });
                }
            }
        }
        None
    }

    pub(super) fn is_installed(&self) -> Result<bool, Refusal> {
        Ok(self.read()?.is_some_and(|text| text.lines().any(|line| line == BEGIN)))
    }

    pub(super) fn install(&self, context: &Context) -> Result<String, Refusal> {
        let shown = self.path.display();
        if self.is_installed()? {
            return Ok(format!("git: already in {shown}"));
        }
        let block = block()?;
        let before = self.read()?.unwrap_or_default();
        let own_hook = before.lines().any(|line| line.trim_end() == "pre-commit:" || line.starts_with("pre-commit: "));
        if own_hook || !self.yaml {
            let help = format!("merge this into it by hand:\n{block}");
            return Err(Refusal::new(format!("{shown} cannot be added to without a risk")).with_help(help));
        }
        let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        self.write(&format!("{before}{gap}{block}"))?;
        let hidden = before.is_empty() && self.hide(context)?;
        let note = if hidden { ", which .git/info/exclude keeps out of git's sight" } else { "" };
        Ok(format!("git: added to {shown}{note}"))
    }

    /// Whether there was something to take out.
    pub(super) fn uninstall(&self, context: &Context) -> Result<bool, Refusal> {
        let Some(before) = self.read()?.filter(|text| text.contains(BEGIN)) else { return Ok(false) };
        let mut inside = false;
        let mut after = String::with_capacity(before.len());
        for line in before.split_inclusive('\n') {
            inside |= line.trim_end() == BEGIN;
            if !inside {
                after.push_str(line);
            }
            inside &= line.trim_end() != END;
        }
        if after.is_empty() {
            fs::remove_file(&self.path).map_err(|fault| fault_of("remove", &self.path, &fault))?;
        } else {
            self.write(&after)?;
        }
        let exclude = exclude_file(context, &self.path)?;
        if let Ok(text) = fs::read_to_string(&exclude)
            && text.contains(MARK)
        {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            if let Some(at) = lines.iter().position(|line| line.trim_end() == MARK) {
                lines.drain(at..(at + 2).min(lines.len()));
            }
            fs::write(&exclude, lines.concat()).map_err(|fault| fault_of("write", &exclude, &fault))?;
        }
        Ok(true)
    }

    /// Keeps a new file out of `git status`, by git's own list for one person. Gives whether that was needed.
    fn hide(&self, context: &Context) -> Result<bool, Refusal> {
        let folder = self.path.parent().unwrap_or(&self.path);
        if Git::at(context, folder).of_folder().args(["check-ignore", "-q", "--"]).arg(&self.path).run()?.ok() {
            return Ok(false);
        }
        let exclude = exclude_file(context, &self.path)?;
        let before = fs::read_to_string(&exclude).unwrap_or_default();
        let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let text = format!("{before}{gap}{MARK}\n/{name}\n");
        let write = || {
            fs::create_dir_all(exclude.parent().unwrap_or(&exclude))?;
            fs::write(&exclude, text)
        };
        write().map_err(|fault| fault_of("write", &exclude, &fault))?;
        Ok(true)
    }

    fn read(&self) -> Result<Option<String>, Refusal> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault_of("read", &self.path, &fault)),
        }
    }

    fn write(&self, text: &str) -> Result<(), Refusal> {
        fs::write(&self.path, text).map_err(|fault| fault_of("write", &self.path, &fault))
    }
}

/// The block; the command is a literal block of YAML, in which nothing has to be quoted.
fn block() -> Result<String, Refusal> {
    let own = std::env::current_exe()
        .map_err(|fault| Refusal::new(format!("the running program cannot be found: {fault}")))?;
    let line = call_of_program(&own, CALL, MARK.trim_start_matches("# "))?;
    Ok(format!("{BEGIN}\npre-commit:\n  commands:\n    crewkit:\n      run: |\n        {line}\n{END}\n"))
}

fn exclude_file(context: &Context, beside: &Path) -> Result<PathBuf, Refusal> {
    let folder = beside.parent().unwrap_or(beside);
    let told = Git::at(context, folder).of_folder().args(["rev-parse", "--git-path", "info/exclude"]).must("git")?;
    Ok(folder.join(told.text()))
}

fn fault_of(what: &str, path: &Path, fault: &std::io::Error) -> Refusal {
    Refusal::new(format!("cannot {what} {}: {fault}", path.display()))
}
