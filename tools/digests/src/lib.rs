//! Small truthful summaries of large outputs.
