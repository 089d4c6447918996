//! Projects: the repositories that plans belong to.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{Result, Store};

/// A project's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The id that plans name: the folder's name in small letters, blanks as dashes.
    pub id: String,
    /// The name for people, one line.
    pub name: String,
    /// Its folder on this computer as kept: `~` for the home folder.
    pub path: String,
    /// The branch checked out when it was registered.
    pub branch: String,
    /// `https://github.com/OWNER/REPO`, or empty.
    pub github_url: String,
    /// Its icon, relative to its folder, or empty.
    pub icon_path: String,
}

/// What a removal found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// Whether there was a row.
    pub found: bool,
    /// Whether the row is gone.
    pub removed: bool,
    /// The number of plans that name the project.
    pub plans: i64,
}

/// The projects table.
#[derive(Debug, Clone, Copy)]
pub struct Projects<'a> {
    store: &'a Store,
}

impl Store {
    /// The projects table.
    pub fn projects(&self) -> Projects<'_> {
        Projects { store: self }
    }
}

const COLUMNS: &str = "id, name, path, COALESCE(branch, ''), COALESCE(github_url, ''), COALESCE(icon_path, '')";

fn project(row: &Row<'_>) -> rusqlite::Result<Project> {
    let text = |at: usize| -> rusqlite::Result<String> {
        Ok(row
            .get_ref(at)?
            .as_bytes_or_null()?
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .unwrap_or_default())
    };
    Ok(Project {
        id: text(0)?,
        name: text(1)?,
        path: text(2)?,
        branch: text(3)?,
        github_url: text(4)?,
        icon_path: text(5)?,
    })
}

fn plans_of(connection: &Connection, id: &str) -> rusqlite::Result<i64> {
    connection.query_row("SELECT COUNT(*) FROM plans WHERE project_id = ?1", [id], |row| row.get(0))
}

impl Projects<'_> {
    /// The project `id`, or `None`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn get(&self, id: &str) -> Result<Option<Project>> {
        let sql = format!("SELECT {COLUMNS} FROM projects WHERE id = ?1");
        self.store.read(|connection| connection.query_row(&sql, [id], project).optional())
    }

    /// All projects, by id.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn all(&self) -> Result<Vec<Project>> {
        let sql = format!("SELECT {COLUMNS} FROM projects ORDER BY id");
        self.store.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            statement.query_map([], project)?.collect()
        })
    }

    /// Enters a project or changes its row; the time of its creation is kept. `now`: UTC, `YYYY-MM-DDTHH:MM:SSZ`.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn save(&self, project: &Project, now: &str) -> Result<()> {
        let sql = "INSERT INTO projects (id, name, path, branch, github_url, icon_path, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
             path = excluded.path, branch = excluded.branch, github_url = excluded.github_url, \
             icon_path = excluded.icon_path, updated_at = excluded.updated_at";
        let Project { id, name, path, branch, github_url, icon_path } = project;
        self.store.write(|connection| {
            connection
                .execute(sql, params![id, name, path, branch, github_url, icon_path, now])
                .map(drop)
                .map_err(|fault| self.store.fail(&fault))
        })
    }

    /// Takes a project's row out; its plans stay. With `only_without_plans` a row that plans name stays too.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn remove(&self, id: &str, only_without_plans: bool) -> Result<Removal> {
        let work = |connection: &Connection| -> rusqlite::Result<Removal> {
            let found =
                connection.query_row("SELECT 1 FROM projects WHERE id = ?1", [id], |_| Ok(())).optional()?.is_some();
            let plans = plans_of(connection, id)?;
            let removed = found && !(only_without_plans && plans > 0);
            if removed {
                connection.execute("DELETE FROM projects WHERE id = ?1", [id])?;
            }
            Ok(Removal { found, removed, plans })
        };
        self.store.write(|connection| work(connection).map_err(|fault| self.store.fail(&fault)))
    }
}
