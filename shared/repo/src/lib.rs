//! Facts about a git repository, read from its files (the `gix` crate), and changes to it, made by the git program.
//!
//! Nothing here starts git to learn a fact that a file tells: a hook runs before every tool call.

mod facts;
mod git;
mod merge_state;
mod origin;

pub use facts::{Head, Repository, Worktree};
pub use git::Git;
pub use merge_state::MergeState;
