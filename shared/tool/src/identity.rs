//! One file, one name: what locks and snapshots know a file by.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::{Context, Refusal};

/// Links followed in one path before it counts as a loop: the kernel's own limit (path_resolution(7)).
const MOST_LINKS: usize = 40;

impl Context {
    /// The one name of the file `path`, which need not exist: absolute against the working directory; `.`, `..`,
    /// doubled and trailing slashes taken out; symbolic links of the part that exists resolved, one that points
    /// nowhere as well, since writing to it makes its target. `..` goes to the real parent, as the kernel does, and
    /// stays at the root.
    ///
    /// # Errors
    /// When `path` is empty or holds a NUL, when its links run in a circle, when it is relative and the working
    /// directory cannot be read.
    pub fn identity(&self, path: &Path) -> Result<PathBuf, Refusal> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.is_empty() {
            return Err(Refusal::new("the path of a file is empty"));
        }
        if bytes.contains(&0) {
            return Err(Refusal::new(format!("not the path of a file: '{}'", path.display())));
        }
        let mut left: VecDeque<Step> = VecDeque::new();
        if path.is_relative() {
            queue(&mut left, self.directory()?);
            left.extend(steps(path));
        } else {
            queue(&mut left, path);
        }
        let found = resolve(left)
            .ok_or_else(|| Refusal::new(format!("the symbolic links of '{}' run in a circle", path.display())))?;
        Ok(as_stored(found))
    }
}

/// What one component of a path does to the way so far.
enum Step {
    Root,
    Up,
    Down(OsString),
}

fn steps(path: &Path) -> impl DoubleEndedIterator<Item = Step> {
    path.components().filter_map(|part| match part {
        Component::RootDir => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Down(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    })
}

/// Puts the components of `path` before those that are left.
fn queue(left: &mut VecDeque<Step>, path: &Path) {
    for step in steps(path).rev() {
        left.push_front(step);
    }
}

fn resolve(mut left: VecDeque<Step>) -> Option<PathBuf> {
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(step) = left.pop_front() {
        match step {
            Step::Root => at = PathBuf::from("/"),
            Step::Up => {
                at.pop();
            }
            Step::Down(name) => {
                at.push(name);
                if let Ok(target) = at.read_link() {
                    links += 1;
                    if links > MOST_LINKS {
                        return None;
                    }
                    at.pop();
                    queue(&mut left, &target);
                }
            }
        }
    }
    Some(at)
}

/// The same path in the letters it was made with, where the file system takes capital and small letters for one.
fn as_stored(path: PathBuf) -> PathBuf {
    if !cfg!(target_vendor = "apple") {
        return path;
    }
    for known in path.ancestors() {
        match known.canonicalize() {
            Ok(stored) => {
                let rest = path.strip_prefix(known).unwrap_or(Path::new(""));
                return if rest.as_os_str().is_empty() { stored } else { stored.join(rest) };
            }
            Err(fault) if fault.kind() == ErrorKind::NotFound => {}
            Err(_) => break,
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Script};
    use std::fs;
    use std::os::unix::fs::symlink;

    fn context(directory: &Path) -> Context {
        Context::scripted(Script {
            environment: std::collections::HashMap::new(),
            directory: directory.to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        })
    }

    #[test]
    fn every_spelling_of_a_file_is_one_name() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("real/deep")).unwrap();
        fs::write(top.join("real/a.txt"), "x").unwrap();
        symlink("real", top.join("alias")).unwrap();
        symlink("a.txt", top.join("real/b.txt")).unwrap();
        symlink(top.join("real/deep"), top.join("far")).unwrap();
        symlink("real/new.txt", top.join("nowhere")).unwrap();
        let ctx = context(&top);
        let name = |path: &str| ctx.identity(Path::new(path)).unwrap();
        for spelling in [
            "real/a.txt",
            "./real//a.txt",
            "real/a.txt/",
            "real/deep/../a.txt",
            "alias/a.txt",
            "alias/b.txt",
            "far/../a.txt",
            "real/not-there/../a.txt",
        ] {
            assert_eq!(name(spelling), top.join("real/a.txt"), "{spelling}");
        }
        assert_eq!(name("nowhere"), top.join("real/new.txt"));
        assert_eq!(name("alias/none/x"), top.join("real/none/x"));
        assert_eq!(name("."), top);
    }

    #[test]
    fn the_root_has_no_parent() {
        let ctx = context(Path::new("/"));
        for (given, wanted) in [("/", "/"), ("//", "/"), ("/..", "/"), ("/../../no-such/x", "/no-such/x"), ("..", "/")]
        {
            assert_eq!(ctx.identity(Path::new(given)).unwrap(), Path::new(wanted), "{given}");
        }
    }

    #[test]
    fn what_names_no_file_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        symlink("two", scratch.path().join("one")).unwrap();
        symlink("one", scratch.path().join("two")).unwrap();
        let ctx = context(scratch.path());
        for (path, part) in [("", "empty"), ("one", "circle"), ("a\0b", "not the path")] {
            assert!(ctx.identity(Path::new(path)).unwrap_err().to_string().contains(part), "{path:?}");
        }
    }
}
