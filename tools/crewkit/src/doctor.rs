//! `crewkit doctor`: is everything in place that the tools stand on?

use crewkit_tool::{Answer, Context, Outcome};

pub(crate) fn run(_context: &Context, _json: bool) -> Answer {
    Ok(Outcome::silent())
}
