//! What a text may not hold, judged from its bytes alone: [`secrets`], hard-wired [`addresses`], more lines than the
//! [`line_limit`]; the reader of git's [`diff`]s, which says what of a text is new; and texts in another [`encoding`].
//! Stands on nothing: callers run git and read files.

pub mod addresses;
pub mod diff;
pub mod encoding;
pub mod line_limit;
pub mod names;
pub mod secrets;
