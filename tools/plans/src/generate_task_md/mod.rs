//! generate-task-md: makes the Markdown file of a task from a form. Planners call it; other tools append to its log.

mod dashboard;
mod form;

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_store::plan_views::TaskForm;
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, exit_code, text};

use crate::plan_db::words::{line, words};

/// generate-task-md.
pub const TOOL: Tool = Tool {
    name: "generate-task-md",
    summary: "makes the Markdown file of a task",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// Most characters of a task's name in the name of its file.
const SLUG: usize = 80;

/// Makes the Markdown file of a task: plans/active/PROJECT/plan-PLAN_ID/waves/WWAVE/tasks/TASK_ID-NAME.md in the agent's folder
///
/// What the database knows of the task is filled in, and the file is noted there. A dashboard is told of it: DASHBOARD_API
/// (http://localhost:31415/api) is its interface, DASHBOARD_URL (http://localhost:31415) its page; one that does not answer
/// is no fault.
#[derive(Debug, Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {
    /// The project
    #[arg(value_name = "project", value_parser = part)]
    project: String,
    /// Row id of the plan
    #[arg(value_name = "plan_id")]
    plan: RowId,
    /// Number of the wave, with or without the W
    #[arg(value_name = "wave", value_parser = part)]
    wave: String,
    /// Code of the task
    #[arg(value_name = "task_id", value_parser = part)]
    task: String,
    /// Name of the task
    #[arg(value_name = "task_name", value_parser = line, allow_hyphen_values = true)]
    name: String,
    /// Who has it
    #[arg(value_name = "assignee", default_value = "TBD", value_parser = words)]
    assignee: String,
    /// How long it takes
    #[arg(value_name = "estimate", default_value = "TBD", value_parser = words)]
    estimate: String,
    /// Writes an existing file anew; its execution log stays
    #[arg(long)]
    force: bool,
}

/// A code that becomes the name of a file or folder.
fn part(given: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if given.is_empty() || given.starts_with(['.', '-']) || !given.chars().all(allowed) || given.len() > 100 {
        return Err("letters, digits, '-', '_' and '.' make a code, and it begins with a letter or digit".to_owned());
    }
    Ok(given.to_owned())
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |args| make(context, &args)).map_err(|refusal| {
        if refusal.message.starts_with("missing argument") {
            let usage =
                "Usage: generate-task-md PROJECT PLAN_ID WAVE TASK_ID TASK_NAME [ASSIGNEE] [ESTIMATE] [--force]";
            return refusal.with_help(usage);
        }
        refusal
    })
}

fn make(context: &Context, args: &Args) -> Answer {
    let number = args.wave.strip_prefix('W').filter(|rest| !rest.is_empty()).unwrap_or(&args.wave);
    let wave = format!("W{number}");
    let name = match slug(&args.name) {
        slug if slug.is_empty() => format!("{}.md", args.task),
        slug => format!("{}-{slug}.md", args.task),
    };
    let folder = context.claude_home()?.join("plans/active").join(&args.project);
    let folder = folder.join(format!("plan-{}", args.plan.0)).join("waves").join(&wave).join("tasks");
    let file = folder.join(name);
    let store = context.existing_store()?;
    let known = match store {
        Some(store) => store.plan_views().task_form(&args.project, args.plan.0, &wave, &args.task)?,
        None => None,
    };
    let page = context.variable("DASHBOARD_URL").unwrap_or_else(|| "http://localhost:31415".to_owned());
    let dashboard = dashboard::page(&page, &args.project, &args.task);
    let wave_file = text::fold_line_ends(known.as_ref().map(|task| task.wave_name.as_str()).unwrap_or_default());
    let wave_file = match slug(&wave_file) {
        slug if slug.is_empty() => format!("{wave}.md"),
        slug => format!("{wave}-{slug}.md"),
    };
    let head = form::Head {
        project: &args.project,
        plan: args.plan.0,
        wave: &wave,
        wave_file: &wave_file,
        task: &args.task,
        name: &args.name,
        assignee: &text::fold_line_ends(&args.assignee),
        estimate: &text::fold_line_ends(&args.estimate),
        now: &context.clock.utc_iso(),
        dashboard: &dashboard,
        checks: checks(context, known.as_ref()),
    };
    let content = form::fill(&head, known.as_ref());
    fs::create_dir_all(&folder)
        .map_err(|fault| Refusal::new(format!("{} cannot be made: {fault}", folder.display())))?;
    write(&file, &content, args.force)?;

    let shown = text::one_line(&file.to_string_lossy());
    let mut said = format!("Generated: {shown}\n");
    if let (Some(store), Some(task)) = (store, &known) {
        let kept = context.shorten_home(&file);
        let kept = kept.to_str().ok_or_else(|| Refusal::new(format!("the path is not UTF-8: {}", kept.display())))?;
        store.plans().set_task_file(task.id, kept, &context.now())?;
        said.push_str("Database: markdown_path set\n");
    }
    said.push_str(&dashboard::tell(context, &args.project, &args.task, &file));
    Ok(Outcome::text(format!("{said}View in dashboard: {dashboard}\n")))
}

/// The commands that check a task's work, by the manifests of its project.
fn checks(context: &Context, task: Option<&TaskForm>) -> &'static [&'static str] {
    let folder = task.map(|task| task.project_path.as_str()).unwrap_or_default();
    if folder.is_empty() {
        return form::checks("unknown");
    }
    form::checks(crate::framework::of(&context.expand_home(Path::new(folder))))
}

/// Letters and digits of a name in small letters, blanks as dashes.
fn slug(name: &str) -> String {
    let dashed = name.trim().to_lowercase();
    let kept =
        dashed.chars().map(|c| if c.is_whitespace() { '-' } else { c }).filter(|c| c.is_alphanumeric() || *c == '-');
    let slug: String = kept.take(SLUG).collect();
    slug.trim_matches('-').to_owned()
}

/// Writes the file; one that is there already stays, or, with `force`, is replaced whole with its execution log kept.
fn write(file: &Path, content: &str, force: bool) -> Result<(), Refusal> {
    let fail = |fault: std::io::Error| Refusal::new(format!("{} cannot be written: {fault}", file.display()));
    if !force {
        let mut made =
            OpenOptions::new().write(true).create_new(true).open(file).map_err(|fault| match fault.kind() {
                ErrorKind::AlreadyExists => {
                    Refusal::new(format!("{} is there already; --force writes it anew", file.display()))
                }
                _ => fail(fault),
            })?;
        return made.write_all(content.as_bytes()).map_err(fail);
    }
    let content = match fs::read_to_string(file) {
        Ok(old) => form::with_log_of(content, &old),
        Err(fault) if fault.kind() == ErrorKind::NotFound => content.to_owned(),
        Err(fault) => return Err(fail(fault)),
    };
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    fs::write(&beside, content).and_then(|()| fs::rename(&beside, file)).map_err(|fault| {
        // What is left behind then is a file that nobody reads.
        let _ = fs::remove_file(&beside);
        fail(fault)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_letters_digits_and_dashes() {
        for (name, wanted) in [
            ("Set up DB (v2)", "set-up-db-v2"),
            ("Wire it", "wire-it"),
            ("../../etc/passwd", "etcpasswd"),
            ("Źdźbło — α", "źdźbło--α"),
            ("!!!", ""),
            ("a\tb", "a-b"),
        ] {
            assert_eq!(slug(name), wanted, "{name}");
        }
        assert!(slug(&"long ".repeat(100)).chars().count() <= SLUG);
    }

    #[test]
    fn a_code_stays_in_its_folder() {
        for code in ["", ".", "..", "../x", "a/b", ".hidden", "-x", "a b", "a\nb", "a\0"] {
            assert!(part(code).is_err(), "{code:?}");
        }
        for code in ["T07", "T1-01", "my_project.2"] {
            assert_eq!(part(code).as_deref(), Ok(code));
        }
    }
}
