//! The hook protocol of coding agents, the reader of shell command lines, and the settings of hooks.

pub mod command_line;
pub mod protocol;
pub mod settings;

pub use protocol::{Dialect, Event, Given, NotAnEvent, Plain};
pub use settings::Settings;
