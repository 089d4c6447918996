//! Scenarios, races and crashes with the real program, linked as one test binary; one file a family.

mod comms;
mod comms_hook;
mod demo;
mod git_digest;
mod hooks;
mod house;
mod install;
mod locks;
mod merge_queue;
mod plans_cluster;
mod plans_read;
mod plans_write;
mod register_project;
mod soak;
mod stale_check;
mod state;
mod wave_worktree;
mod worktrees;
