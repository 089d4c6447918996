//! plan-db: everything about plans, waves and tasks. People, planners, executors and most other tools call it.
//!
//! Each file beside this one holds a group of subcommands and lists them in a table; this file picks.

mod add;
mod claim;
mod cluster;
pub(crate) mod complete;
mod config_check;
pub(crate) mod conflict_check;
mod context;
mod create;
mod drift_check;
mod export;
pub(crate) mod import;
mod json;
mod kanban;
mod list;
mod next;
mod pass_on;
mod paths;
mod plan_spec;
mod rebase_plan;
mod render;
mod show;
pub(crate) mod spec;
mod token_report;
pub(crate) mod update;
pub(crate) mod validate;
mod where_;
pub(crate) mod words;

use std::ffi::OsString;

use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool};

/// plan-db.
pub const TOOL: Tool = Tool {
    name: "plan-db",
    summary: "makes, changes and reads plans, waves and tasks",
    kind: Kind::Tool,
    command,
    run,
};

/// One subcommand.
pub(crate) struct Subcommand {
    /// The word it is called by.
    pub(crate) name: &'static str,
    /// Its arguments and help.
    pub(crate) command: fn() -> clap::Command,
    /// Gets the arguments behind the subcommand's name.
    pub(crate) run: fn(&Context, &[OsString]) -> Answer,
}

/// All subcommands, group by group, in the order of the help.
const GROUPS: &[&[Subcommand]] = &[
    create::SUBCOMMANDS,
    claim::SUBCOMMANDS,
    add::SUBCOMMANDS,
    import::SUBCOMMANDS,
    conflict_check::SUBCOMMANDS,
    next::SUBCOMMANDS,
    update::SUBCOMMANDS,
    drift_check::SUBCOMMANDS,
    rebase_plan::SUBCOMMANDS,
    complete::SUBCOMMANDS,
    validate::SUBCOMMANDS,
    pass_on::SUBCOMMANDS,
    list::SUBCOMMANDS,
    json::SUBCOMMANDS,
    kanban::SUBCOMMANDS,
    context::SUBCOMMANDS,
    render::SUBCOMMANDS,
    export::SUBCOMMANDS,
    paths::SUBCOMMANDS,
    where_::SUBCOMMANDS,
    cluster::SUBCOMMANDS,
    token_report::SUBCOMMANDS,
];

fn subcommands() -> impl Iterator<Item = &'static Subcommand> {
    GROUPS.iter().flat_map(|group| group.iter())
}

fn command() -> clap::Command {
    let about = TOOL.summary;
    clap::Command::new(TOOL.name).about(about).subcommands(subcommands().map(|subcommand| (subcommand.command)()))
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    let usage = || command().render_long_help().to_string();
    let Some((name, rest)) = arguments.split_first() else {
        return Err(Refusal::new("no subcommand given").with_help(usage()));
    };
    if name == "help" || name == "-h" || name == "--help" {
        return Ok(Outcome::text(usage()));
    }
    match subcommands().find(|subcommand| subcommand.name == name) {
        Some(subcommand) => (subcommand.run)(context, rest),
        None => Err(Refusal::new(format!("unknown subcommand '{}'", name.to_string_lossy())).with_help(usage())),
    }
}
