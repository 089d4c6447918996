//! The list of worktrees, for people.

use crewkit_repo::{Head, Repository};
use crewkit_tool::text;

/// One line for each worktree: path, short commit, branch; then what else there is to know.
pub(crate) fn lines(repository: &Repository) -> String {
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
    let rows: Vec<Vec<String>> = repository
        .worktrees()
        .iter()
        .map(|tree| {
            let head = match &tree.head {
                _ if tree.bare => "(bare)".to_owned(),
                Head::Branch(name) => format!("[{name}]"),
                Head::Detached(_) => "(detached HEAD)".to_owned(),
                Head::Unknown => "(unknown)".to_owned(),
            };
            let short = if tree.bare { None } else { commit(&tree.head) };
            let mut row =
                vec![tree.path.to_string_lossy().into_owned(), short.unwrap_or_else(|| "-------".to_owned()), head];
            if tree.locked.is_some() {
                row.push("locked".to_owned());
            } else if tree.missing {
                row.push("missing".to_owned());
            }
            row
        })
        .collect();
    text::columns(&rows)
}
