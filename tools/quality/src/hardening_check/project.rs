//! What a project's folder holds, as far as its guard rails and its audit ask for it.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_repo::Repository;
use serde_json::Value;

use crate::walk;

/// Most bytes read of a file.
const MOST_BYTES: u64 = 4 << 20;

/// How many levels deep files are looked for.
const DEEPEST: usize = 4;

/// A project.
#[derive(Debug)]
pub(crate) struct Project {
    /// Its folder, absolute.
    pub(crate) root: PathBuf,
    /// Its files, four levels deep, as paths from the root; without those of others (`node_modules` and the like).
    pub(crate) files: Vec<PathBuf>,
    /// The folders where its files of one kind may lie: the root, `webapp`, and the members of its workspaces.
    pub(crate) members: Vec<PathBuf>,
    /// `package.json` of the root, if it is there and JSON.
    pub(crate) package: Option<Value>,
    /// The folder of `core.hooksPath`, absolute.
    pub(crate) hooks_path: Option<PathBuf>,
}

impl Project {
    /// Reads the project in `root`.
    pub(crate) fn read(root: &Path) -> Self {
        let files = walk::files(root, DEEPEST, walk::NOT_OURS);
        let package = text(&root.join("package.json")).and_then(|text| serde_json::from_str(&text).ok());
        let mut members = vec![root.to_owned(), root.join("webapp")];
        members.extend(workspaces(root, package.as_ref()));
        members.dedup();
        Self { root: root.to_owned(), files, members, package, hooks_path: hooks_path(root) }
    }

    /// Whether the root has this file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.root.join(name).is_file()
    }

    /// Whether a member has this file.
    pub(crate) fn any_has(&self, name: &str) -> bool {
        self.members.iter().any(|folder| folder.join(name).is_file())
    }

    /// The text of a file of the root.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        text(&self.root.join(name))
    }

    /// The texts of the files of this name in all members.
    pub(crate) fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.members.iter().filter_map(move |folder| text(&folder.join(name)))
    }

    /// Whether a file at most `depth` levels deep has a name that `fits`.
    pub(crate) fn finds(&self, depth: usize, fits: impl Fn(&str) -> bool) -> bool {
        let near = self.files.iter().filter(|file| file.components().count() <= depth);
        near.filter_map(|file| file.file_name()?.to_str()).any(fits)
    }
}

/// The text of a file of at most 4 MiB, bytes that are not UTF-8 replaced; `None` when it cannot be read.
pub(crate) fn text(path: &Path) -> Option<String> {
    let data = fs::metadata(path).ok()?;
    if !data.is_file() || data.len() > MOST_BYTES {
        return None;
    }
    Some(String::from_utf8_lossy(&fs::read(path).ok()?).into_owned())
}

/// The members of npm's, pnpm's and Cargo's workspaces. Patterns are expanded as far as `folder/*`.
fn workspaces(root: &Path, package: Option<&Value>) -> Vec<PathBuf> {
    let mut patterns: Vec<String> = Vec::new();
    let list = package.and_then(|package| {
        let list = &package["workspaces"];
        list.as_array().or_else(|| list["packages"].as_array())
    });
    patterns.extend(list.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)));
    // pnpm-workspace.yaml: a list of texts below `packages:`.
    let pnpm = text(&root.join("pnpm-workspace.yaml")).unwrap_or_default();
    let items = pnpm.lines().skip_while(|line| !line.starts_with("packages:")).skip(1);
    let items = items.take_while(|line| line.starts_with([' ', '-', '#']) || line.is_empty());
    patterns.extend(items.filter_map(|line| {
        let item = line.trim_start().strip_prefix("- ")?.trim();
        Some(item.trim_matches(['\'', '"']).to_owned())
    }));
    let cargo = crewkit_hook::settings::Settings::read_file(&root.join("Cargo.toml")).ok().flatten();
    if let Some(members) = cargo.as_ref().and_then(|cargo| cargo.get("workspace")?.get("members")?.as_texts()) {
        patterns.extend(members.into_iter().map(str::to_owned));
    }
    patterns.iter().filter(|pattern| !pattern.starts_with('!')).flat_map(|pattern| expand(root, pattern)).collect()
}

fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let outside = Path::new(pattern).is_absolute() || pattern.split('/').any(|part| part == "..");
    if outside || pattern.is_empty() {
        return Vec::new();
    }
    match pattern.strip_suffix("/**").or_else(|| pattern.strip_suffix("/*")) {
        None => vec![root.join(pattern)].into_iter().filter(|folder| folder.is_dir()).collect(),
        Some(folder) => {
            let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
            let mut members: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
            members.sort();
            members
        }
    }
}

/// The folder that the repository's configuration names for its hooks, where `root` is the top of a work tree.
fn hooks_path(root: &Path) -> Option<PathBuf> {
    let repository = Repository::discover(root)?;
    let top = repository.top.as_ref()?;
    if root.canonicalize().ok().as_ref() != Some(top) {
        return None;
    }
    let opened = repository.open().ok()?;
    let told = opened.config_snapshot().string("core.hooksPath")?.to_string();
    let folder = top.join(&told);
    // A folder of the user's own guards this computer alone.
    (!told.starts_with('~') && folder.starts_with(top)).then_some(folder)
}
