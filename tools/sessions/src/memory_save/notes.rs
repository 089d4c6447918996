//! The folder of notes: `PROJECT/DATE-SLUG.md`, and `.archive/PROJECT/` for what was put away.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crewkit_tool::Refusal;

/// Most characters of a description in a file's name.
const MOST: usize = 80;

/// All notes.
#[derive(Debug)]
pub(super) struct Notes {
    folder: PathBuf,
}

/// The description in a file's name: small letters, digits, dashes for blanks. One without any gets a name of its own.
pub(super) fn slug(description: &str) -> String {
    let mut slug = String::new();
    for c in description.trim().to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '-' => slug.push(c),
            c if c.is_whitespace() => slug.push('-'),
            _ => {}
        }
        if slug.len() >= MOST {
            break;
        }
    }
    if slug.bytes().all(|byte| byte == b'-') {
        let mut hash = DefaultHasher::new();
        description.hash(&mut hash);
        return format!("note-{:08x}", hash.finish() >> 32);
    }
    slug
}

fn fault(doing: &str, path: &Path, fault: &std::io::Error) -> Refusal {
    Refusal::new(format!("{} cannot be {doing}: {fault}", path.display()))
}

impl Notes {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder of a project, whose name is one folder's name and no path.
    fn of_project(&self, project: &str) -> Result<PathBuf, Refusal> {
        if project.is_empty() || project.starts_with('.') || project.contains(['/', '\0']) {
            return Err(Refusal::new(format!("'{project}' is no name of a project")));
        }
        Ok(self.folder.join(project))
    }

    /// Writes a new note, whole or not at all.
    ///
    /// # Errors
    /// When there is one of that name, or it cannot be written.
    pub(super) fn create(&self, project: &str, name: &str, text: &str) -> Result<PathBuf, Refusal> {
        let folder = self.of_project(project)?;
        let path = folder.join(name);
        fs::create_dir_all(&folder).map_err(|reason| fault("made", &folder, &reason))?;
        let draft = folder.join(format!(".draft-{}", std::process::id()));
        let _ = fs::remove_file(&draft);
        let written = fs::File::create_new(&draft).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        // A link, unlike a rename, never takes the place of another file.
        let placed = written.and_then(|()| fs::hard_link(&draft, &path));
        let _ = fs::remove_file(&draft);
        match placed {
            Ok(()) => Ok(path),
            Err(reason) if reason.kind() == ErrorKind::AlreadyExists => Err(Refusal::new(format!(
                "File already exists: {}: edit it, or use another description",
                path.display()
            ))),
            Err(reason) => Err(fault("written", &path, &reason)),
        }
    }

    /// The notes of a project, newest change first.
    pub(super) fn of(&self, project: &str) -> Result<Vec<PathBuf>, Refusal> {
        Ok(files(&self.of_project(project)?)?.into_iter().map(|(_, path)| path).collect())
    }

    /// Every project that has a folder, by name, with its notes.
    pub(super) fn projects(&self) -> Result<Vec<(String, Vec<PathBuf>)>, Refusal> {
        let mut projects = Vec::new();
        for folder in folders(&self.folder)? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                let files = files(&folder)?.into_iter().map(|(_, path)| path).collect();
                projects.push((name, files));
            }
        }
        projects.sort();
        Ok(projects)
    }

    /// Puts away what was not changed for `days` before `now` (seconds since 1970): the new paths, and what could not be
    /// moved.
    pub(super) fn archive(&self, days: u64, now: i64) -> Result<(Vec<PathBuf>, Vec<String>), Refusal> {
        let age = i64::try_from(days.saturating_mul(86_400)).unwrap_or(i64::MAX);
        let (mut moved, mut failed) = (Vec::new(), Vec::new());
        for (project, _) in self.projects()? {
            for (changed, path) in files(&self.folder.join(&project))? {
                if now.saturating_sub(changed) <= age {
                    continue;
                }
                let folder = self.folder.join(".archive").join(&project);
                match put_away(&path, &folder) {
                    Ok(place) => moved.push(place),
                    Err(reason) => failed.push(format!("{} cannot be moved: {reason}", path.display())),
                }
            }
        }
        Ok((moved, failed))
    }
}

/// Moves a note into `folder` under a name that is free there.
fn put_away(path: &Path, folder: &Path) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    for number in 1.. {
        let name = if number == 1 { format!("{name}.md") } else { format!("{name}-{number}.md") };
        let place = folder.join(name);
        match fs::hard_link(path, &place) {
            Ok(()) => {
                fs::remove_file(path)?;
                return Ok(place);
            }
            Err(fault) if fault.kind() == ErrorKind::AlreadyExists => {}
            Err(fault) => return Err(fault),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// The notes in `folder`, newest change first, with the time of it in seconds; none when there is no folder.
fn files(folder: &Path) -> Result<Vec<(i64, PathBuf)>, Refusal> {
    let mut found: Vec<(std::time::Duration, PathBuf)> = entries(folder)?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter_map(|path| {
            let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
            let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            Some((changed, path))
        })
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    Ok(found.into_iter().map(|(at, path)| (i64::try_from(at.as_secs()).unwrap_or(i64::MAX), path)).collect())
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(reason) if matches!(reason.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(reason) => Err(fault("read", folder, &reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_plain_and_never_bare() {
        assert_eq!(slug("Auth refactor: part 2!"), "auth-refactor-part-2");
        assert_eq!(slug("a/../b"), "ab");
        assert!(slug("日本語").starts_with("note-") && slug("日本語") != slug("日本"));
        assert!(slug(&"long ".repeat(100)).len() <= MOST);
    }

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes::new(folder.path().join("memory"));
        for project in ["../x", "a/b", ".", "..", ".archive", ""] {
            assert!(notes.create(project, "n.md", "x").is_err(), "{project}");
        }
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
    }

    #[test]
    fn what_is_put_away_takes_nobodys_place() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes::new(folder.path().to_owned());
        for text in ["first", "second"] {
            notes.create("p", "n.md", text).unwrap();
            assert!(notes.create("p", "n.md", "other").unwrap_err().message.contains("already exists"));
            let (moved, failed) = notes.archive(1, i64::MAX).unwrap();
            assert_eq!((moved.len(), failed.len()), (1, 0));
            assert_eq!(fs::read_to_string(&moved[0]).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path().join(".archive/p")).unwrap().count(), 2);
        assert!(notes.of("p").unwrap().is_empty());
    }
}
