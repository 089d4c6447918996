//! File locks.

pub mod file_lock;
pub mod file_lock_session;
pub mod file_lock_utils;
