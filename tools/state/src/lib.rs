//! The state of the shared database.
