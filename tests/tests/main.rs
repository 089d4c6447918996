//! Scenarios, races and crashes with the real program, linked as one test binary; one file a family.
mod state;
