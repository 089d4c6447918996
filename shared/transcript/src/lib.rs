//! Claude Code's transcripts: what each answer used, what that costs, and how both come into the database.
//!
//! A transcript is a file of JSON Lines that only grows, written while it is read. [`read()`] goes on from where it
//! stopped and looks at lines with a `usage` alone; [`record()`] keeps the place and the sums in one transaction, so that a
//! killed call counts nothing twice and loses nothing.

mod answer;
mod prices;
mod project;
mod read;
mod record;
mod user_texts;

pub use answer::Answer;
pub use prices::{Price, Prices, Rates};
pub use project::project_of;
pub use read::{Place, read};
pub use record::{Recorded, Transcript, record};
pub use user_texts::recent_user_texts;
