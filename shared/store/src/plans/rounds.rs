//! How often a task was rejected since it was last validated or taken out of blocked.
//!
//! The table came to the current schema after databases of that version were made: where it is missing nothing was
//! rejected yet, and the first rejection makes it.

use rusqlite::{Connection, params};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS task_rejections (task_id INTEGER NOT NULL, round INTEGER NOT NULL, \
     rejected_at DATETIME NOT NULL, report TEXT, PRIMARY KEY (task_id, round)) WITHOUT ROWID";

fn is_there(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'task_rejections')";
    connection.query_row(sql, [], |row| row.get(0))
}

/// The number of rounds that the task has lost.
pub(super) fn count(connection: &Connection, task: i64) -> rusqlite::Result<i64> {
    if !is_there(connection)? {
        return Ok(0);
    }
    let sql = "SELECT COALESCE(MAX(round), 0) FROM task_rejections WHERE task_id = ?1";
    connection.query_row(sql, [task], |row| row.get(0))
}

/// Writes down one more; its number.
pub(super) fn add(connection: &Connection, task: i64, report: &str, now: &str) -> rusqlite::Result<i64> {
    connection.execute(TABLE, [])?;
    let round = count(connection, task)? + 1;
    connection.execute(
        "INSERT INTO task_rejections (task_id, round, rejected_at, report) VALUES (?1, ?2, ?3, ?4)",
        params![task, round, now, report],
    )?;
    Ok(round)
}

/// Begins at 0 again.
pub(super) fn forget(connection: &Connection, task: i64) -> rusqlite::Result<()> {
    if is_there(connection)? {
        connection.execute("DELETE FROM task_rejections WHERE task_id = ?1", [task])?;
    }
    Ok(())
}
