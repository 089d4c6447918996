//! The state of a work tree, as `git status` tells it in its machine format (git-status(1), "Porcelain Format Version
//! 2"), whatever the user's settings are.

use crewkit_tool::Refusal;

use crate::Git;

/// What a path's entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A tracked path that differs: from HEAD in the index, from the index in the work tree, or both.
    Tracked {
        /// The index differs from HEAD.
        staged: bool,
        /// The work tree differs from the index.
        unstaged: bool,
    },
    /// A path that a merge left in several versions.
    Unmerged,
    /// A file that git does not know, or a folder of nothing but such files.
    Untracked,
}

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub change: Change,
    /// Git's two letters for it (`M.`, `.D`, `UU`, `??`...).
    pub letters: [u8; 2],
    /// From the top of the work tree, byte for byte; of a renamed file the new path; a folder ends in a slash.
    pub path: Vec<u8>,
}

impl Entry {
    /// The entry as `git status --short` writes it, without its quoting: two letters, a blank, the path.
    pub fn short(&self) -> String {
        let letter = |byte: u8| if byte == b'.' { ' ' } else { char::from(byte) };
        format!("{}{} {}", letter(self.letters[0]), letter(self.letters[1]), self.text())
    }

    /// The path as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

/// The state of a work tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The full id of HEAD's commit; `None` without commits.
    pub head: Option<String>,
    /// The branch, which may have no commit yet; `None` when HEAD is detached.
    pub branch: Option<String>,
    /// The name of the branch's upstream, whether or not that exists.
    pub upstream: Option<String>,
    /// Commits that the upstream lacks, and that it has more; `None` without an upstream that exists.
    pub ahead_behind: Option<(u64, u64)>,
    /// The number of stash entries.
    pub stashes: u64,
    /// Every path that differs, in git's order.
    pub entries: Vec<Entry>,
}

impl Status {
    /// Asks git (`call`: git in the folder).
    ///
    /// # Errors
    /// When git fails, with its own reason; when its answer is not the documented one.
    pub fn by_git(call: Git) -> Result<Self, Refusal> {
        Self::beside(call, || ()).map(|(status, ())| status)
    }

    /// Asks git, and does `other` while git works.
    ///
    /// # Errors
    /// As [`Status::by_git`].
    pub fn beside<T>(call: Git, other: impl FnOnce() -> T) -> Result<(Self, T), Refusal> {
        let started = call
            .args(["-c", "diff.ignoreSubmodules=none", "status", "--porcelain=v2", "-z", "--branch", "--show-stash"])
            .args(["--untracked-files=normal", "--ahead-behind", "--find-renames", "--no-column"])
            .start()?;
        let done = other();
        let ended = started.finish()?;
        if !ended.ok() {
            return Err(Refusal::new(reason(&String::from_utf8_lossy(&ended.stderr), ended.code)));
        }
        let status = Self::parse(&ended.stdout);
        Ok((status.ok_or_else(|| Refusal::new("git status gave an answer that cannot be read"))?, done))
    }

    /// Reads git's answer; `None` when there is anything in it that is not in the documented form, so that nothing is
    /// overlooked.
    pub fn parse(answer: &[u8]) -> Option<Self> {
        let mut status = Self::default();
        if answer.is_empty() {
            return Some(status);
        }
        let mut records = answer.strip_suffix(b"\0")?.split(|&byte| byte == 0);
        while let Some(record) = records.next() {
            let (&kind, rest) = record.split_first()?;
            let rest = rest.strip_prefix(b" ")?;
            // The number of fields between the kind and the path.
            let (fields, change) = match kind {
                b'#' => {
                    status.header(rest)?;
                    continue;
                }
                b'1' => (7, None),
                b'2' => (8, None),
                b'u' => (9, Some(Change::Unmerged)),
                b'?' => (0, Some(Change::Untracked)),
                _ => return None,
            };
            if kind == b'2' {
                records.next()?;
            }
            let path = rest.splitn(fields + 1, |&byte| byte == b' ').nth(fields)?;
            let letters = if kind == b'?' { *b"??" } else { [*rest.first()?, *rest.get(1)?] };
            let differs = |letter: u8| letter != b'.';
            let change =
                change.unwrap_or(Change::Tracked { staged: differs(letters[0]), unstaged: differs(letters[1]) });
            status.entries.push(Entry { change, letters, path: path.to_owned() });
        }
        Some(status)
    }

    fn header(&mut self, line: &[u8]) -> Option<()> {
        let line = String::from_utf8_lossy(line);
        let (key, value) = line.split_once(' ')?;
        match key {
            "branch.oid" => self.head = (value != "(initial)").then(|| value.to_owned()),
            "branch.head" => self.branch = (value != "(detached)").then(|| value.to_owned()),
            "branch.upstream" => self.upstream = Some(value.to_owned()),
            "branch.ab" => {
                let (ahead, behind) = value.split_once(' ')?;
                let count = |text: &str, sign| text.strip_prefix(sign)?.parse().ok();
                self.ahead_behind = Some((count(ahead, '+')?, count(behind, '-')?));
            }
            "stash" => self.stashes = value.parse().ok()?,
            // git-status(1): "Parsers should ignore headers they don't recognize."
            _ => {}
        }
        Some(())
    }

    /// Whether nothing at all differs.
    pub fn clean(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries that `wanted` holds for.
    pub fn with(&self, wanted: impl Fn(Change) -> bool) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| wanted(entry.change)).collect()
    }
}

/// Git's own reason for a failure: the line it calls fatal, else its first.
pub(crate) fn reason(stderr: &str, code: i32) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    lines()
        .find_map(|line| line.strip_prefix("fatal: "))
        .or_else(|| lines().next())
        .map_or_else(|| format!("git ended with {code} without a word"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    fn answer(records: &[&str]) -> Vec<u8> {
        records.iter().flat_map(|record| [record.as_bytes(), b"\0"].concat()).collect()
    }

    #[test]
    fn every_kind_of_entry_is_told_apart() {
        let modes = "100644 100644 100644";
        let status = Status::parse(&answer(&[
            &format!("# branch.oid {ID}"),
            "# branch.head feat/x",
            "# branch.upstream origin/feat/x",
            "# branch.ab +2 -13",
            "# stash 4",
            "# branch.future thing",
            &format!("1 MM N... {modes} {ID} {ID} two words.txt"),
            &format!("2 R. N... {modes} {ID} {ID} R100 new\nname"),
            "old ? name",
            &format!("1 .T S.MU {modes} {ID} {ID} sub"),
            &format!("u AU N... 000000 100644 000000 100644 {ID} {ID} {ID} a b"),
            "? un tracked/",
        ]))
        .unwrap();
        assert_eq!((status.head.as_deref(), status.branch.as_deref()), (Some(ID), Some("feat/x")));
        assert_eq!((status.upstream.as_deref(), status.ahead_behind), (Some("origin/feat/x"), Some((2, 13))));
        assert_eq!(status.stashes, 4);
        let seen: Vec<_> = status.entries.iter().map(|entry| (entry.change, entry.text())).collect();
        let tracked = |staged, unstaged| Change::Tracked { staged, unstaged };
        assert_eq!(
            seen,
            [
                (tracked(true, true), "two words.txt".to_owned()),
                (tracked(true, false), "new\nname".to_owned()),
                (tracked(false, true), "sub".to_owned()),
                (Change::Unmerged, "a b".to_owned()),
                (Change::Untracked, "un tracked/".to_owned()),
            ]
        );
        assert_eq!((status.entries[3].letters, status.entries[4].letters), (*b"AU", *b"??"));
        assert!(!status.clean());
    }

    #[test]
    fn an_answer_in_another_form_is_none_at_all() {
        for broken in [
            &["1 M. N... too short"][..],
            &["x what"],
            &["# branch.ab 1 2"],
            &["# stash many"],
            &["2 R. N... 1 1 1 1 1 R100 new"],
            &[""],
        ] {
            assert_eq!(Status::parse(&answer(broken)), None, "{broken:?}");
        }
        assert_eq!(Status::parse(b"? cut off"), None);
        assert!(Status::parse(b"").unwrap().clean());
    }

    #[test]
    fn the_reason_is_the_fatal_line() {
        let owner =
            "fatal: detected dubious ownership in repository at '/x'\nTo add an exception, call:\n\n\tgit config\n";
        assert_eq!(reason(owner, 128), "detected dubious ownership in repository at '/x'");
        assert_eq!(reason("error: bad signature\nfatal: index file corrupt\n", 128), "index file corrupt");
        assert_eq!(reason("hm\n", 1), "hm");
        assert!(reason("\n", 137).contains("137"));
    }
}
