//! The project that a directory belongs to.

use std::path::{Path, PathBuf};

use crewkit_repo::Repository;
use crewkit_store::{Result, Store};
use crewkit_tool::Context;

/// The project of `directory`, which need not exist: of the registered ones whose folder holds it, the one with the
/// longest path; else that of the repository whose worktree it lies in; else the name of the directory, or `unknown`.
///
/// # Errors
/// See [`crewkit_store::Error`].
pub fn project_of(context: &Context, store: &Store, directory: &Path) -> Result<String> {
    let registered: Vec<(PathBuf, String)> = store
        .projects()
        .all()?
        .into_iter()
        .filter(|project| !project.path.is_empty())
        .map(|project| (context.expand_home(Path::new(&project.path)), project.id))
        .collect();
    let holds = |place: &Path| {
        let inside = registered.iter().filter(|(folder, _)| place.starts_with(folder));
        inside.max_by_key(|(folder, _)| folder.components().count()).map(|(_, id)| id.clone())
    };
    if let Some(id) = holds(directory) {
        return Ok(id);
    }
    if !registered.is_empty()
        && let Ok(real) = directory.canonicalize()
    {
        let main = || Repository::discover(&real).and_then(|found| found.main_worktree());
        if let Some(id) = holds(&real).or_else(|| holds(&main()?)) {
            return Ok(id);
        }
    }
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(name.unwrap_or_else(|| "unknown".to_owned()))
}
