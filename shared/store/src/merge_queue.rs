//! The merge queue: branches that wait to be landed on the main branch of their repository, and how far each one is.
//!
//! A repository is known by its common git folder. Rows written before that was kept have none: they belong to the
//! repository that has the branch, which only the caller can see, so reads hand them out beside its own.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    const NOW: &str = "2026-01-02 03:04:05";

    fn scratch() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { path: folder.path().join("d.db"), host: "h".into(), now: NOW.into() };
        let store = Store::open_or_create(&settings).unwrap();
        (folder, store)
    }

    fn entry<'a>(repository: &'a str, branch: &'a str, priority: i64) -> NewEntry<'a> {
        NewEntry { repository, branch, worktree_path: None, plan_id: None, priority }
    }

    fn branches(queue: MergeQueue<'_>, repository: Option<&str>) -> Vec<String> {
        queue.entries(repository).unwrap().into_iter().map(|entry| entry.branch).collect()
    }

    #[test]
    fn the_line_is_by_priority_then_age_then_number() {
        let (_folder, store) = scratch();
        let queue = store.merge_queue();
        queue.enqueue(entry("/a", "late", 0), "2026-01-02 03:04:06").unwrap();
        queue.enqueue(entry("/a", "early", 0), NOW).unwrap();
        queue.enqueue(entry("/a", "early too", 0), NOW).unwrap();
        queue.enqueue(entry("/a", "urgent", 5), "2026-01-02 04:00:00").unwrap();
        queue.enqueue(entry("/a", "idle", -5), "2026-01-01 00:00:00").unwrap();
        queue.enqueue(entry("/b", "elsewhere", 9), NOW).unwrap();
        assert_eq!(branches(queue, Some("/a")), ["urgent", "early", "early too", "late", "idle"]);
        assert_eq!(branches(queue, None).len(), 6);
        let idle = queue.entries(Some("/a")).unwrap()[4].id;
        assert!(queue.claim(idle, "/a", None, NOW).unwrap());
        assert_eq!(branches(queue, Some("/a"))[0], "idle");
    }

    #[test]
    fn a_branch_is_in_the_line_once_in_each_repository() {
        let (_folder, store) = scratch();
        let queue = store.merge_queue();
        let first = queue.enqueue(entry("/a", "x", 0), NOW).unwrap().unwrap();
        assert_eq!(queue.enqueue(entry("/a", "x", 1), NOW).unwrap(), None);
        assert!(queue.enqueue(entry("/b", "x", 0), NOW).unwrap().is_some());
        assert!(queue.claim(first, "/a", None, NOW).unwrap());
        assert!(!queue.claim(first, "/a", None, NOW).unwrap());
        assert_eq!(queue.enqueue(entry("/a", "x", 1), NOW).unwrap(), None);
        queue.failed(first, "no", NOW).unwrap();
        let again = queue.enqueue(entry("/a", "x", 3), NOW).unwrap().unwrap();
        let rows = queue.entries(Some("/a")).unwrap();
        assert_eq!((rows.len(), rows[0].id, rows[0].priority, rows[0].error.clone()), (1, again, 3, None));
    }

    #[test]
    fn a_row_without_a_repository_counts_for_each_and_is_taken_by_one() {
        let (_folder, store) = scratch();
        let queue = store.merge_queue();
        store
            .write(|c| c.execute("INSERT INTO merge_queue (branch) VALUES ('old')", []).map_err(|f| store.fail(&f)))
            .unwrap();
        assert_eq!(
            (branches(queue, Some("/a")), branches(queue, Some("/b"))),
            (vec!["old".into()], vec!["old".into()])
        );
        assert_eq!(queue.enqueue(entry("/a", "old", 0), NOW).unwrap(), None);
        let id = queue.entries(None).unwrap()[0].id;
        assert!(queue.claim(id, "/a", Some("abc"), NOW).unwrap());
        assert_eq!((branches(queue, Some("/a")).len(), branches(queue, Some("/b")).len()), (1, 0));
    }

    #[test]
    fn an_entry_put_back_keeps_its_place_and_forgets_its_steps() {
        let (_folder, store) = scratch();
        let queue = store.merge_queue();
        let id = queue.enqueue(entry("/a", "x", 0), NOW).unwrap().unwrap();
        queue.enqueue(entry("/a", "y", 0), NOW).unwrap();
        queue.claim(id, "/a", Some("h"), NOW).unwrap();
        queue.note_step(QueueStep::Moving, &[(id, "b", "c")]).unwrap();
        let row = queue.entry(id).unwrap().unwrap();
        assert_eq!(
            (row.step.as_deref(), row.base.as_deref(), row.candidate.as_deref()),
            (Some("moving"), Some("b"), Some("c"))
        );
        queue.put_back(&[id]).unwrap();
        assert_eq!(branches(queue, Some("/a")), ["x", "y"]);
        let row = queue.entry(id).unwrap().unwrap();
        assert_eq!((row.state, row.started_at, row.candidate), (QueueState::Queued, None, None));
    }

    #[test]
    fn cleaning_counts_hours_from_the_end() {
        let (_folder, store) = scratch();
        let queue = store.merge_queue();
        for branch in ["x", "y"] {
            queue.enqueue(entry("/a", branch, 0), "2025-01-01 00:00:00").unwrap();
        }
        assert_eq!(queue.cancel(Some("/b"), "x", NOW).unwrap(), 0);
        assert_eq!(queue.cancel(Some("/a"), "x", "2026-01-01 00:00:00").unwrap(), 1);
        assert_eq!(queue.clean(Some("/a"), 28, NOW).unwrap(), 0);
        assert_eq!(queue.clean(Some("/b"), 0, NOW).unwrap(), 0);
        assert_eq!(queue.clean(Some("/a"), 27, NOW).unwrap(), 1);
        assert_eq!(queue.clean(None, u32::MAX, NOW).unwrap(), 0);
        assert_eq!(branches(queue, Some("/a")), ["y"]);
    }

    #[test]
    fn an_older_queue_keeps_its_rows_and_lets_a_branch_wait_in_two_repositories() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { path: folder.path().join("d.db"), host: "h".into(), now: NOW.into() };
        #[expect(clippy::disallowed_methods, reason = "a database as it was before")]
        let old = Connection::open(&settings.path).unwrap();
        old.execute_batch(
            "CREATE TABLE merge_queue (id INTEGER PRIMARY KEY, branch TEXT NOT NULL UNIQUE, worktree_path TEXT, \
             plan_id INTEGER, priority INTEGER DEFAULT 0, status TEXT DEFAULT 'queued' CHECK (status IN \
             ('queued','processing','done','failed','cancelled')), queued_at DATETIME DEFAULT (datetime('now')), \
             started_at DATETIME, completed_at DATETIME, result TEXT, error TEXT); \
             INSERT INTO merge_queue (id, branch, priority, status) VALUES (7, 'x', 2, 'queued'), (9, 'y', 0, 'done');",
        )
        .unwrap();
        drop(old);
        let store = Store::open_or_create(&settings).unwrap();
        let queue = store.merge_queue();
        let rows = queue.entries(Some("/a")).unwrap();
        assert_eq!(rows.iter().map(|row| (row.id, row.priority)).collect::<Vec<_>>(), [(7, 2), (9, 0)]);
        assert!(queue.claim(7, "/a", None, NOW).unwrap());
        assert!(queue.enqueue(entry("/b", "x", 0), NOW).unwrap().is_some());
        assert_eq!(queue.enqueue(entry("/a", "x", 0), NOW).unwrap(), None);
    }
}
