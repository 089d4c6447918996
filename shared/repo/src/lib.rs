//! Facts about a git repository, read from its files (the `gix` crate), and changes to it, made by the git program.
//!
//! Nothing here starts git to learn a fact that a file tells: a hook runs before every tool call. The state of a work
//! tree is the exception: git itself knows it best and fastest.

mod add;
mod base;
mod commits;
mod env_links;
mod facts;
mod git;
mod merge_state;
mod operation;
mod origin;
mod paths;
mod status;
mod told;
mod turn;

pub use add::{Added, NewWorktree, Origin, is_branch_name};
pub use base::{BaseBranch, Fetched, Moved, Touched};
pub use commits::{Commit, History};
pub use env_links::EnvLinks;
pub use facts::{Head, Repository, Worktree};
pub use git::{Git, without_repository};
pub use merge_state::{MergeState, Relation, branch_or_detached};
pub use operation::Operation;
pub use paths::real_path;
pub use status::{Change, Entry, Status};
pub use told::{MainBranch, worktree_at};
