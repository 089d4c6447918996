//! Placing files and links, moving aside what stands there, and taking them away again.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crewkit_tool::Refusal;

use super::manifest::{Entry, Manifest};

/// Something to be installed.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    what: What,
}

#[derive(Debug)]
enum What {
    /// A copy of this file, executable.
    Program(PathBuf),
    /// A symbolic link with this target.
    Link(PathBuf),
    /// A file with these bytes.
    Page(Vec<u8>),
}

impl Place {
    pub(crate) fn program(path: PathBuf, source: PathBuf) -> Self {
        Self { path, what: What::Program(source) }
    }

    pub(crate) fn link(path: PathBuf, target: PathBuf) -> Self {
        Self { path, what: What::Link(target) }
    }

    pub(crate) fn page(path: PathBuf, bytes: Vec<u8>) -> Self {
        Self { path, what: What::Page(bytes) }
    }
}

/// A place, and what has to be done there.
#[derive(Debug)]
pub(crate) struct Step {
    place: Place,
    /// Where a file of the user's that stands there goes.
    aside: Option<PathBuf>,
    /// Whether nothing has to be done.
    pub(crate) done: bool,
}

/// Looks at a place and decides what has to be done there.
pub(crate) fn plan(place: Place, manifest: &Manifest) -> Result<Step, Refusal> {
    let path = &place.path;
    let known = manifest.entry(path);
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Step { place, aside: None, done: false });
        }
        Err(fault) => return Err(self::fault("look at", path, &fault)),
    };
    let (ours, done) = match &place.what {
        What::Link(target) => {
            let points_to = fs::read_link(path).ok();
            let right = points_to.as_ref() == Some(target);
            (right || (points_to.is_some() && known.is_some_and(|entry| entry.target == points_to)), right)
        }
        What::Program(source) => {
            (known.is_some_and(Entry::file_is_ours), found.is_file() && same_content(source, path))
        }
        What::Page(bytes) => {
            (known.is_some_and(Entry::file_is_ours), found.is_file() && fs::read(path).is_ok_and(|old| old == *bytes))
        }
    };
    // A program or page that is there and equal, but not in the manifest, is taken over as it is.
    let aside = if ours || done { None } else { Some(free_name(path)?) };
    Ok(Step { place, aside, done })
}

impl Step {
    pub(crate) fn path(&self) -> &Path {
        &self.place.path
    }

    pub(crate) fn is_link(&self) -> bool {
        matches!(self.place.what, What::Link(_))
    }

    pub(crate) fn is_page(&self) -> bool {
        matches!(self.place.what, What::Page(_))
    }

    pub(crate) fn aside_line(&self) -> Option<String> {
        let aside = self.aside.as_ref()?;
        Some(format!("move {} to {}", self.place.path.display(), aside.display()))
    }

    pub(crate) fn entry(&self) -> Entry {
        let target = match &self.place.what {
            What::Link(target) => Some(target.clone()),
            _ => None,
        };
        Entry { path: self.place.path.clone(), target, aside: self.aside.clone(), placed: false }
    }

    pub(crate) fn carry_out(&self) -> Result<(), Refusal> {
        if self.done {
            return Ok(());
        }
        let path = &self.place.path;
        make_folder(path)?;
        if let Some(aside) = &self.aside {
            fs::rename(path, aside).map_err(|fault| self::fault("move aside", path, &fault))?;
        }
        match &self.place.what {
            What::Program(source) => {
                let bytes = fs::read(source).map_err(|fault| self::fault("read", source, &fault))?;
                replace(path, &bytes, Some(Permissions::from_mode(0o755)))
            }
            What::Page(bytes) => replace(path, bytes, Some(Permissions::from_mode(0o644))),
            What::Link(target) => {
                let new = beside(path);
                let _ = fs::remove_file(&new);
                symlink(target, &new)
                    .and_then(|()| fs::rename(&new, path))
                    .map_err(|fault| self::fault("link", path, &fault))
            }
        }
    }
}

/// Removes one entry, if what stands there is still ours, and puts back what was moved aside. A line for people where
/// something stays.
pub(crate) fn take_away(entry: &Entry) -> Result<Option<String>, Refusal> {
    let path = &entry.path;
    let ours = match &entry.target {
        Some(target) => fs::read_link(path).is_ok_and(|points_to| points_to == *target),
        None => path.is_file() && entry.file_is_ours(),
    };
    if ours {
        fs::remove_file(path).map_err(|fault| self::fault("remove", path, &fault))?;
    }
    let free = fs::symlink_metadata(path).is_err();
    match &entry.aside {
        Some(aside) if free && fs::symlink_metadata(aside).is_ok() => {
            fs::rename(aside, path).map_err(|fault| self::fault("put back", path, &fault))?;
            Ok(Some(format!("put back {}", path.display())))
        }
        Some(aside) if !free => Ok(Some(format!("left {} and {} as they are", path.display(), aside.display()))),
        None if !free => Ok(Some(format!("left {}: it is not crewkit's any more", path.display()))),
        _ => Ok(None),
    }
}

/// What uninstalling an entry would do, in words.
pub(crate) fn removal_line(entry: &Entry) -> String {
    match &entry.aside {
        Some(aside) => format!("remove {} and put back {}", entry.path.display(), aside.display()),
        None => format!("remove {}", entry.path.display()),
    }
}

/// `NAME.before-crewkit`, or the first of `NAME.before-crewkit.2`, ... that is free.
pub(crate) fn free_name(path: &Path) -> Result<PathBuf, Refusal> {
    let mut name = path.as_os_str().to_owned();
    name.push(".before-crewkit");
    let first = PathBuf::from(&name);
    let later = (2..1000).map(|number| {
        let mut name = name.clone();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    });
    std::iter::once(first)
        .chain(later)
        .find(|candidate| fs::symlink_metadata(candidate).is_err())
        .ok_or_else(|| Refusal::new(format!("no free name beside {}", path.display())))
}

/// The folders above `path` that do not exist, outermost first.
pub(crate) fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> =
        path.ancestors().skip(1).take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
    missing.reverse();
    missing
}

/// Makes the folder that `path` lies in.
pub(crate) fn make_folder(path: &Path) -> Result<(), Refusal> {
    match path.parent() {
        Some(folder) => fs::create_dir_all(folder).map_err(|fault| self::fault("make", folder, &fault)),
        None => Ok(()),
    }
}

/// Writes a file whole or not at all: beside it, flushed to the disk, then renamed.
pub(crate) fn replace(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> Result<(), Refusal> {
    let new = beside(path);
    let write = || -> std::io::Result<()> {
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.set_permissions(permissions.clone().unwrap_or_else(|| Permissions::from_mode(0o644)))?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(|fault| {
        let _ = fs::remove_file(&new);
        self::fault("write", path, &fault)
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    path.with_file_name(name)
}

fn same_content(one: &Path, other: &Path) -> bool {
    let length = |path: &Path| fs::metadata(path).map(|data| data.len()).ok();
    length(one) == length(other) && fs::read(one).ok() == fs::read(other).ok()
}

/// A refusal that names the file and what could not be done.
pub(crate) fn fault(what: &str, path: &Path, fault: &std::io::Error) -> Refusal {
    Refusal::new(format!("cannot {what} {}: {fault}", path.display()))
}
