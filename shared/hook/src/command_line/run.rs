//! What a simple command does to the reading of the line: changes of directory, variables, and commands that are given
//! as arguments.

use super::Operator;
use super::directory::UNKNOWN;
use super::draft::append;
use super::programs::{Program, program};
use super::reader::{Reader, Scope, State};
use super::records::{AssignmentRecord, CommandRecord, NONE, Rare, Span, short};

/// Most directories that `pushd` keeps.
const MOST_PUSHED: usize = 64;

/// A simple command that was read: its words, and where its assignments and redirections begin among those that are
/// being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Simple {
    pub(super) words: Span,
    pub(super) assignments: usize,
    pub(super) redirections: usize,
    pub(super) directory: u32,
    /// Whether its input is a pipe.
    pub(super) fed: bool,
}

impl Reader<'_, '_, '_> {
    /// Takes note of a simple command that ends here. Gives its place among the commands, `None` when it only sets
    /// variables; and the group that is open for the commands of its arguments, or [`NONE`].
    pub(super) fn command(&mut self, simple: Simple) -> (Option<u32>, u32) {
        if simple.words.length == 0 {
            self.state.redirections.truncate(simple.redirections);
            for index in simple.assignments..self.state.assignments.len() {
                if let Some(AssignmentRecord { name, value }) = self.state.assignments.get(index).copied() {
                    self.state.set(name, value);
                }
            }
            self.state.assignments.truncate(simple.assignments);
            return (None, NONE);
        }
        let State { line, assignments, redirections, .. } = &mut *self.state;
        let mut rare = NONE;
        if assignments.len() > simple.assignments || redirections.len() > simple.redirections {
            rare = short(line.rare.len());
            line.rare.push(Rare {
                assignments: Span::new(line.assignments.len(), assignments.len() - simple.assignments),
                redirections: Span::new(line.redirections.len(), redirections.len() - simple.redirections),
                outer: NONE,
            });
            line.assignments.extend(assignments.drain(simple.assignments..));
            line.redirections.extend(redirections.drain(simple.redirections..));
        }
        // Put together where it is kept: copying it is most of what a short command costs.
        self.state.line.commands.push(CommandRecord {
            words: simple.words,
            end: short(self.base + self.at),
            directory: simple.directory,
            rare,
            group: self.state.group,
            piped_from: simple.fed,
            piped_to: false,
            substituted: self.state.level > 0,
        });
        let index = self.state.line.commands.len() - 1;
        let group = match program(self.state.program(simple.words)) {
            None => NONE,
            Some(meaning) => self.run(index, meaning),
        };
        (Some(short(index)), group)
    }

    /// Does what the command at `index` means. Gives the group that is open for the commands of its arguments, or
    /// [`NONE`].
    #[inline(never)]
    fn run(&mut self, index: usize, mut meaning: Program) -> u32 {
        if let Program::Wrapper(_) = meaning {
            self.state.unwrap(index);
            let words = self.state.line.commands[index].words;
            let Some(behind) = program(self.state.program(words)) else { return NONE };
            meaning = behind;
        }
        let CommandRecord { words, rare, piped_from: fed, .. } = self.state.line.commands[index];
        let arguments = words.behind(1);
        let mut group = NONE;
        match meaning {
            Program::Wrapper(_) => {}
            Program::Change | Program::Push | Program::Pop => self.state.change(meaning, arguments),
            Program::Declare => {
                for at in arguments.range() {
                    if let Some(word) = self.state.line.words.get(at).copied()
                        && let Some(AssignmentRecord { name, value }) = self.state.split_assignment(word)
                    {
                        self.state.set(name, value);
                    }
                }
            }
            Program::Unset => {
                for at in arguments.range() {
                    if let Some(word) = self.state.line.words.get(at) {
                        self.state.unset(word.text);
                    }
                }
            }
            Program::Eval => {
                group = self.state.open_group();
                self.joined(arguments, fed);
            }
            Program::Trap => {
                let words = self.state.line.words.get(arguments.range()).unwrap_or_default();
                let text = words.iter().find(|word| !self.state.line.get(word.text).starts_with('-'));
                if let Some(text) = text.map(|word| word.text) {
                    group = self.state.open_group();
                    self.again(text, Scope::Shell, fed);
                }
            }
            Program::Flocked => {
                if let Some(text) = self.state.word(arguments, 0).map(|word| word.text) {
                    group = self.state.open_group();
                    self.again(text, Scope::Shell, fed);
                }
            }
            Program::Find => {
                group = self.state.open_group();
                self.executed(index);
            }
            Program::Su | Program::Shell => {
                group = self.state.open_group();
                if let Some(text) = self.state.shell_text(meaning, arguments) {
                    self.again(text, Scope::Shell, fed);
                }
                if self.state.reads_commands(short(index)) {
                    let strings = self.state.line.rare.get(rare as usize).map(|rare| rare.redirections);
                    for at in strings.unwrap_or_default().range() {
                        if let Some(one) = self.state.line.redirections.get(at)
                            && one.operator == Operator::HereString
                        {
                            self.again(one.target.text, Scope::Shell, fed);
                        }
                    }
                }
            }
        }
        group
    }

    /// The commands that `eval` runs: its words joined by blanks.
    fn joined(&mut self, words: Span, fed: bool) {
        let records = self.state.line.words.get(words.range()).unwrap_or_default();
        if let [] | [_] = records {
            if let [word] = records {
                self.again(word.text, Scope::Same, fed);
            }
            return;
        }
        let length: usize = records.iter().map(|word| word.text.length as usize + 1).sum();
        if !self.state.draw(length - 1) {
            return;
        }
        let State { line, spare, .. } = &mut *self.state;
        let mut text = spare.pop().unwrap_or_default();
        text.reserve(length);
        for (at, word) in line.words.get(words.range()).unwrap_or_default().iter().enumerate() {
            if at > 0 {
                text.push(' ');
            }
            append(&mut text, line.get(word.text));
        }
        self.read_made(text, Scope::Same, fed);
    }

    /// The commands that `find` runs.
    fn executed(&mut self, find: usize) {
        let find = self.state.line.commands[find];
        let mut rest = find.words.behind(1);
        loop {
            let line = &self.state.line;
            let position = |words: Span, wanted: fn(&str) -> bool| {
                let words = line.words.get(words.range()).unwrap_or_default();
                words.iter().position(|word| wanted(line.get(word.text)))
            };
            let option = |text: &str| matches!(text, "-exec" | "-execdir" | "-ok" | "-okdir");
            let Some(at) = position(rest, option) else { return };
            rest = rest.behind(at + 1);
            let length = position(rest, |text| matches!(text, ";" | "+")).unwrap_or(rest.length as usize);
            let words = rest.first(length);
            rest = rest.behind(length);
            let cost = line.words.get(words.range()).unwrap_or_default();
            let cost = cost.iter().map(|word| word.text.length as usize + 1).sum();
            if !self.state.draw(cost) || !self.enter() {
                return;
            }
            if words.length > 0 {
                // What is set for find is set for what it runs.
                let rare = if self.state.line.rare.get(find.rare as usize).is_some() {
                    self.state.line.rare.push(Rare {
                        assignments: Span::default(),
                        redirections: Span::default(),
                        outer: find.rare,
                    });
                    short(self.state.line.rare.len() - 1)
                } else {
                    NONE
                };
                let group = self.state.group;
                self.state.line.commands.push(CommandRecord { words, rare, group, piped_from: false, ..find });
                if let Some(meaning) = program(self.state.program(words)) {
                    let opened = self.run(self.state.line.commands.len() - 1, meaning);
                    self.state.close_group(opened, false);
                }
            }
            self.leave();
        }
    }
}

impl State<'_> {
    /// `cd`, `pushd`, `popd`.
    fn change(&mut self, meaning: Program, arguments: Span) {
        let before = self.directory;
        let words = self.line.words.get(arguments.range()).unwrap_or_default();
        let to = words.iter().copied().find(|word| {
            let text = self.line.get(word.text);
            text == "-" || !text.starts_with('-')
        });
        let text = to.map(|word| self.line.get(word.text));
        self.directory = match meaning {
            Program::Pop => self.stack.pop().unwrap_or(UNKNOWN),
            _ if text == Some("-") => self.previous,
            _ if text.is_some_and(|text| text.starts_with('+')) => UNKNOWN,
            Program::Push if to.is_none() => UNKNOWN,
            _ => self.line.change(before, to),
        };
        if matches!(meaning, Program::Push) && self.stack.len() < MOST_PUSHED {
            self.stack.push(before);
        }
        self.previous = before;
        self.variables.leave_directory();
    }

    /// The text that a shell is given to run.
    fn shell_text(&self, meaning: Program, arguments: Span) -> Option<Span> {
        if matches!(meaning, Program::Su) {
            let words = self.line.words.get(arguments.range())?;
            let at = words.iter().position(|word| matches!(self.line.get(word.text), "-c" | "--command"))?;
            return words.get(at + 1).map(|word| word.text);
        }
        let (commands, rest) = self.shell_options(arguments);
        if commands { self.word(rest, 0).map(|word| word.text) } else { None }
    }

    /// The options of a shell: whether `-c` is among them, and what stands behind them.
    fn shell_options(&self, arguments: Span) -> (bool, Span) {
        let mut rest = arguments;
        let mut commands = false;
        while let Some(word) = self.word(rest, 0) {
            let text = self.line.get(word.text);
            let Some(letters) = text.strip_prefix(['-', '+']).filter(|letters| !letters.is_empty()) else { break };
            rest = rest.behind(1);
            if letters == "-" {
                break;
            }
            if text.starts_with("--") {
                if matches!(letters, "-rcfile" | "-init-file") {
                    rest = rest.behind(1);
                }
                continue;
            }
            commands |= text.starts_with('-') && letters.contains('c');
            if letters.ends_with(['o', 'O']) {
                rest = rest.behind(1);
            }
        }
        (commands, rest)
    }

    /// Whether the command at `index` is a shell that takes its commands from standard input.
    pub(super) fn reads_commands(&self, index: u32) -> bool {
        let Some(command) = self.line.commands.get(index as usize) else { return false };
        if !matches!(program(self.program(command.words)), Some(Program::Shell)) {
            return false;
        }
        let arguments = command.words.behind(1);
        let (commands, rest) = self.shell_options(arguments);
        let words = self.line.words.get(arguments.range()).unwrap_or_default();
        !commands && (rest.length == 0 || words.iter().any(|word| self.line.get(word.text) == "-s"))
    }
}
