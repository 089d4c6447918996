//! Who is who: sessions and their names.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::messages::{self, NewMessage};
use super::{Chat, GENERAL, text};
use crate::Result;

/// The fewest characters of an id that stand for a longer one.
const PREFIX_CHARACTERS: usize = 4;

/// A session's name and project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name: the registered one, else `agent-` and the first eight characters of the session's id.
    pub name: String,
    /// The project it hears and speaks in.
    pub project: String,
    /// Whether the name is registered.
    pub registered: bool,
}

impl Identity {
    /// A session that nobody gave a name.
    pub fn unnamed(session: &str, project: &str) -> Self {
        Self { name: unnamed(session), project: project.to_owned(), registered: false }
    }
}

/// What giving a name by hand came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assigned {
    /// The session has the name.
    Done,
    /// The id stands for none of the sessions that have a name, and is too short to be kept for one to come.
    TooShort,
    /// The id is the beginning of several sessions' ids: these.
    Several(Vec<String>),
}

/// A sender of messages, for the list of those who can be given a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// The name it sent under.
    pub sender: String,
    /// The time of its last message, as in [`super::Message::timestamp`].
    pub last: String,
    /// The registered name of the session that it is.
    pub name: Option<String>,
}

impl Chat {
    /// The name and project of `session`: that of its exact id, else of the longest stored id that it begins with.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn identity(&self, session: &str) -> Result<Option<Identity>> {
        self.read(|connection| identity(connection, session))
    }

    /// Gives `session` the name, taking it from whoever has it in that project. `created` is the local time,
    /// `YYYY-MM-DDTHH:MM:SS.mmm`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn register(&self, session: &str, name: &str, project: &str, created: &str) -> Result<()> {
        self.write(|connection| register(connection, session, name, project, created))
    }

    /// Gives `name` to the session whose id is or begins with `id`; without one `id` itself is kept, for a session to
    /// come. `created` as in [`Chat::register`].
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn assign(&self, name: &str, id: &str, created: &str) -> Result<Assigned> {
        self.write(|connection| {
            let sql = "SELECT session_id, coalesce(project, 'general') FROM agents
                       WHERE session_id = ?1 OR substr(session_id, 1, length(?1)) = ?1
                       ORDER BY session_id <> ?1, session_id";
            let mut found: Vec<(String, String)> = connection
                .prepare(sql)?
                .query_map([id], |row| Ok((text(row, 0)?, text(row, 1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let exact = found.first().is_some_and(|(session, _)| session == id);
            if !exact && id.chars().count() < PREFIX_CHARACTERS {
                return Ok(Assigned::TooShort);
            }
            if !exact && found.len() > 1 {
                return Ok(Assigned::Several(found.into_iter().map(|(session, _)| session).collect()));
            }
            let (session, project) =
                if found.is_empty() { (id.to_owned(), GENERAL.to_owned()) } else { found.swap_remove(0) };
            register(connection, &session, name, &project, created)?;
            Ok(Assigned::Done)
        })
    }

    /// Registers `session` under `name` (when there is one for it) and posts `text` as whoever it then is, both or
    /// neither. `project` is that of the session; `now` the local time, `YYYY-MM-DDTHH:MM:SS.mmm`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn arrive(&self, session: &str, name: Option<&str>, project: &str, now: &str, text: &str) -> Result<()> {
        self.write(|connection| {
            if let Some(name) = name {
                register(connection, session, name, project, now)?;
            }
            speak(connection, session, project, now, text)
        })
    }

    /// Posts `text` to channel general as the one that `session` is. `project` is that of the session's folder; when
    /// that is general, a registered session's own.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn say(&self, session: &str, project: &str, now: &str, text: &str) -> Result<()> {
        self.write(|connection| speak(connection, session, project, now, text))
    }

    /// The last `most` senders, latest first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn speakers(&self, most: i64) -> Result<Vec<Speaker>> {
        let sql = "SELECT sender, max(timestamp), (
                     SELECT name FROM agents AS a WHERE a.name = m.sender OR (m.sender GLOB 'agent-?*' AND (
                       substr(a.session_id, 1, length(m.sender) - 6) = substr(m.sender, 7)
                       OR (length(a.session_id) >= 4 AND substr(m.sender, 7, length(a.session_id)) = a.session_id)))
                     ORDER BY a.name = m.sender DESC, a.created DESC LIMIT 1)
                   FROM messages AS m GROUP BY sender ORDER BY max(id) DESC LIMIT ?1";
        self.read(|connection| {
            let speaker = |row: &Row<'_>| {
                Ok(Speaker { sender: text(row, 0)?, last: text(row, 1)?, name: row.get::<_, Option<String>>(2)? })
            };
            connection.prepare(sql)?.query_map([most], speaker)?.collect()
        })
    }

    /// The project of the agent called `name`; `nearest` when agents of several projects are, and one of them is of that.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn project_of(&self, name: &str, nearest: &str) -> Result<Option<String>> {
        let sql = "SELECT coalesce(project, 'general') FROM agents WHERE name = ?1 ORDER BY project = ?2 DESC, created DESC LIMIT 1";
        self.read(|connection| connection.prepare(sql)?.query_row([name, nearest], |row| text(row, 0)).optional())
    }

    /// The names that sessions have, each once.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn names(&self) -> Result<Vec<String>> {
        self.read(|connection| {
            let sql = "SELECT DISTINCT name FROM agents ORDER BY name";
            connection.prepare(sql)?.query_map([], |row| text(row, 0))?.collect()
        })
    }
}

/// The registered name and project of `session`.
pub(super) fn identity(connection: &Connection, session: &str) -> rusqlite::Result<Option<Identity>> {
    let sql = "SELECT name, coalesce(project, 'general') FROM agents WHERE session_id = ?1
               OR (length(session_id) >= 4 AND substr(?1, 1, length(session_id)) = session_id)
               ORDER BY length(session_id) DESC LIMIT 1";
    let registered = |row: &Row<'_>| Ok(Identity { name: text(row, 0)?, project: text(row, 1)?, registered: true });
    connection.prepare(sql)?.query_row([session], registered).optional()
}

fn register(connection: &Connection, session: &str, name: &str, project: &str, created: &str) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM agents WHERE session_id <> ?1 AND name = ?2 AND coalesce(project, 'general') = ?3",
        [session, name, project],
    )?;
    connection.execute(
        "INSERT INTO agents (session_id, name, created, project) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (session_id) DO UPDATE SET name = excluded.name, created = excluded.created, project = excluded.project",
        params![session, name, created, project],
    )?;
    Ok(())
}

fn speak(connection: &Connection, session: &str, project: &str, now: &str, text: &str) -> rusqlite::Result<()> {
    let reader = identity(connection, session)?.unwrap_or_else(|| Identity::unnamed(session, project));
    let project = if project == GENERAL { &reader.project } else { project };
    let new = NewMessage {
        timestamp: now,
        sender: &reader.name,
        channel: GENERAL,
        project: Some(project),
        nearest: project,
        reply_to: None,
        message: text,
    };
    messages::post(connection, &new)?;
    Ok(())
}

fn unnamed(session: &str) -> String {
    let end = session.char_indices().nth(8).map_or(session.len(), |(end, _)| end);
    format!("agent-{}", &session[..end])
}
