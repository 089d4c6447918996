//! hook-worktree-guard: before a shell command runs, keeps worktrees out of the repository and alive, and warns of
//! writes on a protected branch while others work beside. Called by the agent (PreToolUse, Bash).
//!
//! The command is judged as the shell would run it, from the directory it would run in; facts about the repository
//! come from its files. A command that does not concern worktrees touches no file at all.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use crewkit_hook::command_line::{self, Command, Git, Places, Word, Words};
use crewkit_hook::{Event, Plain};
use crewkit_repo::{Repository, Worktree, is_protected};
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, text};

use crate::entry;
use crate::paths::resolve;

/// hook-worktree-guard.
pub const TOOL: Tool = Tool {
    name: "hook-worktree-guard",
    summary: "keeps worktrees beside the repository and alive, and warns of writes on main",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// Reads a hook event from standard input. Blocks `git worktree add` inside a repository, and `git worktree remove`
/// and `rm -r` of a worktree while more than one exists; warns of writes on a protected branch meanwhile.
///
/// `WORKTREE_GUARD_BRANCHES` names the protected branches, comma-separated, `*` at an end for any ending (default:
/// main,master); `WORKTREE_GUARD_MAIN`, else `main` under [worktree-guard] in crewkit.toml, says what becomes of writes
/// on them: warn, block, off (default: warn).
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

/// Subcommands of git that change the branch that is checked out, or publish it.
const WRITES: [&str; 8] = ["commit", "push", "add", "checkout", "merge", "rebase", "reset", "stash"];

/// What a command comes to.
enum Verdict {
    Block(String),
    Warn(String),
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// The answer to `event`; silent for anything but a shell command that is to run.
///
/// # Errors
/// When the working directory is needed and cannot be read.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let Some(command) = entry::command_to_run(event) else { return Ok(Outcome::silent()) };
    let line = command_line::read(command);
    if !line.is_complete() {
        return Ok(event.block(entry::UNREADABLE));
    }
    let mut concerns = line.commands().filter_map(Concern::of).peekable();
    if concerns.peek().is_none() {
        return Ok(Outcome::silent());
    }
    let (start, home) = (event.directory(context)?, context.home().ok());
    let places = Places { start: &start, home: home.as_deref(), top: &top };
    let mut warning = None;
    for concern in concerns {
        let verdict = match concern {
            Concern::Add { git, path } => judge_add(&git, path, &places),
            Concern::Remove { git, path } => judge_remove(&git, path, &places),
            Concern::Delete { command, paths } => judge_delete(command, &paths, &places),
            Concern::Write { git } if warning.is_none() => judge_write(context, event, &git, &places),
            Concern::Write { .. } => None,
        };
        match verdict {
            Some(Verdict::Block(reason)) => return Ok(event.block(&reason)),
            Some(Verdict::Warn(text)) => warning = Some(text),
            None => {}
        }
    }
    Ok(warning.map_or_else(Outcome::silent, |text| event.advise(&text, Plain::Stderr)))
}

/// A command that is worth a look at the repository.
enum Concern<'c> {
    /// `git worktree add PATH`
    Add { git: Git<'c>, path: Word<'c> },
    /// `git worktree remove [PATH]`
    Remove { git: Git<'c>, path: Option<Word<'c>> },
    /// `rm -r PATH…`
    Delete { command: Command<'c>, paths: Vec<Word<'c>> },
    /// A write of git's.
    Write { git: Git<'c> },
}

impl<'c> Concern<'c> {
    fn of(command: Command<'c>) -> Option<Self> {
        if command.program() == "rm" {
            return deleted_paths(command).map(|paths| Self::Delete { command, paths });
        }
        let git = command.git()?;
        let arguments = git.arguments;
        if arguments.iter().any(|word| matches!(word.text(), "-h" | "--help")) {
            return None;
        }
        match (git.subcommand, arguments.first().map(Word::text)) {
            ("worktree", Some("add")) => added_path(arguments.behind(1)).map(|path| Self::Add { git, path }),
            ("worktree", Some("remove")) => {
                let path = arguments.iter().skip(1).find(|word| !word.starts_with('-'));
                Some(Self::Remove { git, path })
            }
            ("stash", Some("list" | "show")) => None,
            (subcommand, _) if WRITES.contains(&subcommand) => Some(Self::Write { git }),
            _ => None,
        }
    }
}

/// The path among the arguments of `git worktree add` (git-worktree(1)).
fn added_path(arguments: Words<'_>) -> Option<Word<'_>> {
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            return rest.next();
        }
        let Some(option) = word.strip_prefix('-').filter(|option| !option.is_empty()) else { return Some(word) };
        let takes_next = match option.strip_prefix('-') {
            // git takes any beginning of an option's name that is unique.
            Some(long) => long.len() >= 3 && "reason".starts_with(long),
            None => option.find(['b', 'B']).is_some_and(|at| at + 1 == option.len()),
        };
        if takes_next {
            rest.next();
        }
    }
    None
}

/// What `rm` would delete with all that is in it; `None` when it deletes no folders.
fn deleted_paths(command: Command<'_>) -> Option<Vec<Word<'_>>> {
    let mut recursive = false;
    let mut options = true;
    let mut paths = Vec::new();
    for word in command.arguments() {
        if options && word == "--" {
            options = false;
        } else if options && word.starts_with("--") {
            recursive |= word.len() > 4 && "--recursive".starts_with(word.text());
        } else if options && word.starts_with('-') && word.len() > 1 {
            recursive |= word.contains(['r', 'R']);
        } else {
            paths.push(word);
        }
    }
    (recursive && !paths.is_empty()).then_some(paths)
}

fn judge_add(git: &Git<'_>, path: Word<'_>, places: &Places<'_>) -> Option<Verdict> {
    let target = resolve(&git.path(path, places)?);
    let repository = repository(git, places)?;
    let trees = repository.worktrees();
    let holder = trees.iter().filter(|tree| !tree.bare && !tree.missing).find(|tree| {
        // That a worktree is there already is for git to say.
        target.starts_with(&tree.path) && (tree.main || target != tree.path)
    })?;
    if holder.main && repository.open().is_ok_and(|opened| opened.is_bare()) {
        return None;
    }
    let mut reason = format!(
        "BLOCKED: git worktree add {} would put a worktree inside a repository, where its files mix with the \
         repository's own.\n  resolved:   {}\n  repository: {}",
        text::one_line(&path),
        shown(&target),
        shown(&holder.path),
    );
    let main = trees.iter().find(|tree| tree.main && !tree.bare).unwrap_or(holder);
    if let Some(sibling) = sibling(&main.path, &target) {
        reason.push_str("\nPut it beside the repository instead, for example at ");
        reason.push_str(&shown(&sibling));
    }
    Some(Verdict::Block(reason))
}

/// A place for the worktree `target` beside the repository at `top`.
fn sibling(top: &Path, target: &Path) -> Option<PathBuf> {
    let name = top.file_name()?;
    let wanted = target.strip_prefix(top).ok().and_then(Path::file_name).unwrap_or("worktree".as_ref());
    let mut prefix = name.to_owned();
    prefix.push("-");
    let sibling = if wanted.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
        wanted.to_owned()
    } else {
        prefix.push(wanted);
        prefix
    };
    Some(top.parent()?.join(sibling))
}

fn judge_remove(git: &Git<'_>, path: Option<Word<'_>>, places: &Places<'_>) -> Option<Verdict> {
    let repository = repository(git, places)?;
    let count = repository.worktree_count();
    if count < 2 {
        return None;
    }
    let target = path.and_then(|path| git.path(path, places)).map(|path| resolve(&path));
    let trees = repository.worktrees();
    let tree = target.and_then(|target| trees.iter().find(|tree| tree.path == target));
    Some(Verdict::Block(format!(
        "BLOCKED: git worktree remove while {count} worktrees exist: another agent may be at work there.\n{}",
        cleanup(tree)
    )))
}

fn judge_delete(command: Command<'_>, paths: &[Word<'_>], places: &Places<'_>) -> Option<Verdict> {
    paths.iter().find_map(|path| {
        let given = command.path(*path, places)?;
        // A link is deleted, not what it points to.
        let target = resolve(given.parent()?).join(given.file_name()?);
        if target.is_symlink() || !target.is_dir() {
            return None;
        }
        let own = target.join(".git").exists().then(|| Repository::discover(&target)).flatten();
        let repository = own.or_else(|| Repository::discover(places.start))?;
        if repository.worktree_count() < 2 {
            return None;
        }
        let trees = repository.worktrees();
        let tree = trees.iter().find(|tree| !tree.missing && tree.path.starts_with(&target))?;
        Some(Verdict::Block(format!(
            "BLOCKED: rm -r {} would delete the worktree {} with everything in it that is not committed.\n{}",
            text::one_line(path),
            shown(&tree.path),
            cleanup((!tree.main).then_some(tree))
        )))
    })
}

/// How a worktree is taken away once its work is merged.
fn cleanup(tree: Option<&Worktree>) -> String {
    let branch = tree.filter(|tree| !tree.main).and_then(|tree| tree.head.branch()).unwrap_or("BRANCH");
    format!(
        "worktree-cleanup looks first whether the work is merged and nothing is lost:\n  worktree-cleanup --branch \
         {}\n  worktree-cleanup --plan PLAN_ID\n  worktree-cleanup --all-merged",
        text::one_line(branch)
    )
}

fn judge_write(context: &Context, event: &Event, git: &Git<'_>, places: &Places<'_>) -> Option<Verdict> {
    let set = || event.settings(context).text("worktree-guard", "main").map(str::to_owned);
    let setting = context.variable("WORKTREE_GUARD_MAIN").or_else(set);
    if setting.as_deref() == Some("off") {
        return None;
    }
    let repository = repository(git, places)?;
    let head = repository.head();
    let branch = head.branch().filter(|branch| is_protected(context, branch))?;
    let count = repository.worktree_count();
    if count < 2 {
        return None;
    }
    let said = format!(
        "git {} on {} while {count} worktrees exist. Work belongs on a branch in a worktree of its own; see where you \
         are (git worktree list) before you go on.",
        git.subcommand,
        text::one_line(branch)
    );
    Some(match setting.as_deref() {
        Some("block") => Verdict::Block(format!("BLOCKED: {said}")),
        None | Some("warn") => Verdict::Warn(format!("WARNING: {said}")),
        Some(other) => {
            context.note(format!(
                "the setting for writes on a protected branch is '{other}', none of warn, block, off: warning"
            ));
            Verdict::Warn(format!("WARNING: {said}"))
        }
    })
}

/// The repository that a call of git works on. Where its directory is only known when the line runs, that of the
/// line's beginning.
fn repository(git: &Git<'_>, places: &Places<'_>) -> Option<Repository> {
    let place = git.git_dir(places).or_else(|| git.directory(places));
    Repository::discover(place.as_deref().unwrap_or(places.start))
}

fn top(directory: &Path) -> Option<PathBuf> {
    Repository::discover(directory)?.top
}

fn shown(path: &Path) -> String {
    text::one_line(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<String> {
        let line = command_line::read(line);
        added_path(line.commands().next()?.words()).map(|word| word.to_string())
    }

    #[test]
    fn the_path_is_told_from_the_options() {
        for (line, wanted) in [
            ("../x", Some("../x")),
            ("../x main", Some("../x")),
            ("-b f ../x", Some("../x")),
            ("-bf ../x main", Some("../x")),
            ("-B f ../x", Some("../x")),
            ("-fb f ../x", Some("../x")),
            ("-f -q -d ../x", Some("../x")),
            ("--detach ../x", Some("../x")),
            ("--track -b f ../x origin/f", Some("../x")),
            ("--lock --reason 'a b' ../x", Some("../x")),
            ("--lock --reason=x ../x", Some("../x")),
            ("--lock --reas x ../x", Some("../x")),
            ("--relative-paths ../x", Some("../x")),
            ("--orphan ../x", Some("../x")),
            ("--no-checkout --guess-remote ../x", Some("../x")),
            ("-- -x", Some("-x")),
            ("-f -- ../x", Some("../x")),
            ("../x -b f", Some("../x")),
            ("-b f", None),
            ("-f", None),
        ] {
            assert_eq!(words(line).as_deref(), wanted, "{line}");
        }
    }

    #[test]
    fn a_sibling_is_named_after_the_repository() {
        let sibling = |top: &str, target: &str| sibling(Path::new(top), Path::new(target));
        assert_eq!(sibling("/w/shop", "/w/shop/sub/new"), Some("/w/shop-new".into()));
        assert_eq!(sibling("/w/shop", "/w/shop/shop-new"), Some("/w/shop-new".into()));
        assert_eq!(sibling("/w/shop", "/w/shop"), Some("/w/shop-worktree".into()));
        assert_eq!(sibling("/", "/x"), None);
    }

    #[test]
    fn a_line_that_cannot_be_read_to_its_end_does_not_pass() {
        let remove = "git worktree remove ../x";
        let nested = |depth: usize| format!("{}{remove}{}", "( ".repeat(depth), ")".repeat(depth));
        let repeated = format!("A='{}';{} {remove}", ": ".repeat(2000), "eval \"$A\";".repeat(100));
        for (command, code) in [(nested(200), 2), (repeated, 2), (nested(20).replace(remove, "ls"), 0)] {
            let event = serde_json::json!({"tool_name": "Bash", "tool_input": {"command": command}});
            let event = Event::parse(event.to_string().as_bytes()).unwrap();
            let outcome = answer(
                &Context::scripted(crewkit_tool::Script {
                    environment: [].into(),
                    directory: "/".into(),
                    clock: crewkit_tool::Clock::System,
                    stdin: Vec::new(),
                }),
                &event,
            )
            .unwrap();
            assert_eq!(outcome.code, code, "{command:.40}");
        }
    }

    #[test]
    fn only_some_commands_concern_it() {
        let concerns = |line: &str| command_line::read(line).commands().filter_map(Concern::of).count();
        for line in [
            "ls -la",
            "git status",
            "git log",
            "git worktree list",
            "git worktree prune",
            "git worktree add -h",
            "git stash list",
            "echo git worktree remove x",
            "git commit --help",
            "rm x",
            "rm -f x",
            "rm -- -r x",
            "worktree-cleanup.sh --branch x",
        ] {
            assert_eq!(concerns(line), 0, "{line}");
        }
        for line in ["git add .", "git stash", "rm -rf x", "rm --recursive x", "rm -f -R x", "git worktree remove"] {
            assert_eq!(concerns(line), 1, "{line}");
        }
    }
}
