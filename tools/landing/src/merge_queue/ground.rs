//! The repository that branches are landed in: its commits, looked at and made without any work tree.

use crewkit_repo::{Git, Repository};
use crewkit_tool::{Context, Refusal};

/// The repository and its main branch.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) context: &'a Context,
    pub(super) repository: &'a Repository,
    /// The short name of the branch that is landed on.
    pub(super) target: String,
    sign: bool,
}

/// What merging two commits gave.
#[derive(Debug)]
pub(super) enum Merge {
    /// The id of the merged tree.
    Clean(String),
    /// They cannot be merged.
    Refused {
        /// `merge_conflict` or `unrelated_histories`.
        reason: &'static str,
        /// Git's text.
        error: String,
        /// The paths with conflicts.
        files: Vec<String>,
    },
}

impl<'a> Ground<'a> {
    /// `sign`: whether merge commits are signed.
    pub(super) fn new(context: &'a Context, repository: &'a Repository, target: String, sign: bool) -> Self {
        Self { context, repository, target, sign }
    }

    /// A call of git on the repository as a whole, with no work tree in sight.
    pub(super) fn git(&self) -> Git {
        let common = &self.repository.common_dir;
        Git::at(self.context, common).of_folder().variable("GIT_DIR", common)
    }

    pub(super) fn target_ref(&self) -> String {
        format!("refs/heads/{}", self.target)
    }

    /// The commit of a local branch; `None` when there is no such branch.
    pub(super) fn tip(&self, branch: &str) -> Result<Option<String>, Refusal> {
        let name = format!("refs/heads/{branch}^{{commit}}");
        let ended = self.git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).run()?;
        Ok(ended.ok().then(|| ended.text()).filter(|id| !id.is_empty()))
    }

    /// The commit of the main branch.
    ///
    /// # Errors
    /// When it has none.
    pub(super) fn target_tip(&self) -> Result<String, Refusal> {
        self.tip(&self.target)?
            .ok_or_else(|| Refusal::new(format!("branch '{}' has no commit to land on", self.target)))
    }

    /// Whether `commit` is `tip` or one of its ancestors; a commit that is no longer there is not.
    pub(super) fn contains(&self, tip: &str, commit: &str) -> Result<bool, Refusal> {
        Ok(self.git().args(["merge-base", "--is-ancestor", commit, tip]).run()?.ok())
    }

    /// The commit on the first-parent line of `tip` that brought `head` in, which `tip` contains: the merge with `head`
    /// as a further parent, else `tip` itself.
    pub(super) fn brought_in_by(&self, tip: &str, head: &str) -> Result<String, Refusal> {
        let exclude = format!("^{head}");
        let text = self.git().args(["rev-list", "--first-parent", "--parents", tip, &exclude]).run()?.text();
        let merge = text.lines().find(|line| line.split(' ').skip(2).any(|parent| parent == head));
        Ok(merge.and_then(|line| line.split(' ').next()).unwrap_or(tip).to_owned())
    }

    /// Merges `head` into `base`, in memory.
    ///
    /// # Errors
    /// When git cannot tell.
    pub(super) fn merge(&self, base: &str, head: &str) -> Result<Merge, Refusal> {
        // Merge drivers and line endings as the main branch has them, whatever is checked out.
        let ended = self
            .git()
            .variable("GIT_ATTR_SOURCE", base)
            .args(["merge-tree", "--write-tree", "--name-only", "--messages", "-z", base, head])
            .run()?;
        let fields: Vec<String> = ended
            .stdout
            .split(|&byte| byte == 0)
            .map(|field| String::from_utf8_lossy(field).trim_end_matches('\n').to_owned())
            .collect();
        let tree = fields.first().filter(|id| id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match (ended.code, tree) {
            (0, Some(tree)) => Ok(Merge::Clean(tree.clone())),
            (1, Some(_)) => {
                let files: Vec<String> = fields[1..].iter().take_while(|name| !name.is_empty()).cloned().collect();
                Ok(Merge::Refused {
                    reason: "merge_conflict",
                    error: messages(fields.get(files.len() + 2..).unwrap_or_default()),
                    files: dedup(files),
                })
            }
            _ if self.git().args(["merge-base", base, head]).run()?.code == 1 => Ok(Merge::Refused {
                reason: "unrelated_histories",
                error: format!("it has no commit in common with '{}'", self.target),
                files: Vec::new(),
            }),
            _ => Err(Refusal::new(format!("git merge-tree: {}", ended.complaint()))),
        }
    }

    /// Makes the merge commit of `tree`, and gives its id.
    ///
    /// # Errors
    /// When git cannot make it (no identity, no key to sign with, a full disk).
    pub(super) fn commit(&self, tree: &str, base: &str, head: &str, branch: &str) -> Result<String, Refusal> {
        let message = format!("Merge branch '{branch}' via merge-queue");
        let mut git = self.git().args(["commit-tree", tree, "-p", base, "-p", head, "-m", &message]);
        if self.sign {
            git = git.arg("-S");
        }
        Ok(git.must("git commit-tree")?.text())
    }
}

/// Git's messages from the records of `merge-tree -z`: number of paths, paths, kind, text.
fn messages(mut fields: &[String]) -> String {
    let mut lines = Vec::new();
    while let Some(count) = fields.first().and_then(|field| field.parse::<usize>().ok()) {
        let Some(text) = fields.get(count + 2) else { break };
        lines.push(text.clone());
        fields = &fields[count + 3..];
    }
    lines.join("\n")
}

fn dedup(mut names: Vec<String>) -> Vec<String> {
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_from_their_records() {
        let fields: Vec<String> =
            ["1", "a b", "Auto-merging", "Auto-merging a b", "2", "x", "y", "CONFLICT (rename)", "two\nlines", ""]
                .map(str::to_owned)
                .to_vec();
        assert_eq!(messages(&fields), "Auto-merging a b\ntwo\nlines");
        assert_eq!(messages(&["9".to_owned(), "cut".to_owned()]), "");
        assert_eq!(messages(&[]), "");
    }
}
