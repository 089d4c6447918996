//! Plans, waves, tasks: the tools that make, change and read them, and the gates that judge what was done.

mod audit;
pub mod fix_counters;
mod framework;
mod gates;
pub mod generate_task_md;
mod judgement;
pub mod plan_db;
pub mod plan_db_safe;
pub mod planner_init;
mod project;
pub mod register_project;
mod requirements;
mod spec_tasks;
mod task_files;
pub mod task_quick;
pub mod thor_audit_log;
pub mod thor_validate;
pub mod track_plan_change;
pub mod verify_task_update;
mod wave_conditions;
pub mod wave_overlap;
mod yaml;
