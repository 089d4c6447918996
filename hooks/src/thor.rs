//! The check that both Thor hooks make: is there finished work of this project that nobody has validated?

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crewkit_repo::Repository;
use crewkit_store::plan_views::UnvalidatedTask;
use crewkit_store::projects::Project;
use crewkit_tool::{Context, Refusal, text};

/// Most tasks that are listed.
const MOST_LISTED: usize = 10;

/// The tasks that stand in the way of a commit in the repository that holds `directory`. Empty outside a repository and
/// without a database.
pub(crate) fn unvalidated(context: &Context, directory: &Path) -> Result<Vec<UnvalidatedTask>, Refusal> {
    let Some(repository) = Repository::discover(directory) else { return Ok(Vec::new()) };
    let Some(store) = context.existing_store()? else { return Ok(Vec::new()) };
    let top = repository.main_worktree().or_else(|| repository.top.clone());
    let Some(top) = top else { return Ok(Vec::new()) };
    let mut tasks = Vec::new();
    for id in project_ids(context, &store.projects().all()?, &top) {
        tasks.extend(store.plan_views().unvalidated(&id)?);
    }
    Ok(tasks)
}

/// The ids under which the repository with the main work tree `top` may have plans: those registered with its path,
/// else that of its folder's name, if that is not another folder's.
fn project_ids(context: &Context, projects: &[Project], top: &Path) -> Vec<String> {
    let place = |project: &Project| context.expand_home(Path::new(&project.path)).canonicalize().ok();
    let registered: Vec<String> =
        projects.iter().filter(|project| place(project).as_deref() == Some(top)).map(|one| one.id.clone()).collect();
    if !registered.is_empty() {
        return registered;
    }
    let id = id_of_name(&top.file_name().unwrap_or_default().to_string_lossy());
    let taken = projects.iter().any(|project| project.id == id && place(project).is_some_and(|path| path.is_dir()));
    if taken || id.is_empty() { Vec::new() } else { vec![id] }
}

/// A folder's name as a project's id: lower case, blanks as dashes, letters, digits, dashes and underscores.
fn id_of_name(name: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
    name.to_lowercase().chars().map(|c| if c == ' ' { '-' } else { c }).filter(kept).collect()
}

/// Why a commit is refused.
pub(crate) fn reason(tasks: &[UnvalidatedTask]) -> String {
    let count = tasks.len();
    let what = if count == 1 { "1 finished task of this project is" } else { "finished tasks of this project are" };
    let number = if count == 1 { String::new() } else { format!("{count} ") };
    let mut lines = vec![format!("BLOCKED: {number}{what} not validated.")];
    lines.extend(tasks.iter().take(MOST_LISTED).map(|task| {
        let title = text::cut(&text::one_line(&task.title), 120);
        format!("  - {}: {title}", text::one_line(&task.task_id))
    }));
    if count > MOST_LISTED {
        lines.push(format!("  and {} more", count - MOST_LISTED));
    }
    lines.push("Check the work against the task, then record it:".to_owned());
    lines.extend(
        tasks
            .iter()
            .take(MOST_LISTED)
            .map(|task| format!("  plan-db validate-task {} {}", text::one_line(&task.task_id), task.plan_id)),
    );
    lines.join("\n")
}

/// Writes down that `reason` was given for committing in spite of `tasks`, into `logs/thor-skip.log` of the agent's
/// folder: a line with the time, who, where, how many tasks, why.
pub(crate) fn log_skip(context: &Context, who: &str, place: &Path, tasks: usize, reason: &str) -> Result<(), Refusal> {
    let path = context.claude_home()?.join("logs/thor-skip.log");
    let line = format!(
        "{} {} {} tasks={tasks} {}\n",
        context.now(),
        text::one_line(who),
        text::one_line(&place.to_string_lossy()),
        text::cut(&text::one_line(reason), 500)
    );
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        file.write_all(line.as_bytes())
    };
    write().map_err(|fault| {
        Refusal::new(format!("THOR_SKIP is not heeded: {} cannot be written: {fault}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn task(number: usize) -> UnvalidatedTask {
        UnvalidatedTask { task_id: format!("T1-{number:02}"), title: "a\x1b[31m\nb | c".to_owned(), plan_id: 7 }
    }

    #[test]
    fn a_reason_lists_at_most_ten_tasks_in_harmless_lines() {
        let one = reason(&[task(1)]);
        assert!(one.starts_with("BLOCKED: 1 finished task of this project is not validated.\n  - T1-01: a\\u{1b}"));
        assert!(one.contains("b | c") && one.ends_with("plan-db validate-task T1-01 7"), "{one}");
        let many = reason(&(0..12).map(task).collect::<Vec<_>>());
        assert_eq!(many.matches("  - ").count(), 10);
        assert!(many.starts_with("BLOCKED: 12 ") && many.contains("  and 2 more\n"), "{many}");
    }

    #[test]
    fn a_project_is_known_by_its_place_before_its_name() {
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch.path().canonicalize().unwrap();
        for name in ["My Shop_2!", "other"] {
            fs::create_dir(home.join(name)).unwrap();
        }
        let context = Context::scripted(Script {
            environment: [("HOME".into(), home.clone().into())].into(),
            directory: home.clone(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        let project = |id: &str, path: &str| Project {
            id: id.to_owned(),
            name: id.to_owned(),
            path: path.to_owned(),
            branch: String::new(),
            github_url: String::new(),
            icon_path: String::new(),
        };
        let top = home.join("My Shop_2!");
        let ids = |projects: &[Project]| project_ids(&context, projects, &top);
        assert_eq!(ids(&[]), ["my-shop_2"]);
        assert_eq!(ids(&[project("my-shop_2", "/gone")]), ["my-shop_2"]);
        assert_eq!(ids(&[project("market", "~/My Shop_2!"), project("my-shop_2", "/gone")]), ["market"]);
        assert_eq!(ids(&[project("my-shop_2", "~/other")]), [""; 0]);
    }
}
