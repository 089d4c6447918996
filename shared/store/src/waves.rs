//! Waves on their way into the main branch: worktree, branch, pull request, and how far each has come.
//!
//! `landing_step` says what is being done with a wave and is written before it is done, so that whoever comes after a
//! killed process knows where to look; `landing_head` is the commit that it is done with.

use std::path::{Path, PathBuf};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::change_log::Touches;
use crate::plan_views::{count, filled_text, optional_text, path, text};
use crate::{Error, Result, Store};

/// What is being done with a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaveStep {
    /// Its worktree is being made.
    Creating,
    /// Its uncommitted changes are being committed.
    Committing,
    /// Its branch is being pushed.
    Pushing,
    /// Its pull request is being opened.
    Requesting,
    /// The checks of its pull request are waited for.
    Checking,
    /// It is being merged.
    Merging,
    /// It is in the main branch: only its worktree is left to remove.
    Landed,
}

impl WaveStep {
    const ALL: [Self; 7] = [
        Self::Creating,
        Self::Committing,
        Self::Pushing,
        Self::Requesting,
        Self::Checking,
        Self::Merging,
        Self::Landed,
    ];

    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Committing => "committing",
            Self::Pushing => "pushing",
            Self::Requesting => "requesting",
            Self::Checking => "checking",
            Self::Merging => "merging",
            Self::Landed => "landed",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }
}

/// A wave, as far as its landing asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// Its row.
    pub id: i64,
    /// Its plan's row.
    pub plan: Option<i64>,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its status, the database's word.
    pub status: String,
    /// Its finished tasks.
    pub tasks_done: i64,
    /// All its tasks.
    pub tasks_total: i64,
    /// Its worktree as stored (`~` for the home folder).
    pub worktree: Option<PathBuf>,
    /// Its branch.
    pub branch: Option<String>,
    /// The number of its pull request.
    pub pr_number: Option<i64>,
    /// The address of its pull request.
    pub pr_url: Option<String>,
    /// What is being done with it.
    pub step: Option<WaveStep>,
    /// The full id of the commit that it is done with.
    pub head: Option<String>,
}

/// The functions of a wave's landing.
#[derive(Debug, Clone, Copy)]
pub struct Waves<'a> {
    store: &'a Store,
}

impl Store {
    /// Waves on their way into the main branch.
    pub fn waves(&self) -> Waves<'_> {
        Waves { store: self }
    }
}

const COLUMNS: &str = "id, plan_id, wave_id, name, status, tasks_done, tasks_total, worktree_path, branch_name, \
                       pr_number, pr_url, landing_step, landing_head";

fn wave(row: &Row<'_>) -> rusqlite::Result<Wave> {
    let number = |at: usize| row.get_ref(at).map(|value| value.as_i64().ok());
    Ok(Wave {
        id: row.get(0)?,
        plan: number(1)?,
        code: text(row, 2)?,
        name: text(row, 3)?,
        status: text(row, 4)?,
        tasks_done: count(row, 5)?,
        tasks_total: count(row, 6)?,
        worktree: path(row, 7)?,
        branch: filled_text(row, 8)?,
        pr_number: number(9)?,
        pr_url: filled_text(row, 10)?,
        step: optional_text(row, 11)?.and_then(|word| WaveStep::from_word(&word)),
        head: filled_text(row, 12)?,
    })
}

/// A path as the database keeps it: text, or bytes where it is not UTF-8.
struct Stored<'a>(&'a Path);

impl ToSql for Stored<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use std::os::unix::ffi::OsStrExt as _;
        let bytes = self.0.as_os_str().as_bytes();
        Ok(ToSqlOutput::Borrowed(match self.0.to_str() {
            Some(_) => ValueRef::Text(bytes),
            None => ValueRef::Blob(bytes),
        }))
    }
}

impl Waves<'_> {
    /// The wave with the row number `id`, or `None`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get(self, id: i64) -> Result<Option<Wave>> {
        let sql = format!("SELECT {COLUMNS} FROM waves WHERE id = ?1");
        self.store.read(|connection| connection.query_row(&sql, [id], wave).optional())
    }

    /// The waves of a plan, by position.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn of_plan(self, plan: i64) -> Result<Vec<Wave>> {
        let sql = format!("SELECT {COLUMNS} FROM waves WHERE plan_id = ?1 ORDER BY position, id");
        self.store.read(|connection| connection.prepare(&sql)?.query_map([plan], wave)?.collect())
    }

    /// Writes down what is about to be done with a wave, and with which commit (without one, the last stays).
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave; see [`Error`].
    pub fn begin(self, id: i64, step: WaveStep, head: Option<&str>, now: &str) -> Result<()> {
        let sql = "UPDATE waves SET landing_step = ?2, landing_head = COALESCE(?3, landing_head), updated_at = ?4 \
                   WHERE id = ?1";
        self.change(id, |connection| connection.execute(sql, params![id, step.word(), head, now]))
    }

    /// Makes the status of a wave `merging`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave; see [`Error`].
    pub fn set_merging(self, id: i64, now: &str) -> Result<()> {
        let sql = "UPDATE waves SET status = 'merging', completed_at = NULL, updated_at = ?2 WHERE id = ?1";
        self.change(id, |connection| connection.execute(sql, params![id, now]))
    }

    /// Gives a wave the worktree at `path` (as the database keeps paths) with its branch: it is in progress, and its
    /// plan has that worktree, too.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave; see [`Error`].
    pub fn assign(self, id: i64, plan: i64, path: &Path, branch: &str, now: &str) -> Result<()> {
        let sql = "UPDATE waves SET worktree_path = ?2, branch_name = ?3, status = 'in_progress', completed_at = NULL, \
                   started_at = COALESCE(NULLIF(started_at, ''), ?4), landing_step = NULL, landing_head = NULL, \
                   updated_at = ?4 WHERE id = ?1";
        self.change(id, |connection| {
            let plans = "UPDATE plans SET worktree_path = ?2, updated_at = ?3 WHERE id = ?1";
            connection.execute(plans, params![plan, Stored(path), now])?;
            connection.execute(sql, params![id, Stored(path), branch, now])
        })
    }

    /// Writes down the pull request of a wave.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave; see [`Error`].
    pub fn set_request(self, id: i64, number: i64, url: &str, now: &str) -> Result<()> {
        let sql = "UPDATE waves SET pr_number = ?2, pr_url = ?3, updated_at = ?4 WHERE id = ?1";
        self.change(id, |connection| connection.execute(sql, params![id, number, url, now]))
    }

    /// Makes a wave done: the commit `head` of its branch is in the main branch.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown wave; see [`Error`].
    pub fn set_landed(self, id: i64, head: &str, now: &str) -> Result<()> {
        let sql = "UPDATE waves SET status = 'done', started_at = COALESCE(NULLIF(started_at, ''), ?3), \
                   completed_at = ?3, landing_step = 'landed', landing_head = ?2, updated_at = ?3 WHERE id = ?1";
        self.change(id, |connection| connection.execute(sql, params![id, head, now]))
    }

    fn change(self, id: i64, change: impl FnOnce(&Connection) -> rusqlite::Result<usize>) -> Result<()> {
        self.store.write_logged(Touches::Changes, |connection| {
            match change(connection).map_err(|fault| self.store.fail(&fault))? {
                0 => Err(Error::not_found("wave", id)),
                _ => Ok(()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    const NOW: &str = "2026-01-02 03:04:05";

    fn store(folder: &tempfile::TempDir) -> Store {
        let path = folder.path().join("d.db");
        let store = Store::open_or_create(&Settings { path, host: "h".to_owned(), now: NOW.to_owned() }).unwrap();
        let rows = "INSERT INTO plans (id, project_id, name, status) VALUES (1, 'p', 'a', 'doing'); \
                    INSERT INTO waves (id, project_id, plan_id, wave_id, name, status, position) VALUES \
                    (5, 'p', 1, 'W2', 'it''s | two', 'pending', 2), (6, 'p', 1, 'W1', 'one', 'done', 1)";
        store.connection.execute_batch(rows).unwrap();
        store
    }

    #[test]
    fn a_wave_goes_from_its_worktree_to_the_main_branch() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let waves = store.waves();
        assert_eq!(waves.of_plan(1).unwrap().iter().map(|wave| wave.id).collect::<Vec<_>>(), [6, 5]);
        waves.begin(5, WaveStep::Creating, None, NOW).unwrap();
        assert_eq!(waves.get(5).unwrap().unwrap().step, Some(WaveStep::Creating));
        waves.assign(5, 1, Path::new("~/it's"), "plan/1-W2", NOW).unwrap();
        let wave = waves.get(5).unwrap().unwrap();
        assert_eq!((wave.status.as_str(), wave.step), ("in_progress", None));
        assert_eq!(wave.worktree.as_deref(), Some(Path::new("~/it's")));
        assert_eq!(store.assignments().plan(1).unwrap().unwrap().path, wave.worktree);
        waves.begin(5, WaveStep::Pushing, Some("ab"), NOW).unwrap();
        waves.begin(5, WaveStep::Requesting, None, NOW).unwrap();
        waves.set_request(5, 42, "https://x/pull/42", NOW).unwrap();
        waves.set_merging(5, NOW).unwrap();
        let wave = waves.get(5).unwrap().unwrap();
        assert_eq!((wave.step, wave.head.as_deref()), (Some(WaveStep::Requesting), Some("ab")));
        assert_eq!((wave.status.as_str(), wave.pr_number), ("merging", Some(42)));
        waves.set_landed(5, "cd", NOW).unwrap();
        let wave = waves.get(5).unwrap().unwrap();
        assert_eq!((wave.status.as_str(), wave.step), ("done", Some(WaveStep::Landed)));
    }

    #[test]
    fn an_unknown_wave_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        assert_eq!(store.waves().get(9).unwrap(), None);
        assert!(store.waves().assign(9, 1, Path::new("/w"), "b", NOW).is_err());
        assert_eq!(store.assignments().plan(1).unwrap().unwrap().path, None);
    }

    #[test]
    fn a_path_that_is_not_text_comes_back_byte_for_byte() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let odd = Path::new(OsStr::from_bytes(b"/w/\xff"));
        store.waves().assign(5, 1, odd, "b", NOW).unwrap();
        assert_eq!(store.waves().get(5).unwrap().unwrap().worktree.as_deref(), Some(odd));
        assert_eq!(store.assignments().wave(5).unwrap().unwrap().path.as_deref(), Some(odd));
    }
}
