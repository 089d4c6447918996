//! Plans, waves, tasks: the tools that make, change and read them, and the gates that judge what was done.

mod audit;
mod framework;
mod gates;
mod judgement;
pub mod plan_db;
pub mod plan_db_safe;
mod project;
pub mod register_project;
mod requirements;
mod spec_tasks;
mod task_files;
pub mod thor_audit_log;
pub mod thor_validate;
mod wave_conditions;
pub mod wave_overlap;
mod yaml;
