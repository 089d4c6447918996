//! The list of worktrees.

use crewkit_repo::{Head, Repository, Worktree, branch_or_detached};
use crewkit_tool::text;
use serde::Serialize;

/// A worktree in the list.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    path: String,
    /// The commit, shortened; empty where it cannot be told.
    commit: String,
    /// `DETACHED` on no branch; `null` for a bare repository.
    branch: Option<String>,
    main: bool,
    locked: bool,
    missing: bool,
}

/// The rows of `worktrees`.
pub(crate) fn rows(repository: &Repository, worktrees: &[Worktree]) -> Vec<Row> {
    let opened = repository.open().ok();
    let commit = |head: &Head| -> Option<String> {
        let opened = opened.as_ref()?;
        let id = match head {
            Head::Branch(name) => opened.try_find_reference(&format!("refs/heads/{name}")).ok()??.id().detach(),
            Head::Detached(id) => id.parse().ok()?,
            Head::Unknown => return None,
        };
        Some(id.to_hex_with_len(7).to_string())
    };
    worktrees
        .iter()
        .map(|tree| Row {
            path: tree.path.to_string_lossy().into_owned(),
            commit: if tree.bare { None } else { commit(&tree.head) }.unwrap_or_default(),
            branch: (!tree.bare).then(|| branch_or_detached(&tree.head).to_owned()),
            main: tree.main,
            locked: tree.locked.is_some(),
            missing: tree.missing,
        })
        .collect()
}

/// The rows as lines for people: path, commit, branch; then what else there is to know.
pub(crate) fn text(rows: &[Row]) -> String {
    let cells = |row: &Row| {
        let branch = row.branch.as_ref().map_or_else(|| "(bare)".to_owned(), |branch| format!("[{branch}]"));
        let mut cells = vec![row.path.clone(), row.commit.clone(), branch];
        cells.extend(
            [(row.locked, "locked"), (row.missing, "missing")]
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, word)| (*word).to_owned()),
        );
        cells
    };
    text::columns(&rows.iter().map(cells).collect::<Vec<_>>())
}
