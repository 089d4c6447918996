//! What a simple command does to the reading of the line: wrappers, changes of directory, variables, and commands
//! that are given as arguments.

use std::borrow::Cow;

use super::list::Reader;
use super::{Assignment, Command, Directory, Operator, Word, Words};

/// A program that runs the program named by its arguments.
struct Wrapper {
    name: &'static str,
    /// Letters of the options that take a value.
    letters: &'static str,
    /// Long options whose value may be the next word.
    long: &'static [&'static str],
    /// Letters of the options that make it run nothing.
    instead: &'static str,
    /// Whether variables may be set before the program's name.
    assignments: bool,
    /// The number of arguments before the program's name.
    arguments: usize,
}

const fn plain(name: &'static str) -> Wrapper {
    Wrapper { name, letters: "", long: &[], instead: "", assignments: false, arguments: 0 }
}

const fn with(name: &'static str, letters: &'static str, long: &'static [&'static str]) -> Wrapper {
    Wrapper { letters, long, ..plain(name) }
}

const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        instead: "lveKk",
        assignments: true,
        ..with(
            "sudo",
            "ugphCrtTUDR",
            &["--user", "--group", "--prompt", "--host", "--close-from", "--role", "--type", "--chdir", "--chroot"],
        )
    },
    Wrapper { assignments: true, ..with("doas", "uC", &[]) },
    Wrapper { assignments: true, ..with("env", "uC", &["--unset", "--chdir"]) },
    with("time", "fo", &["--format", "--output"]),
    with("nice", "n", &["--adjustment"]),
    with("ionice", "cn", &["--class", "--classdata"]),
    plain("nohup"),
    plain("setsid"),
    Wrapper { arguments: 1, ..with("timeout", "sk", &["--signal", "--kill-after"]) },
    Wrapper { arguments: 1, ..with("gtimeout", "sk", &["--signal", "--kill-after"]) },
    with("stdbuf", "ioe", &["--input", "--output", "--error"]),
    Wrapper { instead: "vV", ..plain("command") },
    plain("builtin"),
    with("exec", "a", &[]),
    with(
        "xargs",
        "adEILnPs",
        &[
            "--arg-file",
            "--delimiter",
            "--eof",
            "--replace",
            "--max-lines",
            "--max-args",
            "--max-procs",
            "--max-chars",
            "--process-slot-var",
        ],
    ),
    Wrapper { arguments: 1, ..with("flock", "wE", &["--timeout", "--wait", "--conflict-exit-code"]) },
    with("watch", "nq", &["--interval", "--equexit"]),
    Wrapper { arguments: 1, ..with("chrt", "TPD", &[]) },
    Wrapper { arguments: 1, ..plain("taskset") },
    with("strace", "aeEIoOpPsSuX", &[]),
    with("xvfb-run", "efnpsw", &[]),
    with("caffeinate", "tw", &[]),
    plain("chronic"),
    plain("busybox"),
    plain("toybox"),
    plain("unbuffer"),
    plain("arch"),
    plain("noglob"),
    plain("nocorrect"),
];

const SHELLS: [&str; 8] = ["bash", "sh", "zsh", "dash", "ksh", "mksh", "ash", "fish"];

/// What is left of `flock FILE -c TEXT` without its wrapper.
const FLOCKED: &str = "-c";

/// Builtins and programs whose arguments [`Reader::run`] looks at.
const READ: [&str; 19] = [
    FLOCKED,
    "cd",
    "pushd",
    "popd",
    "export",
    "local",
    "declare",
    "typeset",
    "readonly",
    "read",
    "unset",
    "mapfile",
    "readarray",
    "printf",
    "getopts",
    "eval",
    "trap",
    "find",
    "su",
];

/// For each first byte the lengths of the names that mean more than a program to be run: most names are told from all of
/// them by one look.
const LENGTHS: [u32; 128] = {
    const fn add(lengths: &mut [u32; 128], name: &str) {
        lengths[name.as_bytes()[0] as usize] |= 1 << name.len();
    }
    let mut lengths = [0; 128];
    let mut at = 0;
    while at < WRAPPERS.len() {
        add(&mut lengths, WRAPPERS[at].name);
        at += 1;
    }
    at = 0;
    while at < SHELLS.len() {
        add(&mut lengths, SHELLS[at]);
        at += 1;
    }
    at = 0;
    while at < READ.len() {
        add(&mut lengths, READ[at]);
        at += 1;
    }
    lengths
};

/// Whether a program of this name may be one that takes commands or changes what is read; never false for one that is.
fn may_matter(name: &str) -> bool {
    let lengths = name.bytes().next().and_then(|first| LENGTHS.get(usize::from(first)));
    name.len() < 32 && lengths.is_some_and(|lengths| lengths >> name.len() & 1 == 1)
}

/// How text that is read as commands relates to the line it stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// A substitution.
    Substitution,
    /// A shell of its own.
    Shell,
    /// The same shell.
    Same,
}

impl<'a> Reader<'a> {
    /// Takes note of a simple command that ends at `end`. Gives its place among the commands; [`usize::MAX`] when it
    /// only sets variables.
    pub(super) fn run(&mut self, mut command: Command<'a>, end: usize) -> usize {
        let mut matters = may_matter(command.program());
        if matters {
            unwrap(&mut command);
            matters = may_matter(command.program());
        }
        let Some(first) = command.words.first() else {
            for assignment in command.rare.take().map(|rare| rare.assignments).unwrap_or_default() {
                self.set(assignment.name, assignment.value);
            }
            self.spare = command.words.settle();
            return usize::MAX;
        };
        command.source = Cow::Borrowed(self.line.get(first.start()..end).unwrap_or_default().trim_end());
        let index = self.commands.len();
        let fed = command.piped_from;
        let mut texts: Vec<(Cow<'a, str>, Scope)> = Vec::new();
        let text = |word: &Word<'a>| word.clone().into_text();
        match command.program() {
            _ if !matters => {}
            "cd" | "pushd" | "popd" => self.change(&command),
            "export" | "local" | "declare" | "typeset" | "readonly" => self.declare(command.arguments()),
            "read" | "unset" | "mapfile" | "readarray" | "printf" | "getopts" => {
                for word in command.arguments() {
                    self.unset(word);
                }
            }
            "eval" => match command.arguments() {
                [] => {}
                [word] => texts.push((text(word), Scope::Same)),
                words => {
                    let joined = words.iter().map(|word| &**word).collect::<Vec<_>>().join(" ");
                    texts.push((Cow::Owned(joined), Scope::Same));
                }
            },
            "trap" => texts.extend(
                command.arguments().iter().find(|word| !word.starts_with('-')).map(|word| (text(word), Scope::Shell)),
            ),
            FLOCKED => texts.extend(command.arguments().first().map(|word| (text(word), Scope::Shell))),
            "find" => {
                self.commands.push(command.clone());
                self.executed(&command, end);
                return index;
            }
            name if name == "su" || SHELLS.contains(&name) => {
                texts.extend(shell_text(&command).map(|word| (text(word), Scope::Shell)));
                if reads_commands(&command) {
                    let strings = command.redirections().iter().filter(|one| one.operator == Operator::HereString);
                    texts.extend(strings.map(|one| (text(&one.target), Scope::Shell)));
                }
            }
            _ => {}
        }
        self.spare = command.words.settle();
        self.commands.push(command);
        for (text, scope) in texts {
            self.again(text, scope, fed);
        }
        index
    }

    /// Reads `text` as commands of a shell of its own, or of a substitution.
    pub(super) fn reread(&mut self, text: Cow<'a, str>, substituted: bool) {
        self.again(text, if substituted { Scope::Substitution } else { Scope::Shell }, false);
    }

    fn again(&mut self, text: Cow<'a, str>, scope: Scope, fed: bool) {
        let Some(budget) = self.budget.checked_sub(text.len()) else {
            self.complete = false;
            return;
        };
        self.budget = budget;
        if !self.enter() {
            return;
        }
        match text {
            Cow::Borrowed(text) => {
                let commands = self.inner(text, scope, fed);
                self.commands.extend(commands);
            }
            Cow::Owned(text) => {
                let commands = self.inner(&text, scope, fed);
                for command in commands {
                    self.commands.push(command.into_owned());
                }
            }
        }
        self.leave();
    }

    fn inner<'b>(&mut self, text: &'b str, scope: Scope, fed: bool) -> Vec<Command<'b>>
    where
        'a: 'b,
    {
        let mut inner: Reader<'b> = Reader::new(text);
        inner.directory = self.directory.clone();
        inner.budget = self.budget;
        inner.nesting = self.nesting;
        inner.level = self.level.saturating_add(u16::from(scope == Scope::Substitution));
        inner.fed = u16::from(fed && scope != Scope::Substitution);
        if scope != Scope::Shell {
            inner.previous = self.previous.clone();
            inner.variables.clone_from(&self.variables);
        }
        inner.all();
        self.budget = inner.budget;
        self.complete &= inner.complete;
        if scope == Scope::Same {
            (self.directory, self.previous) = (inner.directory, inner.previous);
        }
        inner.commands
    }

    /// `cd`, `pushd`, `popd`.
    fn change(&mut self, command: &Command<'a>) {
        let before = self.directory.clone();
        let popped = command.program() == "popd";
        let pushed = command.program() == "pushd";
        let mut operands = command.arguments().iter().filter(|word| **word == *"-" || !word.starts_with('-'));
        self.directory = match operands.next().map(|word| (&**word, word)) {
            _ if popped => self.stack.pop().unwrap_or(Directory::Unknown),
            Some(("-", _)) => self.previous.clone(),
            Some((text, _)) if text.starts_with('+') => Directory::Unknown,
            Some((_, word)) => self.directory.change(word),
            None if pushed => Directory::Unknown,
            None => self.directory.change(&Word::home()),
        };
        if pushed && self.stack.len() < 64 {
            self.stack.push(before.clone());
        }
        self.previous = before;
        for (_, value) in self.variables.iter_mut().filter(|(_, value)| value.depends_on_here()) {
            *value = value.clone().unknown();
        }
    }

    /// `export NAME=VALUE` and its kin.
    fn declare(&mut self, words: &[Word<'a>]) {
        for word in words {
            if let Some((name, _)) = split_assignment(word) {
                let value = word.part(name.len() + 1..).into_owned();
                self.set(Cow::Owned(name.to_owned()), value);
            }
        }
    }

    /// The commands that `find` runs.
    fn executed(&mut self, find: &Command<'a>, end: usize) {
        let mut rest = find.arguments();
        while let Some(at) = rest.iter().position(|word| matches!(&**word, "-exec" | "-execdir" | "-ok" | "-okdir")) {
            rest = rest.get(at + 1..).unwrap_or_default();
            let length = rest.iter().position(|word| matches!(&**word, ";" | "+")).unwrap_or(rest.len());
            let words = rest.get(..length).unwrap_or_default().to_vec();
            rest = rest.get(length..).unwrap_or_default();
            let Some(budget) = self.budget.checked_sub(words.iter().map(|word| word.len() + 1).sum()) else {
                self.complete = false;
                return;
            };
            self.budget = budget;
            if !self.enter() {
                return;
            }
            let mut rare = find.rare.clone();
            if let Some(rare) = &mut rare {
                rare.redirections.clear();
            }
            self.run(Command { words: Words::draft(words), rare, piped_from: false, ..find.clone() }, end);
            self.leave();
        }
    }
}

/// Takes `sudo`, `env` and the like off a command.
fn unwrap(command: &mut Command<'_>) {
    let mut at = 0;
    let mut found = Vec::new();
    while let Some(word) = command.words.get(at) {
        let name = word.file_name();
        let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == name).filter(|_| word.is_literal()) else {
            break;
        };
        let mut changed = None;
        let Some(next) = behind_wrapper(wrapper, &command.words, at + 1, &mut found, &mut changed) else { break };
        if let Some(to) = changed {
            command.directory = command.directory.change(&to);
        }
        at = next;
    }
    if !found.is_empty() {
        command.rare.get_or_insert_default().assignments.append(&mut found);
    }
    if at > 0 {
        command.words.cut(at);
    }
}

/// The place of the program that `wrapper` runs; its arguments begin at `at`. `None` when it runs none.
fn behind_wrapper<'a>(
    wrapper: &Wrapper,
    words: &[Word<'a>],
    mut at: usize,
    assignments: &mut Vec<Assignment<'a>>,
    changed: &mut Option<Word<'a>>,
) -> Option<usize> {
    let mut set = Vec::new();
    loop {
        let word = words.get(at)?;
        if *word == *"--" {
            at += 1;
            break;
        }
        if !word.starts_with('-') {
            break;
        }
        at += 1;
        if let Some(long) = word.strip_prefix("--") {
            if wrapper.long.contains(&&**word) {
                at += 1;
            }
            if wrapper.name == "env" && long == "chdir" {
                *changed = words.get(at - 1).cloned();
            } else if wrapper.name == "env" && long.starts_with("chdir=") {
                *changed = Some(word.part("--chdir=".len()..).into_owned());
            }
            continue;
        }
        let letters = word.get(1..).unwrap_or_default();
        if letters.contains(|letter| wrapper.instead.contains(letter)) {
            return None;
        }
        if let Some((before, letter)) = letters.char_indices().find(|(_, letter)| wrapper.letters.contains(*letter)) {
            let attached = 1 + before + letter.len_utf8();
            at += usize::from(attached == word.len());
            if wrapper.name == "env" && letter == 'C' {
                *changed = if attached == word.len() {
                    words.get(at - 1).cloned()
                } else {
                    Some(word.part(attached..).into_owned())
                };
            }
        }
    }
    while wrapper.assignments
        && let Some(word) = words.get(at)
        && let Some((name, _)) = split_assignment(word)
    {
        let value = word.part(name.len() + 1..).into_owned();
        set.push(Assignment { name: Cow::Owned(name.to_owned()), value });
        at += 1;
    }
    at += wrapper.arguments;
    words.get(at)?;
    assignments.append(&mut set);
    Some(at)
}

/// `NAME=VALUE` in its two parts.
fn split_assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let mut bytes = name.bytes();
    let valid = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    valid.then_some((name, value))
}

/// The options of a shell: whether `-c` is among them, and what stands behind them.
fn shell_options<'c, 'a>(command: &'c Command<'a>) -> (bool, &'c [Word<'a>]) {
    let mut rest = command.arguments();
    let mut commands = false;
    while let Some((word, behind)) = rest.split_first() {
        let Some(letters) = word.strip_prefix(['-', '+']).filter(|letters| !letters.is_empty()) else { break };
        rest = behind;
        if letters == "-" {
            break;
        }
        if word.starts_with("--") {
            if matches!(letters, "-rcfile" | "-init-file") {
                rest = rest.get(1..).unwrap_or_default();
            }
            continue;
        }
        commands |= word.starts_with('-') && letters.contains('c');
        if letters.ends_with(['o', 'O']) {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    (commands, rest)
}

/// The text that a shell is given to run.
fn shell_text<'c, 'a>(command: &'c Command<'a>) -> Option<&'c Word<'a>> {
    if command.program() == "su" {
        let at = command.arguments().iter().position(|word| matches!(&**word, "-c" | "--command"))?;
        return command.arguments().get(at + 1);
    }
    let (commands, rest) = shell_options(command);
    if commands { rest.first() } else { None }
}

/// Whether a command is a shell that takes its commands from standard input.
pub(super) fn reads_commands(command: &Command<'_>) -> bool {
    if !SHELLS.contains(&command.program()) {
        return false;
    }
    let (commands, rest) = shell_options(command);
    let asked = command.arguments().iter().any(|word| *word == *"-s");
    !commands && (rest.is_empty() || asked)
}
