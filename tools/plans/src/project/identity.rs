//! Which project a folder belongs to.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crewkit_repo::Repository;
use crewkit_tool::{Context, Refusal};

/// The folder that a project is, and its repository.
#[derive(Debug)]
pub(crate) struct Place {
    /// The top of the main checkout; without a repository the folder itself. Absolute, links resolved, UTF-8.
    pub(crate) path: PathBuf,
    /// The repository, seen from the main checkout.
    pub(crate) repository: Option<Repository>,
}

impl Place {
    /// The project that `folder` lies in: a worktree or a folder inside a checkout belongs to the main checkout.
    ///
    /// # Errors
    /// When there is no such folder, or its path is not UTF-8.
    pub(crate) fn of(context: &Context, folder: &Path) -> Result<Self, Refusal> {
        let absolute = context.absolute(&context.expand_home(folder))?;
        let real = absolute.canonicalize().ok().filter(|path| path.is_dir());
        let Some(real) = real else {
            return Err(Refusal::new(format!("no such folder: {}", absolute.display())));
        };
        let home = context.home().ok().and_then(|home| home.canonicalize().ok());
        // A home folder kept in git is not what a folder in it belongs to.
        let repository = Repository::discover(&real)
            .filter(|found| found.top.is_none() || found.top != home || home.as_ref() == Some(&real));
        let top = repository.as_ref().and_then(|found| found.main_worktree().or_else(|| found.top.clone()));
        let path = top.unwrap_or(real);
        if path.to_str().is_none() {
            return Err(Refusal::new(format!("the path is not UTF-8: {}", path.display())));
        }
        let repository = match repository {
            Some(found) if found.top.as_deref() != Some(&path) => Repository::discover(&path).or(Some(found)),
            other => other,
        };
        Ok(Self { path, repository })
    }

    /// The name of the folder.
    pub(crate) fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// The branch checked out; detached, the repository's main branch. Empty without a repository.
    pub(crate) fn branch(&self) -> String {
        let Some(repository) = &self.repository else { return String::new() };
        let head = repository.head();
        head.branch().map(str::to_owned).or_else(|| repository.main_branch()).unwrap_or_default()
    }
}

/// Where the known projects are, by id.
#[derive(Debug, Default)]
pub(crate) struct Known {
    paths: Vec<(String, Option<PathBuf>)>,
}

impl Known {
    /// The projects of the database, and the registry's that it does not have.
    pub(crate) fn read<'a>(
        context: &Context,
        registry: impl Iterator<Item = (&'a String, &'a Value)>,
    ) -> Result<Self, Refusal> {
        let real = |path: &str| {
            let path = context.expand_home(Path::new(path));
            path.canonicalize().ok()
        };
        let mut paths: Vec<(String, Option<PathBuf>)> =
            context.store()?.projects().all()?.into_iter().map(|project| (project.id, real(&project.path))).collect();
        for (id, entry) in registry {
            if !paths.iter().any(|(known, path)| known == id && path.is_some()) {
                paths.push((id.clone(), entry["path"].as_str().and_then(real)));
            }
        }
        Ok(Self { paths })
    }

    /// The other existing folder that the id `id` stands for, if any.
    pub(crate) fn other(&self, id: &str, place: &Place) -> Option<&Path> {
        let mut paths = self.paths.iter().filter(|(known, _)| known == id).filter_map(|(_, path)| path.as_deref());
        paths.find(|path| path.is_dir() && !same(path, place))
    }

    /// The id under which `place` is known already; its own name's before others.
    fn id_of(&self, place: &Place, own: Option<&str>) -> Option<&str> {
        let mut ids: Vec<&str> = self
            .paths
            .iter()
            .filter(|(_, path)| path.as_deref() == Some(&place.path))
            .map(|(id, _)| id.as_str())
            .collect();
        ids.sort_unstable_by_key(|id| (Some(*id) != own, *id));
        ids.first().copied()
    }
}

/// Whether a known path is this project's, if only through another of its worktrees.
fn same(path: &Path, place: &Place) -> bool {
    path == place.path
        || place.repository.as_ref().is_some_and(|ours| {
            Repository::discover(path)
                .is_some_and(|found| found.top.as_deref() == Some(path) && found.common_dir == ours.common_dir)
        })
}

/// The id of a project.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The id.
    pub(crate) id: String,
    /// The folder that has the id which the name alone would give.
    pub(crate) taken_by: Option<PathBuf>,
}

impl Identity {
    /// The id of `place`: the one it is known under; else its folder's name in small letters, blanks as dashes, other
    /// characters than letters, digits and dashes dropped; with the parent folder's name before it, and a number behind
    /// it, where another folder has that id.
    ///
    /// # Errors
    /// When nothing of the name is left.
    pub(crate) fn of(place: &Place, known: &Known) -> Result<Self, Refusal> {
        let own = id_from(place.name());
        if let Some(id) = known.id_of(place, own.as_deref()) {
            return Ok(Self { id: id.to_owned(), taken_by: None });
        }
        let Some(own) = own else {
            return Err(Refusal::new(format!("no id can be made of the folder's name '{}': give one", place.name())));
        };
        let Some(taken_by) = known.other(&own, place).map(Path::to_owned) else {
            return Ok(Self { id: own, taken_by: None });
        };
        let parent = place.path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).and_then(id_from);
        let longer = parent.map_or_else(|| own.clone(), |parent| format!("{parent}-{own}"));
        let numbered = (2..).map(|number| format!("{longer}-{number}"));
        let free = std::iter::once(longer.clone()).chain(numbered).find(|id| known.other(id, place).is_none());
        Ok(Self { id: free.unwrap_or(longer), taken_by: Some(taken_by) })
    }
}

fn id_from(name: &str) -> Option<String> {
    let kept = |c: &char| c.is_alphanumeric() || *c == '-';
    let id: String =
        name.to_lowercase().chars().map(|c| if c.is_whitespace() { '-' } else { c }).filter(kept).collect();
    id.contains(char::is_alphanumeric).then_some(id)
}

/// An id as a user gives it: it becomes the name of a folder.
pub(crate) fn check_id(id: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.starts_with(['.', '-']) || !id.chars().all(allowed) {
        return Err("an id is made of letters, digits, '-', '_' and '.', and begins with a letter or digit".to_owned());
    }
    Ok(id.to_owned())
}

/// The name of the entry `id`, when it has one.
pub(crate) fn name_in(entry: Option<&Value>) -> Option<String> {
    let object: &Map<String, Value> = entry?.as_object()?;
    object.get("name")?.as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_the_folders_name() {
        for (name, wanted) in [
            ("Web App", Some("web-app")),
            ("next.js", Some("nextjs")),
            ("tool_kit", Some("toolkit")),
            ("Źdźbło 2", Some("źdźbło-2")),
            ("日本", Some("日本")),
            ("---", None),
            ("...", None),
        ] {
            assert_eq!(id_from(name).as_deref(), wanted, "{name}");
        }
        for id in ["", ".", "..", "a/b", "-a", "a b", "a\nb"] {
            assert!(check_id(id).is_err(), "{id:?}");
        }
        assert!(check_id("next.js_2").is_ok());
    }

    #[test]
    fn folders_of_one_name_are_told_apart() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().canonicalize().unwrap();
        let place = |path: &str| {
            std::fs::create_dir_all(root.join(path)).unwrap();
            Place { path: root.join(path), repository: None }
        };
        let known = |pairs: &[(&str, &Place)]| Known {
            paths: pairs.iter().map(|(id, place)| ((*id).to_owned(), Some(place.path.clone()))).collect(),
        };
        let (one, two, three) = (place("one/app"), place("two/app"), place("x/two/app"));
        let id = |place: &Place, known: &Known| Identity::of(place, known).unwrap().id;
        assert_eq!(id(&one, &known(&[])), "app");
        assert_eq!(id(&one, &known(&[("app", &one)])), "app");
        assert_eq!(id(&one, &known(&[("mine", &one), ("app", &two)])), "mine");
        let found = Identity::of(&two, &known(&[("app", &one)])).unwrap();
        assert_eq!(found, Identity { id: "two-app".into(), taken_by: Some(one.path.clone()) });
        assert_eq!(id(&three, &known(&[("app", &one), ("two-app", &two)])), "two-app-2");
        std::fs::remove_dir(&one.path).unwrap();
        assert_eq!(id(&two, &known(&[("app", &one)])), "app", "a folder that is gone holds no id");
    }
}
