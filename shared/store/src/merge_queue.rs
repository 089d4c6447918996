//! The merge queue: branches that wait to be landed on the main branch of their repository, and how far each one is.
//!
//! A repository is known by its common git folder. Rows written before that was kept have none: they belong to the
//! repository that has the branch, which only the caller can see, so reads hand them out beside its own.

#[cfg(test)]
mod tests;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{Result, Store};

/// The state of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// It waits.
    Queued,
    /// A processor has it.
    Processing,
    /// It is landed.
    Done,
    /// It could not be landed.
    Failed,
    /// Somebody took it back.
    Cancelled,
}

impl QueueState {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the entry still has its place in the line.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Processing)
    }

    fn from_word(word: &str) -> Self {
        match word {
            "processing" => Self::Processing,
            "done" => Self::Done,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            _ => Self::Queued,
        }
    }
}

/// What a processor is about to do with an entry; written down before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueStep {
    /// The merge commit is being made.
    Building,
    /// The candidate is being validated.
    Validating,
    /// The main branch is being moved to the candidate.
    Moving,
}

impl QueueStep {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Validating => "validating",
            Self::Moving => "moving",
        }
    }
}

/// A row of the queue. Commits are full hexadecimal ids, times UTC `YYYY-MM-DD HH:MM:SS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// The row's number.
    pub id: i64,
    /// The branch, by its short name.
    pub branch: String,
    /// The worktree it was made in, as given.
    pub worktree_path: Option<String>,
    /// The plan it belongs to.
    pub plan_id: Option<i64>,
    /// Higher goes first.
    pub priority: i64,
    /// Its state.
    pub state: QueueState,
    /// When it was queued.
    pub queued_at: String,
    /// When the last processor took it.
    pub started_at: Option<String>,
    /// When it ended.
    pub completed_at: Option<String>,
    /// The commit of the main branch that brought it in.
    pub result: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// The common git folder of its repository; `None` in rows older than this column.
    pub repository: Option<String>,
    /// The word of the [`QueueStep`] its processor is at.
    pub step: Option<String>,
    /// The branch's commit that is being landed.
    pub head: Option<String>,
    /// The main branch's commit that it is landed on.
    pub base: Option<String>,
    /// The merge commit made of the two.
    pub candidate: Option<String>,
}

/// What a new entry is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// The common git folder.
    pub repository: &'a str,
    /// The branch.
    pub branch: &'a str,
    /// The worktree it was made in.
    pub worktree_path: Option<&'a str>,
    /// The plan it belongs to.
    pub plan_id: Option<i64>,
    /// Higher goes first.
    pub priority: i64,
}

impl Store {
    /// The merge queue.
    pub fn merge_queue(&self) -> MergeQueue<'_> {
        MergeQueue { store: self }
    }
}

/// The functions of the merge queue.
#[derive(Debug, Clone, Copy)]
pub struct MergeQueue<'a> {
    store: &'a Store,
}

const COLUMNS: &str = "id, branch, worktree_path, plan_id, COALESCE(priority, 0), COALESCE(status, 'queued'), \
    COALESCE(queued_at, ''), started_at, completed_at, result, error, repository, step, head, base, candidate";

/// Rows of one repository, of none, or all: `?1` is the repository or null.
const OWN: &str = "(?1 IS NULL OR repository = ?1 OR repository IS NULL)";

impl MergeQueue<'_> {
    /// Every entry of `repository` and every one that names none, or all with `None`: first those in processing, then
    /// in the order of work (priority, age, number).
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn entries(self, repository: Option<&str>) -> Result<Vec<QueueEntry>> {
        self.store.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM merge_queue WHERE {OWN} \
                 ORDER BY status = 'processing' DESC, COALESCE(priority, 0) DESC, queued_at, id"
            );
            connection.prepare(&sql)?.query_map([repository], read_entry)?.collect()
        })
    }

    /// The entry with this number.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn entry(self, id: i64) -> Result<Option<QueueEntry>> {
        self.store.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM merge_queue WHERE id = ?1");
            connection.query_row(&sql, [id], read_entry).optional()
        })
    }

    /// Puts a branch at the end of the line of its priority and gives the row's number; `None` when it is in the line
    /// already. Entries of the same branch that have ended make room for the new one.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn enqueue(self, entry: NewEntry<'_>, now: &str) -> Result<Option<i64>> {
        self.change(|connection| {
            let same = "branch = ?1 AND (repository = ?2 OR repository IS NULL)";
            let live: bool = connection.query_row(
                &format!(
                    "SELECT EXISTS (SELECT 1 FROM merge_queue WHERE {same} AND status IN ('queued', 'processing'))"
                ),
                [entry.branch, entry.repository],
                |row| row.get(0),
            )?;
            if live {
                return Ok(None);
            }
            connection.execute(&format!("DELETE FROM merge_queue WHERE {same}"), [entry.branch, entry.repository])?;
            connection.execute(
                "INSERT INTO merge_queue (repository, branch, worktree_path, plan_id, priority, status, queued_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6)",
                params![entry.repository, entry.branch, entry.worktree_path, entry.plan_id, entry.priority, now],
            )?;
            Ok(Some(connection.last_insert_rowid()))
        })
    }

    /// Takes a queued entry into processing for `repository`, to land the branch's commit `head`; false when it is no
    /// longer queued.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn claim(self, id: i64, repository: &str, head: Option<&str>, now: &str) -> Result<bool> {
        self.change(|connection| {
            let changed = connection.execute(
                "UPDATE merge_queue SET status = 'processing', started_at = ?4, repository = ?2, head = ?3, \
                 step = 'building', base = NULL, candidate = NULL WHERE id = ?1 AND status = 'queued'",
                params![id, repository, head, now],
            )?;
            Ok(changed == 1)
        })
    }

    /// Writes down what comes next for entries in processing: each one's number, base and candidate.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn note_step(self, step: QueueStep, entries: &[(i64, &str, &str)]) -> Result<()> {
        self.change(|connection| {
            for (id, base, candidate) in entries {
                connection.execute(
                    "UPDATE merge_queue SET step = ?2, base = ?3, candidate = ?4 WHERE id = ?1 AND status = 'processing'",
                    params![id, step.word(), base, candidate],
                )?;
            }
            Ok(())
        })
    }

    /// Puts entries in processing back into the line, each at its old place.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn put_back(self, ids: &[i64]) -> Result<()> {
        self.change(|connection| {
            for id in ids {
                connection.execute(
                    "UPDATE merge_queue SET status = 'queued', started_at = NULL, step = NULL, head = NULL, base = NULL, \
                     candidate = NULL WHERE id = ?1 AND status = 'processing'",
                    [id],
                )?;
            }
            Ok(())
        })
    }

    /// Entries in processing are landed: each one's number and the commit that brought it in.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn landed(self, entries: &[(i64, &str)], now: &str) -> Result<()> {
        self.change(|connection| {
            for (id, commit) in entries {
                connection.execute(
                    "UPDATE merge_queue SET status = 'done', result = ?2, error = NULL, step = NULL, completed_at = ?3 \
                     WHERE id = ?1 AND status = 'processing'",
                    params![id, commit, now],
                )?;
            }
            Ok(())
        })
    }

    /// An entry in processing has failed.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn failed(self, id: i64, error: &str, now: &str) -> Result<()> {
        self.change(|connection| {
            connection.execute(
                "UPDATE merge_queue SET status = 'failed', error = ?2, step = NULL, completed_at = ?3 \
                 WHERE id = ?1 AND status = 'processing'",
                params![id, error, now],
            )?;
            Ok(())
        })
    }

    /// Takes a queued branch out of the line; the number of entries that were (0 or 1).
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn cancel(self, repository: Option<&str>, branch: &str, now: &str) -> Result<usize> {
        self.change(|connection| {
            connection.execute(
                &format!(
                    "UPDATE merge_queue SET status = 'cancelled', completed_at = ?3 \
                     WHERE branch = ?2 AND status = 'queued' AND {OWN}"
                ),
                params![repository, branch, now],
            )
        })
    }

    /// Deletes entries that ended `hours` hours before `now` or earlier; how many.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn clean(self, repository: Option<&str>, hours: u32, now: &str) -> Result<usize> {
        self.change(|connection| {
            connection.execute(
                &format!(
                    "DELETE FROM merge_queue WHERE status IN ('done', 'failed', 'cancelled') AND {OWN} \
                     AND datetime(COALESCE(completed_at, started_at, queued_at)) <= datetime(?2, ?3)"
                ),
                params![repository, now, format!("-{hours} hours")],
            )
        })
    }

    fn change<T>(self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.store.write(|connection| work(connection).map_err(|fault| self.store.fail(&fault)))
    }
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<QueueEntry> {
    Ok(QueueEntry {
        id: row.get(0)?,
        branch: row.get(1)?,
        worktree_path: row.get(2)?,
        plan_id: row.get(3)?,
        priority: row.get(4)?,
        state: QueueState::from_word(&row.get::<_, String>(5)?),
        queued_at: row.get(6)?,
        started_at: row.get(7)?,
        completed_at: row.get(8)?,
        result: row.get(9)?,
        error: row.get(10)?,
        repository: row.get(11)?,
        step: row.get(12)?,
        head: row.get(13)?,
        base: row.get(14)?,
        candidate: row.get(15)?,
    })
}
