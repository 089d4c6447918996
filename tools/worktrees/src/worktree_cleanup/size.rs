//! What a worktree takes on the disk.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Names of folders that builds and package managers fill, and can fill again.
const BUILD_FOLDERS: &[&str] = &[
    "target",
    "node_modules",
    "dist",
    "build",
    "out",
    ".venv",
    "venv",
    "__pycache__",
    ".next",
    ".nuxt",
    ".svelte-kit",
    ".turbo",
    ".parcel-cache",
    ".gradle",
    ".tox",
    ".mypy_cache",
    ".pytest_cache",
    "coverage",
];

/// Most files and folders that are looked at.
const MOST_ENTRIES: usize = 2_000_000;

/// The size of a folder's content, in bytes of the disk, as far as its removal would free them: a file with a name
/// elsewhere too is not counted.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Size {
    /// All of it.
    pub(crate) bytes: u64,
    /// What of it lies in build folders.
    pub(crate) build_bytes: u64,
    /// The build folders, largest first.
    pub(crate) build: Vec<BuildFolder>,
    /// Whether all of it could be seen.
    pub(crate) complete: bool,
}

/// A folder of build output.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BuildFolder {
    /// From the top of the worktree.
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

/// A file with more than one name.
struct Shared {
    names_seen: u64,
    bytes: u64,
    /// The build folder that its names lie in so far.
    build: Option<usize>,
}

impl Size {
    /// The size of `top`. Links are not followed, other file systems not entered. Build folders are those of `ignored`
    /// (paths from the top) that bear the name of one.
    pub(crate) fn of(top: &Path, ignored: &[PathBuf]) -> Self {
        let is_build = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default();
            BUILD_FOLDERS.iter().any(|known| name.as_bytes() == known.as_bytes())
        };
        let folders: Vec<PathBuf> = ignored.iter().filter(is_build).map(|path| top.join(path)).collect();
        let mut build: Vec<BuildFolder> = folders
            .iter()
            .map(|path| path.strip_prefix(top).unwrap_or(path).components().as_path().to_string_lossy().into_owned())
            .map(|path| BuildFolder { path, bytes: 0 })
            .collect();
        let mut size = Self { complete: true, ..Self::default() };
        let Ok(device) = fs::symlink_metadata(top).map(|data| data.dev()) else { return size };
        let mut shared: HashMap<u64, Shared> = HashMap::new();
        let mut waiting = vec![(top.to_owned(), None)];
        let mut seen = 0;
        while let Some((folder, inside)) = waiting.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                size.complete = false;
                continue;
            };
            for entry in entries {
                seen += 1;
                let Ok((path, data)) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?))) else {
                    size.complete = false;
                    continue;
                };
                if data.dev() != device || seen > MOST_ENTRIES {
                    size.complete = false;
                    continue;
                }
                // stat(2): in units of 512 bytes, whatever the file system's own.
                let bytes = data.blocks() * 512;
                let inside = inside.or_else(|| folders.iter().position(|folder| *folder == path));
                if data.is_dir() {
                    waiting.push((path, inside));
                } else if data.nlink() > 1 {
                    let file = shared.entry(data.ino()).or_insert(Shared { names_seen: 0, bytes, build: inside });
                    file.names_seen += 1;
                    if file.names_seen < data.nlink() {
                        continue;
                    }
                    let (bytes, build_of) = (file.bytes, file.build);
                    size.add(bytes, build_of, &mut build);
                    continue;
                }
                size.add(bytes, inside, &mut build);
            }
        }
        build.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.path.cmp(&other.path)));
        size.build = build;
        size
    }

    fn add(&mut self, bytes: u64, inside: Option<usize>, build: &mut [BuildFolder]) {
        self.bytes += bytes;
        if let Some(folder) = inside.and_then(|at| build.get_mut(at)) {
            folder.bytes += bytes;
            self.build_bytes += bytes;
        }
    }

    /// For people: the size, and where most of it lies.
    pub(crate) fn text(&self) -> String {
        const NAMED: usize = 3;
        let mut text = shown(self.bytes);
        if !self.complete {
            text.insert_str(0, "at least ");
        }
        let named: Vec<String> =
            self.build.iter().take(NAMED).map(|folder| format!("{} {}", folder.path, shown(folder.bytes))).collect();
        if !named.is_empty() {
            let more = if self.build.len() > NAMED { ", ..." } else { "" };
            let all = shown(self.build_bytes);
            let _ = write!(text, " ({all} in build folders: {}{more})", named.join(", "));
        }
        text
    }
}

/// `bytes` for people, in units of a thousand.
pub(crate) fn shown(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    // In tenths of the unit, rounded.
    let (mut tenths, mut unit) = (u128::from(bytes) * 10, "B");
    for larger in units {
        if tenths < 9_995 {
            break;
        }
        tenths = (tenths + 500) / 1000;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_its_removal_would_free_is_counted_once() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().join("tree");
        let put = |name: &str| {
            fs::create_dir_all(top.join(name).parent().unwrap()).unwrap();
            fs::write(top.join(name), vec![1; 100_000]).unwrap();
        };
        put("a");
        put("p/target/x");
        put("p/target/y");
        put("dist/tracked");
        put("logs/z");
        fs::hard_link(top.join("a"), top.join("b")).unwrap();
        fs::write(scratch.path().join("store"), vec![1; 1_000_000]).unwrap();
        fs::hard_link(scratch.path().join("store"), top.join("p/target/linked")).unwrap();
        std::os::unix::fs::symlink("/", top.join("root")).unwrap();
        let size = Size::of(&top, &["p/target/".into(), "logs/".into()]);
        let folders = 6 * 4096;
        assert!((500_000..500_000 + 20_000 + folders).contains(&size.bytes), "{size:?}");
        assert!((200_000..250_000).contains(&size.build_bytes), "{size:?}");
        assert_eq!((size.build.len(), size.build[0].path.as_str(), size.complete), (1, "p/target", true));
        assert!(size.text().contains("in build folders: p/target"), "{}", size.text());
        assert_eq!(Size::of(&top.join("none"), &[]).bytes, 0);
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (12_340_000_000, "12.3 GB")]
        {
            assert_eq!(shown(bytes), text);
        }
    }
}
