//! What a task or a wave changed in its worktree: lines that the worktree has and the merge base with the base branch has
//! not, whether committed, staged, unstaged or untracked. On the base branch itself: against HEAD.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crewkit_repo::{Git, Repository};
use crewkit_scan::{diff, encoding, names};
use crewkit_tool::{Context, Refusal};

use super::Finding;

/// The largest file that is looked into, in bytes.
const MOST_BYTES: u64 = 32 << 20;

/// Which files are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope<'a> {
    /// Those that a task declares, names from the top of the worktree; one that ends in a slash is a folder.
    Declared(&'a [String]),
    /// All of them.
    Whole,
}

/// What there is to judge code by.
#[derive(Debug)]
pub(super) enum Ground {
    /// Nothing, and why.
    None(String),
    /// It cannot be told, and why.
    Unknown(String),
    /// The changes.
    Changes(Changes),
}

/// The changes in a worktree.
#[derive(Debug)]
pub(super) struct Changes {
    /// The top of the worktree.
    pub(super) top: PathBuf,
    /// Its repository.
    pub(super) repository: Repository,
    /// The changed files that are there, by name.
    pub(super) files: Vec<ChangedFile>,
    /// What they are compared with: `main`, `HEAD`.
    pub(super) against: String,
    /// Whether the worktree stands on the base branch.
    pub(super) on_base: bool,
    /// Changed files that were not looked into, with the reason.
    pub(super) unread: Vec<(String, &'static str)>,
    base: Against,
}

/// A file with changed lines.
#[derive(Debug)]
pub(super) struct ChangedFile {
    /// From the top, bytes that are not UTF-8 replaced.
    pub(super) name: String,
    /// From the top.
    pub(super) path: PathBuf,
    /// What it holds; broken bytes are replaced. `None` for a file that is no text.
    pub(super) text: Option<String>,
    lines: Lines,
}

#[derive(Debug)]
enum Lines {
    All,
    /// Sorted.
    Some(Vec<usize>),
}

#[derive(Debug, Clone)]
enum Against {
    /// The merge base of HEAD with this reference.
    MergeBase(String),
    Head,
    /// There is no commit yet, or none in common.
    Nothing,
}

impl ChangedFile {
    /// Whether the line `number` (from 1) is changed.
    pub(super) fn has(&self, number: usize) -> bool {
        match &self.lines {
            Lines::All => true,
            Lines::Some(lines) => lines.binary_search(&number).is_ok(),
        }
    }

    /// Whether any line from `first` to `last` is changed.
    pub(super) fn has_any(&self, first: usize, last: usize) -> bool {
        match &self.lines {
            Lines::All => true,
            Lines::Some(lines) => {
                let at = lines.partition_point(|line| *line < first);
                lines.get(at).is_some_and(|line| *line <= last)
            }
        }
    }

    /// Its ending in small letters, empty without one.
    pub(super) fn ending(&self) -> String {
        self.path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
    }
}

/// The changes in `worktree` as the database keeps it.
pub(super) fn ground(context: &Context, worktree: Option<&Path>, scope: Scope<'_>) -> Ground {
    let Some(worktree) = worktree else { return Ground::None("there is no worktree to look into".to_owned()) };
    let path = context.expand_home(worktree);
    let shown = path.display();
    if !path.is_dir() {
        return Ground::None(format!("worktree {shown} is not there"));
    }
    let Some(repository) = Repository::discover(&path) else {
        return Ground::None(format!("worktree {shown} is not in a git repository"));
    };
    let Some(top) = repository.top.clone() else { return Ground::None(format!("{shown} is not in a work tree")) };
    let names = match scope {
        Scope::Whole => None,
        Scope::Declared([]) => return Ground::None("the task declares no files".to_owned()),
        Scope::Declared(names) => {
            let specs: Vec<_> = names.iter().filter_map(|name| pathspec(context, &path, &top, name)).collect();
            if specs.is_empty() {
                return Ground::None(format!("the declared files are not in worktree {shown}"));
            }
            Some(specs)
        }
    };
    match read(context, repository, top, names.as_deref()) {
        Ok(changes) => Ground::Changes(changes),
        Err(refusal) => Ground::Unknown(refusal.to_string()),
    }
}

/// The pathspec (gitglossary(7)) of a declared name; `None` for one outside of the worktree.
fn pathspec(context: &Context, worktree: &Path, top: &Path, name: &str) -> Option<String> {
    let expanded = context.expand_home(Path::new(name.trim()));
    let from_top = match (expanded.strip_prefix(worktree), expanded.strip_prefix(top)) {
        (Ok(rest), _) | (_, Ok(rest)) => rest.to_owned(),
        _ if expanded.is_absolute() => crewkit_repo::real_path(&expanded).strip_prefix(top).ok()?.to_owned(),
        _ => expanded,
    };
    let name = crate::task_files::normal(from_top.to_str()?)?;
    if name == "./" {
        return Some(":(top)".to_owned());
    }
    if name.starts_with("../") {
        return None;
    }
    // Brackets are usual in names of files, stars are not.
    let magic = if name.contains('*') { "glob" } else { "literal" };
    Some(format!(":(top,{magic}){}", name.trim_end_matches('/')))
}

fn read(context: &Context, repository: Repository, top: PathBuf, names: Option<&[String]>) -> Result<Changes, Refusal> {
    let git = || Git::at(context, &top).of_folder();
    let (base, against, on_base) = base(context, &repository, &top)?;
    let untracked = git().args(["ls-files", "--others", "--exclude-standard", "-z", "--"]);
    let untracked = untracked.args(names.unwrap_or_default()).start()?;
    let options = ["--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules", "-U0"];
    let call =
        git().args(["-c", "core.quotePath=true", "diff"]).args(options).args(["--src-prefix=a/", "--dst-prefix=b/"]);
    let call = match &base {
        Against::MergeBase(reference) => call.args(["--merge-base", reference]),
        Against::Head => call.arg("HEAD"),
        Against::Nothing => call.arg(empty_tree(context, &repository)?),
    };
    let told = call.arg("--").args(names.unwrap_or_default()).must("the changes cannot be read")?;
    let untracked = untracked.finish()?;
    if !untracked.ok() {
        return Err(Refusal::new(format!("the untracked files cannot be read: {}", untracked.complaint())));
    }
    let mut found: BTreeMap<PathBuf, Lines> = BTreeMap::new();
    for file in diff::read(&told.stdout) {
        let lines = file.lines.iter().filter(|line| line.added).map(|line| line.number).collect();
        // What git shows no lines of may have changed anywhere: UTF-16, and what attributes call binary.
        found.insert(file.path, if file.binary { Lines::All } else { Lines::Some(lines) });
    }
    for name in untracked.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        found.insert(PathBuf::from(OsStr::from_bytes(name)), Lines::All);
    }
    let mut changes = Changes { top, repository, files: Vec::new(), against, on_base, unread: Vec::new(), base };
    for (path, lines) in found {
        changes.add(path, lines);
    }
    Ok(changes)
}

/// What the worktree is compared with, its name, and whether that is its own branch.
fn base(context: &Context, repository: &Repository, top: &Path) -> Result<(Against, String, bool), Refusal> {
    let head = Git::at(context, top).of_folder().args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).run()?;
    if !head.ok() {
        return Ok((Against::Nothing, "nothing".to_owned(), false));
    }
    let Some(base) = repository.find_base(context)? else { return Ok((Against::Head, "HEAD".to_owned(), false)) };
    if repository.head().branch() == Some(base.name.as_str()) {
        return Ok((Against::Head, "HEAD".to_owned(), true));
    }
    let Some(reference) = base.reference() else { return Ok((Against::Head, "HEAD".to_owned(), false)) };
    let merge_base = Git::at(context, top).of_folder().args(["merge-base", &reference, "HEAD"]).run()?;
    match merge_base.code {
        0 => Ok((Against::MergeBase(reference), base.name, false)),
        // git-merge-base(1): 1 says that there is none.
        1 => Ok((Against::Nothing, "nothing".to_owned(), false)),
        _ => Err(Refusal::new(format!("no comparison with {}: {}", base.name, merge_base.complaint()))),
    }
}

fn empty_tree(context: &Context, repository: &Repository) -> Result<String, Refusal> {
    let call = repository.git(context).args(["hash-object", "-t", "tree", "--stdin"]).stdin(Vec::new());
    Ok(call.must("the changes cannot be read")?.text())
}

impl Changes {
    fn add(&mut self, path: PathBuf, lines: Lines) {
        let name = path.to_string_lossy().into_owned();
        let whole = self.top.join(&path);
        // Links lead to files that have changes of their own; submodules are repositories of their own.
        let Ok(data) = fs::symlink_metadata(&whole) else { return };
        if !data.is_file() {
            return;
        }
        if data.len() > MOST_BYTES {
            self.unread.push((name, "too large"));
            return;
        }
        let Ok(bytes) = fs::read(&whole) else {
            self.unread.push((name, "not readable"));
            return;
        };
        let bytes = encoding::utf8(&bytes);
        let text = (!encoding::is_binary(&bytes)).then(|| String::from_utf8_lossy(&bytes).into_owned());
        if text.is_none() && names::is_source(&path) {
            self.unread.push((name.clone(), "no text"));
        }
        self.files.push(ChangedFile { name, path, text, lines });
    }

    /// The files that hold text, with it.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&ChangedFile, &str)> {
        self.files.iter().filter_map(|file| Some((file, file.text.as_deref()?)))
    }

    /// The number of lines that `file` had before, 0 where it was not there; `None` when git cannot tell.
    pub(super) fn lines_before(&self, context: &Context, file: &ChangedFile) -> Option<usize> {
        let git = || Git::at(context, &self.top).of_folder();
        let commit = match &self.base {
            Against::Nothing => return Some(0),
            Against::Head => "HEAD".to_owned(),
            Against::MergeBase(reference) => {
                let told = git()
                    .args(["merge-base", reference, "HEAD"])
                    .run()
                    .ok()
                    .filter(crewkit_tool::process::Ended::ok)?;
                told.text()
            }
        };
        let mut spec = std::ffi::OsString::from(format!("{commit}:"));
        spec.push(&file.path);
        let held = git().args(["cat-file", "blob"]).arg(&spec).run().ok()?;
        Some(if held.ok() { crewkit_scan::line_limit::count(&held.stdout) } else { 0 })
    }

    /// The commit that the worktree is compared with, `None` without one.
    pub(super) fn range(&self) -> Option<String> {
        match &self.base {
            Against::MergeBase(reference) => Some(format!("{reference}..HEAD")),
            Against::Head | Against::Nothing => None,
        }
    }

    /// What was looked at, in words.
    pub(super) fn looked_at(&self) -> String {
        format!("{} changed files against {}", self.files.len(), self.against)
    }

    /// The files that were not looked into, for a person.
    pub(super) fn not_judged(&self) -> Vec<Finding> {
        let finding =
            |(name, reason): &(String, &str)| Finding::at(name, None, format!("not judged: {reason}"), "look into it");
        self.unread.iter().map(finding).collect()
    }
}
