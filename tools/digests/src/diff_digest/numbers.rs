//! The numbers of a diff, as git tells them in its machine format (git-diff(1), `--numstat -z`).

use crewkit_repo::Git;
use crewkit_tool::Refusal;
use crewkit_tool::process::{Ended, Started};

use super::range::Range;

/// What changed in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    /// From the top of the work tree, the new path of a renamed file; bytes that are not UTF-8 are replaced.
    pub(super) path: String,
    /// The earlier path of a renamed or copied file.
    pub(super) from: Option<String>,
    /// Lines added.
    pub(super) added: u64,
    /// Lines deleted.
    pub(super) deleted: u64,
    /// Whether git counts no lines in it.
    pub(super) binary: bool,
}

impl Numbers {
    pub(super) fn lines(&self) -> u64 {
        self.added + self.deleted
    }
}

/// The numbers of a whole diff.
#[derive(Debug)]
pub(super) struct All {
    pub(super) files: Vec<Numbers>,
    /// Commits of the range.
    pub(super) commits: u64,
    /// Files that git does not know, when the work tree is compared.
    pub(super) untracked: Option<usize>,
}

/// How a diff is asked for, whatever the user's settings are.
pub(super) const PLAIN: [&str; 7] =
    ["-c", "core.quotePath=false", "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames"];

/// Asks git; the answers it has to give are worked on side by side.
///
/// # Errors
/// When git cannot tell: the commit that does not exist is named.
pub(super) fn read(git: impl Fn() -> Git, range: &Range, patterns: &[String]) -> Result<All, Refusal> {
    let diff = git().args(PLAIN).args(["--numstat", "-z", "--no-relative", "--end-of-options"]).args(&range.diff);
    let diff = diff.arg("--").args(patterns).start()?;
    let commits =
        git().args(["rev-list", "--count", "--end-of-options", &range.commits, "--"]).args(patterns).start()?;
    let others =
        ["ls-files", "-z", "--others", "--exclude-standard", "--full-name", "--directory", "--no-empty-directory"];
    let untracked = range.work_tree.then(|| git().args(others).arg("--").args(patterns).start()).transpose()?;
    let (diff, commits) = (diff.finish()?, commits.finish()?);
    let untracked = untracked.map(Started::finish).transpose()?;
    if !diff.ok() || !commits.ok() {
        return Err(why(git, range, if diff.ok() { &commits } else { &diff }));
    }
    let files = parse(&diff.stdout).ok_or_else(|| Refusal::new("git diff gave an answer that cannot be read"))?;
    let count = commits.text().parse().map_err(|_| Refusal::new("git rev-list gave an answer that cannot be read"))?;
    let untracked = match untracked {
        Some(ended) if !ended.ok() => return Err(Refusal::new(format!("git ls-files: {}", ended.complaint()))),
        ended => ended.map(|ended| ended.stdout.split(|&byte| byte == 0).count() - 1),
    };
    Ok(All { files, commits: count, untracked })
}

/// Why git could not tell.
pub(super) fn why(git: impl Fn() -> Git, range: &Range, failed: &Ended) -> Refusal {
    if git().args(["rev-parse", "--git-dir"]).run().is_ok_and(|ended| !ended.ok()) {
        return Refusal::new("not a git repository");
    }
    for name in &range.named {
        let commit = format!("{name}^{{commit}}");
        let found = git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).run();
        if found.is_ok_and(|found| !found.ok()) {
            return Refusal::new(format!("there is no commit '{name}' here"));
        }
    }
    Refusal::new(format!("git diff: {}", failed.complaint()))
}

/// Reads the records; `None` when one is not in the documented form.
fn parse(answer: &[u8]) -> Option<Vec<Numbers>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut records = answer.split(|&byte| byte == 0);
    let mut files = Vec::new();
    while let Some(record) = records.next() {
        if record.is_empty() {
            // Behind the last NUL.
            return records.next().is_none().then_some(files);
        }
        let mut fields = record.splitn(3, |&byte| byte == b'\t');
        let (added, deleted, path) = (fields.next()?, fields.next()?, fields.next()?);
        let number = |field: &[u8]| std::str::from_utf8(field).ok()?.parse().ok();
        let binary = added == b"-" && deleted == b"-";
        let (added, deleted) = if binary { (0, 0) } else { (number(added)?, number(deleted)?) };
        let (from, path) = match path {
            // Of a renamed file both paths follow.
            [] => (Some(text(records.next()?)), text(records.next()?)),
            path => (None, text(path)),
        };
        files.push(Numbers { path, from, added, deleted, binary });
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_to_the_byte() {
        let files = parse(b"1\t2\ta b\t\"c\n\0-\t-\tpic.png\x000\t0\t\0old\0new\xff\0").unwrap();
        let short: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.lines(), file.binary)).collect();
        assert_eq!(short, [("a b\t\"c\n", 3, false), ("pic.png", 0, true), ("new\u{fffd}", 0, false)]);
        assert_eq!(files[2].from.as_deref(), Some("old"));
        assert_eq!(parse(b""), Some(Vec::new()));
    }

    #[test]
    fn what_is_not_in_the_form_is_not_guessed() {
        for answer in [&b"x"[..], b"1\t2", b"a\tb\tc\0", b"1\t1\t\0old", b"1\t1\ta\0\0\0"] {
            assert_eq!(parse(answer), None, "{}", answer.escape_ascii());
        }
    }
}
