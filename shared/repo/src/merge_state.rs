//! Whether a worktree can be merged into the main branch: the rules that plan-db and the worktree tools share.

use std::fmt;
use std::path::Path;

use crewkit_tool::{Context, Refusal};

use crate::{Git, Head, MainBranch, Repository, Status};

/// A commit as seen from the main branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Commits that the main branch lacks.
    pub ahead: u64,
    /// Commits that only the main branch has.
    pub behind: u64,
    /// Whether its content is in the main branch: as commits, or (after a squash) as the same changes.
    pub merged: bool,
    /// The files that a merge would leave in conflict, by their paths from the top; `None` when it would not conflict.
    pub conflicts: Option<Vec<String>>,
}

impl Relation {
    /// Compares `commit` with the main branch. A branch that is only ahead counts as not merged, whatever it changes.
    ///
    /// # Errors
    /// When git fails, or is too old to try a merge (2.38).
    pub fn of(context: &Context, repository: &Repository, main: &MainBranch, commit: &str) -> Result<Self, Refusal> {
        let (ahead, behind) = ahead_behind(context, repository, main, commit)?;
        let mut relation = Self { ahead, behind, merged: ahead == 0, conflicts: None };
        if ahead > 0 && behind > 0 {
            let tried = Trial::of(context, repository, &main.commit, commit)?;
            relation.merged = tried.changes_nothing || holds_the_same(context, repository, &main.commit, commit)?;
            relation.conflicts = tried.conflicts.filter(|_| !relation.merged);
        }
        Ok(relation)
    }

    /// Whether nothing would be lost with `commit`: its content is in the main branch, or a merge would change nothing.
    ///
    /// # Errors
    /// As [`Relation::of`].
    pub fn is_contained(
        &self,
        context: &Context,
        repository: &Repository,
        main: &MainBranch,
        commit: &str,
    ) -> Result<bool, Refusal> {
        Ok(self.merged || Trial::of(context, repository, &main.commit, commit)?.changes_nothing)
    }
}

/// The commits that `commit` has and the main branch lacks, and those that only the main branch has, by their number.
///
/// # Errors
/// When git fails.
pub fn ahead_behind(
    context: &Context,
    repository: &Repository,
    main: &MainBranch,
    commit: &str,
) -> Result<(u64, u64), Refusal> {
    let range = format!("{}...{commit}", main.commit);
    let call = repository.git(context).args(["rev-list", "--left-right", "--count", &range, "--"]);
    let text = call.must("commits cannot be counted")?.text();
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(behind)), Some(Ok(ahead))) => Ok((ahead, behind)),
        _ => Err(Refusal::new(format!("commits cannot be counted: git says '{text}'"))),
    }
}

/// The files that a merge of two commits would leave in conflict, by their paths from the top; empty when there are none.
///
/// # Errors
/// When git fails, or is too old to try a merge (2.38).
pub fn conflicts_between(
    context: &Context,
    repository: &Repository,
    one: &str,
    other: &str,
) -> Result<Vec<String>, Refusal> {
    Ok(Trial::of(context, repository, one, other)?.conflicts.unwrap_or_default())
}

/// The files that `commit` changes against its merge base with the main branch, as paths from the top, byte for byte; a
/// renamed file counts under both names.
///
/// # Errors
/// When git fails.
pub fn changed_files(
    context: &Context,
    repository: &Repository,
    main: &MainBranch,
    commit: &str,
) -> Result<Vec<Vec<u8>>, Refusal> {
    let base = repository.git(context).args(["merge-base", &main.commit, commit]).run()?;
    // Without a common commit everything is a change.
    let base = if base.ok() { base.text() } else { empty_tree(context, repository)? };
    let told = repository
        .git(context)
        .args(["diff-tree", "-r", "-z", "--name-only", "--no-renames", &base, commit, "--"])
        .must("the changes cannot be listed")?;
    let names = told.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(<[u8]>::to_vec).collect())
}

fn empty_tree(context: &Context, repository: &Repository) -> Result<String, Refusal> {
    let call = repository.git(context).args(["hash-object", "-t", "tree", "--stdin"]).stdin(Vec::new());
    Ok(call.must("the changes cannot be listed")?.text())
}

/// A merge tried in the object database alone.
struct Trial {
    conflicts: Option<Vec<String>>,
    changes_nothing: bool,
}

impl Trial {
    fn of(context: &Context, repository: &Repository, main: &str, commit: &str) -> Result<Self, Refusal> {
        let ended = repository
            .git(context)
            .args(["merge-tree", "--write-tree", "--allow-unrelated-histories", "-z", "--name-only", "--no-messages"])
            .args([main, commit])
            .run()?;
        // git-merge-tree(1): 0 clean, 1 conflicts, anything else: it could not be tried.
        if !matches!(ended.code, 0 | 1) {
            return Err(Refusal::new(format!("the merge cannot be tried: {}", ended.complaint())));
        }
        let text = String::from_utf8_lossy(&ended.stdout);
        let mut fields = text.split('\0').map(|field| field.trim_end_matches('\n'));
        let tree = fields.next().unwrap_or_default().to_owned();
        if ended.code == 1 {
            let mut files: Vec<String> = fields.filter(|field| !field.is_empty()).map(str::to_owned).collect();
            files.dedup();
            return Ok(Self { conflicts: Some(files), changes_nothing: false });
        }
        let before = repository.git(context).args(["rev-parse", "--verify", &format!("{main}^{{tree}}")]);
        Ok(Self { conflicts: None, changes_nothing: before.must("the main branch cannot be read")?.text() == tree })
    }
}

/// Whether the main branch has each change of `commit`'s branch, commit by commit or all of them in one.
fn holds_the_same(context: &Context, repository: &Repository, main: &str, commit: &str) -> Result<bool, Refusal> {
    let git = || repository.git(context);
    // git-cherry(1): one line for each commit, `-` before one whose change the other side has.
    let all_there = |tip: &str| -> Result<bool, Refusal> {
        let told = git().args(["cherry", main, tip]).must("the changes cannot be compared")?.text();
        Ok(!told.is_empty() && told.lines().all(|line| line.starts_with('-')))
    };
    // Merges have no line of their own, so they count only as part of the whole.
    let merges = git().args(["rev-list", "--merges", "--max-count=1", &format!("{main}..{commit}"), "--"]);
    if merges.must("the commits cannot be read")?.text().is_empty() && all_there(commit)? {
        return Ok(true);
    }
    let base = git().args(["merge-base", main, commit]).run()?;
    if !base.ok() {
        return Ok(false);
    }
    let person = ["-c", "user.name=crewkit", "-c", "user.email=crewkit@localhost", "-c", "commit.gpgSign=false"];
    let whole = git()
        .args(person)
        .args(["commit-tree", &format!("{commit}^{{tree}}"), "-p", &base.text(), "-m", "all in one"])
        .must("the changes cannot be compared")?;
    all_there(&whole.text())
}

/// Whether a worktree can be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeState {
    /// Its folder is gone.
    Missing,
    /// Its branch has no commit.
    Empty,
    /// It can be judged.
    Known {
        /// The full id of what it has checked out.
        commit: String,
        /// How that stands to the main branch.
        relation: Relation,
        /// What differs in it from its commit.
        status: Status,
    },
}

impl MergeState {
    /// Judges the work tree at `path`.
    ///
    /// # Errors
    /// When git cannot read the work tree or compare it.
    pub fn of(context: &Context, repository: &Repository, main: &MainBranch, path: &Path) -> Result<Self, Refusal> {
        let status = Status::by_git(Git::at(context, path).of_folder())?;
        let Some(commit) = status.head.clone() else { return Ok(Self::Empty) };
        let relation = Relation::of(context, repository, main, &commit)?;
        Ok(Self::Known { commit, relation, status })
    }

    /// The words for what is in the way of a merge, or of the end of a plan; empty when nothing is.
    pub fn hindrances(&self) -> Vec<String> {
        let Self::Known { relation, status, .. } = self else { return Vec::new() };
        let dirty = status.entries.len();
        let words = [
            (dirty > 0).then(|| format!("DIRTY({dirty})")),
            (relation.behind > 0).then(|| format!("BEHIND({})", relation.behind)),
            relation.conflicts.is_some().then(|| "CONFLICT".to_owned()),
        ];
        words.into_iter().flatten().collect()
    }
}

/// The words of worktree-merge-check, separated by blanks.
impl fmt::Display for MergeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = match self {
            Self::Missing => return f.write_str("MISSING"),
            Self::Empty => return f.write_str("EMPTY"),
            Self::Known { relation, .. } => relation,
        };
        let mut words = self.hindrances();
        if relation.merged {
            words.push("ALREADY_MERGED".to_owned());
        }
        if words.is_empty() { write!(f, "READY(+{})", relation.ahead) } else { f.write_str(&words.join(" ")) }
    }
}

/// What a worktree has checked out, for people: the branch, or `DETACHED`.
pub fn branch_or_detached(head: &Head) -> &str {
    match head {
        Head::Branch(name) => name,
        Head::Detached(_) => "DETACHED",
        Head::Unknown => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_words_stand_in_their_order() {
        let state = |ahead, behind, merged, conflict: bool, dirty: usize| {
            let entry = crate::Entry { change: crate::Change::Untracked, letters: *b"??", path: b"x".to_vec() };
            let conflicts = conflict.then(Vec::new);
            MergeState::Known {
                commit: String::new(),
                relation: Relation { ahead, behind, merged, conflicts },
                status: Status { entries: vec![entry; dirty], ..Status::default() },
            }
        };
        for (state, words) in [
            (state(2, 0, false, false, 0), "READY(+2)"),
            (state(0, 0, true, false, 0), "ALREADY_MERGED"),
            (state(0, 3, true, false, 0), "BEHIND(3) ALREADY_MERGED"),
            (state(1, 3, false, true, 4), "DIRTY(4) BEHIND(3) CONFLICT"),
            (state(1, 0, false, false, 1), "DIRTY(1)"),
            (MergeState::Missing, "MISSING"),
            (MergeState::Empty, "EMPTY"),
        ] {
            assert_eq!(state.to_string(), words);
        }
    }

    /// A repository whose branch `side` is checked out, and git in it.
    struct Scratch {
        context: Context,
        folder: tempfile::TempDir,
    }

    impl Scratch {
        fn new() -> Self {
            let new = Self { context: Context::process(), folder: tempfile::tempdir().unwrap() };
            new.git(&["init", "-q", "-b", "main"]);
            new.commit("a", "one");
            new.git(&["checkout", "-q", "-b", "side"]);
            new
        }

        fn git(&self, arguments: &[&str]) {
            let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
            Git::at(&self.context, self.folder.path()).args(identity).args(arguments).must("git").unwrap();
        }

        fn commit(&self, file: &str, text: &str) {
            fs::write(self.folder.path().join(file), text).unwrap();
            self.git(&["add", "-A"]);
            self.git(&["commit", "-q", "-m", text]);
        }

        fn state(&self) -> MergeState {
            let repository = Repository::discover(self.folder.path()).unwrap();
            let main = repository.find_main(&self.context).unwrap().unwrap();
            MergeState::of(&self.context, &repository, &main, self.folder.path()).unwrap()
        }
    }

    #[test]
    fn each_hindrance_is_seen() {
        let scratch = Scratch::new();
        assert_eq!(scratch.state().to_string(), "ALREADY_MERGED");
        scratch.commit("a", "two");
        assert_eq!(scratch.state().to_string(), "READY(+1)");
        scratch.git(&["checkout", "-q", "main"]);
        scratch.commit("a", "three");
        scratch.git(&["checkout", "-q", "side"]);
        fs::write(scratch.folder.path().join("new file"), "").unwrap();
        fs::write(scratch.folder.path().join("a"), "four").unwrap();
        assert_eq!(scratch.state().to_string(), "DIRTY(2) BEHIND(1) CONFLICT");
        let MergeState::Known { relation, .. } = scratch.state() else { panic!() };
        assert_eq!(relation.conflicts.unwrap(), ["a"]);
    }

    #[test]
    fn the_same_change_under_other_commits_is_merged() {
        let scratch = Scratch::new();
        scratch.commit("b", "two");
        scratch.commit("b", "three");
        scratch.git(&["checkout", "-q", "main"]);
        scratch.commit("c", "between");
        scratch.git(&["merge", "-q", "--squash", "side"]);
        scratch.git(&["commit", "-q", "-m", "squashed"]);
        scratch.git(&["checkout", "-q", "side"]);
        assert_eq!(scratch.state().to_string(), "BEHIND(2) ALREADY_MERGED");
        // The main branch went on in the same file: a merge would conflict, but there is nothing left to merge.
        scratch.git(&["checkout", "-q", "main"]);
        scratch.commit("b", "four");
        scratch.git(&["checkout", "-q", "side"]);
        assert_eq!(scratch.state().to_string(), "BEHIND(3) ALREADY_MERGED");
        scratch.commit("b", "five");
        assert_eq!(scratch.state().to_string(), "BEHIND(3) CONFLICT");
    }
}
