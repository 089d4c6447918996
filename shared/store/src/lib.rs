//! The crew's database. Everything that is SQL stands in this crate; a tool calls typed functions.
//!
//! # Locking
//! Readers never wait (write-ahead log). Writers queue in order of arrival on an advisory lock beside the file
//! ([`queue`]), then take SQLite's own lock in one `BEGIN IMMEDIATE` transaction, which also keeps out writers that
//! don't queue. Every write is one such transaction in one function.
//!
//! # Compatibility
//! `PRAGMA user_version` is the schema's version ([`SCHEMA_VERSION`]). A missing file is made whole; an older shape is
//! brought to the current one on opening, after a copy; a newer one is read and never written.

pub mod chat;
mod copies;
mod env_vault;
mod error;
pub mod locks;
mod merge_queue;
pub mod migrate;
mod open;
pub mod plan_views;
pub mod plans;
pub mod projects;
pub mod queue;
mod snapshots;
mod state;
pub mod token_usage;
pub mod waves;
pub mod worktrees;

pub use env_vault::EnvVault;
pub use error::{Error, Result};
pub use merge_queue::{MergeQueue, NewEntry, QueueEntry, QueueState, QueueStep};
pub use open::{SCHEMA_VERSION, Settings, Store};
pub use snapshots::{Snapshot, Snapshots};
pub use state::{Counts, State};
