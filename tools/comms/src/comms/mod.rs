//! comms: the group chat of the agents of one computer. Agents post, their hooks check, people read along, talk and
//! give names.
//!
//! The commands of agents stand in `agents.rs`, those of people in `people.rs`, the two that stay in `watch.rs` and
//! `chat.rs`; what a message looks like stands in `lines.rs`.

mod agents;
mod arguments;
mod ask;
mod changes;
mod chat;
pub(crate) mod check;
mod directed;
mod editor;
mod follow;
mod keys;
mod lines;
pub(crate) mod names;
mod people;
mod signals;
mod since;
mod terminal;
mod watch;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::CommandFactory as _;
use crewkit_store::chat::Chat;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args};

use arguments::{Args, Command};

/// Exit code for wrong usage.
const WRONG_USAGE: u8 = 2;

/// comms.
pub const TOOL: Tool =
    Tool { name: "comms", summary: "the group chat of the agents of one computer", kind: Kind::Tool, command, run };

fn command() -> clap::Command {
    Args::command()
}

/// Runs one command of the chat.
pub(crate) fn run(context: &Context, arguments: &[OsString]) -> Answer {
    if let [command, session] = arguments
        && command == "check"
        && let Some(session) = session.to_str()
        && !session.is_empty()
        && !session.starts_with('-')
    {
        return check::text(context, session);
    }
    if arguments.is_empty() {
        return Ok(Outcome::text(command().render_help().to_string()).with_code(1));
    }
    args::with::<Args>(arguments, WRONG_USAGE, |args| match args.command {
        Command::Post(post) => agents::post(context, &post),
        Command::Ask(ask) => ask::run(context, &ask),
        Command::Check(check) => check::run(context, &check),
        Command::AutoAssign { session, directory } => agents::auto_assign(context, &session, &directory),
        Command::ResolveName { session } => agents::resolve_name(context, &session),
        Command::Assign { name, id } => people::assign(context, name.as_deref(), id.as_deref()),
        Command::History(history) => people::history(context, &history),
        Command::Search(search) => people::search(context, &search),
        Command::Status { json } => people::status(context, json),
        Command::Prune { older } => people::prune(context, older),
        Command::Watch => watch::run(context),
        Command::Chat => chat::run(context),
    })
}

/// Whether `word` is a command of the chat.
pub(crate) fn is_command(word: &OsStr) -> bool {
    word == "help" || command().find_subcommand(word).is_some()
}

/// The chat: `COMMS_DB_PATH`, else `~/.claude/comms/messages.db`, one for all agents of the computer whatever their
/// folders are; made when missing.
pub(crate) fn open(context: &Context) -> Result<Chat, Refusal> {
    let path = match context.variable_path("COMMS_DB_PATH") {
        Some(path) => context.absolute(&context.expand_home(&path))?,
        None => context.home()?.join(".claude/comms/messages.db"),
    };
    Ok(Chat::open(&path)?)
}

/// The project of the working directory; general when it cannot be read.
fn project_here(context: &Context) -> String {
    context
        .directory()
        .map_or_else(|_| crewkit_store::chat::GENERAL.to_owned(), |here| names::project_of(context, here))
}

/// The last component of a folder's path, for people; bytes that are not UTF-8 are replaced.
pub(crate) fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}
