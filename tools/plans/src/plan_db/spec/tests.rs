//! Specs that import takes, and those it refuses.
