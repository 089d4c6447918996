//! Scenarios, races and crashes with the real program, linked as one test binary; one file a family.

mod demo;
mod git_digest;
mod house;
mod install;
mod locks;
mod merge_queue;
mod plans_cluster;
mod plans_read;
