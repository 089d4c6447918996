//! What the commits of a command line would take.

mod content;

use std::path::{Path, PathBuf};

use crewkit_hook::Event;
use crewkit_hook::command_line::{self, Git, Places, Word};
use crewkit_repo::Repository;
use crewkit_tool::{Context, Refusal};

pub(crate) use content::{Content, Reach, of_bytes, shown};

/// A commit that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    /// The directory that git works in.
    pub(crate) directory: PathBuf,
    /// The git folder and the work tree that the call names.
    pub(crate) git_dir: Option<PathBuf>,
    pub(crate) work_tree: Option<PathBuf>,
    pub(crate) take: Take,
}

/// What a commit takes beside what is committed already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Take {
    /// What is staged.
    Index,
    /// What is staged, and what the work tree has of it under these paths (absolute).
    Paths {
        paths: Vec<PathBuf>,
        /// Whether what is staged elsewhere goes too.
        index: bool,
        /// Whether files go too that git does not know yet, and those that it is to ignore.
        untracked: bool,
        ignored: bool,
    },
    /// What the work tree has of the files that git knows; with `untracked`, all files.
    All { untracked: bool },
}

impl Commit {
    /// A commit of what is staged in the repository that holds `directory`.
    pub(crate) fn of_index(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), git_dir: None, work_tree: None, take: Take::Index }
    }
}

/// The commits that `command`, which is to run for `event`, would make. A `git add` before one is taken to have
/// happened: agents write both on one line. `None` when it may make others: it cannot be read to its end.
///
/// # Errors
/// When the command makes a commit and the directory it runs in cannot be told.
pub(crate) fn of_command(context: &Context, event: &Event, command: &str) -> Result<Option<Vec<Commit>>, Refusal> {
    if !command.contains("commit") {
        return Ok(Some(Vec::new()));
    }
    let line = command_line::read(command);
    if !line.is_complete() {
        return Ok(None);
    }
    let calls: Vec<Git<'_>> = line.commands().filter_map(command_line::Command::git).collect();
    if !calls.iter().any(|git| git.subcommand == "commit") {
        return Ok(Some(Vec::new()));
    }
    let (start, home) = (event.directory(context)?, context.home().ok());
    let top = |directory: &Path| Repository::discover(directory)?.top;
    let places = Places { start: &start, home: home.as_deref(), top: &top };
    let mut added = Take::Index;
    let mut commits = Vec::new();
    for git in &calls {
        match git.subcommand {
            "add" | "stage" => added = both(added, of_add(git, &places)),
            "commit" => commits.extend(of_commit(git, &places).map(|take| Commit {
                directory: git.directory(&places).unwrap_or_else(|| start.clone()),
                git_dir: git.git_dir(&places),
                work_tree: git.work_tree(&places),
                take: both(added.clone(), take),
            })),
            _ => {}
        }
    }
    Ok(Some(commits))
}

/// What `git add` adds (git-add(1)).
fn of_add(git: &Git<'_>, places: &Places<'_>) -> Take {
    let (mut all, mut update, mut ignored, mut options) = (false, false, false, true);
    let mut words = Vec::new();
    for word in git.arguments {
        match word.text() {
            "--" if options => options = false,
            "-n" | "--dry-run" | "-h" | "--help" if options => return Take::Index,
            text if options && text.starts_with("--") => {
                all |= matches!(text, "--all" | "--no-ignore-removal") || text.starts_with("--pathspec");
                update |= text == "--update";
                ignored |= text == "--force";
            }
            text if options && text.starts_with('-') && text.len() > 1 => {
                all |= text.contains('A');
                update |= text.contains('u');
                ignored |= text.contains('f');
            }
            _ => words.push(word),
        }
    }
    if words.is_empty() {
        return if all || update { Take::All { untracked: all } } else { Take::Index };
    }
    match paths(git, &words, places) {
        Some(paths) => Take::Paths { paths, index: true, untracked: !update, ignored },
        None => Take::All { untracked: !update },
    }
}

/// What `git commit` takes (git-commit(1)); `None` when it makes none.
fn of_commit(git: &Git<'_>, places: &Places<'_>) -> Option<Take> {
    const WITH_VALUE: [&str; 12] = [
        "--message",
        "--file",
        "--author",
        "--date",
        "--template",
        "--reuse-message",
        "--reedit-message",
        "--fixup",
        "--squash",
        "--cleanup",
        "--trailer",
        "--pathspec-from-file",
    ];
    let (mut all, mut include, mut options) = (false, false, true);
    let mut words = Vec::new();
    let mut rest = git.arguments.iter();
    while let Some(word) = rest.next() {
        match word.text() {
            "--" if options => options = false,
            "-h" | "--help" | "--dry-run" if options => return None,
            text if options && text.starts_with("--") => {
                all |= text == "--all" || text.starts_with("--pathspec-from-file");
                include |= text == "--include";
                if WITH_VALUE.contains(&text) {
                    rest.next();
                }
            }
            text if options && text.starts_with('-') && text.len() > 1 => {
                let letters = &text[1..];
                let value = letters.find(['m', 'F', 'C', 'c', 't', 'S', 'u']);
                let flags = &letters[..value.unwrap_or(letters.len())];
                all |= flags.contains('a');
                include |= flags.contains('i');
                let last = value.is_some_and(|at| at + 1 == letters.len() && !letters.ends_with(['S', 'u']));
                if last {
                    rest.next();
                }
            }
            _ => words.push(word),
        }
    }
    Some(match paths(git, &words, places) {
        _ if all => Take::All { untracked: false },
        Some(paths) if paths.is_empty() => Take::Index,
        Some(paths) => Take::Paths { paths, index: include, untracked: false, ignored: false },
        None => Take::All { untracked: false },
    })
}

/// `words` as absolute paths; `None` when one of them is only known when the line runs.
fn paths(git: &Git<'_>, words: &[Word<'_>], places: &Places<'_>) -> Option<Vec<PathBuf>> {
    words.iter().map(|word| if word.starts_with(':') { None } else { git.path(*word, places) }).collect()
}

/// What goes when one was added after the other.
fn both(one: Take, other: Take) -> Take {
    match (one, other) {
        (Take::Index, take) | (take, Take::Index) => take,
        (Take::All { untracked: one }, Take::All { untracked: other }) => Take::All { untracked: one || other },
        (Take::All { untracked }, Take::Paths { untracked: other, .. })
        | (Take::Paths { untracked: other, .. }, Take::All { untracked }) => {
            Take::All { untracked: untracked || other }
        }
        (
            Take::Paths { mut paths, index, untracked, ignored },
            Take::Paths { paths: more, index: also, untracked: new, ignored: hidden },
        ) => {
            paths.extend(more);
            Take::Paths { paths, index: index || also, untracked: untracked || new, ignored: ignored || hidden }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn takes(command: &str) -> Vec<(String, Take)> {
        let script = Script {
            environment: [("HOME".into(), "/h".into())].into(),
            directory: "/w".into(),
            clock: Clock::System,
            stdin: Vec::new(),
        };
        let event = Event::parse(b"{}").unwrap();
        of_command(&Context::scripted(script), &event, command)
            .unwrap()
            .unwrap()
            .into_iter()
            .map(|commit| (commit.directory.display().to_string(), commit.take))
            .collect()
    }

    #[test]
    fn what_a_commit_takes() {
        let all = |untracked| Take::All { untracked };
        let paths = |paths: &[&str], index, untracked| Take::Paths {
            paths: paths.iter().map(PathBuf::from).collect(),
            index,
            untracked,
            ignored: false,
        };
        for (command, take) in [
            ("git commit -m x", Take::Index),
            ("git commit -m 'a -a'", Take::Index),
            ("git commit --message -a", Take::Index),
            ("git commit --amend --no-edit", Take::Index),
            ("git commit -S -m x", Take::Index),
            ("git commit -am x", all(false)),
            ("git commit -qam x", all(false)),
            ("git commit --all -F msg", all(false)),
            ("git commit -m x a.c -- -b", paths(&["/w/a.c", "/w/-b"], false, false)),
            ("git commit -i a.c -m x", paths(&["/w/a.c"], true, false)),
            ("git add -A && git commit -m x", all(true)),
            ("git add -u; git commit -m x", all(false)),
            ("git add . && git commit -m x", paths(&["/w/."], true, true)),
            ("git add -n . && git commit -m x", Take::Index),
            ("git add a && git add b && git commit -m x", paths(&["/w/a", "/w/b"], true, true)),
            ("git add \"$FILES\" && git commit -m x", all(true)),
            ("git add a && git commit -am x", all(true)),
        ] {
            assert_eq!(takes(command), [("/w".to_owned(), take)], "{command}");
        }
    }

    #[test]
    fn what_cannot_be_read_to_its_end_may_be_a_commit() {
        let context = Context::scripted(Script {
            environment: [].into(),
            directory: "/w".into(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        let event = Event::parse(b"{}").unwrap();
        let deep = |command: &str| format!("{}{command}{}", "( ".repeat(200), ")".repeat(200));
        assert_eq!(of_command(&context, &event, &deep("git commit")).unwrap(), None);
        assert_eq!(of_command(&context, &event, &deep("ls")).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn where_a_commit_is_made() {
        let places = |command| takes(command).into_iter().map(|(place, _)| place).collect::<Vec<_>>();
        assert_eq!(places("git -C sub commit -m x; cd /v && git commit -m y"), ["/w/sub", "/v"]);
        for none in ["git status", "echo git commit", "git log --grep commit", "git commit --dry-run", "git commit -h"]
        {
            assert_eq!(places(none), [""; 0], "{none}");
        }
    }
}
