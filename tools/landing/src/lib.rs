//! Getting finished branches into the main branch.

pub mod merge_queue;
