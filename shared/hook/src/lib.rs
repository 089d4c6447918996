//! The hook protocol of coding agents, and the reader of shell command lines.

pub mod command_line;
pub mod protocol;

pub use protocol::{Dialect, Event, NotAnEvent, Plain};
