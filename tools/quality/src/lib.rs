//! Checks of code, projects and configuration.

pub mod code_pattern_check;
pub mod context_audit;
pub mod context_check;
pub mod hardening_check;
pub mod project_audit;
pub mod quality_gate_templates;

mod walk;

#[cfg(test)]
mod scratch;
