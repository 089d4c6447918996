//! Plans, waves, tasks: the tools that make, change and read them.

mod framework;
pub mod plan_db;
mod project;
pub mod register_project;
mod spec_tasks;
mod task_files;
mod wave_conditions;
pub mod wave_overlap;
