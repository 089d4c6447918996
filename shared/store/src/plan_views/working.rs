//! What is being worked on: for an agent that has lost its context, or is new to it.

use std::path::PathBuf;

use rusqlite::Row;

use super::{PlanViews, path, text};
use crate::Result;

/// A task's code and title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskTitle {
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
}

/// Where the work on a plan stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The plan's name; `None` when there is no row of it.
    pub name: Option<String>,
    /// The worktree of the wave in progress, else of the plan, as stored.
    pub worktree: Option<PathBuf>,
    /// The branch of the wave in progress.
    pub branch: Option<String>,
    /// The tasks in progress, the first entered first.
    pub running: Vec<TaskTitle>,
    /// The tasks that nobody has begun, in the plan's order.
    pub pending: Vec<TaskTitle>,
    /// The number of tasks that are done, and of all.
    pub done: i64,
    /// The number of all tasks.
    pub total: i64,
}

/// A plan that is being carried out, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivePlan {
    /// Its row.
    pub id: i64,
    /// Its worktree, and those of its waves in progress, as stored.
    pub worktrees: Vec<PathBuf>,
    /// The folder of its project, as stored, if that is registered.
    pub project: Option<PathBuf>,
}

fn title(row: &Row<'_>) -> rusqlite::Result<TaskTitle> {
    Ok(TaskTitle { code: text(row, 0)?, title: text(row, 1)? })
}

impl PlanViews<'_> {
    /// Where the work on the plan `id` stands.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn checkpoint(&self, id: i64) -> Result<Checkpoint> {
        let plan = self.one("SELECT name, worktree_path FROM plans WHERE id = ?1", [id], |row| {
            Ok((text(row, 0)?, path(row, 1)?))
        })?;
        let wave = self.one(
            "SELECT worktree_path, NULLIF(branch_name, '') FROM waves \
             WHERE plan_id = ?1 AND status IN ('in_progress', 'merging') ORDER BY position, id LIMIT 1",
            [id],
            |row| Ok((path(row, 0)?, row.get::<_, Option<String>>(1)?)),
        )?;
        let running = "SELECT task_id, title FROM tasks WHERE plan_id = ?1 AND status = 'in_progress' ORDER BY id";
        let pending = "SELECT t.task_id, t.title FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk \
                       WHERE t.plan_id = ?1 AND t.status = 'pending' ORDER BY w.position, t.position, t.id";
        let counts = "SELECT COALESCE(SUM(status = 'done'), 0), COUNT(*) FROM tasks WHERE plan_id = ?1";
        let (done, total) = self.one(counts, [id], |row| Ok((row.get(0)?, row.get(1)?)))?.unwrap_or_default();
        let (name, of_plan) = plan.unzip();
        let (of_wave, branch) = wave.unzip();
        Ok(Checkpoint {
            name,
            worktree: of_wave.flatten().or(of_plan.flatten()),
            branch: branch.flatten(),
            running: self.all(running, [id], title)?,
            pending: self.all(pending, [id], title)?,
            done,
            total,
        })
    }

    /// The plan whose task in progress the session `session` carries out.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn plan_of_session(&self, session: &str) -> Result<Option<i64>> {
        let sql = "SELECT plan_id FROM tasks WHERE executor_session_id = ?1 AND status = 'in_progress' \
                   AND plan_id IS NOT NULL ORDER BY executor_last_activity DESC, id DESC LIMIT 1";
        self.one(sql, [session], |row| row.get(0))
    }

    /// The plans in the state doing, the one changed last first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn active(&self) -> Result<Vec<ActivePlan>> {
        let sql = "SELECT p.id, p.worktree_path, w.worktree_path, pr.path FROM plans p \
                   LEFT JOIN projects pr ON pr.id = p.project_id \
                   LEFT JOIN waves w ON w.plan_id = p.id AND w.status IN ('in_progress', 'merging') \
                   AND w.worktree_path <> '' WHERE p.status = 'doing' ORDER BY p.updated_at DESC, p.id DESC";
        let rows = self.all(sql, [], |row| Ok((row.get(0)?, path(row, 1)?, path(row, 2)?, path(row, 3)?)))?;
        let mut plans: Vec<ActivePlan> = Vec::new();
        for (id, of_plan, of_wave, project) in rows {
            if plans.last().is_none_or(|last| last.id != id) {
                plans.push(ActivePlan { id, worktrees: of_plan.into_iter().collect(), project });
            }
            if let (Some(last), Some(worktree)) = (plans.last_mut(), of_wave) {
                last.worktrees.push(worktree);
            }
        }
        Ok(plans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, Store};

    #[test]
    fn a_checkpoint_tells_what_runs_and_what_is_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.db");
        let settings = Settings { path, host: "h".to_owned(), now: "2026-01-02 03:04:05".to_owned() };
        let store = Store::open_or_create(&settings).unwrap();
        store
            .connection
            .execute_batch(
                "INSERT INTO projects (id, name, path) VALUES ('p', 'P', '~/p'); \
                 INSERT INTO plans (id, project_id, name, status, worktree_path, updated_at) VALUES \
                 (1, 'p', 'a', 'doing', '~/a', '2026-01-01'), (2, 'q', 'b', 'doing', NULL, '2026-01-02'), \
                 (3, 'p', 'c', 'done', '~/c', '2026-01-03'); \
                 INSERT INTO waves (id, project_id, plan_id, wave_id, name, status, position, worktree_path, branch_name) \
                 VALUES (5, 'p', 1, 'W2', 'w', 'in_progress', 2, '/w/2', 'plan/1-W2'), \
                 (6, 'p', 1, 'W1', 'w', 'done', 1, '/w/1', 'plan/1-W1'); \
                 INSERT INTO tasks (project_id, wave_id, wave_id_fk, plan_id, task_id, title, status, executor_session_id) \
                 VALUES ('p', 'W1', 6, 1, 'T1', 'one', 'done', 's'), ('p', 'W2', 5, 1, 'T2', 'two', 'in_progress', 's'), \
                 ('p', 'W2', 5, 1, 'T3', 'three', 'pending', NULL)",
            )
            .unwrap();
        let views = store.plan_views();
        let found = views.checkpoint(1).unwrap();
        assert_eq!((found.name.as_deref(), found.branch.as_deref()), (Some("a"), Some("plan/1-W2")));
        assert_eq!(found.worktree, Some("/w/2".into()));
        assert_eq!((found.done, found.total), (1, 3));
        assert_eq!((found.running[0].code.as_str(), found.pending[0].title.as_str()), ("T2", "three"));
        assert_eq!(views.checkpoint(9).unwrap(), Checkpoint::default());
        assert_eq!((views.plan_of_session("s").unwrap(), views.plan_of_session("t").unwrap()), (Some(1), None));
        let active = views.active().unwrap();
        assert_eq!(active.iter().map(|plan| plan.id).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(active[1].worktrees, [PathBuf::from("~/a"), PathBuf::from("/w/2")]);
        assert_eq!(active[1].project, Some("~/p".into()));
    }
}
