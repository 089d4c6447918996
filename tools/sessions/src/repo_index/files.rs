//! The files of a repository, without what it ignores.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// Folders that hold others' work or a build's.
const FOREIGN: [&str; 7] = ["node_modules", ".git", "dist", "build", "vendor", "target", "__pycache__"];
/// Most files that are looked at.
const MOST: usize = 50_000;
/// Larger files are data.
const LARGEST: u64 = 1 << 20;

/// Paths from the root, sorted.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "files and folders")]
pub(super) struct Files {
    root: PathBuf,
    pub(super) files: Vec<PathBuf>,
    pub(super) folders: Vec<PathBuf>,
    /// Whether there are more files than are looked at.
    pub(super) cut: bool,
}

impl Files {
    /// Every file and folder below `root`, without `output`.
    pub(super) fn walk(root: &Path, output: &Path) -> Self {
        let output = output.to_owned();
        let top = root.to_owned();
        let walk = WalkBuilder::new(root)
            .hidden(false)
            .require_git(false)
            .filter_entry(move |entry| {
                let foreign = FOREIGN.iter().any(|name| entry.file_name() == *name) && entry.path() != top;
                // The root itself may be the output folder: then its files are told apart by name.
                !foreign && (entry.path() != output || entry.path() == top)
            })
            .build();
        let mut found = Self { root: root.to_owned(), ..Self::default() };
        for entry in walk.flatten() {
            let Ok(path) = entry.path().strip_prefix(root) else { continue };
            if path.as_os_str().is_empty() {
                continue;
            }
            match entry.file_type() {
                Some(kind) if kind.is_dir() => found.folders.push(path.to_owned()),
                Some(kind) if kind.is_file() => found.files.push(path.to_owned()),
                _ => {}
            }
            if found.files.len() >= MOST {
                found.cut = true;
                break;
            }
        }
        found.files.sort();
        found.folders.sort();
        found
    }

    /// The number of lines of a text; 0 for data.
    pub(super) fn lines(&self, path: &Path) -> usize {
        source(&self.root.join(path)).map_or(0, |text| text.lines().count())
    }

    /// The files at most `depth` folders deep, the root's own being 1.
    pub(super) fn within(&self, depth: usize) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(move |path| path.components().count() <= depth)
    }
}

/// A source file's text; `None` when it is data, too large, or cannot be read.
pub(super) fn source(path: &Path) -> Option<String> {
    let found = std::fs::metadata(path).ok()?;
    if found.len() > LARGEST {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    if bytes.iter().take(8000).any(|&byte| byte == 0) {
        return None;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A path as text on one line.
pub(super) fn shown(path: &Path) -> String {
    crewkit_tool::text::one_line(&path.to_string_lossy())
}

/// The extension in small letters.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}
