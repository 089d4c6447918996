//! The crew's chat.

pub mod comms;
pub mod comms_hook;
