//! Reads a shell's command line as the shell would split it: [`read`] gives the simple commands in the order in which
//! they would run, with quotes resolved, wrappers (`sudo`, `env`, `time`, `xargs`…) taken off and the directory that
//! each runs in.
//!
//! Read through are lists, pipelines, subshells, groups, `if`, `case`, loops, functions, command and process
//! substitutions (in double quotes and here-documents too), `sh -c '…'`, `eval`, `trap`, `find -exec` and
//! here-documents fed to a shell. Not read through: scripts, aliases, other machines (`ssh`), what is only known when
//! the line runs. A line that no shell would take (an open quote) is read as far as it makes sense.
//!
//! The grammar is that of POSIX (XCU chapter 2, <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>)
//! with bash's additions (<https://www.gnu.org/software/bash/manual/bash.html>).
//!
//! # Why not a library
//! A hook reads lines that it did not write before every tool call, so a reader has to end, in linear time, with an
//! answer for the whole line. `yash-syntax` is GPL, asynchronous and stops at the first error; `brush-parser` can hang
//! and take all memory on seven bytes (<https://github.com/reubeno/brush/pull/1270>), and its tree has no words with
//! quotes resolved; `tree-sitter-bash` misreads what agents write every day (a redirection or `;` behind `<<EOF`:
//! <https://github.com/tree-sitter/tree-sitter-bash/issues/346>); `conch-parser` is unmaintained since 2019 and lacks
//! bash's syntax; `shlex` and the like know words but no commands.
//!
//! # Cost
//! One pass over the bytes; a word without quotes or expansions is a slice of the line. Text that has to be read a
//! second time (`sh -c`, `eval`, backquotes) draws on a budget in proportion to the line, and nesting is bounded, so no
//! line takes more than linear time or much stack; where a bound is met, [`Line::complete`] is false.

mod directory;
mod git;
mod list;
mod quoting;
mod run;
mod simple;
mod word;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

pub use directory::Places;
pub use git::Git;
pub use word::Word;
pub use words::Words;

use directory::Directory;

/// The commands of `line`, in the order in which they would run.
pub fn read(line: &str) -> Line<'_> {
    let mut reader = list::Reader::new(line);
    reader.all();
    Line { complete: reader.complete, commands: reader.commands }
}

/// A command line.
#[derive(Debug, Clone, Default)]
pub struct Line<'a> {
    /// Its simple commands in the order in which they would run; all branches of `if`, `case`, `&&` and `||` are among
    /// them, the body of a loop or function stands once.
    pub commands: Vec<Command<'a>>,
    /// Whether all of it was read: false for a line that is nested more deeply than anybody writes.
    pub complete: bool,
}

/// A simple command: a program (or builtin) with its arguments.
#[derive(Debug, Clone)]
pub struct Command<'a> {
    /// The program and its arguments, never empty; without wrappers such as `sudo` and their options.
    pub words: Words<'a>,
    /// What few commands have.
    rare: Option<Box<Rare<'a>>>,
    /// Whether its standard input is a pipe of this line.
    pub piped_from: bool,
    /// Whether its standard output is a pipe of this line.
    pub piped_to: bool,
    /// Whether it runs in a command or process substitution, so that its output becomes part of another command.
    pub substituted: bool,
    /// The command as written, from the program on.
    pub source: Cow<'a, str>,
    directory: Directory,
    level: u16,
}

/// What few commands have; a line may hold very many commands.
#[derive(Debug, Clone, Default)]
struct Rare<'a> {
    assignments: Vec<Assignment<'a>>,
    redirections: Vec<Redirection<'a>>,
}

/// A variable that is set.
#[derive(Debug, Clone)]
pub struct Assignment<'a> {
    /// Its name, without a subscript.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: Word<'a>,
}

/// A redirection.
#[derive(Debug, Clone)]
pub struct Redirection<'a> {
    /// The file descriptor, where it is written.
    pub descriptor: Option<u16>,
    /// What is done.
    pub operator: Operator,
    /// The file, the descriptor, the delimiter of a here-document or the text of a here-string.
    pub target: Word<'a>,
}

/// What a redirection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`, `<>`
    Read,
    /// `>`, `>|`
    Write,
    /// `>>`
    Append,
    /// `&>`, `&>>`, `>&FILE`: both output streams.
    Both,
    /// `>&1`, `<&3`, `>&-`
    Duplicate,
    /// `<<`, `<<-`
    HereDocument,
    /// `<<<`
    HereString,
}

impl<'a> Command<'a> {
    /// The name of the program, without a folder before it.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", Word::file_name)
    }

    /// The program's arguments.
    pub fn arguments(&self) -> &[Word<'a>] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Variables set for this command alone, `env`'s among them.
    pub fn assignments(&self) -> &[Assignment<'a>] {
        self.rare.as_deref().map_or(&[], |rare| &rare.assignments)
    }

    /// Redirections in their order.
    pub fn redirections(&self) -> &[Redirection<'a>] {
        self.rare.as_deref().map_or(&[], |rare| &rare.redirections)
    }

    /// The value that `name` is set to for this command alone.
    pub fn variable(&self, name: &str) -> Option<&Word<'a>> {
        self.assignments().iter().rev().find(|assignment| assignment.name == name).map(|assignment| &assignment.value)
    }

    /// The file that its standard output goes to: neither a descriptor nor `/dev/null`, a terminal or our own streams.
    pub fn output_file(&self) -> Option<&Word<'a>> {
        let last = self.redirections().iter().rev().find(|redirection| {
            matches!(redirection.operator, Operator::Both)
                || matches!(redirection.operator, Operator::Write | Operator::Append | Operator::Duplicate)
                    && matches!(redirection.descriptor, None | Some(1))
        })?;
        let device = matches!(&*last.target, "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty");
        (last.operator != Operator::Duplicate && !device).then_some(&last.target)
    }

    /// The directory it runs in: where the line starts, changed by every `cd` before it. `None` when that is only known
    /// when the line runs. A `cd` is taken to succeed.
    pub fn directory(&self, places: &Places<'_>) -> Option<PathBuf> {
        self.directory.resolve(places)
    }

    /// `word` as a path, made absolute against the directory that the command runs in. `None` when either is only
    /// known when the line runs.
    pub fn path(&self, word: &Word<'_>, places: &Places<'_>) -> Option<PathBuf> {
        match self.directory(places) {
            Some(here) => word.path(&here, places),
            // An absolute path needs no directory.
            None => word.path(Path::new(""), places).filter(|path| path.is_absolute()),
        }
    }

    fn into_owned(self) -> Command<'static> {
        let rare = self.rare.map(|rare| {
            let Rare { assignments, redirections } = *rare;
            let assignment = |one: Assignment<'_>| Assignment {
                name: Cow::Owned(one.name.into_owned()),
                value: one.value.into_owned(),
            };
            let redirection = |one: Redirection<'_>| Redirection {
                descriptor: one.descriptor,
                operator: one.operator,
                target: one.target.into_owned(),
            };
            Box::new(Rare {
                assignments: assignments.into_iter().map(assignment).collect(),
                redirections: redirections.into_iter().map(redirection).collect(),
            })
        });
        Command {
            words: self.words.into_owned(),
            rare,
            piped_from: self.piped_from,
            piped_to: self.piped_to,
            substituted: self.substituted,
            source: Cow::Owned(self.source.into_owned()),
            directory: self.directory,
            level: self.level,
        }
    }
}
