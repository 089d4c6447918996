//! The environment files of the main work tree, shared with a worktree.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::Path;

use crewkit_tool::{Context, Refusal};

use crate::{Git, Repository};

/// What became of each environment file, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvLinks {
    /// Linked.
    pub linked: Vec<OsString>,
    /// Not linked: the worktree has a file of that name.
    pub kept: Vec<OsString>,
    /// Of the linked ones, those that git did not ignore and that were added to the exclude file.
    pub excluded: Vec<OsString>,
    /// Not linked, or not excluded, with the reason.
    pub failed: Vec<(OsString, String)>,
}

impl EnvLinks {
    /// Links every regular `.env*` file at the top of the main work tree into `worktree`, and sees to it that git does
    /// not take the links for new files.
    ///
    /// Git reads one exclude file for all worktrees of a repository (`info/exclude` in the common folder); a name
    /// added there is ignored in the main work tree as well.
    ///
    /// # Errors
    /// When `main` cannot be read, or git cannot be asked what it ignores.
    pub fn make(context: &Context, repository: &Repository, main: &Path, worktree: &Path) -> Result<Self, Refusal> {
        let cannot = |fault: std::io::Error| Refusal::new(format!("{} cannot be read: {fault}", main.display()));
        let mut names = Vec::new();
        for entry in fs::read_dir(main).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            if entry.file_name().as_bytes().starts_with(b".env")
                && fs::metadata(entry.path()).is_ok_and(|at| at.is_file())
            {
                names.push(entry.file_name());
            }
        }
        names.sort();
        let mut links = Self::default();
        for name in names {
            match symlink(main.join(&name), worktree.join(&name)) {
                Ok(()) => links.linked.push(name),
                Err(fault) if fault.kind() == ErrorKind::AlreadyExists => links.kept.push(name),
                Err(fault) => links.failed.push((name, fault.to_string())),
            }
        }
        if !links.linked.is_empty() {
            links.exclude(context, repository, worktree)?;
        }
        Ok(links)
    }

    fn exclude(&mut self, context: &Context, repository: &Repository, worktree: &Path) -> Result<(), Refusal> {
        let names = self.linked.iter().flat_map(|name| [name.as_bytes(), b"\0"].concat()).collect();
        let asked =
            Git::at(context, worktree).of_folder().args(["check-ignore", "-z", "--stdin"]).stdin(names).run()?;
        // git-check-ignore(1): 0 some are ignored, 1 none is.
        if asked.code > 1 {
            return Err(Refusal::new(format!("git cannot tell what it ignores: {}", asked.complaint())));
        }
        let ignored: Vec<OsString> =
            asked.stdout.split(|&byte| byte == 0).map(|name| OsString::from_vec(name.to_vec())).collect();
        let open: Vec<&OsString> = self.linked.iter().filter(|name| !ignored.contains(name)).collect();
        let (plain, odd): (Vec<_>, Vec<_>) = open.into_iter().partition(|name| !name.as_bytes().contains(&b'\n'));
        for name in odd {
            self.failed.push((name.clone(), "git has no way to ignore a name with a line end".to_owned()));
        }
        if plain.is_empty() {
            return Ok(());
        }
        let file = repository.common_dir.join("info/exclude");
        let _turn = repository.turn()?;
        match add_lines(&file, &plain.iter().map(|name| pattern(name)).collect::<Vec<_>>()) {
            Ok(()) => self.excluded = plain.into_iter().cloned().collect(),
            Err(fault) => {
                let reason = format!("{} cannot be written: {fault}", file.display());
                self.failed.extend(plain.into_iter().map(|name| (name.clone(), reason.clone())));
            }
        }
        Ok(())
    }
}

/// The pattern that matches `name` at the top of a work tree and nothing else (gitignore(5)).
fn pattern(name: &OsStr) -> Vec<u8> {
    let mut out = b"/".to_vec();
    for &byte in name.as_bytes() {
        if matches!(byte, b'\\' | b'*' | b'?' | b'[' | b' ' | b'\t' | b'\r') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

/// Adds the lines that `file` lacks. The file is replaced as a whole, so that git never reads half of it.
fn add_lines(file: &Path, lines: &[Vec<u8>]) -> std::io::Result<()> {
    let old = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(fault) if fault.kind() == ErrorKind::NotFound => Vec::new(),
        Err(fault) => return Err(fault),
    };
    let missing: Vec<_> =
        lines.iter().filter(|line| !old.split(|&byte| byte == b'\n').any(|has| has == **line)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut new = old;
    if !new.is_empty() && !new.ends_with(b"\n") {
        new.push(b'\n');
    }
    for line in missing {
        new.extend_from_slice(line);
        new.push(b'\n');
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    // A file that is a link stays one: what it points to is replaced.
    let place = crate::real_path(file);
    let draft = place.with_extension("crewkit-new");
    let written = fs::File::create(&draft).and_then(|mut at| at.write_all(&new));
    written.and_then(|()| fs::rename(&draft, &place)).inspect_err(|_| drop(fs::remove_file(&draft)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_once() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("info/exclude");
        add_lines(&file, &[b"/.env".to_vec()]).unwrap();
        fs::write(&file, "# mine\n/.env").unwrap();
        add_lines(&file, &[b"/.env".to_vec(), b"/.env.local".to_vec()]).unwrap();
        add_lines(&file, &[b"/.env.local".to_vec()]).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n/.env\n/.env.local\n");
        assert_eq!(fs::read_dir(scratch.path().join("info")).unwrap().count(), 1);
    }

    #[test]
    fn a_pattern_matches_one_name() {
        assert_eq!(pattern(OsStr::new(".env [a]*")), b"/.env\\ \\[a]\\*");
    }
}
