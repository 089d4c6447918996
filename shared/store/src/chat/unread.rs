//! Unread messages: the question that is asked before every tool call, and the cursor.
//!
//! A message counts as read once the answer that holds it was handed over. That takes two steps, for the answer is
//! written between them: [`Chat::offer_unread`] notes which process is showing what, [`Chat::confirm`] moves the cursor.
//! While that process lives nobody else is given the session's messages; when it died in between, they are unread as
//! before. So no message counts as read that was not shown, and none is shown twice. One window is left, from the
//! cursor's move to the end of the process: an agent that reads an answer only when the process has ended well does not
//! read one whose process is killed there.

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::Chat;
use super::agents::{Identity, identity};
use super::messages::{COLUMNS, Message, message};
use crate::Result;

/// How many messages a session's first check shows at most.
pub const FIRST_CHECK: i64 = 50;

/// Whose unread messages: a session's, or those of a subagent within it, which reads for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    session: String,
    key: String,
}

impl Reader {
    /// The session itself, or its subagent `agent`.
    pub fn new(session: &str, agent: Option<&str>) -> Self {
        let key = agent.map_or_else(|| session.to_owned(), |agent| format!("{session}{SUBAGENT}{agent}"));
        Self { session: session.to_owned(), key }
    }

    /// The session's id.
    pub fn session(&self) -> &str {
        &self.session
    }
}

/// What stands between a session and its subagent in `last_read.session_id`.
pub(super) const SUBAGENT: &str = " agent ";

/// What a check gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Who asked.
    pub reader: Identity,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// How many older ones the first check of a session left out.
    pub left_out: i64,
    /// Whether there are more, for the next check.
    pub more: bool,
}

impl Unread {
    /// Nothing for `reader`.
    pub fn nothing(reader: Identity) -> Self {
        Self { reader, messages: Vec::new(), left_out: 0, more: false }
    }
}

/// Those that others than `?2` sent to the project `?3` or to all, above the cursor of the reader `?1` (for one that has
/// none yet that of its session, `?4`), without those it was shown apart. The index is named so that a file without it is
/// extended.
pub(super) const UNREAD: &str = "messages INDEXED BY comms_messages_project
    WHERE project IN (?3, 'general') AND sender <> ?2
    AND id > coalesce((SELECT message_id FROM last_read WHERE session_id = ?1),
                      (SELECT message_id FROM last_read WHERE session_id = ?4), 0)
    AND NOT EXISTS (SELECT 1 FROM comms_shown WHERE session_id = ?1 AND message_id = messages.id AND process IS NULL)";

impl Chat {
    /// Whether there are unread messages for `reader`, who is `identity`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn has_unread(&self, reader: &Reader, identity: &Identity) -> Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {UNREAD})");
        self.read(|connection| {
            let values = params![reader.key, identity.name, identity.project, reader.session];
            connection.query_row(&sql, values, |row| row.get(0))
        })
    }

    /// The unread messages of `reader`, oldest first, as far as `fits` takes them, to be shown by `process`; a session that
    /// never checked gets the last [`FIRST_CHECK`]. Nothing while another process that `lives` is showing some.
    /// [`Chat::confirm`] has to follow once they are shown. `project` is that of a session that has no name.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn offer_unread(
        &self,
        reader: &Reader,
        project: &str,
        process: &str,
        lives: impl Fn(&str) -> bool,
        fits: impl Fn(&[Message], &Message) -> bool,
    ) -> Result<Unread> {
        // What a crash of the computer undoes here it has undone for the process, too.
        self.write_lightly(|connection| {
            let holder: Option<String> = connection
                .prepare("SELECT process FROM comms_shown WHERE session_id = ?1 AND process IS NOT NULL")?
                .query_row([&reader.key], |row| row.get(0))
                .optional()?;
            if holder.is_some_and(|holder| lives(&holder)) {
                return Ok(Unread::nothing(who(connection, reader, project)?));
            }
            connection
                .execute("DELETE FROM comms_shown WHERE session_id = ?1 AND process IS NOT NULL", [&reader.key])?;
            let unread = unread(connection, reader, project, &fits)?;
            if let Some(last) = unread.messages.last() {
                connection.execute(
                    "INSERT INTO comms_shown (session_id, message_id, process) VALUES (?1, ?2, ?3)",
                    params![reader.key, last.id, process],
                )?;
            }
            Ok(unread)
        })
    }

    /// Moves the cursor of `reader` to `last`, the last message that was offered to `process` and has been shown.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn confirm(&self, reader: &Reader, last: i64, process: &str) -> Result<()> {
        self.write(|connection| {
            connection.execute(
                "INSERT INTO last_read (session_id, message_id) VALUES (?1, ?2)
                 ON CONFLICT (session_id) DO UPDATE SET message_id = max(coalesce(message_id, 0), excluded.message_id)",
                params![reader.key, last],
            )?;
            connection.execute(
                "DELETE FROM comms_shown WHERE session_id = ?1 AND (process = ?3 OR (process IS NULL AND message_id <= ?2))",
                params![reader.key, last, process],
            )?;
            Ok(())
        })
    }

    /// The same as [`Chat::offer_unread`], with everything left as it is.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn peek_unread(&self, reader: &Reader, project: &str) -> Result<Unread> {
        self.read(|connection| {
            let together = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
            unread(&together, reader, project, &|_, _| true)
        })
    }

    /// Notes that the message `id` was shown to the sessions called `name` in `project` (in all when that is general)
    /// otherwise than by a check, so that none shows it again.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn mark_shown(&self, name: &str, project: &str, id: i64) -> Result<()> {
        self.write(|connection| {
            connection.execute(
                "INSERT INTO comms_shown (session_id, message_id) SELECT session_id, ?3 FROM agents
                 WHERE name = ?1 AND ?2 IN ('general', project)
                 AND ?3 > coalesce((SELECT message_id FROM last_read WHERE session_id = agents.session_id), 0)
                 ON CONFLICT DO NOTHING",
                params![name, project, id],
            )?;
            Ok(())
        })
    }
}

fn who(connection: &Connection, reader: &Reader, project: &str) -> rusqlite::Result<Identity> {
    Ok(identity(connection, &reader.session)?.unwrap_or_else(|| Identity::unnamed(&reader.session, project)))
}

fn cursor(connection: &Connection, reader: &Reader) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce((SELECT message_id FROM last_read WHERE session_id = ?1),
                               (SELECT message_id FROM last_read WHERE session_id = ?2), 0)";
    connection.query_row(sql, [&reader.key, &reader.session], |row| row.get(0))
}

fn unread(
    connection: &Connection,
    reader: &Reader,
    project: &str,
    fits: &impl Fn(&[Message], &Message) -> bool,
) -> rusqlite::Result<Unread> {
    let identity = who(connection, reader, project)?;
    let mut left_out = 0;
    if cursor(connection, reader)? == 0 {
        let sql = format!("SELECT count(*) FROM {UNREAD}");
        let values = params![reader.key, identity.name, identity.project, reader.session];
        let all: i64 = connection.query_row(&sql, values, |row| row.get(0))?;
        left_out = (all - FIRST_CHECK).max(0);
    }
    let sql = format!("SELECT {COLUMNS} FROM {UNREAD} ORDER BY id LIMIT -1 OFFSET ?5");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params![reader.key, identity.name, identity.project, reader.session, left_out])?;
    let (mut messages, mut more) = (Vec::new(), false);
    while let Some(row) = rows.next()? {
        let message = message(row)?;
        if !fits(&messages, &message) {
            more = true;
            break;
        }
        messages.push(message);
    }
    Ok(Unread { reader: identity, messages, left_out, more })
}
