//! Files of a wave that somebody has locked now.

use std::path::{Path, PathBuf};

use crewkit_repo::Repository;
use crewkit_store::locks::{Filter, Here, Lock};
use crewkit_store::plan_views::TaskTexts;
use crewkit_tool::{Context, Refusal, lineage};
use serde::Serialize;

use super::overlap::Item;
use crate::task_files::normal;

/// A file that tasks of the wave name and that another task or session has locked.
#[derive(Debug, Serialize)]
pub(super) struct HeldFile {
    /// From the top of the work tree.
    file: String,
    /// The codes of the tasks of the wave that name it.
    tasks: Vec<String>,
    /// The task that holds the lock.
    task_id: Option<String>,
    /// The session that holds the lock.
    session_id: Option<String>,
    /// The agent that took it.
    agent: Option<String>,
    /// The computer it was taken on.
    host: String,
}

/// The locks of the present moment on files of a plan's repository.
pub(super) struct Held(Vec<(String, Lock)>);

impl Held {
    /// Reads them; stale ones are left out.
    pub(super) fn read(context: &Context, plan: i64) -> Result<Self, Refusal> {
        let store = context.store()?;
        let (host, now) = (context.host(), || context.now());
        let here = Here { host: &host, now: &now, alive: &lineage::alive };
        let mut locks = store.locks().list(&Filter::default(), &context.now())?;
        locks.retain(|lock| !lock.stale(&here));
        if locks.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let brief = store.plans().brief(plan)?;
        let kept = [brief.worktree.as_deref(), brief.project_path.as_deref()].into_iter().flatten();
        let mut places: Vec<PathBuf> = kept.map(|path| context.expand_home(Path::new(path))).collect();
        places.retain(|place| place.is_dir());
        if places.is_empty() {
            places.push(context.directory()?.to_owned());
        }
        let places: Vec<Place> = places.iter().map(|folder| Place::of(folder)).collect();
        Ok(Self(locks.into_iter().filter_map(|lock| Some((place_in(&lock, &places)?, lock))).collect()))
    }

    /// Those on files that tasks of a wave name, without those that the only task naming the file has itself.
    pub(super) fn in_wave(&self, tasks: &[&TaskTexts], items: &[Item]) -> Vec<HeldFile> {
        let held = self.0.iter().filter_map(|(file, lock)| {
            let naming: Vec<usize> = (0..items.len()).filter(|&at| items[at].files.covers(file)).collect();
            let own = |at: usize| {
                lock.task_id.as_deref().is_some_and(|id| id == items[at].code || id == tasks[at].id.to_string())
            };
            naming.iter().any(|&at| !own(at)).then(|| HeldFile {
                file: file.clone(),
                tasks: naming.iter().map(|&at| items[at].code.clone()).collect(),
                task_id: lock.task_id.clone(),
                session_id: lock.session_id.clone(),
                agent: lock.agent.clone(),
                host: lock.host.clone(),
            })
        });
        held.collect()
    }
}

/// A folder that the plan is worked on in.
struct Place {
    top: PathBuf,
    repository: Option<Repository>,
}

impl Place {
    fn of(folder: &Path) -> Self {
        let repository = Repository::discover(folder);
        let top = repository.as_ref().and_then(|repository| repository.top.clone());
        let top = top.or_else(|| folder.canonicalize().ok()).unwrap_or_else(|| folder.to_owned());
        Self { top, repository }
    }
}

/// The locked file's name from the top of the work tree, when it lies in one of `places` or in another work tree of the
/// same repository.
fn place_in(lock: &Lock, places: &[Place]) -> Option<String> {
    if let Some(origin) = &lock.origin {
        let mut known = places.iter().filter_map(|place| place.repository.as_ref());
        let same = known.any(|repository| repository.common_dir.to_str() == Some(&origin.repository));
        return same.then(|| normal(&origin.path)).flatten();
    }
    places.iter().find_map(|place| normal(Path::new(&lock.file).strip_prefix(&place.top).ok()?.to_str()?))
}
