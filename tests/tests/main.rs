//! Scenarios, races and crashes with the real program, linked as one test binary; one file a family.

mod comms;
mod comms_hook;
mod demo;
mod git_digest;
mod hooks;
mod house;
mod install;
mod lock_globs;
mod locks;
mod merge_queue;
mod plan_spec;
mod plans_checks;
mod plans_cluster;
mod plans_next;
mod plans_read;
mod plans_write;
mod register_project;
mod setup_worktrees;
mod soak;
mod stale_check;
mod state;
mod test_digest;
mod wave_overlap;
mod wave_worktree;
mod worktree_safety;
mod worktrees;
