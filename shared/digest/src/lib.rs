//! What digests stand on: running a command and reading its output as it comes, keeping all of it in a log, and
//! making small text of it.
//!
//! [`capture()`] runs a command, hands every line (cleaned, of bounded length) to a [`Reader`], and keeps the raw bytes in
//! the [log store](log). [`text`] and [`cut`] make text fit for an answer, [`tokens`] estimates what it costs to read,
//! [`saving`] writes down what was saved. [`options`] takes a digest's own options out of a command line whose other
//! arguments belong to the wrapped program.

pub mod answer;
mod capture;
pub mod cut;
mod ends;
mod lines;
pub mod log;
pub mod options;
pub mod saving;
mod spool;
pub mod text;
pub mod tokens;

pub use capture::{Captured, Reader, Streams, capture, capture_stdin};
pub use crewkit_tool::process::Source;
pub use ends::Ends;
pub use lines::{Lines, MAX_LINE};
pub use spool::Spool;
