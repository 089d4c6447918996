//! Paths as the file system sees them.

use std::path::{Component, Path, PathBuf};

/// `path` (absolute) with `.`, `..` and symbolic links resolved as the system would, as far as it exists; the rest of
/// it by its text.
pub(crate) fn resolve(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => {
                out.push(part);
                if out.is_symlink()
                    && let Ok(real) = out.canonicalize()
                {
                    out = real;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_detours_are_followed_as_far_as_there_is_something() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        std::os::unix::fs::symlink(top.join("a/b"), top.join("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", top.join("broken")).unwrap();
        for (given, wanted) in [
            ("link", "a/b"),
            ("link/../c", "a/c"),
            ("link/new/../other", "a/b/other"),
            ("./a//b/../b/.", "a/b"),
            ("new/x/../../y", "y"),
            ("broken/x", "broken/x"),
        ] {
            assert_eq!(resolve(&top.join(given)), top.join(wanted), "{given}");
        }
        assert_eq!(resolve(Path::new("/../..")), Path::new("/"));
    }
}
