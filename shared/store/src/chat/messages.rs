//! Messages: posting, the newest, the new ones, who is active, taking old ones away.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params, params_from_iter};
use serde::Serialize;

use super::unread::SUBAGENT;
use super::{Chat, text};
use crate::Result;

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its number; later messages have higher ones, and none is given twice.
    pub id: i64,
    /// Local time of the sender, `YYYY-MM-DDTHH:MM:SS.mmm`.
    pub timestamp: String,
    /// The sender's name.
    pub sender: String,
    /// The channel.
    pub channel: String,
    /// The project it was posted to.
    pub project: String,
    /// The text, byte for byte (bytes that are not UTF-8, of other programs, are replaced).
    pub message: String,
    /// The number of the message that it answers.
    pub reply_to: Option<i64>,
    /// Who sent that, if it is still there.
    #[serde(skip)]
    pub answered: Option<String>,
}

/// A message to be posted.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// Local time, `YYYY-MM-DDTHH:MM:SS.mmm`.
    pub timestamp: &'a str,
    /// The sender's name.
    pub sender: &'a str,
    /// The channel.
    pub channel: &'a str,
    /// The project; `None` for that of the registered agent of the sender's name, else general.
    pub project: Option<&'a str>,
    /// Which project counts when agents of several have the sender's name.
    pub nearest: &'a str,
    /// The number of the message that it answers.
    pub reply_to: Option<i64>,
    /// The text.
    pub message: &'a str,
}

/// Which messages [`Chat::newest`] looks at; those that are `None` let all pass.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// The project, exactly.
    pub project: Option<String>,
    /// The channel, exactly.
    pub channel: Option<String>,
    /// The sender, upper and lower case of ASCII alike.
    pub sender: Option<String>,
    /// Local time, `YYYY-MM-DDTHH:MM:SS.mmm` or its beginning; older ones are left out.
    pub since: Option<String>,
    /// Words that must all be in the text, upper and lower case of ASCII alike.
    pub words: Vec<String>,
    /// The number of a message: it, the answers to it, the answers to those...
    pub thread: Option<i64>,
}

/// A sender and what was heard of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// The sender's name.
    pub name: String,
    /// The number of its messages.
    pub messages: i64,
    /// The time of the last, as in [`Message::timestamp`].
    pub last: String,
}

/// The columns that [`message`] reads.
pub(super) const COLUMNS: &str =
    "id, timestamp, sender, channel, coalesce(project, 'general'), message, messages.reply_to,
    (SELECT answered.sender FROM messages AS answered WHERE answered.id = messages.reply_to)";

/// A row of [`COLUMNS`].
pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        timestamp: text(row, 1)?,
        sender: text(row, 2)?,
        channel: text(row, 3)?,
        project: text(row, 4)?,
        message: text(row, 5)?,
        reply_to: row.get(6)?,
        answered: row.get::<_, Option<String>>(7)?,
    })
}

impl Chat {
    /// Adds a message; its number comes back.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn post(&self, new: &NewMessage<'_>) -> Result<i64> {
        self.write(|connection| post(connection, new))
    }

    /// Whether agents of more than one project have the name `name`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn is_shared_name(&self, name: &str) -> Result<bool> {
        self.read(|connection| {
            let sql = "SELECT count(DISTINCT project) > 1 FROM agents WHERE name = ?1";
            connection.query_row(sql, [name], |row| row.get(0))
        })
    }

    /// The newest `most` messages that `filter` lets pass, oldest first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn newest(&self, most: i64, filter: &Filter) -> Result<Vec<Message>> {
        let mut conditions = vec!["1"];
        let mut values: Vec<&dyn ToSql> = Vec::new();
        for (condition, value) in [
            ("coalesce(project, 'general') = ?", &filter.project),
            ("channel = ?", &filter.channel),
            ("sender = ? COLLATE NOCASE", &filter.sender),
            ("timestamp >= ?", &filter.since),
        ] {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(value);
            }
        }
        for word in &filter.words {
            conditions.push("instr(lower(message), lower(?)) > 0");
            values.push(word);
        }
        if let Some(first) = &filter.thread {
            conditions.push(
                "id IN (WITH RECURSIVE thread(id) AS (SELECT ? UNION SELECT answer.id FROM messages AS answer, thread
                 WHERE answer.reply_to = thread.id) SELECT id FROM thread)",
            );
            values.push(first);
        }
        values.push(&most);
        let conditions = conditions.join(" AND ");
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE {conditions} ORDER BY id DESC LIMIT ?");
        let mut found: Vec<Message> =
            self.read(|connection| connection.prepare(&sql)?.query_map(params_from_iter(&values), message)?.collect())?;
        found.reverse();
        Ok(found)
    }

    /// At most `most` messages with a higher number than `id`, oldest first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn after(&self, id: i64, most: i64) -> Result<Vec<Message>> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE id > ?1 ORDER BY id LIMIT ?2");
        self.read(|connection| connection.prepare(&sql)?.query_map([id, most], message)?.collect())
    }

    /// The message with the number `id`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn message(&self, id: i64) -> Result<Option<Message>> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = ?1");
        self.read(|connection| connection.prepare(&sql)?.query_row([id], message).optional())
    }

    /// The highest number of a message, 0 when there is none.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn last_id(&self) -> Result<i64> {
        self.read(|connection| connection.query_row("SELECT coalesce(max(id), 0) FROM messages", [], |row| row.get(0)))
    }

    /// Who posted since the local time `since` (`YYYY-MM-DDTHH:MM:SS.mmm`), latest first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn active_since(&self, since: &str) -> Result<Vec<Activity>> {
        let sql = "SELECT sender, count(*), max(timestamp) FROM messages WHERE timestamp >= ?1
                   GROUP BY sender ORDER BY max(id) DESC";
        self.read(|connection| {
            let activity =
                |row: &Row<'_>| Ok(Activity { name: text(row, 0)?, messages: row.get(1)?, last: text(row, 2)? });
            connection.prepare(sql)?.query_map([since], activity)?.collect()
        })
    }

    /// Takes away the messages from before the local time `before` (`YYYY-MM-DDTHH:MM:SS.mmm`), and what was noted of
    /// their being shown; their number comes back. A subagent whose cursor stands before all that is left has long ended.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn prune(&self, before: &str) -> Result<usize> {
        self.write(|connection| {
            let gone = connection.execute("DELETE FROM messages WHERE timestamp < ?1", [before])?;
            connection.execute(
                "DELETE FROM comms_shown WHERE process IS NULL AND message_id NOT IN (SELECT id FROM messages)",
                [],
            )?;
            connection.execute(
                "DELETE FROM last_read WHERE instr(session_id, ?1) > 0
                 AND message_id < (SELECT min(id) FROM messages)
                 AND EXISTS (SELECT 1 FROM last_read AS own
                             WHERE own.session_id = substr(last_read.session_id, 1, instr(last_read.session_id, ?1) - 1))",
                [SUBAGENT],
            )?;
            Ok(gone)
        })
    }
}

/// Adds a message inside a transaction.
pub(super) fn post(connection: &Connection, new: &NewMessage<'_>) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare(
        "INSERT INTO messages (timestamp, sender, channel, message, project, reply_to) VALUES (?1, ?2, ?3, ?4, coalesce(?5,
           (SELECT project FROM agents WHERE name = ?2 ORDER BY project = ?6 DESC, created DESC LIMIT 1), 'general'), ?7)",
    )?;
    let NewMessage { timestamp, sender, channel, project, nearest, reply_to, message } = new;
    statement.execute(params![timestamp, sender, channel, message, project, nearest, reply_to])?;
    Ok(connection.last_insert_rowid())
}
