//! The files of a commit that is to be made, read by the git program: git alone knows what its filters, attributes and
//! index make of them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crewkit_repo::{Git, Repository};
use crewkit_scan::diff::{self, File, Line};
use crewkit_tool::{Context, Refusal, text};

use super::{Commit, Take};

/// Most bytes of a file that git does not know yet; a longer one is left out, and said to be.
const MOST_BYTES: u64 = 16 << 20;

/// Most bytes of all such files together.
const MOST_NEW: u64 = 128 << 20;

/// What is kept of a diff at most, see [`crewkit_tool::process`].
const MOST_DIFF: usize = 64 << 20;

/// Bytes at a file's beginning among which a NUL makes it binary, as git has it.
const BINARY_PROBE: usize = 8000;

/// Which lines of the files are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those that are new.
    Added,
    /// All.
    Whole,
}

/// What a commit would take, as git shows it.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// The top of the work tree.
    pub(crate) top: PathBuf,
    diffs: Vec<Vec<u8>>,
    new: Vec<(PathBuf, Vec<u8>)>,
}

impl Content {
    /// Reads what `commit` would take. Outside a repository it is nothing.
    ///
    /// # Errors
    /// When git cannot tell.
    pub(crate) fn read(context: &Context, commit: &Commit, reach: Reach) -> Result<Self, Refusal> {
        let place = commit.git_dir.as_ref().unwrap_or(&commit.directory);
        let Some(repository) = Repository::discover(place) else { return Ok(Self::default()) };
        let Some(top) = commit.work_tree.clone().or(repository.top) else { return Ok(Self::default()) };
        let reader = Reader { context, commit, top: &top, reach };
        let mut content = Self { top: top.clone(), ..Self::default() };
        match &commit.take {
            Take::Index => content.diffs.push(reader.staged(&[])?),
            Take::All { untracked } => {
                content.diffs = reader.work_tree(&[])?;
                if *untracked {
                    content.new = reader.untracked(&[], false)?;
                }
            }
            Take::Paths { paths, index, untracked, ignored } => {
                if *index {
                    content.diffs.push(reader.staged(paths)?);
                }
                content.diffs.extend(reader.work_tree(paths)?);
                if *untracked {
                    content.new = reader.untracked(paths, *ignored)?;
                }
            }
        }
        if content.diffs.iter().any(|diff| diff.len() >= MOST_DIFF) {
            context
                .note(format!("only the first {} MB of what is to be committed were looked through", MOST_DIFF >> 20));
        }
        Ok(content)
    }

    /// Its text files with their lines, paths from the top of the work tree.
    pub(crate) fn files(&self) -> Vec<File<'_>> {
        let mut files: Vec<File<'_>> = self.diffs.iter().flat_map(|text| diff::read(text)).collect();
        files.extend(self.new.iter().map(|(path, bytes)| of_bytes(path, bytes)));
        files.retain(|file| !file.binary);
        files
    }
}

/// A file all of whose lines are new.
pub(crate) fn of_bytes<'b>(path: &Path, bytes: &'b [u8]) -> File<'b> {
    let binary = bytes.iter().take(BINARY_PROBE).any(|byte| *byte == 0);
    let text = if binary { &[] } else { bytes.strip_suffix(b"\n").unwrap_or(bytes) };
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    File {
        path: path.to_owned(),
        lines: lines.map(|(at, text)| Line { number: at + 1, text, added: true }).collect(),
        binary,
    }
}

/// A path for people.
pub(crate) fn shown(path: &Path) -> String {
    text::one_line(&path.to_string_lossy())
}

struct Reader<'r> {
    context: &'r Context,
    commit: &'r Commit,
    top: &'r Path,
    reach: Reach,
}

impl Reader<'_> {
    fn git(&self) -> Git {
        let git = Git::at(self.context, self.top).args(["-c", "diff.relative=false", "-c", "core.quotePath=true"]);
        match &self.commit.git_dir {
            Some(folder) => git.arg(option("--git-dir=", folder)).arg(option("--work-tree=", self.top)),
            None => git,
        }
    }

    fn diff(&self, arguments: &[&str], paths: &[OsString]) -> Git {
        let lines = match self.reach {
            Reach::Added => "-U0",
            Reach::Whole => "-U1000000000",
        };
        self.git()
            .args(["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules"])
            .args(["--src-prefix=a/", "--dst-prefix=b/", "--diff-filter=ACM", lines])
            .args(arguments)
            .arg("--")
            .args(paths)
    }

    /// What is staged, but under `except`.
    fn staged(&self, except: &[PathBuf]) -> Result<Vec<u8>, Refusal> {
        let except: Vec<_> = except.iter().map(|path| option(":(exclude,literal)", path)).collect();
        Ok(self.diff(&["--cached"], &except).must("what is staged cannot be read")?.stdout)
    }

    /// What the work tree has of the files that git knows, under `paths` (all, when there are none).
    fn work_tree(&self, paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, Refusal> {
        let paths = literal(paths);
        let against_head = self.diff(&["HEAD"], &paths).run()?;
        if against_head.ok() {
            return Ok(vec![against_head.stdout]);
        }
        // There is no commit yet.
        let doing = "what is to be committed cannot be read";
        Ok(vec![self.diff(&["--cached"], &paths).must(doing)?.stdout, self.diff(&[], &paths).must(doing)?.stdout])
    }

    /// The files that git does not know yet, under `paths`.
    fn untracked(&self, paths: &[PathBuf], ignored: bool) -> Result<Vec<(PathBuf, Vec<u8>)>, Refusal> {
        let git = self.git().args(["ls-files", "-z", "--others", "--full-name"]);
        let git = if ignored { git } else { git.arg("--exclude-standard") };
        let listed = git.arg("--").args(literal(paths)).must("new files cannot be listed")?.stdout;
        let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        let mut left = MOST_NEW;
        let mut left_out = 0;
        let mut read = |name: &[u8]| {
            let path = PathBuf::from(OsStr::from_bytes(name));
            let place = self.top.join(&path);
            let data = fs::symlink_metadata(&place).ok().filter(fs::Metadata::is_file)?;
            if data.len() > MOST_BYTES {
                self.context.note(format!("{} is too large to be looked through", shown(&path)));
                return None;
            }
            if data.len() > left {
                left_out += 1;
                return None;
            }
            left -= data.len();
            Some((path, fs::read(&place).ok()?))
        };
        let found = names.filter_map(&mut read).collect();
        if left_out > 0 {
            self.context.note(format!("{left_out} new files were not looked through: they are too many"));
        }
        Ok(found)
    }
}

fn literal(paths: &[PathBuf]) -> Vec<OsString> {
    paths.iter().map(|path| option(":(literal)", path)).collect()
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}
