//! worktree-create: a new worktree beside the repository, with the environment files of the main one and its packages
//! installed. People and agents call it.

mod install;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{CommandFactory, Parser};
use crewkit_repo::{NewWorktree, Origin, Repository, real_path};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::Serialize;

use crate::list;
use crate::make::{Made, make};
use crate::place::{Home, last_part, shell_word};

/// worktree-create.
pub const TOOL: Tool = Tool {
    name: "worktree-create",
    summary: "a new worktree beside the repository, with its environment files",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// A new worktree beside the repository, with the environment files (`.env*`) of the main work tree linked into it and
/// its packages installed.
///
/// Works from any folder of any of the repository's worktrees. An existing branch is checked out; one that exists on
/// origin alone is made to track it; any other begins at the present commit. Links that git would take for new files
/// are added to the repository's info/exclude, which counts for all its worktrees.
///
/// Ends with 0; 1 when it refuses; git's code (128) when git does, nothing being left behind; the package manager's code
/// when the installation fails (the worktree stays).
#[derive(Parser, Debug)]
#[command(name = "worktree-create", disable_version_flag = true)]
struct Arguments {
    /// The branch to check out
    #[arg(value_name = "BRANCH")]
    branch: String,
    /// The folder [default: beside the main work tree, named REPOSITORY-LAST_PART_OF_BRANCH]
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// The commit (branch, tag, id) that a new branch begins from [default: the present one]
    #[arg(long, value_name = "REF")]
    from: Option<String>,
    /// Install no packages
    #[arg(long)]
    no_install: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// The answer with `--json`.
#[derive(Debug, Serialize)]
struct Created {
    status: &'static str,
    branch: String,
    worktree_path: String,
    main_path: String,
    /// `existing`, `remote`, `new`.
    origin: &'static str,
    env_linked: Vec<String>,
    env_kept: Vec<String>,
    env_excluded: Vec<String>,
    /// `null` when nothing was to be installed.
    install: Option<Installed>,
}

#[derive(Debug, Serialize)]
struct Installed {
    command: String,
    exit_code: i32,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| create(context, &arguments)).map_err(|refusal| {
        let wrong_usage = refusal.message.starts_with("missing argument");
        if wrong_usage { refusal.with_help(Arguments::command().render_usage().to_string()) } else { refusal }
    })
}

fn create(context: &Context, arguments: &Arguments) -> Answer {
    let branch = arguments.branch.as_str();
    if branch.is_empty() {
        return Err(Refusal::new("missing argument: the branch is empty"));
    }
    let directory = context.directory()?;
    let Some(repository) = Repository::discover(directory) else {
        return Err(Refusal::new(format!("not in a git repository: {}", directory.display())));
    };
    let home = Home::of(&repository);
    let sibling = home.sibling(last_part(branch));
    let path = match (&arguments.path, &sibling) {
        (Some(path), _) => real_path(&context.absolute(path)?),
        (None, Some(sibling)) => sibling.clone(),
        (None, None) => return Err(Refusal::new("nothing can lie beside this repository: give a path")),
    };
    if let Some(around) = home.around(&repository, &path) {
        let mut line = format!("BLOCKED: {} is INSIDE {}", path.display(), around.display());
        if let Some(sibling) = sibling.filter(|sibling| *sibling != path) {
            let _ = write!(line, "; use a sibling path: {}", sibling.display());
        }
        return Ok(Outcome::silent().with_code(exit_code::REFUSED).with_note(line));
    }
    if let Some(refusal) = home.taken(&repository, branch, &path) {
        return Err(refusal);
    }
    if let Some(other) =
        path.parent().and_then(Repository::discover).filter(|other| other.common_dir != repository.common_dir)
    {
        let top = other.top.unwrap_or(other.git_dir);
        context.note(format!("{} lies inside another repository, {}", path.display(), top.display()));
    }
    let new = NewWorktree { branch, path: &path, from: arguments.from.as_deref() };
    // From here on the worktree is there, and stays: what fails is said, with its code.
    let mut made = make(context, &repository, &home, &new)?;
    let command = install::command(&path).filter(|_| !arguments.no_install);
    let install = command.map(|command| {
        let (exit_code, fault) = install::run(context, command, &path);
        let command = command.join(" ");
        if exit_code != 0 {
            let fault = fault.unwrap_or_else(|| format!("exit code {exit_code}"));
            made.failed(format!("{command}: {fault}; the worktree stays: {}", path.display()), exit_code);
        }
        Installed { command, exit_code }
    });
    let report = Report { arguments, home: &home, path: &path, made: &made, install };
    let outcome = if arguments.json { report.json() } else { Outcome::text(report.text(&repository)) };
    Ok(made.notes.iter().fold(outcome.with_code(made.code), Outcome::with_note))
}

/// All that is to be told of a worktree that was made.
struct Report<'a> {
    arguments: &'a Arguments,
    home: &'a Home,
    path: &'a PathBuf,
    made: &'a Made,
    install: Option<Installed>,
}

impl Report<'_> {
    fn ready(&self) -> bool {
        self.made.code == exit_code::DONE
    }

    fn json(self) -> Outcome {
        let names = |names: &[OsString]| names.iter().map(|name| shown(name)).collect();
        Outcome::json(&Created {
            status: if self.ready() { "created" } else { "incomplete" },
            branch: self.arguments.branch.clone(),
            worktree_path: shown(self.path.as_os_str()),
            main_path: shown(self.home.root.as_os_str()),
            origin: match self.made.added.origin {
                Origin::Existing => "existing",
                Origin::Remote => "remote",
                Origin::New => "new",
            },
            env_linked: names(&self.made.links.linked),
            env_kept: names(&self.made.links.kept),
            env_excluded: names(&self.made.links.excluded),
            install: self.install,
        })
    }

    fn text(&self, repository: &Repository) -> String {
        let origin = match (self.made.added.origin, &self.arguments.from) {
            (Origin::Existing, _) => "Branch exists, using existing branch".to_owned(),
            (Origin::Remote, _) => format!("New branch, tracking origin/{}", self.arguments.branch),
            (Origin::New, Some(from)) => format!("New branch from {from}"),
            (Origin::New, None) => "New branch from current HEAD".to_owned(),
        };
        let line = |text: String| text::one_line(&text) + "\n";
        let mut out = "=== WORKTREE CREATE ===\n".to_owned();
        out += &line(format!("📂 Main repo: {}", self.home.root.display()));
        out += &line(format!("🌿 Branch: {}", self.arguments.branch));
        out += &line(format!("📁 Worktree path: {}", self.path.display()));
        out += &line(origin);
        out += "\n--- Symlinking .env files ---\n";
        for name in &self.made.links.linked {
            let excluded = if self.made.links.excluded.contains(name) { " (added to info/exclude)" } else { "" };
            out += &line(format!("  {} -> {}{excluded}", shown(name), self.home.root.join(name).display()));
        }
        for name in &self.made.links.kept {
            out += &line(format!("  {}: exists in the worktree, not linked", shown(name)));
        }
        if self.made.links.linked.is_empty() && self.made.links.kept.is_empty() {
            out += "No .env files found in main repo\n";
        }
        if let Some(install) = &self.install {
            let ended =
                if install.exit_code == 0 { "done".to_owned() } else { format!("exit code {}", install.exit_code) };
            out += "\n--- Installing dependencies ---\n";
            out += &line(format!("  {}: {ended}", install.command));
        }
        out +=
            if self.ready() { "\n=== WORKTREE READY ===\n" } else { "\n=== WORKTREE NOT READY: see the errors ===\n" };
        let _ = writeln!(out, "cd {}\n", shell_word(self.path));
        out += &list::text(&list::rows(repository, &repository.worktrees()));
        out
    }
}

fn shown(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}
