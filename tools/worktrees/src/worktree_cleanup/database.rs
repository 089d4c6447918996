//! What the crew's database knows of worktrees. Without a database it knows nothing.

use std::path::{Path, PathBuf};

use crewkit_repo::real_path;
use crewkit_store::Store;
use crewkit_store::locks::{Filter, Here};
use crewkit_store::worktrees::Assignment;
use crewkit_tool::{Context, Refusal};

/// The database, if there is one.
pub(crate) struct Database<'a> {
    context: &'a Context,
    store: Option<&'a Store>,
}

/// Where a path of the database lies on this computer: absolute, `~` expanded, links resolved.
pub(crate) fn place(context: &Context, stored: &Path) -> Result<PathBuf, Refusal> {
    Ok(real_path(&context.absolute(&context.expand_home(stored))?))
}

impl<'a> Database<'a> {
    pub(crate) fn of(context: &'a Context) -> Result<Self, Refusal> {
        // Without a home there is no database to look for.
        let store = if context.database_path().is_ok() { context.existing_store()? } else { None };
        Ok(Self { context, store })
    }

    pub(crate) fn plan(&self, id: i64) -> Result<Option<Assignment>, Refusal> {
        Ok(match self.store {
            Some(store) => store.assignments().plan(id)?,
            None => None,
        })
    }

    pub(crate) fn wave(&self, id: i64) -> Result<Option<Assignment>, Refusal> {
        Ok(match self.store {
            Some(store) => store.assignments().wave(id)?,
            None => None,
        })
    }

    pub(crate) fn waves_of(&self, plan: i64) -> Result<Vec<Assignment>, Refusal> {
        Ok(match self.store {
            Some(store) => store.assignments().waves_of(plan)?,
            None => Vec::new(),
        })
    }

    /// The plans and waves that have the worktree at `path`.
    pub(crate) fn at(&self, path: &Path) -> Result<Vec<Assignment>, Refusal> {
        let Some(store) = self.store else { return Ok(Vec::new()) };
        let all = store.assignments().all()?;
        let here = |one: &Assignment| {
            one.path.as_deref().is_some_and(|stored| place(self.context, stored).is_ok_and(|at| at == path))
        };
        Ok(all.into_iter().filter(here).collect())
    }

    /// The number of files in `folder` that an agent has locked. Whether a process still lives is its own computer's
    /// to know; here a lock counts until its last sign of life is too old for any.
    pub(crate) fn locked_in(&self, folder: &Path) -> Result<usize, Refusal> {
        let Some(store) = self.store else { return Ok(0) };
        let (host, now) = (self.context.host(), self.context.now());
        let locks = store.locks().list(&Filter::default(), &now)?;
        let here = Here { host: &host, now: &|| now.clone(), alive: &|_| true };
        Ok(locks.iter().filter(|lock| Path::new(&lock.file).starts_with(folder) && !lock.stale(&here)).count())
    }

    pub(crate) fn release(&self, assignments: &[Assignment]) -> Result<(), Refusal> {
        match self.store {
            Some(store) if !assignments.is_empty() => {
                Ok(store.assignments().release(assignments, &self.context.now())?)
            }
            _ => Ok(()),
        }
    }
}
