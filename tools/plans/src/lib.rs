//! Plans, waves, tasks: the tools that make, change and read them.

pub mod plan_db;
