//! What a session finds, keeps and leaves behind.

pub mod memory_save;
pub mod repo_index;
pub mod session_cleanup;
pub mod session_recovery;
