//! Which lines of a file are new.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crewkit_repo::{Git, real_path};
use crewkit_scan::{diff, line_limit};
use crewkit_tool::Refusal;

use super::select::{Picked, Site};
use crate::walk::split;

/// More paths than this are not given to git one by one.
const MOST_PATHS: usize = 1000;

/// The lines of one file that are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lines {
    /// All of them: git does not know the file, or the base has none of it.
    All,
    /// These, from 1.
    Some(HashSet<usize>),
}

impl Lines {
    /// Whether line `line`, from 0, is new.
    pub(super) fn has(&self, line: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(lines) => lines.contains(&(line + 1)),
        }
    }
}

/// The new lines of files, by the files' places.
#[derive(Debug)]
pub(super) struct Changed {
    /// The commit compared with, or what was read in its place.
    pub(super) against: String,
    lines: HashMap<PathBuf, Lines>,
    /// Whether a file that is not in `lines` is new rather than unchanged.
    known: Option<HashSet<PathBuf>>,
    commit: Option<String>,
}

impl Changed {
    /// What the work tree has and `base` has not.
    pub(super) fn since(site: &Site<'_>, base: Option<String>, files: &[Picked]) -> Result<Self, Refusal> {
        let Some(base) = base else {
            let against = "nothing is committed".to_owned();
            return Ok(Self { against, lines: HashMap::new(), known: Some(HashSet::new()), commit: None });
        };
        let top = site.top().map(Path::to_owned).unwrap_or_default();
        let paths: Vec<PathBuf> =
            files.iter().filter_map(|file| real_path(&file.path).strip_prefix(&top).ok().map(Path::to_owned)).collect();
        let paths: &[PathBuf] = if paths.len() > MOST_PATHS { &[] } else { &paths };
        if paths.is_empty() && files.len() <= MOST_PATHS {
            return Ok(Self { against: base, lines: HashMap::new(), known: Some(HashSet::new()), commit: None });
        }
        let literal = |git: Git| git.arg("--literal-pathspecs");
        let known = literal(site.git()?).args(["ls-files", "-z", "--"]).args(paths).start()?;
        let ended = literal(site.git()?)
            .args(["-c", "core.quotePath=false", "diff", "-U0", "--no-color", "--no-ext-diff", "--no-textconv"])
            .args(["--no-renames", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", &base, "--"])
            .args(paths)
            .must("the changed lines cannot be read")?;
        let lines = read(&ended.stdout, &top);
        let known = known.finish()?;
        if !known.ok() {
            return Err(Refusal::new(format!("the files cannot be listed: {}", known.complaint())));
        }
        let known = split(&known.stdout).into_iter().map(|name| top.join(name)).collect();
        Ok(Self { against: base.clone(), lines, known: Some(known), commit: Some(base) })
    }

    /// What a diff says, its names from `top`.
    pub(super) fn by_diff(text: &[u8], top: &Path) -> Self {
        Self { against: "the diff".to_owned(), lines: read(text, top), known: None, commit: None }
    }

    /// The files that have new lines, in no order.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.lines.keys().map(PathBuf::as_path)
    }

    /// The new lines of a file; none of one that has not changed.
    pub(super) fn of(&self, file: &Path) -> Lines {
        let file = real_path(file);
        match (self.lines.get(&file), &self.known) {
            (Some(lines), _) => lines.clone(),
            (None, Some(known)) if !known.contains(&file) => Lines::All,
            (None, _) => Lines::Some(HashSet::new()),
        }
    }

    /// The number of lines that the base has of a file; `None` when it has none of it or cannot be asked.
    pub(super) fn lines_before(&self, site: &Site<'_>, file: &Path) -> Result<Option<usize>, Refusal> {
        let Some((commit, top)) = self.commit.as_ref().zip(site.top()) else { return Ok(None) };
        let file = real_path(file);
        let Ok(name) = file.strip_prefix(top) else { return Ok(None) };
        let mut object = std::ffi::OsString::from(format!("{commit}:"));
        object.push(name);
        let ended = site.git()?.args(["cat-file", "blob"]).arg(object).run()?;
        Ok(ended.ok().then(|| line_limit::count(&ended.stdout)))
    }
}

fn read(text: &[u8], top: &Path) -> HashMap<PathBuf, Lines> {
    let files = diff::read(text).into_iter().map(|file| {
        let added = file.lines.iter().filter(|line| line.added).map(|line| line.number);
        // What git shows no lines of may have changed anywhere: UTF-16, and what attributes call binary.
        let lines = if file.binary { Lines::All } else { Lines::Some(added.collect()) };
        (top.join(file.path), lines)
    });
    files.collect()
}
