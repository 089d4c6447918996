//! Memory for short-lived processes on musl.
//!
//! musl's own allocator is made to be small and hardened: it asks the kernel for the first pages of every size one by
//! one and gives them back as readily. A call of a millisecond spends a third of its time there, and SQLite under load
//! most of it (an import of 400 tasks: 30 ms instead of 8). So on musl Rust's memory comes from dlmalloc, and SQLite's
//! from Rust's. Elsewhere this crate does nothing.

mod sqlite;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// Gives SQLite its memory from Rust's allocator, where that is the better one. To be called before the first connection
/// is opened; later calls do nothing.
pub fn prepare_sqlite() {
    if cfg!(target_env = "musl") {
        sqlite::install();
    }
}
