//! create, update-desc, update-summary, set-worktree, set-wave-worktree, archive: plans and what is written on them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_repo::Repository;
use crewkit_store::plans::NewPlan;
use crewkit_tool::args::{self, RowId};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};

use super::Subcommand;
use super::words::{kept_path, line, words};

/// Most bytes read of a source file in search of its first line of text.
const SOURCE_BYTES: u64 = 1 << 20;
/// Characters of that line that become the description.
const DESCRIPTION_CHARACTERS: usize = 200;

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "create", command: Create::command, run: create },
    Subcommand { name: "update-desc", command: UpdateDesc::command, run: update_desc },
    Subcommand { name: "update-summary", command: UpdateSummary::command, run: update_summary },
    Subcommand { name: "set-worktree", command: SetWorktree::command, run: set_worktree },
    Subcommand { name: "set-wave-worktree", command: SetWaveWorktree::command, run: set_wave_worktree },
    Subcommand { name: "archive", command: Archive::command, run: archive },
];

/// Make a plan; its id goes to standard output
#[derive(Debug, Parser)]
#[command(name = "create", bin_name = "plan-db create", args_override_self = true)]
struct Create {
    /// Project the plan belongs to
    #[arg(value_name = "PROJECT_ID", value_parser = line)]
    project: String,
    /// Name, unique in the project; with -Main or -Master in it the plan is a master
    #[arg(value_name = "NAME", value_parser = line, allow_hyphen_values = true)]
    name: String,
    /// File the plan is made from; its first line of text is the description unless one is given
    #[arg(long, value_name = "PATH")]
    source_file: Option<PathBuf>,
    /// Markdown file of the plan
    #[arg(long, value_name = "PATH")]
    markdown_path: Option<PathBuf>,
    /// Worktree of the plan
    #[arg(long, value_name = "PATH")]
    worktree_path: Option<PathBuf>,
    /// What the plan is about, for agents
    #[arg(long, value_name = "TEXT", value_parser = words, allow_hyphen_values = true)]
    description: Option<String>,
    /// What the plan is about, for people
    #[arg(long, value_name = "TEXT", value_parser = words, allow_hyphen_values = true)]
    human_summary: Option<String>,
    /// Make a worktree for the plan as well (deprecated: waves have their own)
    #[arg(long)]
    auto_worktree: bool,
    /// Waves have worktrees of their own (the default)
    #[arg(long)]
    wave_worktrees: bool,
}

/// Set a plan's description for agents
#[derive(Debug, Parser)]
#[command(name = "update-desc", bin_name = "plan-db update-desc")]
struct UpdateDesc {
    #[command(flatten)]
    text: PlanText,
}

/// Set a plan's summary for people
#[derive(Debug, Parser)]
#[command(name = "update-summary", bin_name = "plan-db update-summary")]
struct UpdateSummary {
    #[command(flatten)]
    text: PlanText,
}

#[derive(Debug, clap::Args)]
struct PlanText {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// The text; an empty one clears it
    #[arg(value_name = "TEXT", value_parser = words, allow_hyphen_values = true)]
    text: String,
}

/// Set the worktree of a plan
#[derive(Debug, Parser)]
#[command(name = "set-worktree", bin_name = "plan-db set-worktree")]
struct SetWorktree {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// The worktree; a relative one counts from the current folder
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

/// Set the worktree of a wave
#[derive(Debug, Parser)]
#[command(name = "set-wave-worktree", bin_name = "plan-db set-wave-worktree")]
struct SetWaveWorktree {
    /// Row id of the wave
    #[arg(value_name = "WAVE_DB_ID")]
    wave: RowId,
    /// The worktree; a relative one counts from the current folder
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

/// Put a plan away: it stays readable, and start --force takes it up again
#[derive(Debug, Parser)]
#[command(name = "archive", bin_name = "plan-db archive")]
struct Archive {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Also a plan that is being worked on
    #[arg(long)]
    force: bool,
}

fn create(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Create>(arguments, exit_code::REFUSED, |args| {
        let kept =
            |name: &str, path: &Option<PathBuf>| path.as_deref().map(|path| kept_path(context, name, path)).transpose();
        let source_file = kept("--source-file", &args.source_file)?;
        let markdown_path = kept("--markdown-path", &args.markdown_path)?;
        let worktree_path = kept("--worktree-path", &args.worktree_path)?;
        let markdown_dir = markdown_path.as_deref().map(folder_of);
        let description = match (&args.description, &args.source_file) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(source)) => described_by(context, source)?,
            (None, None) => None,
        };
        let new = NewPlan {
            project: &args.project,
            name: &args.name,
            source_file: source_file.as_deref(),
            markdown_path: markdown_path.as_deref(),
            markdown_dir: markdown_dir.as_deref(),
            worktree_path: worktree_path.as_deref(),
            description: description.as_deref(),
            human_summary: args.human_summary.as_deref(),
        };
        let plans = context.store()?.plans();
        let plan = plans.create(&new, &context.now())?;
        if args.auto_worktree {
            context.note("[WARN] --auto-worktree is deprecated: each wave gets a worktree of its own (wave-worktree)");
            if let Err(refusal) = auto_worktree(context, &args, plan) {
                plans.take_back(plan)?;
                return Err(refusal);
            }
        }
        Ok(Outcome::text(plan.to_string()).with_note(format!("[OK] Created plan: {} (ID: {plan})", args.name)))
    })
}

/// The folder of a kept path.
fn folder_of(kept: &str) -> String {
    match kept.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
        None => String::new(),
    }
}

/// The first line of the source file that says something: not blank, no heading, no remark.
fn described_by(context: &Context, source: &Path) -> Result<Option<String>, Refusal> {
    let path = context.absolute(&context.expand_home(source))?;
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(fault) => {
            context.note(format!("[WARN] --source-file {}: {fault}; the plan has no description", path.display()));
            return Ok(None);
        }
    };
    let mut reader = BufReader::new(file.take(SOURCE_BYTES));
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        let line = String::from_utf8_lossy(&bytes);
        let said = line.trim();
        if !said.is_empty() && !said.starts_with('#') && !said.starts_with("//") {
            return Ok(Some(text::head(said, DESCRIPTION_CHARACTERS).to_owned()));
        }
        bytes.clear();
    }
    Ok(None)
}

/// Makes the plan's worktree beside its project's repository, and writes it, and a Markdown file where none was given,
/// into the plan.
fn auto_worktree(context: &Context, args: &Create, plan: i64) -> Result<(), Refusal> {
    let plans = context.store()?.plans();
    let project = match plans.project_path(&args.project)? {
        Some(path) => context.absolute(&context.expand_home(Path::new(&path)))?,
        None => context.directory()?.to_owned(),
    };
    let repository = Repository::discover(&project)
        .filter(|_| project.is_dir())
        .and_then(|repository| repository.main_worktree())
        .ok_or_else(|| Refusal::new(format!("no git repository to make a worktree of: {}", project.display())))?;
    let name = repository.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let worktree = repository.with_file_name(format!("{name}-plan-{plan}"));
    let kept = kept_path(context, "worktree", &worktree)?;

    let run = Run::tool(context, "worktree-create")?.arg(branch_of(plan, &args.name)).arg(&worktree);
    let ended = run.directory(&repository).chatter().run().map_err(|refusal| refusal.with_code(exit_code::REFUSED))?;
    if !ended.ok() {
        let line = format!("worktree-create ended with {}: no plan was made", ended.code);
        return Err(Refusal::new(line));
    }
    let markdown = if args.markdown_path.is_some() {
        None
    } else {
        let folder = context.claude_home()?.join("plans").join(file_name(&args.project));
        let file = folder.join(format!("{}-Main.md", file_name(&args.name)));
        let file = kept_path(context, "markdown path", &file)?;
        let folder = folder_of(&file);
        Some((file, folder))
    };
    let markdown = markdown.as_ref().map(|(file, folder)| (file.as_str(), folder.as_str()));
    plans.set_worktree(plan, &kept, markdown, &context.now())?;
    Ok(())
}

/// The branch of a plan's worktree: its id and its name in small letters, every other character a dash, runs of
/// dashes folded.
fn branch_of(plan: i64, name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    format!("plan/{plan}-{slug}").trim_end_matches('-').to_owned()
}

/// A project's id or a plan's name as the name of a file or folder in the agent's plans: slashes and a leading dot
/// would lead elsewhere.
pub(crate) fn file_name(name: &str) -> String {
    let safe = name.replace(['/', '\0'], "_");
    match safe.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => safe,
    }
}

fn update_desc(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<UpdateDesc>(arguments, exit_code::REFUSED, |UpdateDesc { text }| {
        context.store()?.plans().set_description(text.plan.0, &text.text, &context.now())?;
        Ok(Outcome::text(format!("Description updated for plan #{}", text.plan.0)))
    })
}

fn update_summary(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<UpdateSummary>(arguments, exit_code::REFUSED, |UpdateSummary { text }| {
        context.store()?.plans().set_summary(text.plan.0, &text.text, &context.now())?;
        Ok(Outcome::text(format!("Summary updated for plan #{}", text.plan.0)))
    })
}

fn set_worktree(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<SetWorktree>(arguments, exit_code::REFUSED, |args| {
        let kept = kept_path(context, "PATH", &args.path)?;
        context.store()?.plans().set_worktree(args.plan.0, &kept, None, &context.now())?;
        Ok(Outcome::silent().with_note(format!("[OK] Set worktree for plan {}: {kept}", args.plan.0)))
    })
}

fn set_wave_worktree(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<SetWaveWorktree>(arguments, exit_code::REFUSED, |args| {
        let kept = kept_path(context, "PATH", &args.path)?;
        context.store()?.plans().set_wave_worktree(args.wave.0, &kept, &context.now())?;
        Ok(Outcome::silent().with_note(format!("[OK] Set worktree for wave {}: {kept}", args.wave.0)))
    })
}

fn archive(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Archive>(arguments, exit_code::REFUSED, |args| {
        let archived = context.store()?.plans().archive(args.plan.0, args.force, &context.host(), &context.now())?;
        let said = if archived { "[OK] Archived plan" } else { "[OK] Archived already: plan" };
        Ok(Outcome::silent().with_note(format!("{said} {}", args.plan.0)))
    })
}
