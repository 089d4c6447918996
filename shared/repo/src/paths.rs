//! One name for one place.

use std::path::{Path, PathBuf};

/// An absolute path with the symbolic links of its longest existing part resolved; what does not exist stays as it is.
pub fn real_path(path: &Path) -> PathBuf {
    for folder in path.ancestors() {
        if let Ok(real) = folder.canonicalize() {
            return match path.strip_prefix(folder) {
                Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
                _ => real,
            };
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_as_far_as_the_path_exists() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        std::fs::create_dir(top.join("there")).unwrap();
        std::os::unix::fs::symlink("there", top.join("link")).unwrap();
        assert_eq!(real_path(&top.join("link/not/yet")), top.join("there/not/yet"));
        assert_eq!(real_path(&top.join("link")), top.join("there"));
        assert_eq!(real_path(Path::new("/")), Path::new("/"));
    }
}
