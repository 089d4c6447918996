//! Checks of code, projects and configuration.

pub mod code_pattern_check;
pub mod hardening_check;
pub mod project_audit;

mod walk;
