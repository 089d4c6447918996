//! The arguments of comms; their comments are the help.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use crewkit_tool::args::RowId;

/// The group chat of the agents of one computer.
#[derive(Parser, Debug)]
#[command(name = "comms", disable_version_flag = true, subcommand_value_name = "COMMAND")]
#[command(after_help = "\
Environment:
  COMMS_DB_PATH      the chat's file [default: ~/.claude/comms/messages.db]
  COMMS_AGENT_NAMES  names that auto-assign gives, with commas between
  COMMS_DIR_MAP      names by directory: dir:Name,dir:Name or a JSON object
  COMMS_PROJECT_MAP  projects by directory, in the same forms
  COMMS_USER, USER   who posts when no sender is given

Exit codes: 0 done, 1 no command, not possible or no answer, 2 wrong usage")]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// A command.
#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Post a message
    Post(Post),
    /// Ask somebody and wait for the answer: a reply, or a message of theirs directed at who asks
    Ask(Ask),
    /// Show a session's unread messages and mark them as read
    Check(Check),
    /// Show the newest messages, oldest first
    History(History),
    /// Show the newest messages that hold all of some words
    Search(Search),
    /// Follow new messages of all projects until interrupted
    Watch,
    /// Read and write in a terminal
    Chat,
    /// Show who posted in the last ten minutes
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a name to a session, or list who could be given one
    Assign {
        /// The name
        #[arg(requires = "id", value_parser = filled)]
        name: Option<String>,
        /// The session's id or its beginning (4 characters at least), with or without `agent-`
        id: Option<String>,
    },
    /// Give a session the name that its directory stands for
    AutoAssign {
        /// The session's id
        #[arg(value_parser = filled)]
        session: String,
        /// Its directory
        #[arg(value_name = "CWD")]
        directory: PathBuf,
    },
    /// Show the name of a session
    ResolveName {
        /// The session's id
        #[arg(value_parser = filled)]
        session: String,
    },
    /// Delete old messages
    Prune {
        /// Those that are older than this many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
        older: u32,
    },
}

#[derive(clap::Args, Debug)]
pub(super) struct Post {
    /// Who says it [default: COMMS_USER, USER]
    #[arg(short, long, value_name = "NAME", value_parser = filled)]
    pub(super) sender: Option<String>,
    /// The channel
    #[arg(short, long, value_name = "NAME", default_value = "general", value_parser = filled)]
    pub(super) channel: String,
    /// The project whose agents hear it [default: the sender's; general, which all hear, for a sender without one]
    #[arg(short, long, value_name = "NAME", value_parser = filled)]
    pub(super) project: Option<String>,
    /// Answer the message of this number; its sender hears it
    #[arg(short, long, value_name = "ID", allow_negative_numbers = true)]
    pub(super) reply_to: Option<RowId>,
    /// Take the message from standard input, byte for byte
    #[arg(long, conflicts_with = "words")]
    pub(super) stdin: bool,
    /// The message
    #[arg(value_name = "WORD", required_unless_present = "stdin", allow_negative_numbers = true)]
    pub(super) words: Vec<String>,
}

#[derive(clap::Args, Debug)]
pub(super) struct Ask {
    /// Who is asked; `all` for anybody
    #[arg(value_parser = filled)]
    pub(super) name: String,
    /// The question
    #[arg(value_name = "TEXT", required = true, allow_negative_numbers = true)]
    pub(super) words: Vec<String>,
    /// How many seconds to wait for the answer
    #[arg(short, long, value_name = "SEC", default_value = "60", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub(super) wait: u64,
    /// Who asks [default: COMMS_USER, USER]
    #[arg(short, long, value_name = "NAME", value_parser = filled)]
    pub(super) sender: Option<String>,
    /// The channel
    #[arg(short, long, value_name = "NAME", default_value = "general", value_parser = filled)]
    pub(super) channel: String,
    /// The project whose agents hear it, as for post
    #[arg(short, long, value_name = "NAME", value_parser = filled)]
    pub(super) project: Option<String>,
    /// As JSON: the number of the question, and the answer or null
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(clap::Args, Debug)]
pub(super) struct Check {
    /// The session's id
    #[arg(value_parser = filled)]
    pub(super) session: String,
    /// The id of a subagent of the session: it reads for itself
    #[arg(long, value_name = "ID", value_parser = filled)]
    pub(super) agent: Option<String>,
    /// Leave the messages unread
    #[arg(long)]
    pub(super) peek: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(clap::Args, Debug)]
pub(super) struct History {
    /// How many
    #[arg(value_name = "N", default_value = "20", value_parser = count)]
    pub(super) count: i64,
    #[command(flatten)]
    pub(super) only: Only,
}

#[derive(clap::Args, Debug)]
pub(super) struct Search {
    /// The words; upper and lower case are alike
    #[arg(value_name = "WORD", required = true)]
    pub(super) words: Vec<String>,
    /// How many messages at most
    #[arg(short = 'n', long, value_name = "N", default_value = "20", value_parser = count)]
    pub(super) count: i64,
    #[command(flatten)]
    pub(super) only: Only,
}

/// Which messages, and how they are shown.
#[derive(clap::Args, Debug)]
pub(super) struct Only {
    /// Those of one project
    #[arg(short, long, value_name = "NAME")]
    pub(super) project: Option<String>,
    /// Those of one channel
    #[arg(short, long, value_name = "NAME")]
    pub(super) channel: Option<String>,
    /// Those of one sender
    #[arg(long, value_name = "NAME")]
    pub(super) from: Option<String>,
    /// Those since a time: 15:04, 2026-01-31, 2026-01-31T15:04, or 30m, 2h, 3d ago
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<String>,
    /// The message of this number and the answers to it
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub(super) thread: Option<RowId>,
    /// With the numbers of the messages (a terminal always gets them)
    #[arg(long, conflicts_with = "json")]
    pub(super) ids: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Text that is more than blanks.
fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// A number of messages: decimal digits; more than there can be is as good as all.
fn count(text: &str) -> Result<i64, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("not a whole number".to_owned());
    }
    Ok(text.parse().unwrap_or(i64::MAX))
}
