//! Small truthful summaries of large outputs.

pub mod diff_digest;
pub mod git_digest;
pub mod merge_digest;
pub mod test_digest;
