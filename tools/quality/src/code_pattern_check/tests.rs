//! The corpus, and `run` called in process.

mod corpus;
mod limits;
mod runs;
