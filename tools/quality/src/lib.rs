//! Checks of code, projects and configuration.

pub mod code_pattern_check;
mod walk;
