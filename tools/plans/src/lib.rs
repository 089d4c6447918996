//! Plans, waves, tasks: the tools that make, change and read them.

pub mod fix_counters;
mod framework;
pub mod generate_task_md;
pub mod plan_db;
pub mod planner_init;
mod project;
pub mod register_project;
mod spec_tasks;
mod task_files;
pub mod task_quick;
pub mod track_plan_change;
pub mod verify_task_update;
mod wave_conditions;
pub mod wave_overlap;
mod yaml;
