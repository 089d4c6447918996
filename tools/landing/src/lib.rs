//! Getting branches into the main branch.
