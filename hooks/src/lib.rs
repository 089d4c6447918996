//! Hooks: what an agent may do.
