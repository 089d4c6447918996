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
//! One pass over the bytes, into lists of numbers: a word is a place in the line, a command a few places in such lists.
//! No command and no word takes memory of its own, and what is asked of one ([`Command`], [`Word`]) is a view. Text that
//! has to be read a second time (`sh -c`, `eval`, variables) draws on a budget in proportion to the line, and nesting is
//! bounded, so no line takes more than linear time or much stack. Where a bound is met, [`Line::is_complete`] is false:
//! who judges by what a line does not hold has to refuse such a line. `examples/command_lines.rs` measures what any kind
//! of line takes.

mod compound;
mod directory;
mod draft;
mod expansions;
mod git;
mod here_documents;
mod list;
mod programs;
mod quoting;
mod reader;
mod records;
mod run;
mod simple;
mod variables;
mod word;
mod wrappers;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use directory::Places;
pub use git::Git;
pub use word::{Word, WordIter, Words};

use directory::Step;
use reader::{Reader, State};
use records::{AssignmentRecord, CommandRecord, Group, Rare, RedirectionRecord, Span, WordRecord};

/// The bytes of the longest line that is read. Text that has to be made comes to less than three times as much: places in
/// all of it fit into 32 bits.
const MOST_TEXT: usize = 1 << 28;

/// The commands of `line`, in the order in which they would run.
pub fn read(line: &str) -> Line<'_> {
    if line.len() > MOST_TEXT {
        return Line { complete: false, ..Line::new("") };
    }
    let mut state = State::new(line);
    Reader::new(line, &mut state).all();
    state.end()
}

/// A command line.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    text: &'a str,
    /// Words that are no piece of the text: of several pieces, or with the value of a variable in them.
    made: String,
    commands: Vec<CommandRecord>,
    words: Vec<WordRecord>,
    assignments: Vec<AssignmentRecord>,
    redirections: Vec<RedirectionRecord>,
    rare: Vec<Rare>,
    groups: Vec<Group>,
    steps: Vec<Step>,
    complete: bool,
}

impl<'a> Line<'a> {
    fn new(text: &'a str) -> Self {
        // Commands that agents write have some eight bytes a word; more is made room for when it is needed.
        let words = text.len() / 8 + 2;
        Self {
            text,
            made: String::new(),
            commands: Vec::with_capacity(words / 2 + 1),
            words: Vec::with_capacity(words),
            assignments: Vec::new(),
            redirections: Vec::new(),
            rare: Vec::new(),
            groups: Vec::new(),
            steps: Vec::new(),
            complete: true,
        }
    }

    /// Its simple commands in the order in which they would run; all branches of `if`, `case`, `&&` and `||` are among
    /// them, the body of a loop or function stands once.
    pub fn commands(&self) -> Commands<'_> {
        Commands { line: self, records: self.commands.iter() }
    }

    /// Whether all of it was read: false for a line that is nested more deeply, or has more text to be read twice, than
    /// anybody writes.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

/// The commands of a line.
#[derive(Debug, Clone)]
pub struct Commands<'l> {
    line: &'l Line<'l>,
    records: std::slice::Iter<'l, CommandRecord>,
}

impl<'l> Iterator for Commands<'l> {
    type Item = Command<'l>;

    fn next(&mut self) -> Option<Command<'l>> {
        self.records.next().map(|record| Command { line: self.line, record })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl DoubleEndedIterator for Commands<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.records.next_back().map(|record| Command { line: self.line, record })
    }
}

impl ExactSizeIterator for Commands<'_> {}

/// A simple command: a program (or builtin) with its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Command<'l> {
    line: &'l Line<'l>,
    record: &'l CommandRecord,
}

/// A variable that is set.
#[derive(Debug, Clone, Copy)]
pub struct Assignment<'l> {
    /// Its name, without a subscript.
    pub name: &'l str,
    /// Its value.
    pub value: Word<'l>,
}

/// A redirection.
#[derive(Debug, Clone, Copy)]
pub struct Redirection<'l> {
    /// The file descriptor, where it is written.
    pub descriptor: Option<u16>,
    /// What is done.
    pub operator: Operator,
    /// The file, the descriptor, the delimiter of a here-document or the text of a here-string.
    pub target: Word<'l>,
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

impl<'l> Command<'l> {
    /// The program and its arguments, never empty; without wrappers such as `sudo` and their options.
    pub fn words(self) -> Words<'l> {
        Words::new(self.line, self.line.words.get(self.record.words.range()).unwrap_or_default())
    }

    /// The name of the program, without a folder before it.
    pub fn program(self) -> &'l str {
        self.words().first().map_or("", Word::file_name)
    }

    /// The program's arguments.
    pub fn arguments(self) -> Words<'l> {
        self.words().behind(1)
    }

    /// Whether its standard input is a pipe of this line.
    pub fn piped_from(self) -> bool {
        self.record.piped_from
    }

    /// Whether its standard output is a pipe of this line.
    pub fn piped_to(self) -> bool {
        self.record.piped_to || self.line.groups.get(self.record.group as usize).is_some_and(|group| group.piped_to)
    }

    /// Whether it runs in a command or process substitution, so that its output becomes part of another command.
    pub fn substituted(self) -> bool {
        self.record.substituted
    }

    /// The command as written, from the program on.
    pub fn source(self) -> &'l str {
        let start = self.line.words.get(self.record.words.at as usize).map_or(self.record.end, |word| word.start);
        self.line.get(Span { at: start, length: self.record.end.saturating_sub(start) }).trim_end()
    }

    /// Variables set for this command alone, `env`'s among them; the last one first.
    pub fn assignments(self) -> impl Iterator<Item = Assignment<'l>> {
        let line = self.line;
        let own = line.rare.get(self.record.rare as usize);
        let all = std::iter::successors(own, |rare| line.rare.get(rare.outer as usize));
        let records =
            all.flat_map(|rare| line.assignments.get(rare.assignments.range()).unwrap_or_default().iter().rev());
        records.map(|record| Assignment { name: line.get(record.name), value: Word::of(line, record.value) })
    }

    /// Redirections in their order.
    pub fn redirections(self) -> impl DoubleEndedIterator<Item = Redirection<'l>> {
        let line = self.line;
        let rare = line.rare.get(self.record.rare as usize);
        let records = rare.and_then(|rare| line.redirections.get(rare.redirections.range())).unwrap_or_default();
        records.iter().map(move |record| Redirection {
            descriptor: record.descriptor,
            operator: record.operator,
            target: Word::of(line, record.target),
        })
    }

    /// The value that `name` is set to for this command alone.
    pub fn variable(self, name: &str) -> Option<Word<'l>> {
        self.assignments().find(|assignment| assignment.name == name).map(|assignment| assignment.value)
    }

    /// The file that its standard output goes to: neither a descriptor nor `/dev/null`, a terminal or our own streams.
    pub fn output_file(self) -> Option<Word<'l>> {
        let last = self.redirections().rev().find(|redirection| {
            matches!(redirection.operator, Operator::Both)
                || matches!(redirection.operator, Operator::Write | Operator::Append | Operator::Duplicate)
                    && matches!(redirection.descriptor, None | Some(1))
        })?;
        let device = matches!(&*last.target, "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty");
        (last.operator != Operator::Duplicate && !device).then_some(last.target)
    }

    /// The directory it runs in: where the line starts, changed by every `cd` before it. `None` when that is only known
    /// when the line runs. A `cd` is taken to succeed.
    pub fn directory(self, places: &Places<'_>) -> Option<PathBuf> {
        self.line.resolve(self.record.directory, places)
    }

    /// `word` as a path, made absolute against the directory that the command runs in. `None` when either is only
    /// known when the line runs.
    pub fn path(self, word: Word<'_>, places: &Places<'_>) -> Option<PathBuf> {
        match self.directory(places) {
            Some(here) => word.path(&here, places),
            // An absolute path needs no directory.
            None => word.path(Path::new(""), places).filter(|path| path.is_absolute()),
        }
    }
}
