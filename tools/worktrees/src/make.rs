//! Making a worktree with the environment files of the main one: what the tools that make worktrees have in common.

use crewkit_repo::{Added, EnvLinks, NewWorktree, Repository};
use crewkit_tool::{Context, Refusal, exit_code};

use crate::place::Home;

/// A worktree that was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// How.
    pub(crate) added: Added,
    /// The environment files that were linked into it.
    pub(crate) links: EnvLinks,
    /// Lines for standard error: git's own, and what failed once the worktree was there.
    pub(crate) notes: Vec<String>,
    /// The code of the first thing that failed then; 0 when nothing did.
    pub(crate) code: u8,
}

impl Made {
    /// Keeps the line of something that failed once the worktree was there, and its code.
    pub(crate) fn failed(&mut self, line: String, code: i32) {
        self.notes.push(line);
        if self.code == exit_code::DONE {
            self.code = u8::try_from(code).unwrap_or(exit_code::REFUSED);
        }
    }
}

/// Makes the worktree `new` and links the environment files of the main work tree into it.
///
/// # Errors
/// As [`NewWorktree::add`]: then nothing is left of it. What fails later stands in the answer, and the worktree stays.
pub(crate) fn make(
    context: &Context,
    repository: &Repository,
    home: &Home,
    new: &NewWorktree<'_>,
) -> Result<Made, Refusal> {
    let added = new.add(context, repository)?;
    let notes = added.chatter.clone();
    let mut made = Made { added, links: EnvLinks::default(), notes, code: exit_code::DONE };
    let hook_code = made.added.hook_code;
    if hook_code != 0 {
        made.failed(format!("the hook post-checkout ended with {hook_code}; the worktree stays"), hook_code);
    }
    if !home.bare {
        match EnvLinks::make(context, repository, &home.root, new.path) {
            Ok(links) => made.links = links,
            Err(refusal) => made.failed(format!("environment files: {}", refusal.message), 1),
        }
    }
    for (name, reason) in made.links.failed.clone() {
        made.failed(format!("{}: {reason}", name.display()), 1);
    }
    Ok(made)
}
