//! git's pre-commit hook as a file that several programs put a line into: found where git looks for it, never written
//! over, and left as it was when the line is taken out (githooks(5)).

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crewkit_repo::Git;
use crewkit_tool::{Context, Refusal};

/// Shells in whose language the line is written.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash"];

/// What a new hook begins with.
const FIRST_LINE: &[u8] = b"#!/bin/sh\n";

/// A hook's file.
#[derive(Debug)]
pub struct HookFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether git itself starts it, and so passes over it unless it may be executed.
    pub started_by_git: bool,
}

/// What inserting came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// There was no hook.
    Created,
    /// The line was added to the hook that is there.
    Added,
    /// It stands there.
    Already,
}

/// Whether git calls a line of the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Called,
    /// The line is there, but git passes over a hook that may not be executed.
    NotExecutable,
    /// The line is not there.
    NotThere,
}

impl HookFile {
    /// The pre-commit hook of the repository that `repository` (a folder) lies in.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(context: &Context, repository: &Path) -> Result<Self, Refusal> {
        let folder = context.absolute(repository)?;
        if !folder.is_dir() {
            return Err(Refusal::new(format!("no such folder: {}", folder.display())));
        }
        let told = Git::at(context, &folder)
            .of_folder()
            .args(["rev-parse", "--git-path", "hooks"])
            .must(&format!("{} is in no repository", folder.display()))?;
        let hooks = printed_path(&told.stdout);
        Ok(Self { path: folder.join(hooks).join("pre-commit"), started_by_git: true })
    }

    /// Puts `line`, which holds `mark`, behind the hook's first line, and makes the hook executable. A line with the mark
    /// that is there already is replaced.
    ///
    /// # Errors
    /// When the hook is not written in a shell's language, or cannot be read or written.
    pub fn insert(&self, line: &str, mark: &str) -> Result<Inserted, Refusal> {
        let Some(before) = self.read()? else {
            let mode = if self.started_by_git { 0o755 } else { 0o644 };
            self.write(&[FIRST_LINE, line.as_bytes(), b"\n"].concat(), mode)?;
            return Ok(Inserted::Created);
        };
        if !is_shell_script(&before) {
            return Err(Refusal::new(format!(
                "{} is no shell script; let it call, before anything else: {line}",
                self.path.display()
            )));
        }
        let mode = fs::metadata(&self.path).map_or(0o755, |data| data.permissions().mode());
        let wanted = if self.started_by_git { executable(mode) } else { mode };
        let (first, rest) = split_first(&before);
        if rest.split_inclusive(|byte| *byte == b'\n').next() == Some([line.as_bytes(), b"\n"].concat().as_slice()) {
            if mode != wanted {
                self.write(&before, wanted)?;
            }
            return Ok(Inserted::Already);
        }
        let known = has(&before, mark);
        let rest = without(rest, mark);
        let end: &[u8] = if first.is_empty() || first.ends_with(b"\n") { b"" } else { b"\n" };
        self.write(&[first, end, line.as_bytes(), b"\n", &rest].concat(), wanted)?;
        Ok(if known { Inserted::Already } else { Inserted::Added })
    }

    /// Takes every line with `mark` out; a hook that does nothing more is removed. Gives whether there was one.
    ///
    /// # Errors
    /// When the hook cannot be read or written.
    pub fn remove(&self, mark: &str) -> Result<bool, Refusal> {
        let Some(before) = self.read()?.filter(|before| has(before, mark)) else { return Ok(false) };
        let after = without(&before, mark);
        if after.is_empty() || after == FIRST_LINE {
            fs::remove_file(&self.path).map_err(|fault| self.fault("remove", &fault))?;
        } else {
            let mode = fs::metadata(&self.path).map_or(0o755, |data| data.permissions().mode());
            self.write(&after, mode)?;
        }
        Ok(true)
    }

    /// Whether git calls a line with `mark`.
    ///
    /// # Errors
    /// When the hook cannot be read.
    pub fn state(&self, mark: &str) -> Result<State, Refusal> {
        let there = self.read()?.is_some_and(|text| has(&text, mark));
        let executable =
            !self.started_by_git || fs::metadata(&self.path).is_ok_and(|data| data.permissions().mode() & 0o111 != 0);
        Ok(match (there, executable) {
            (true, true) => State::Called,
            (true, false) => State::NotExecutable,
            (false, _) => State::NotThere,
        })
    }

    /// The hook's bytes; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> Result<Option<Vec<u8>>, Refusal> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(self.fault("read", &fault)),
        }
    }

    /// Writes the hook whole or not at all; where it is a link, what it points to.
    fn write(&self, bytes: &[u8], mode: u32) -> Result<(), Refusal> {
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".new-{}", std::process::id()));
        let new = path.with_file_name(name);
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let _ = fs::remove_file(&new);
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
            file.write_all(bytes)?;
            file.set_permissions(Permissions::from_mode(mode & 0o7777))?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|fault| {
            let _ = fs::remove_file(&new);
            self.fault("write", &fault)
        })
    }

    fn fault(&self, what: &str, fault: &std::io::Error) -> Refusal {
        Refusal::new(format!("cannot {what} {}: {fault}", self.path.display()))
    }
}

/// The line that calls the tool `name` with `argument` from a hook and hands its refusal on, marked with the name. It
/// does nothing once the program is gone.
///
/// # Errors
/// When the path of the running program cannot be read, or is not UTF-8.
pub fn call_of_tool(name: &str, argument: &str) -> Result<String, Refusal> {
    let own = std::env::current_exe()
        .map_err(|fault| Refusal::new(format!("the running program cannot be found: {fault}")))?;
    let alone = own.file_stem().is_some_and(|stem| stem == name);
    let call = if alone { argument.to_owned() } else { format!("{name} {argument}") };
    call_of_program(&own, &call, name)
}

/// The line that calls `program` with `arguments` and hands its refusal on, with `mark` at its end.
///
/// # Errors
/// When the path is not UTF-8, or holds a line end.
pub fn call_of_program(program: &Path, arguments: &str, mark: &str) -> Result<String, Refusal> {
    let odd = || Refusal::new(format!("{} cannot stand in a hook", program.display()));
    let path = program.to_str().filter(|path| !path.contains('\n')).ok_or_else(odd)?;
    let path = format!("'{}'", path.replace('\'', r"'\''"));
    Ok(format!("[ ! -x {path} ] || {path} {arguments} || exit $? # {mark}"))
}

/// A path that git printed, without its line end.
fn printed_path(printed: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(printed.strip_suffix(b"\n").unwrap_or(printed)))
}

fn executable(mode: u32) -> u32 {
    // Whoever may read it may run it.
    mode | ((mode & 0o444) >> 2) | 0o100
}

/// The interpreter's line, if there is one, and the rest.
fn split_first(script: &[u8]) -> (&[u8], &[u8]) {
    if !script.starts_with(b"#!") {
        return (b"", script);
    }
    let end = script.iter().position(|byte| *byte == b'\n').map_or(script.len(), |at| at + 1);
    script.split_at(end)
}

/// Whether a line of shell may be put into it. git hands a hook without an interpreter's line to the shell.
fn is_shell_script(script: &[u8]) -> bool {
    let (first, _) = split_first(script);
    if first.is_empty() {
        return !script.contains(&0);
    }
    let first = String::from_utf8_lossy(&first[2..]);
    first
        .split_whitespace()
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .find(|word| *word != "env" && !word.starts_with('-') && !word.contains('='))
        .is_some_and(|name| SHELLS.contains(&name))
}

fn has(script: &[u8], mark: &str) -> bool {
    script.windows(mark.len()).any(|part| part == mark.as_bytes())
}

fn without(script: &[u8], mark: &str) -> Vec<u8> {
    script.split_inclusive(|byte| *byte == b'\n').filter(|line| !has(line, mark)).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &tempfile::TempDir, text: Option<&str>, mode: u32) -> HookFile {
        let path = folder.path().join("hooks/pre-commit");
        if let Some(text) = text {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        HookFile { path, started_by_git: true }
    }

    fn text(file: &HookFile) -> String {
        String::from_utf8(file.read().unwrap().unwrap()).unwrap()
    }

    fn mode(file: &HookFile) -> u32 {
        fs::metadata(&file.path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_line_goes_behind_the_first_and_out_again_without_a_trace() {
        for (theirs, first) in [
            ("#!/bin/bash\nexit 0\n", "#!/bin/bash\n"),
            ("#!/usr/bin/env -S bash -e\nexit 0", "#!/usr/bin/env -S bash -e\n"),
            ("#!/bin/sh", "#!/bin/sh\n"),
            ("echo no interpreter\n", ""),
            ("#!/bin/sh\r\necho windows\r\n", "#!/bin/sh\r\n"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = file(&folder, Some(theirs), 0o644);
            assert_eq!(file.insert("run it # mark", "# mark").unwrap(), Inserted::Added);
            assert!(text(&file).starts_with(&format!("{first}run it # mark\n")), "{theirs:?}");
            assert_eq!((mode(&file), file.state("# mark").unwrap()), (0o755, State::Called));
            assert_eq!(file.insert("run it # mark", "# mark").unwrap(), Inserted::Already);
            assert_eq!(file.insert("run new # mark", "# mark").unwrap(), Inserted::Already);
            assert!(text(&file).contains("run new") && !text(&file).contains("run it"));
            assert!(file.remove("# mark").unwrap() && !file.remove("# mark").unwrap());
            let left = if theirs == "#!/bin/sh" { String::new() } else { text(&file) };
            assert!(left == theirs || theirs == "#!/bin/sh", "{left:?}");
        }
    }

    #[test]
    fn a_hook_that_was_made_goes_with_its_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder, None, 0);
        assert_eq!(file.state("# one").unwrap(), State::NotThere);
        assert_eq!(file.insert("a # one", "# one").unwrap(), Inserted::Created);
        assert_eq!(file.insert("b # two", "# two").unwrap(), Inserted::Added);
        assert_eq!((text(&file).as_str(), mode(&file)), ("#!/bin/sh\nb # two\na # one\n", 0o755));
        assert!(file.remove("# one").unwrap() && file.path.exists());
        assert!(file.remove("# two").unwrap() && !file.path.exists());
    }

    #[test]
    fn a_hook_in_another_language_is_left_alone() {
        for theirs in ["#!/usr/bin/env python3\nprint()\n", "#!/usr/bin/node\n", "\u{7f}ELF\0\0"] {
            let folder = tempfile::tempdir().unwrap();
            let file = file(&folder, Some(theirs), 0o755);
            let refusal = file.insert("run it # mark", "# mark").unwrap_err().to_string();
            assert!(refusal.contains("run it") && text(&file) == theirs, "{refusal}");
        }
    }

    #[test]
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder, None, 0);
        fs::create_dir_all(file.path.parent().unwrap()).unwrap();
        fs::write(folder.path().join("shared"), "#!/bin/sh\ntrue\n").unwrap();
        std::os::unix::fs::symlink("../shared", &file.path).unwrap();
        file.insert("run it # mark", "# mark").unwrap();
        assert!(file.path.is_symlink() && fs::read_to_string(folder.path().join("shared")).unwrap().contains("run it"));
    }

    #[test]
    fn odd_paths_stay_one_word() {
        let line = call_of_program(Path::new("/it's $(a)/crewkit"), "check", "mark").unwrap();
        assert_eq!(line, r"[ ! -x '/it'\''s $(a)/crewkit' ] || '/it'\''s $(a)/crewkit' check || exit $? # mark");
        assert!(call_of_program(Path::new("/a\nb"), "check", "mark").is_err());
    }
}
