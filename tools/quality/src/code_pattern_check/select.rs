//! Which files are checked: those named, those of a branch, those not committed, or all of a repository.

use std::path::{Path, PathBuf};

use crewkit_repo::{Git, Repository};
use crewkit_tool::{Context, Refusal};

use super::language::Language;
use crate::walk::{self, split};

/// A file to be checked.
#[derive(Debug, Clone)]
pub(super) struct Picked {
    /// The name findings bear: as it was given, or from the top of the repository.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// Its language.
    pub(super) language: Language,
}

/// What the arguments ask for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// These files and folders.
    Named(&'a [PathBuf]),
    /// What HEAD's branch changed since it left this reference; if that is nothing, what is not committed.
    Branch(&'a str),
    /// What is not committed.
    Uncommitted,
    /// Every file of the repository.
    All,
}

/// The place the run looks at.
#[derive(Debug)]
pub(super) struct Site<'a> {
    /// The surroundings.
    pub(super) context: &'a Context,
    /// The repository that holds the working directory.
    pub(super) repository: Option<Repository>,
}

impl<'a> Site<'a> {
    /// The site of the working directory.
    pub(super) fn new(context: &'a Context) -> Result<Self, Refusal> {
        Ok(Self { context, repository: Repository::discover(context.directory()?) })
    }

    /// The top of the work tree.
    pub(super) fn top(&self) -> Option<&Path> {
        self.repository.as_ref()?.top.as_deref()
    }

    fn must_top(&self) -> Result<&Path, Refusal> {
        self.top().ok_or_else(|| Refusal::new("not in a work tree of a git repository; name files with --files"))
    }

    /// Git at the top of the work tree.
    pub(super) fn git(&self) -> Result<Git, Refusal> {
        Ok(Git::at(self.context, self.must_top()?).of_folder())
    }

    /// The commit from which HEAD's branch left `reference`.
    pub(super) fn merge_base(&self, reference: &str) -> Result<String, Refusal> {
        if reference.is_empty() || reference.starts_with('-') {
            return Err(Refusal::new(format!("--diff-base: '{reference}' is no reference")));
        }
        let commit = format!("{reference}^{{commit}}");
        let found = self.git()?.args(["rev-parse", "--verify", "--quiet", &commit]).run()?;
        if !found.ok() {
            return Err(Refusal::new(format!("--diff-base: there is no commit '{reference}'")));
        }
        let ended = self.git()?.args(["merge-base", &found.text(), "HEAD"]).run()?;
        if !ended.ok() {
            return Err(Refusal::new(format!("--diff-base: '{reference}' and HEAD have no common commit")));
        }
        Ok(ended.text().lines().next().unwrap_or_default().to_owned())
    }

    /// The commit of HEAD; `None` where there is none yet.
    pub(super) fn head(&self) -> Result<Option<String>, Refusal> {
        let ended = self.git()?.args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).run()?;
        Ok(ended.ok().then(|| ended.text()))
    }

    /// The files that are wanted, each once, in the order given or git's.
    pub(super) fn pick(&self, wanted: Wanted<'_>) -> Result<Vec<Picked>, Refusal> {
        let mut list = Vec::new();
        match wanted {
            Wanted::Named(names) => {
                for name in names {
                    self.named(name, &mut list)?;
                }
            }
            Wanted::Branch(reference) => {
                let base = self.merge_base(reference)?;
                let range = ["--find-renames", &base, "HEAD", "--"];
                let mut names = self.changed(&range)?;
                if names.is_empty() {
                    names = self.uncommitted()?;
                }
                list = self.at_top(names)?;
            }
            Wanted::Uncommitted => list = self.at_top(self.uncommitted()?)?,
            Wanted::All => {
                let files = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
                let told = self.git()?.args(files).must("the files cannot be listed")?.stdout;
                list = self.at_top(split(&told))?;
            }
        }
        let mut seen = std::collections::HashSet::new();
        list.retain(|picked| seen.insert(picked.path.clone()));
        Ok(list)
    }

    fn changed(&self, range: &[&str]) -> Result<Vec<PathBuf>, Refusal> {
        let diff = ["diff", "--name-only", "-z", "--diff-filter=ACMRU", "--no-ext-diff", "--no-relative"];
        Ok(split(&self.git()?.args(diff).args(range).must("the changes cannot be read")?.stdout))
    }

    fn uncommitted(&self) -> Result<Vec<PathBuf>, Refusal> {
        let untracked = self.git()?.args(["ls-files", "-z", "--others", "--exclude-standard"]).start()?;
        let mut names = match self.head()? {
            Some(head) => self.changed(&[&head, "--"])?,
            None => split(&self.git()?.args(["ls-files", "-z"]).must("the files cannot be listed")?.stdout),
        };
        let untracked = untracked.finish()?;
        if !untracked.ok() {
            return Err(Refusal::new(format!("the files cannot be listed: {}", untracked.complaint())));
        }
        names.extend(split(&untracked.stdout));
        Ok(names)
    }

    fn at_top(&self, names: Vec<PathBuf>) -> Result<Vec<Picked>, Refusal> {
        let top = self.must_top()?;
        let picked = names.into_iter().filter_map(|name| {
            let language = Language::of(&name)?;
            let path = top.join(&name);
            path.is_file().then(|| Picked { name: name.to_string_lossy().into_owned(), path, language })
        });
        Ok(picked.collect())
    }

    /// A file or folder named by the caller: from the working directory, else from the top of the repository.
    fn named(&self, name: &Path, list: &mut Vec<Picked>) -> Result<(), Refusal> {
        let shown = name.to_string_lossy().into_owned();
        let mut path = self.context.absolute(name)?;
        if std::fs::symlink_metadata(&path).is_err()
            && let Some(top) = self.top()
            && name.is_relative()
        {
            path = top.join(name);
        }
        let Ok(data) = std::fs::metadata(&path) else {
            self.context.note(format!("{shown}: no such file; left out"));
            return Ok(());
        };
        if data.is_dir() {
            let inside = Repository::discover(&path).filter(|repository| repository.top.is_some());
            let files = if inside.is_some() {
                let files = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."];
                split(&Git::at(self.context, &path).of_folder().args(files).must(&shown)?.stdout)
            } else {
                walk::files(&path, usize::MAX, walk::NOT_OURS)
            };
            let below = files.into_iter().filter_map(|file| {
                let language = Language::of(&file)?;
                let whole = path.join(&file);
                let name = name.join(&file).to_string_lossy().into_owned();
                whole.is_file().then_some(Picked { name, path: whole, language })
            });
            list.extend(below);
            return Ok(());
        }
        let Some(language) = Language::of(name) else { return Ok(()) };
        if !data.is_file() {
            self.context.note(format!("{shown}: no regular file; left out"));
            return Ok(());
        }
        list.push(Picked { name: shown, path, language });
        Ok(())
    }
}
