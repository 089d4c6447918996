//! Ignored files that are to outlive their worktree.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tool::Refusal;

/// Ignored files on their way round a removal: beside the worktree, then in its place.
pub(crate) struct Aside {
    place: PathBuf,
    aside: PathBuf,
}

impl Aside {
    pub(crate) fn put(place: &Path, files: &[PathBuf]) -> Result<Option<Self>, Refusal> {
        if files.is_empty() {
            return Ok(None);
        }
        let mut name = place.as_os_str().to_owned();
        name.push(format!(".kept-{}", std::process::id()));
        let kept = Self { place: place.to_owned(), aside: PathBuf::from(name) };
        for file in files {
            let target = kept.aside.join(file);
            let moved = fs::create_dir_all(target.parent().unwrap_or(&kept.aside))
                .and_then(|()| fs::rename(place.join(file), &target));
            if let Err(fault) = moved {
                kept.back()?;
                return Err(Refusal::new(format!("{} cannot be kept: {fault}", file.display())));
            }
        }
        Ok(Some(kept))
    }

    pub(crate) fn back(&self) -> Result<(), Refusal> {
        if !self.aside.exists() {
            return Ok(());
        }
        put_back(&self.aside, &self.place)
            .map_err(|fault| Refusal::new(format!("the ignored files are in {}: {fault}", self.aside.display())))
    }
}

/// Moves what lies in `from` to `to`, whether or not that still is there.
fn put_back(from: &Path, to: &Path) -> std::io::Result<()> {
    if fs::symlink_metadata(to).is_err() {
        return fs::rename(from, to);
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        put_back(&entry.path(), &to.join(entry.file_name()))?;
    }
    fs::remove_dir(from)
}
