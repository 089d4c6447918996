//! The crew's chat.

pub mod comms;
