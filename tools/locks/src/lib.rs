//! File locks, and whether files changed since they were read.

pub mod file_lock;
pub mod file_lock_session;
pub mod file_lock_utils;
pub mod stale_check;
