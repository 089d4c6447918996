//! Conflicts of worktrees with each other.

use std::collections::HashSet;

use crewkit_repo::{MainBranch, Repository, Worktree, branch_or_detached, changed_files, conflicts_between};
use crewkit_tool::{Context, Refusal};
use serde::Serialize;

/// A worktree that has something to merge.
pub(super) struct Side<'a> {
    pub(super) tree: &'a Worktree,
    /// The full id of what it has checked out.
    pub(super) commit: String,
    /// Whether its conflicts were asked for.
    pub(super) shown: bool,
}

/// Two worktrees that cannot both be merged without a conflict.
#[derive(Debug, Serialize)]
pub(super) struct Clash {
    pub(super) branches: [String; 2],
    paths: [String; 2],
    pub(super) files: Vec<String>,
}

/// The pairs among `sides` that conflict. Only pairs that touch the same files are tried: of many worktrees few do.
pub(super) fn clashes(
    context: &Context,
    repository: &Repository,
    main: &MainBranch,
    sides: &[Side<'_>],
) -> Result<Vec<Clash>, Refusal> {
    let files: Vec<Vec<Vec<u8>>> =
        sides.iter().map(|side| changed_files(context, repository, main, &side.commit)).collect::<Result<_, _>>()?;
    let mut clashes = Vec::new();
    for (at, one) in sides.iter().enumerate() {
        for (other, its_files) in sides.iter().zip(&files).skip(at + 1) {
            let asked = one.shown || other.shown;
            let apart = one.commit == other.commit || files.get(at).is_none_or(|files| !touch(files, its_files));
            if !asked || apart {
                continue;
            }
            let files = conflicts_between(context, repository, &one.commit, &other.commit)?;
            if !files.is_empty() {
                clashes.push(Clash {
                    branches: [one, other].map(|side| branch_or_detached(&side.tree.head).to_owned()),
                    paths: [one, other].map(|side| side.tree.path.to_string_lossy().into_owned()),
                    files,
                });
            }
        }
    }
    Ok(clashes)
}

/// Whether a file of the one list is a file of the other, or a folder that one of them lies in.
fn touch(one: &[Vec<u8>], other: &[Vec<u8>]) -> bool {
    fn names(files: &[Vec<u8>]) -> HashSet<&[u8]> {
        files.iter().map(Vec::as_slice).collect()
    }
    let below = |files: &[Vec<u8>], names: &HashSet<&[u8]>| {
        files.iter().any(|file| {
            let ends = file.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
            ends.chain([file.len()]).any(|end| names.contains(&file[..end]))
        })
    };
    below(one, &names(other)) || below(other, &names(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_the_folders_around_them_touch() {
        let list = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
        for (one, other, wanted) in [
            (&["a", "b/c"][..], &["b/c"][..], true),
            (&["b"], &["b/c/d"], true),
            (&["b/c/d"], &["x", "b/c"], true),
            (&["b/c"], &["b/d", "b/cc", "c"], false),
            (&[], &["a"], false),
        ] {
            assert_eq!(touch(&list(one), &list(other)), wanted, "{one:?} {other:?}");
        }
    }
}
