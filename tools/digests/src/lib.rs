//! Small truthful summaries of large outputs.

pub mod audit_digest;
pub mod build_digest;
#[cfg(test)]
mod corpus;
pub mod diff_digest;
pub mod digest_stats;
pub mod error_digest;
pub mod git_digest;
pub mod merge_digest;
pub mod migration_digest;
pub mod npm_digest;
mod package_manager;
pub mod test_digest;
