//! What a run changed in the project's files: packages asked for anew, the lock file.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::package_manager::Project;

/// The files of a project at one moment.
pub(super) struct State {
    wanted: BTreeMap<String, String>,
    locks: Vec<Option<[u8; 32]>>,
}

impl State {
    /// As they are now; what cannot be read counts as not there. `folder` is where the manager runs.
    pub(super) fn read(folder: &Path, project: &Project) -> Self {
        let locks = project.locks().iter().map(|path| Some(Sha256::digest(std::fs::read(path).ok()?).into())).collect();
        Self { wanted: wanted(folder), locks }
    }

    /// Packages that `later` asks for and this state did not, or not in this version, as `name@range`.
    pub(super) fn added_names(&self, later: &Self) -> Vec<String> {
        let is_new = |(name, range): &(&String, &String)| self.wanted.get(*name) != Some(*range);
        later.wanted.iter().filter(is_new).map(|(name, range)| format!("{name}@{range}")).collect()
    }

    /// Whether a lock file differs.
    pub(super) fn lock_differs(&self, later: &Self) -> bool {
        self.locks != later.locks
    }
}

/// What package.json asks for.
fn wanted(folder: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read(folder.join("package.json")).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let kinds = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
    let lists = kinds.iter().filter_map(|kind| package[kind].as_object());
    lists.flatten().filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned()))).collect()
}
