//! The branch that plans are made from, as `origin` has it, and what happened on it.

use std::path::Path;
use std::time::Duration;

use crewkit_tool::{Context, Refusal};

use crate::{Git, Repository};

const ORIGIN: &str = "refs/remotes/origin/";
const HEADS: &str = "refs/heads/";
/// How long `origin` is waited for when only it can tell its default branch.
const ANSWER: Duration = Duration::from_secs(3);

/// The base branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseBranch {
    /// Its short name.
    pub name: String,
    /// Whether there is a remote `origin` to fetch it from.
    pub remote: bool,
    fetched: bool,
    local: bool,
}

/// What fetching came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The remote's branch is known as it is now, or there is no remote.
    Now,
    /// The remote has no such branch.
    Gone,
    /// It could not be asked: the reason, in one line.
    Unreachable(String),
}

impl Repository {
    /// The base branch: `MAIN_BRANCH` of the environment, else the default branch of `origin`, else `main`, else `master`.
    /// `None` when there is none of them. `origin` is asked for its default branch only where nothing else tells.
    ///
    /// # Errors
    /// When git fails.
    pub fn find_base(&self, context: &Context) -> Result<Option<BaseBranch>, Refusal> {
        let remote = self.origin_url().is_some();
        let wanted = context.variable("MAIN_BRANCH");
        let mut names: Vec<&str> = wanted.as_deref().map_or_else(|| vec!["main", "master"], |name| vec![name]);
        let head = format!("{ORIGIN}HEAD");
        let references = names.iter().flat_map(|name| [format!("{ORIGIN}{name}"), format!("{HEADS}{name}")]);
        let call = self.git(context).args(["for-each-ref", "--format=%(refname) %(symref)", &head]).args(references);
        let told = call.must("the branches cannot be read")?.text();
        let rows: Vec<(&str, &str)> = told.lines().filter_map(|line| line.split_once(' ')).collect();
        let default =
            rows.iter().find_map(|(name, target)| (*name == head).then(|| target.strip_prefix(ORIGIN)).flatten());
        if let (Some(default), None) = (default, &wanted) {
            return Ok(Some(BaseBranch { name: default.to_owned(), remote, fetched: true, local: false }));
        }
        let has = |reference: String| rows.iter().any(|(name, _)| *name == reference);
        names.retain(|name| has(format!("{ORIGIN}{name}")) || has(format!("{HEADS}{name}")));
        if let Some(name) = names.first() {
            let (fetched, local) = (has(format!("{ORIGIN}{name}")), has(format!("{HEADS}{name}")));
            return Ok(Some(BaseBranch { name: (*name).to_owned(), remote, fetched, local }));
        }
        let asked = if remote { self.ask_origin(context)? } else { None };
        Ok(wanted.or(asked).filter(|_| remote).map(|name| BaseBranch { name, remote, fetched: false, local: false }))
    }

    /// The default branch that `origin` tells.
    fn ask_origin(&self, context: &Context) -> Result<Option<String>, Refusal> {
        let ended = self.git(context).args(["ls-remote", "--symref", "origin", "HEAD"]).limit(ANSWER).run()?;
        // git-ls-remote(1): `ref: refs/heads/NAME<TAB>HEAD`.
        let text = ended.text();
        let name = text.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
        Ok(name.map(str::to_owned))
    }
}

impl BaseBranch {
    /// The full name of the reference to compare with: the remote's branch as last fetched, else the local one. `None` when
    /// neither is there.
    pub fn reference(&self) -> Option<String> {
        let prefix = if self.fetched { ORIGIN } else { HEADS };
        (self.fetched || self.local).then(|| format!("{prefix}{}", self.name))
    }

    /// Fetches it from `origin`, for at most `limit`.
    ///
    /// # Errors
    /// When git cannot be started.
    pub fn fetch(&mut self, context: &Context, repository: &Repository, limit: Duration) -> Result<Fetched, Refusal> {
        if !self.remote {
            return Ok(Fetched::Now);
        }
        let refspec = format!("+{HEADS}{0}:{ORIGIN}{0}", self.name);
        let ended = repository
            .git(context)
            .args(["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance"])
            .args(["--no-write-fetch-head", "origin", &refspec])
            .limit(limit)
            .run()?;
        if ended.ok() {
            self.fetched = true;
            return Ok(Fetched::Now);
        }
        if ended.timed_out {
            return Ok(Fetched::Unreachable(format!("no answer within {} s", limit.as_secs())));
        }
        let said = String::from_utf8_lossy(&ended.stderr);
        if said.contains("couldn't find remote ref") {
            return Ok(Fetched::Gone);
        }
        Ok(Fetched::Unreachable(crate::status::reason(&said, ended.code)))
    }
}

/// A file that commits changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its path from the top, bytes that are not UTF-8 replaced.
    pub file: String,
    /// The short id of the newest commit that changed it.
    pub commit: String,
    /// That commit's subject.
    pub subject: String,
}

/// How far a base has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved<'a> {
    /// The folder that git is asked in.
    pub directory: &'a Path,
    /// The reference of the base.
    pub base: &'a str,
}

impl Moved<'_> {
    fn git(&self, context: &Context) -> Git {
        Git::at(context, self.directory).of_folder()
    }

    fn count(&self, context: &Context, arguments: &[&str]) -> Result<u64, Refusal> {
        let text =
            self.git(context).args(["rev-list", "--count"]).args(arguments).must("commits cannot be counted")?.text();
        text.parse().map_err(|_| Refusal::new(format!("commits cannot be counted: git says '{text}'")))
    }

    /// The commits that the base has and HEAD lacks.
    ///
    /// # Errors
    /// When git fails.
    pub fn behind(&self, context: &Context) -> Result<u64, Refusal> {
        self.count(context, &[self.base, "^HEAD", "--"])
    }

    /// The commits of the base since a moment, in seconds since 1970.
    ///
    /// # Errors
    /// When git fails.
    pub fn commits_since(&self, context: &Context, moment: i64) -> Result<u64, Refusal> {
        self.count(context, &[&since(moment), self.base, "--"])
    }

    /// The files that commits of the base changed, since a moment when one is given; without those that HEAD has as well
    /// when `missing` asks for it. Of a file the newest commit is named, a merge only where nothing but it changed the file.
    ///
    /// # Errors
    /// When git fails.
    pub fn touched(&self, context: &Context, moment: Option<i64>, missing: bool) -> Result<Vec<Touched>, Refusal> {
        // What a merge brought in may be older than the moment; compared with its first parent it tells all of it.
        let ended = self
            .git(context)
            .args(["log", "-z", "--name-only", "--no-renames", "--diff-merges=first-parent", "--no-color"])
            .args(["--no-show-signature", "--encoding=UTF-8", "--format=%x00%h%x00%p%x00%s", self.base])
            .args(moment.map(since))
            .args(missing.then_some("^HEAD"))
            .arg("--")
            .must("the commits cannot be read")?;
        Ok(read_log(&String::from_utf8_lossy(&ended.stdout)))
    }
}

fn since(moment: i64) -> String {
    format!("--since=@{moment} +0000")
}

/// Reads the log of [`Moved::touched`]: an empty record before each commit, then id, parents, subject and its files.
fn read_log(log: &str) -> Vec<Touched> {
    let mut found: Vec<(Touched, bool)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    let (mut commit, mut subject, mut merge) = ("", "", false);
    let mut records = log.split('\0');
    while let Some(record) = records.next() {
        if record.is_empty() {
            let [Some(id), Some(parents), Some(line)] = [records.next(), records.next(), records.next()] else { break };
            (commit, subject, merge) = (id, line, parents.contains(' '));
            continue;
        }
        let file = record.strip_prefix('\n').unwrap_or(record);
        let touched = || Touched { file: file.to_owned(), commit: commit.to_owned(), subject: subject.to_owned() };
        match places.get(file) {
            None => {
                places.insert(file, found.len());
                found.push((touched(), merge));
            }
            Some(&place) if found[place].1 && !merge => found[place] = (touched(), false),
            Some(_) => {}
        }
    }
    found.into_iter().map(|(touched, _)| touched).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    fn git(directory: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
        Git::at(&Context::process(), directory).args(identity).args(arguments).must("git").unwrap();
    }

    fn commit(top: &Path, file: &str, subject: &str) {
        fs::write(top.join(file), subject).unwrap();
        git(top, &["add", "-A"]);
        git(top, &["commit", "-q", "-m", subject]);
    }

    fn repository(branch: &str) -> (tempfile::TempDir, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap().join("shop");
        fs::create_dir(&top).unwrap();
        git(&top, &["init", "-q", "-b", branch]);
        commit(&top, "a", "first");
        (scratch, top)
    }

    fn base(top: &Path) -> Option<BaseBranch> {
        Repository::discover(top).unwrap().find_base(&Context::process()).unwrap()
    }

    #[test]
    fn the_default_branch_of_origin_comes_first() {
        let (scratch, top) = repository("trunk");
        assert_eq!(base(&top), None);
        git(&top, &["branch", "master"]);
        assert_eq!(base(&top).unwrap().reference().as_deref(), Some("refs/heads/master"));
        git(&top, &["branch", "main"]);
        assert_eq!(base(&top).unwrap().reference().as_deref(), Some("refs/heads/main"));
        let clone = scratch.path().join("clone");
        git(scratch.path(), &["clone", "-q", top.to_str().unwrap(), "clone"]);
        let found = base(&clone).unwrap();
        assert_eq!((found.name.as_str(), found.reference().as_deref()), ("trunk", Some("refs/remotes/origin/trunk")));
        // Nothing here tells: the remote does.
        let bare = scratch.path().join("new");
        git(scratch.path(), &["init", "-q", "-b", "work", "new"]);
        git(&bare, &["remote", "add", "origin", top.to_str().unwrap()]);
        let mut found = base(&bare).unwrap();
        assert_eq!((found.name.as_str(), found.reference()), ("trunk", None));
        let repository = Repository::discover(&bare).unwrap();
        let limit = Duration::from_secs(20);
        assert_eq!(found.fetch(&Context::process(), &repository, limit).unwrap(), Fetched::Now);
        assert_eq!(found.reference().as_deref(), Some("refs/remotes/origin/trunk"));
        let mut gone = BaseBranch { name: "gone".into(), ..found };
        assert_eq!(gone.fetch(&Context::process(), &repository, limit).unwrap(), Fetched::Gone);
        git(&bare, &["remote", "set-url", "origin", "/no/such/place"]);
        let answer = gone.fetch(&Context::process(), &repository, limit).unwrap();
        assert!(matches!(&answer, Fetched::Unreachable(why) if why.contains("/no/such/place")), "{answer:?}");
    }

    #[test]
    fn what_the_base_changed_is_read() {
        let (_scratch, top) = repository("main");
        git(&top, &["checkout", "-q", "-b", "work"]);
        git(&top, &["checkout", "-q", "-b", "side", "main"]);
        commit(&top, "odd\nname", "by \"side\"");
        git(&top, &["checkout", "-q", "main"]);
        git(&top, &["mv", "a", "b"]);
        git(&top, &["commit", "-q", "-m", "moved"]);
        git(&top, &["merge", "-q", "--no-ff", "side", "-m", "merged"]);
        git(&top, &["checkout", "-q", "work"]);
        let context = Context::process();
        let moved = Moved { directory: &top, base: "refs/heads/main" };
        assert_eq!((moved.behind(&context).unwrap(), moved.commits_since(&context, 0).unwrap()), (3, 4));
        assert_eq!(moved.commits_since(&context, 32_503_680_000).unwrap(), 0);
        let mut touched: Vec<_> =
            moved.touched(&context, Some(0), true).unwrap().into_iter().map(|t| (t.file, t.subject)).collect();
        touched.sort();
        let wanted = [("a", "moved"), ("b", "moved"), ("odd\nname", "by \"side\"")];
        assert_eq!(touched, wanted.map(|(file, subject)| (file.to_owned(), subject.to_owned())));
        git(&top, &["rebase", "-q", "main"]);
        assert_eq!(moved.behind(&context).unwrap(), 0);
        assert!(moved.touched(&context, None, true).unwrap().is_empty());
        assert_eq!(moved.touched(&context, None, false).unwrap().len(), 3);
    }
}
