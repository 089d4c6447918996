//! Facts about a git repository, read from its files (the `gix` crate), and changes to it, made by the git program.
//!
//! Nothing here starts git to learn a fact that a file tells: a hook runs before every tool call. The state of a work
//! tree is the exception: git itself knows it best and fastest.

mod commits;
mod facts;
mod git;
mod merge_state;
mod operation;
mod origin;
mod status;

pub use commits::{Commit, History};
pub use facts::{Head, Repository, Worktree};
pub use git::{Git, PLACES};
pub use merge_state::MergeState;
pub use operation::Operation;
pub use status::{Change, Entry, Status};
