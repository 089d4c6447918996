//! The crew's chat.
