//! Unread messages: the question that is asked before every tool call, and the cursor.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::Chat;
use super::agents::{Identity, identity};
use super::messages::{COLUMNS, Message, message};
use crate::Result;

/// How many messages a session's first check shows at most.
pub const FIRST_CHECK: i64 = 50;

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

/// Those that others than `?2` sent to the project `?3` or to all, above the cursor of the session `?1`. The index is
/// named so that a file without it is extended.
pub(super) const UNREAD: &str = "messages INDEXED BY comms_messages_project
    WHERE project IN (?3, 'general') AND sender <> ?2
    AND id > coalesce((SELECT message_id FROM last_read WHERE session_id = ?1), 0)";

impl Chat {
    /// Whether `reader` has unread messages.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn has_unread(&self, session: &str, reader: &Identity) -> Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {UNREAD})");
        self.read(|connection| {
            connection.query_row(&sql, params![session, reader.name, reader.project], |row| row.get(0))
        })
    }

    /// The unread messages of `session`, oldest first, as far as `fits` takes them; the session's cursor moves to the
    /// last that was taken, in the same transaction. A session that never checked gets the last [`FIRST_CHECK`].
    /// `project` is that of a session that has no name.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn take_unread(
        &self,
        session: &str,
        project: &str,
        fits: impl Fn(&[Message], &Message) -> bool,
    ) -> Result<Unread> {
        self.write(|connection| {
            let unread = unread(connection, session, project, &fits)?;
            if let Some(last) = unread.messages.last() {
                connection.execute(
                    "INSERT INTO last_read (session_id, message_id) VALUES (?1, ?2)
                     ON CONFLICT (session_id) DO UPDATE SET message_id = max(coalesce(message_id, 0), excluded.message_id)",
                    params![session, last.id],
                )?;
            }
            Ok(unread)
        })
    }

    /// The same as [`Chat::take_unread`], with the cursor left where it is.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn peek_unread(&self, session: &str, project: &str) -> Result<Unread> {
        self.read(|connection| {
            let together = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
            unread(&together, session, project, &|_, _| true)
        })
    }
}

fn cursor(connection: &Connection, session: &str) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(message_id), 0) FROM last_read WHERE session_id = ?1";
    connection.prepare(sql)?.query_row([session], |row| row.get(0))
}

fn unread(
    connection: &Connection,
    session: &str,
    project: &str,
    fits: &impl Fn(&[Message], &Message) -> bool,
) -> rusqlite::Result<Unread> {
    let reader = identity(connection, session)?.unwrap_or_else(|| Identity::unnamed(session, project));
    let mut left_out = 0;
    if cursor(connection, session)? == 0 {
        let sql = format!("SELECT count(*) FROM {UNREAD}");
        let all: i64 = connection.query_row(&sql, params![session, reader.name, reader.project], |row| row.get(0))?;
        left_out = (all - FIRST_CHECK).max(0);
    }
    let sql = format!("SELECT {COLUMNS} FROM {UNREAD} ORDER BY id LIMIT -1 OFFSET ?4");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params![session, reader.name, reader.project, left_out])?;
    let (mut messages, mut more) = (Vec::new(), false);
    while let Some(row) = rows.next()? {
        let message = message(row)?;
        if !fits(&messages, &message) {
            more = true;
            break;
        }
        messages.push(message);
    }
    Ok(Unread { reader, messages, left_out, more })
}
