//! The last commits of HEAD, read from the object database in this process.

use std::path::Path;

use gix::ObjectId;
use gix::prelude::ObjectIdExt as _;

use crate::Git;

/// A commit in a line's worth of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id, shortened as git does it: as long as it takes to be the only one, at least 7 digits.
    pub short: String,
    /// The lines of the message before its first blank one, joined by blanks.
    pub subject: String,
}

/// The newest commits that HEAD reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The full id of HEAD's commit.
    pub head: String,
    /// Newest first, in the order of `git log`.
    pub commits: Vec<Commit>,
}

impl History {
    /// Up to `most` commits of the work tree whose git folder is `git_dir`. `None` without commits, and wherever this
    /// process cannot be sure to see what git sees: another hash, another reference storage, grafts, a message in
    /// another encoding, an object that is missing or broken. Then ask [`History::by_git`].
    pub fn read(git_dir: &Path, most: usize) -> Option<Self> {
        // Only the repository's own settings: no user's setting changes what a commit is.
        let repository = gix::open_opts(git_dir, gix::open::Options::isolated()).ok()?;
        let common = repository.common_dir();
        if common.join("reftable").exists() || common.join("info/grafts").exists() {
            return None;
        }
        let head = repository.head_id().ok()?.detach();
        let shallow = repository.shallow_commits().ok()?;
        let ends_here = |id: &ObjectId| shallow.as_ref().is_some_and(|ends| ends.iter().any(|end| end == id));

        // Newest date first and, among equal dates, first seen first: what git's own walk does.
        let mut waiting = vec![Found::read(&repository, head)?];
        let mut seen = vec![head];
        let mut commits = Vec::new();
        while commits.len() < most && !waiting.is_empty() {
            let Found { id, parents, subject, .. } = waiting.remove(0);
            let short = id.attach(&repository).shorten().ok()?.to_string();
            commits.push(Commit { short, subject: subject? });
            if commits.len() == most || ends_here(&id) {
                continue;
            }
            for parent in parents {
                if !seen.contains(&parent) {
                    seen.push(parent);
                    let found = Found::read(&repository, parent)?;
                    let place = waiting.partition_point(|other| other.date >= found.date);
                    waiting.insert(place, found);
                }
            }
        }
        Some(Self { head: head.to_string(), commits })
    }

    /// The same from the git program (`call`: git in the folder), for the commit `head`.
    ///
    /// # Errors
    /// When git fails, or gives anything but what it was asked for.
    pub fn by_git(call: Git, head: &str, most: usize) -> Result<Self, crewkit_tool::Refusal> {
        let ended = call
            .args([
                "log",
                "-z",
                "--format=%h %s",
                "--no-patch",
                "--no-color",
                "--no-show-signature",
                "--encoding=UTF-8",
            ])
            .args([format!("--max-count={most}"), head.to_owned(), "--".to_owned()])
            .must("the last commits cannot be read")?;
        let text = String::from_utf8_lossy(&ended.stdout);
        let commits = text
            .split_terminator('\0')
            .map(|record| {
                let (short, subject) = record.split_once(' ').unwrap_or((record, ""));
                Commit { short: short.to_owned(), subject: subject.to_owned() }
            })
            .collect();
        Ok(Self { head: head.to_owned(), commits })
    }
}

/// A commit on its way through the walk.
struct Found {
    id: ObjectId,
    date: i64,
    parents: Vec<ObjectId>,
    /// `None` when it is written in an encoding of its own.
    subject: Option<String>,
}

impl Found {
    fn read(repository: &gix::Repository, id: ObjectId) -> Option<Self> {
        let object = repository.find_commit(id).ok()?;
        let commit = object.decode().ok()?;
        let date = commit.committer().ok()?.seconds();
        let plain = commit.encoding.is_none_or(|name| name.eq_ignore_ascii_case(b"utf-8"));
        let subject = plain.then(|| subject(&String::from_utf8_lossy(commit.message)));
        Some(Self { id, date, parents: commit.parents().collect(), subject })
    }
}

/// The subject of a message, as the placeholder `%s` of git-log(1) gives it.
fn subject(message: &str) -> String {
    let blank = |line: &&str| line.trim_end().is_empty();
    let lines = message.split('\n').skip_while(blank).take_while(|line| !blank(line));
    lines.map(str::trim_end).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::Context;
    use std::path::PathBuf;

    fn git(directory: &Path, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
        let ended = Git::at(&Context::process(), directory).args(identity).args(arguments).run().unwrap();
        assert!(ended.ok(), "git {arguments:?}: {}", ended.complaint());
        ended.text()
    }

    fn repository(arguments: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        git(&top, &[&["init", "-q"], arguments].concat());
        (scratch, top)
    }

    #[test]
    fn both_ways_give_the_same() {
        let (_scratch, top) = repository(&[]);
        assert_eq!(History::read(&top.join(".git"), 5), None);
        // All within one second or not: the order among equal dates is git's too.
        git(&top, &["commit", "-q", "--allow-empty", "-m", "one\nmore of it  \n\nbody"]);
        git(&top, &["checkout", "-q", "-b", "side"]);
        for name in ["s1", "s2"] {
            git(&top, &["commit", "-q", "--allow-empty", "-m", name]);
        }
        git(&top, &["checkout", "-q", "main"]);
        git(&top, &["commit", "-q", "--allow-empty", "-m", "m1"]);
        git(&top, &["merge", "-q", "--no-ff", "side", "-m", "merged"]);
        for most in [1, 3, 5, 50] {
            let read = History::read(&top.join(".git"), most).unwrap();
            let call = Git::at(&Context::process(), &top);
            assert_eq!(read, History::by_git(call, &read.head, most).unwrap());
        }
        let all = History::read(&top.join(".git"), 50).unwrap().commits;
        assert!(all.len() == 5 && all.iter().any(|commit| commit.subject == "one more of it"), "{all:?}");
    }

    #[test]
    fn a_shallow_clone_ends_where_it_was_cut() {
        let (_scratch, top) = repository(&[]);
        for name in ["one", "two", "three"] {
            git(&top, &["commit", "-q", "--allow-empty", "-m", name]);
        }
        let (_other, copy) = repository(&[]);
        let address = format!("file://{}", top.display());
        git(&copy, &["clone", "-q", "--depth", "2", &address, "copy"]);
        let read = History::read(&copy.join("copy/.git"), 5).unwrap();
        assert_eq!(read.commits.iter().map(|commit| commit.subject.as_str()).collect::<Vec<_>>(), ["three", "two"]);
    }

    #[test]
    fn what_only_git_can_read_is_left_to_git() {
        for format in ["--object-format=sha256", "--ref-format=reftable"] {
            let (_scratch, top) = repository(&[format]);
            git(&top, &["commit", "-q", "--allow-empty", "-m", "one"]);
            assert_eq!(History::read(&top.join(".git"), 5), None, "{format}");
            let head = git(&top, &["rev-parse", "HEAD"]);
            let told = History::by_git(Git::at(&Context::process(), &top), &head, 5).unwrap();
            assert_eq!(told.commits[0].subject, "one");
        }
        let (_scratch, top) = repository(&[]);
        git(&top, &["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-m", "caf\u{e9}"]);
        assert_eq!(History::read(&top.join(".git"), 5), None);
    }

    #[test]
    fn a_subject_is_what_stands_before_the_first_blank_line() {
        for (message, wanted) in [
            ("one\n\ntwo", "one"),
            ("\n \none \n  two\nthree\n \nfour\n", "one   two three"),
            ("", ""),
            ("\n\n", ""),
            ("a\r\n\r\nb", "a"),
        ] {
            assert_eq!(subject(message), wanted, "{message:?}");
        }
    }
}
