//! Tools that speak to GitHub.

pub mod review_gate;
