//! setup-worktrees: one standing worktree for each agent, beside the repository, on a parking branch of its own. A person
//! calls it once for a project, and again when an agent joins or leaves.

mod names;
mod remove;
mod start;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_repo::{Git, Head, NewWorktree, Repository, Worktree, branch_or_detached, real_path};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::Serialize;

use crate::make::make;
use crate::place::Home;
use start::Start;

/// setup-worktrees.
pub const TOOL: Tool = Tool {
    name: "setup-worktrees",
    summary: "one standing worktree beside the repository for each agent",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Git's exit code where it refuses.
const GIT_REFUSES: u8 = 128;

/// One standing worktree for each agent: the folder REPOSITORY-NAME beside the main work tree, on the branch agent/NAME,
/// with the environment files (`.env*`) of the main work tree linked into it.
///
/// Works from any folder of any of the repository's worktrees. A branch that is missing is made: tracking the one of
/// that name on origin, else from the default branch (MAIN_BRANCH, else the one of origin's HEAD, else main or master,
/// else what is checked out). A worktree that is there is left alone; any other folder in its place is a failure. What
/// fails for one agent leaves nothing behind and does not stop the others.
///
/// Ends with 0; with the code of the first failure (git's 128, or 1); 128 outside a repository.
#[derive(Parser, Debug)]
#[command(name = "setup-worktrees", disable_version_flag = true)]
struct Arguments {
    /// The agents [default: $AGENTS, else $COMMS_AGENT_NAMES, else web api data sysadmin]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The commit (branch, tag, id) that new branches begin from [default: the default branch]
    #[arg(long, value_name = "REF", conflicts_with = "remove")]
    from: Option<String>,
    /// Take the agents' worktrees away again, with branches that are merged; what would be lost stays
    #[arg(long)]
    remove: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// What became of all.
#[derive(Debug, Serialize)]
struct Report {
    project: String,
    default_branch: String,
    /// The folder that the worktrees lie in.
    place: String,
    dry_run: bool,
    worktrees: Vec<Row>,
}

/// What became of one agent's worktree.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    path: String,
    /// The parking branch.
    branch: String,
    status: Status,
    /// What is checked out in a worktree that was there, when it is not the parking branch.
    on: Option<String>,
    env_linked: Vec<String>,
    /// Why it failed.
    error: Option<String>,
    #[serde(skip)]
    code: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Created,
    WouldCreate,
    /// It was there.
    Skip,
    Removed,
    WouldRemove,
    /// There was nothing to remove.
    None,
    /// It was made, but something after that failed.
    Incomplete,
    Failed,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::WouldCreate => "would create",
            Self::Skip | Self::None => "skip",
            Self::Removed => "removed",
            Self::WouldRemove => "would remove",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
        }
    }

    fn is_there(self) -> bool {
        matches!(self, Self::Created | Self::WouldCreate | Self::Skip | Self::Incomplete)
    }
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| setup(context, &arguments))
}

fn setup(context: &Context, arguments: &Arguments) -> Answer {
    let names = names::names(context, &arguments.names)?;
    let directory = context.directory()?;
    let repository = Repository::discover(directory).ok_or_else(|| {
        Refusal::new(format!("not in a git repository: {}", directory.display())).with_code(GIT_REFUSES)
    })?;
    let home = Home::of(&repository);
    let (Some(project), Some(place)) = (home.root.file_name(), home.root.parent()) else {
        return Err(Refusal::new(format!("nothing can lie beside {}", home.root.display())));
    };
    let start = Start::of(context, &repository, arguments.from.as_deref())?;
    let mut crew = Crew {
        context,
        repository: &repository,
        home: &home,
        start: &start,
        dry_run: arguments.dry_run,
        notes: Vec::new(),
    };
    let mut report = Report {
        project: shown(project),
        default_branch: start.default_branch.clone(),
        place: shown(place.as_os_str()),
        dry_run: arguments.dry_run,
        worktrees: Vec::new(),
    };
    for name in &names {
        let Some(path) = home.sibling(name) else { continue };
        let row = Row {
            name: name.clone(),
            path: shown(path.as_os_str()),
            branch: format!("agent/{name}"),
            status: Status::Failed,
            on: None,
            env_linked: Vec::new(),
            error: None,
            code: exit_code::DONE,
        };
        let row = if arguments.remove { remove::remove(&mut crew, &path, row) } else { crew.settle(&path, row) };
        report.worktrees.push(row);
    }
    let code = report.worktrees.iter().map(|row| row.code).find(|code| *code != exit_code::DONE);
    let outcome = if arguments.json {
        Outcome::json(&report)
    } else {
        Outcome::text(report.text(&start, &repository, arguments.remove))
    };
    let errors = report.worktrees.iter().filter_map(|row| Some(format!("{}: {}", row.name, row.error.as_ref()?)));
    let outcome = outcome.with_code(code.unwrap_or(exit_code::DONE));
    Ok(crew.notes.iter().cloned().chain(errors).fold(outcome, Outcome::with_note))
}

/// The repository that agents get worktrees of.
struct Crew<'a> {
    context: &'a Context,
    repository: &'a Repository,
    home: &'a Home,
    start: &'a Start,
    dry_run: bool,
    /// Lines for standard error.
    notes: Vec<String>,
}

/// What stands where a worktree is to be.
enum Found {
    Nothing,
    /// An entry of git's list whose folder is gone.
    Vanished,
    /// The agent's worktree.
    There(Head),
}

impl Crew<'_> {
    /// Makes the worktree at `path` unless it is there.
    fn settle(&mut self, path: &Path, mut row: Row) -> Row {
        match self.look(path, &row.branch) {
            Ok(Found::There(head)) => {
                row.status = Status::Skip;
                row.on = (head.branch() != Some(&row.branch)).then(|| branch_or_detached(&head).to_owned());
            }
            Ok(_) if self.dry_run => row.status = Status::WouldCreate,
            Ok(found) => {
                if let Err(refusal) = self.create(path, &mut row, matches!(found, Found::Vanished)) {
                    row.fail(refusal);
                }
            }
            Err(refusal) => row.fail(refusal),
        }
        row
    }

    fn create(&mut self, path: &Path, row: &mut Row, vanished: bool) -> Result<(), Refusal> {
        if vanished {
            // Only the entry is left; git refuses to take it away where somebody locked it.
            let _turn = self.repository.turn()?;
            let call = self.repository.git(self.context).args(["worktree", "remove"]).arg(path);
            call.must("the entry of a worktree whose folder is gone stays")?;
            self.notes.push(format!("{}: its folder was gone; made anew", path.display()));
        }
        let from = (!self.is_known(&row.branch)?).then_some(self.start.commit.as_str());
        let made = make(self.context, self.repository, self.home, &NewWorktree { branch: &row.branch, path, from })?;
        self.notes.extend(made.notes);
        row.env_linked = made.links.linked.iter().map(|name| shown(name)).collect();
        (row.status, row.code) = (Status::Created, made.code);
        if made.code != exit_code::DONE {
            row.status = Status::Incomplete;
            row.error = Some("the worktree is there, but not all of it: see above".to_owned());
        }
        Ok(())
    }

    /// Whether there is a branch of that name, here or on origin.
    fn is_known(&self, branch: &str) -> Result<bool, Refusal> {
        let (own, theirs) = (format!("refs/heads/{branch}"), format!("refs/remotes/origin/{branch}"));
        let call = self.repository.git(self.context).args(["for-each-ref", "--format=%(refname)", &own, &theirs]);
        let told = call.must("the branches cannot be read")?.text();
        Ok(told.lines().any(|line| line == own || line == theirs))
    }

    /// What stands at `path`, where the worktree for `branch` is to be.
    ///
    /// # Errors
    /// When something else is there.
    fn look(&self, path: &Path, branch: &str) -> Result<Found, Refusal> {
        let here = real_path(path);
        let trees = self.repository.known_worktrees(self.context)?;
        let known = trees.iter().find(|tree| tree.path == here && !tree.bare);
        if path.symlink_metadata().is_err() {
            return Ok(if known.is_some() { Found::Vanished } else { Found::Nothing });
        }
        let Some(tree) = known else {
            let empty = path.is_dir() && path.read_dir().is_ok_and(|mut entries| entries.next().is_none());
            let what = format!("{} already exists and is no worktree of this repository", path.display());
            return if empty { Ok(Found::Nothing) } else { Err(Refusal::new(what)) };
        };
        let refuse = |what: &str| Err(Refusal::new(format!("{} {what}", path.display())));
        match &tree.head {
            _ if tree.main => refuse("is the main working tree"),
            _ if tree.missing => refuse("has lost its .git file: `git worktree repair` mends it"),
            Head::Branch(other) if other != branch && other.starts_with("agent/") => {
                refuse(&format!("is the worktree of another agent's branch, {other}"))
            }
            _ if !self.is_filled(tree)? => refuse("was never checked out: `git reset --hard` in it does that"),
            head => Ok(Found::There(head.clone())),
        }
    }

    /// Whether the files of a worktree were checked out: one that was interrupted before has no index.
    fn is_filled(&self, tree: &Worktree) -> Result<bool, Refusal> {
        let git = || Git::at(self.context, &tree.path).of_folder();
        let index = git().args(["rev-parse", "--git-path", "index"]).must("the worktree cannot be read")?.stdout;
        let index = index.strip_suffix(b"\n").unwrap_or(&index);
        let index: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(index);
        Ok(tree.path.join(PathBuf::from(index)).exists())
    }
}

impl Row {
    fn fail(&mut self, refusal: Refusal) {
        (self.status, self.code) = (Status::Failed, refusal.code);
        self.error = Some(refusal.message);
    }
}

impl Report {
    fn text(&self, start: &Start, repository: &Repository, remove: bool) -> String {
        let line = |text: String| text::one_line(&text) + "\n";
        let mut out = line(format!("Project: {}", self.project));
        out += &line(format!("Default branch: {}", self.default_branch));
        if remove {
            out += &line(format!("Removing worktrees in: {}", folder(&self.place)));
        } else {
            out += &line(format!("Creating worktrees in: {}", folder(&self.place)));
            let head = repository.head();
            match &start.from {
                Some(from) => out += &line(format!("New branches begin at: {from}")),
                None if head.branch().is_some_and(|branch| branch != self.default_branch) => {
                    let here = branch_or_detached(&head);
                    let lines = format!(
                        "New branches begin at: {} (checked out here: {here}; --from {here} takes that)",
                        self.default_branch
                    );
                    out += &line(lines);
                }
                None => {}
            }
        }
        out.push('\n');
        for row in &self.worktrees {
            out += &line(format!("  {}", row.text()));
            if !row.env_linked.is_empty() {
                out += &line(format!("      linked: {}", row.env_linked.join(", ")));
            }
        }
        let there: Vec<&Row> = self.worktrees.iter().filter(|row| row.status.is_there()).collect();
        if remove || there.is_empty() {
            return out;
        }
        out += if self.dry_run {
            "\nNothing was done. Each agent would get its own directory:\n"
        } else {
            "\nDone. Each agent gets its own directory:\n"
        };
        for row in there {
            let name = Path::new(&row.path).file_name().map(shown).unwrap_or_default();
            out += &line(format!("  {name}/ -> {}", row.on.as_ref().unwrap_or(&row.branch)));
        }
        if !self.dry_run {
            out += "\nStart each agent in its own directory; 'comms watch' shows the group chat.\n";
        }
        out
    }
}

impl Row {
    fn text(&self) -> String {
        let (word, path) = (self.status.word(), &self.path);
        match self.status {
            Status::Skip => match &self.on {
                None => format!("[{word}] {path} already exists"),
                Some(on) => format!("[{word}] {path} already exists (on {on})"),
            },
            Status::None => format!("[{word}] {path} does not exist"),
            Status::Failed => format!("[{word}] {path}: {}", self.error.as_deref().unwrap_or_default()),
            _ => format!("[{word}] {path} -> {}", self.branch),
        }
    }
}

fn shown(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// A folder's path with a slash at its end.
fn folder(path: &str) -> String {
    if path.ends_with('/') { path.to_owned() } else { format!("{path}/") }
}
