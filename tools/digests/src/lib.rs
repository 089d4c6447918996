//! Small truthful summaries of large outputs.

pub mod git_digest;
pub mod test_digest;
