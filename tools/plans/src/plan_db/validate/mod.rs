//! validate-task, validate-wave, validate, validate-fxx, check-readiness, evaluate-wave: whether work is done, and whether
//! it may begin. Thor agents, coordinators and execute-plan call them.

mod evaluate;
pub(crate) mod fxx;
pub(crate) mod plan;
pub(crate) mod readiness;
mod task;
pub(crate) mod wave;

use clap::CommandFactory as _;

use super::Subcommand;

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "validate-task", command: task::Arguments::command, run: task::run },
    Subcommand { name: "validate-wave", command: wave::Arguments::command, run: wave::run },
    Subcommand { name: "validate", command: plan::Arguments::command, run: plan::run },
    Subcommand { name: "validate-fxx", command: fxx::Arguments::command, run: fxx::run },
    Subcommand { name: "check-readiness", command: readiness::Arguments::command, run: readiness::run },
    Subcommand { name: "evaluate-wave", command: evaluate::Arguments::command, run: evaluate::run },
];

/// Names of the validation gate: an independent agent of one of these names validates.
const THOR: [&str; 2] = ["thor", "thor-quality-assurance-guardian"];

/// Whether `name` is one of the validation gate's.
pub(crate) fn is_thor(name: &str) -> bool {
    THOR.contains(&name)
}

/// A validator's name: one line that says something.
fn validator(given: &str) -> Result<String, String> {
    super::words::line(given)
}
