//! Scenarios, races and crashes with the real program, linked as one test binary; one file a family.

mod plans_cluster;
mod plans_read;
mod register_project;
