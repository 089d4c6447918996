//! The list of what was installed: `PREFIX/share/crewkit/manifest.json`.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tool::Refusal;
use serde::{Deserialize, Serialize};

use super::files::{self, Step};
use super::hooks::{Form, Merge, Merged};

/// One installed file or link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// What the link points to; absent for a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<PathBuf>,
    /// Where the file of the user's went that stood in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aside: Option<PathBuf>,
    /// Whether the installation that entered it came to its end. Until then a file that stands here may be the user's,
    /// not moved aside yet.
    #[serde(default)]
    pub(crate) placed: bool,
}

impl Entry {
    /// Whether a file at this place, which tells nothing by itself, is ours.
    pub(crate) fn file_is_ours(&self) -> bool {
        self.placed || self.aside.as_ref().is_none_or(|aside| aside.symlink_metadata().is_ok())
    }
}

/// All that was installed under one prefix.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The crewkit that wrote it.
    pub(crate) version: String,
    /// Files and links, the program first.
    pub(crate) entries: Vec<Entry>,
    /// What was added to settings.json files.
    #[serde(default)]
    pub(crate) settings: Vec<Merged>,
    /// The form of hooks that was asked for, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) form: Option<Form>,
    /// Folders that were made, outermost first.
    #[serde(default)]
    pub(crate) folders: Vec<PathBuf>,
}

impl Manifest {
    /// Where the manifest of an installation in `prefix` lies.
    pub(crate) fn path(prefix: &Path) -> PathBuf {
        prefix.join("share/crewkit/manifest.json")
    }

    /// Reads it; `None` when there is none.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, Refusal> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(files::fault("read", path, &fault)),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|fault| Refusal::new(format!("{} is no manifest of crewkit's: {fault}", path.display())))
    }

    /// The entry at `path`.
    pub(crate) fn entry(&self, path: &Path) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// Entries of an earlier version that the steps no longer have, taken out of the list. Those of another agent's
    /// folder stay.
    pub(crate) fn without(&mut self, steps: &[Step]) -> Vec<Entry> {
        let folders: Vec<&Path> = steps.iter().filter_map(|step| step.path().parent()).collect();
        let stale = |entry: &Entry| {
            !steps.iter().any(|step| step.path() == entry.path)
                && entry.path.parent().is_some_and(|folder| folders.contains(&folder))
        };
        let (gone, kept) = std::mem::take(&mut self.entries).into_iter().partition(stale);
        self.entries = kept;
        gone
    }

    /// Enters the steps, and the folders that they will make.
    pub(crate) fn add(&mut self, steps: &[Step]) {
        env!("CARGO_PKG_VERSION").clone_into(&mut self.version);
        for step in steps {
            for folder in files::missing_folders(step.path()) {
                if !self.folders.contains(&folder) {
                    self.folders.push(folder);
                }
            }
            let entry = step.entry();
            match self.entries.iter_mut().find(|known| known.path == entry.path) {
                Some(known) => {
                    let aside = entry.aside.clone().or(known.aside.take());
                    *known = Entry { aside, placed: known.placed, ..entry };
                }
                None => self.entries.push(entry),
            }
        }
    }

    /// Notes that everything that was entered stands in its place.
    pub(crate) fn all_placed(&mut self) {
        for entry in &mut self.entries {
            entry.placed = true;
        }
    }

    /// Enters what will be added to a settings.json.
    pub(crate) fn add_settings(&mut self, merge: &Merge) {
        match self.settings.iter_mut().find(|known| known.path == merge.merged.path) {
            Some(known) => known.extend(&merge.merged),
            None if merge.merged.added.is_empty() => {}
            None => self.settings.push(merge.merged.clone()),
        }
    }

    /// Forgets what has been taken out of a settings.json. Until then an interrupted call can be repeated.
    pub(crate) fn drop_settings(&mut self, merge: &Merge) {
        if let Some(known) = self.settings.iter_mut().find(|known| known.path == merge.merged.path) {
            known.forget(&merge.dropped);
        }
    }

    /// Writes it.
    pub(crate) fn save(&mut self, path: &Path) -> Result<(), Refusal> {
        for folder in files::missing_folders(path) {
            if !self.folders.contains(&folder) {
                self.folders.push(folder);
            }
        }
        files::make_folder(path)?;
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|fault| Refusal::new(format!("{} cannot be written: {fault}", path.display())))?;
        text.push(b'\n');
        files::replace(path, &text, None)
    }

    /// Removes it and the folders that were made, where they are empty.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), Refusal> {
        fs::remove_file(path).map_err(|fault| files::fault("remove", path, &fault))?;
        let mut folders = self.folders.clone();
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
        for folder in folders {
            // One that holds something by now stays.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}
