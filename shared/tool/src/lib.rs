//! The frame every tool and hook stands on.
//!
//! A tool is a [`Tool`]: a name, a line of help, its arguments as a [`clap::Command`] and a function from a
//! [`Context`] and the arguments to an [`Outcome`] or a [`Refusal`]. The function never prints, never exits and
//! never asks the process for its environment; [`run`] does all three, once, so that a test can call the
//! function with a clock, a home and a standard input of its own.

pub mod args;
mod clock;
mod context;
mod delivery;
mod identity;
pub mod lineage;
mod outcome;
pub mod process;
pub mod processes;
mod program;
pub mod remote;
pub mod text;

pub use clock::Clock;
pub use context::{Context, Environment, Script, Stdin};
pub use outcome::{Answer, Outcome, Refusal, exit_code};
pub use program::{Kind, Tool, main, run};
