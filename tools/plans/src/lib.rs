//! Plans, waves, tasks: the tools that make, change and read them.

mod framework;
pub mod plan_db;
mod project;
pub mod register_project;
mod spec_tasks;
mod task_files;
pub mod wave_overlap;
