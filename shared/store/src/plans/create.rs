//! Making a plan, and its texts and paths.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{History, Plans, Step, plan_head, write_history};
use crate::{Error, Result};

/// A plan to be made. Paths as the database keeps them.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewPlan<'a> {
    /// The id of its project, which need not be registered.
    pub project: &'a str,
    /// Its name, one line.
    pub name: &'a str,
    /// The file it was made from.
    pub source_file: Option<&'a str>,
    /// Its Markdown file.
    pub markdown_path: Option<&'a str>,
    /// The folder of that.
    pub markdown_dir: Option<&'a str>,
    /// Its worktree.
    pub worktree_path: Option<&'a str>,
    /// What it is about, for agents.
    pub description: Option<&'a str>,
    /// What it is about, for people.
    pub human_summary: Option<&'a str>,
}

/// A text column of `plans` that a command replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlanText {
    Description,
    Summary,
}

impl Plans<'_> {
    /// Makes a plan, todo, with the first row of its history; its id comes back. It is a master when its name says so
    /// (`-Main`, `-Master`), else a child of the project's first master whose name begins as its own does.
    ///
    /// # Errors
    /// [`Error::Refused`] with the other's id when the project has a plan of this name; see [`Error`].
    pub fn create(self, new: &NewPlan<'_>, now: &str) -> Result<i64> {
        self.write(|connection| {
            let taken = "SELECT id FROM plans WHERE project_id = ?1 AND name = ?2";
            let taken: Option<i64> =
                connection.query_row(taken, [new.project, new.name], |row| row.get(0)).optional()?;
            if let Some(id) = taken {
                let (project, name) = (new.project, new.name);
                return Err(Error::refused(format!("project {project} has a plan '{name}' already: plan {id}")).into());
            }
            let is_master = is_master(new.name);
            let parent = if is_master { None } else { parent(connection, new.project, new.name)? };
            connection.execute(
                "INSERT INTO plans (project_id, name, is_master, parent_plan_id, status, source_file, markdown_path, markdown_dir, \
                 worktree_path, description, human_summary, tasks_done, tasks_total, created_at, updated_at) \
                 VALUES (?1, ?2, ?3, ?4, 'todo', ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, ?11, ?11)",
                params![
                    new.project,
                    new.name,
                    is_master,
                    parent,
                    new.source_file,
                    new.markdown_path,
                    new.markdown_dir,
                    new.worktree_path,
                    new.description,
                    new.human_summary,
                    now
                ],
            )?;
            let plan = connection.last_insert_rowid();
            let row = History { plan, change: "created", reason: Some("Plan created"), by: "planner", host: None };
            write_history(connection, &row, now)?;
            Ok(plan)
        })
    }

    /// Takes back a plan that was just made: its row and history. A plan that has waves or was started stays.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn take_back(self, plan: i64) -> Result<()> {
        self.write(|connection| {
            let gone = connection.execute(
                "DELETE FROM plans WHERE id = ?1 AND status = 'todo' AND NOT EXISTS (SELECT 1 FROM waves WHERE plan_id = ?1)",
                [plan],
            )?;
            if gone > 0 {
                connection.execute("DELETE FROM plan_versions WHERE plan_id = ?1", [plan])?;
            }
            Ok(())
        })
    }

    /// Sets the description for agents.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; see [`Error`].
    pub fn set_description(self, plan: i64, text: &str, now: &str) -> Result<()> {
        self.set_text(plan, PlanText::Description, text, now)
    }

    /// Sets the summary for people.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; see [`Error`].
    pub fn set_summary(self, plan: i64, text: &str, now: &str) -> Result<()> {
        self.set_text(plan, PlanText::Summary, text, now)
    }

    fn set_text(self, plan: i64, column: PlanText, text: &str, now: &str) -> Result<()> {
        let sql = match column {
            PlanText::Description => "UPDATE plans SET description = ?2, updated_at = ?3 WHERE id = ?1",
            PlanText::Summary => "UPDATE plans SET human_summary = ?2, updated_at = ?3 WHERE id = ?1",
        };
        self.write(|connection| match connection.execute(sql, params![plan, text, now])? {
            0 => Err(Error::not_found("plan", plan).into()),
            _ => Ok(()),
        })
    }

    /// Sets the worktree of a plan, as the database keeps paths, and, where it is given and none is set, the Markdown
    /// file and its folder.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan; see [`Error`].
    pub fn set_worktree(self, plan: i64, path: &str, markdown: Option<(&str, &str)>, now: &str) -> Result<()> {
        self.write(|connection| {
            let changed = connection.execute(
                "UPDATE plans SET worktree_path = ?2, updated_at = ?3 WHERE id = ?1",
                params![plan, path, now],
            )?;
            if changed == 0 {
                return Err(Error::not_found("plan", plan).into());
            }
            if let Some((file, folder)) = markdown {
                connection.execute(
                    "UPDATE plans SET markdown_path = ?2, markdown_dir = ?3 WHERE id = ?1 AND markdown_path IS NULL",
                    params![plan, file, folder],
                )?;
            }
            Ok(())
        })
    }

    /// Archives a plan that is not being worked on (or any, with `force`); `false` when it was archived already.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown plan, [`Error::Refused`] for one that is doing; see [`Error`].
    pub fn archive(self, plan: i64, force: bool, host: &str, now: &str) -> Result<bool> {
        self.write(|connection| {
            let head = plan_head(connection, plan)?;
            match head.status.as_str() {
                "archived" => return Ok(false),
                "todo" | "done" => {}
                _ if force => {}
                status => {
                    let line = format!("plan {plan} ({}) is {status}: complete it first, or give --force", head.name);
                    return Err(Error::refused(line).into());
                }
            }
            connection.execute(
                "UPDATE plans SET status = 'archived', archived_at = ?2, updated_at = ?2 WHERE id = ?1",
                params![plan, now],
            )?;
            let row = History { plan, change: "archived", reason: None, by: "planner", host: Some(host) };
            write_history(connection, &row, now)?;
            Ok(true)
        })
    }
}

/// Whether a plan of this name is the master of others.
pub(super) fn is_master(name: &str) -> bool {
    name.contains("-Main") || name.contains("-Master")
}

/// The project's first master whose name begins with the stem of the new plan's name: what stands before `-Phase` or
/// before the first dash that a digit follows, whichever comes first.
pub(super) fn parent(connection: &Connection, project: &str, name: &str) -> Step<Option<i64>> {
    let phase = name.find("-Phase");
    let number = name.as_bytes().windows(2).position(|pair| pair[0] == b'-' && pair[1].is_ascii_digit());
    let stem = match (phase, number) {
        (Some(one), Some(other)) => &name[..one.min(other)],
        (Some(end), None) | (None, Some(end)) => &name[..end],
        (None, None) => name,
    };
    if stem.is_empty() {
        return Ok(None);
    }
    let sql = "SELECT id FROM plans WHERE project_id = ?1 AND is_master = 1 AND substr(name, 1, length(?2)) = ?2 ORDER BY id LIMIT 1";
    Ok(connection.query_row(sql, [project, stem], |row| row.get(0)).optional()?)
}
