//! Lists, pipelines, compound commands, redirections and here-documents.

use std::borrow::Cow;

use super::directory::Directory;
use super::word::ends_word;
use super::{Assignment, Command, Operator, Redirection, Word};

/// Most levels of substitutions, subshells and the like within each other.
const MOST_NESTING: u16 = 100;

/// Most variables whose values are kept, and the most bytes of such a value: for paths, not for data.
const MOST_VARIABLES: usize = 64;
const MOST_VALUE: usize = 4096;

/// The state of a pass over a line.
pub(super) struct Reader<'a> {
    pub(super) line: &'a str,
    /// The next byte.
    pub(super) at: usize,
    /// The byte at which reading ends for now.
    pub(super) end: usize,
    pub(super) commands: Vec<Command<'a>>,
    pub(super) complete: bool,
    pub(super) directory: Directory,
    /// The directory before the last change, for `cd -`.
    pub(super) previous: Directory,
    /// For `popd`.
    pub(super) stack: Vec<Directory>,
    pub(super) variables: Vec<(Cow<'a, str>, Word<'a>)>,
    /// Bytes that may still be read a second time or be put in place of a variable.
    pub(super) budget: usize,
    pub(super) nesting: u16,
    /// The number of substitutions around the commands being read.
    pub(super) level: u16,
    /// The number of groups around the commands being read whose input is a pipe.
    pub(super) fed: u16,
    /// Whether the next command's input is a pipe.
    piped: bool,
    /// Whether the next command runs only when the one before it fails.
    alternative: bool,
    /// Whether the next group is the body of a function.
    function: bool,
    /// The number of groups around that may run never or often.
    conditional: u16,
    here_documents: Vec<HereDocument>,
}

/// A here-document whose text is still to come.
struct HereDocument {
    delimiter: String,
    strip_tabs: bool,
    expands: bool,
    /// The command it is fed to, once that is known.
    owner: Option<usize>,
}

/// What ends a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    End,
    Parenthesis,
    /// `;;` (and its kin) or `esac`.
    CaseEnd,
}

/// A group of commands that is open.
struct Group {
    first: usize,
    fed: bool,
    conditional: bool,
    /// The directory to go back to: a function's body does not run where it stands.
    back: Option<Directory>,
    before: Directory,
}

/// A reserved word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyword {
    Brace,
    Loop,
    For,
    Case,
    Close,
    Skip,
    Function,
    Time,
    Test,
    Esac,
}

impl<'a> Reader<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self {
            line,
            at: 0,
            end: line.len(),
            commands: Vec::new(),
            complete: true,
            directory: Directory::Start,
            previous: Directory::Unknown,
            stack: Vec::new(),
            variables: Vec::new(),
            budget: 4 * line.len() + MOST_VALUE,
            nesting: 0,
            level: 0,
            fed: 0,
            piped: false,
            alternative: false,
            function: false,
            conditional: 0,
            here_documents: Vec::new(),
        }
    }

    /// Reads the whole line.
    pub(super) fn all(&mut self) {
        self.list(Until::End);
    }

    pub(super) fn peek(&self) -> Option<u8> {
        if self.at < self.end { self.line.as_bytes().get(self.at).copied() } else { None }
    }

    pub(super) fn next(&self) -> Option<u8> {
        if self.at + 1 < self.end { self.line.as_bytes().get(self.at + 1).copied() } else { None }
    }

    /// Moves on to the first byte that `stop` holds for.
    pub(super) fn skip_until(&mut self, stop: impl Fn(u8) -> bool) {
        let rest = self.line.as_bytes().get(self.at..self.end).unwrap_or_default();
        self.at += rest.iter().position(|byte| stop(*byte)).unwrap_or(rest.len());
    }

    /// Moves behind the character that is here.
    pub(super) fn skip_char(&mut self) {
        if self.at < self.end {
            self.at += 1;
            while self.at < self.end && !self.line.is_char_boundary(self.at) {
                self.at += 1;
            }
        }
    }

    /// One level deeper; `false`, at the end of the line, when that is one too many.
    pub(super) fn enter(&mut self) -> bool {
        if self.nesting >= MOST_NESTING {
            self.complete = false;
            self.at = self.end;
            return false;
        }
        self.nesting += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.nesting -= 1;
    }

    /// Moves behind blanks, escaped line ends and comments.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.next() == Some(b'\n') => self.at += 2,
                Some(b'#') => self.skip_until(|byte| byte == b'\n'),
                _ => return,
            }
        }
    }

    fn list(&mut self, until: Until) {
        if !self.enter() {
            return;
        }
        let mut groups: Vec<Group> = Vec::new();
        loop {
            self.blanks();
            let start = self.at;
            let Some(byte) = self.peek() else { break };
            match byte {
                b'\n' => {
                    self.alternative = false;
                    self.line_end();
                }
                b';' => {
                    self.at += 1;
                    self.alternative = false;
                    if matches!(self.peek(), Some(b';' | b'&')) {
                        self.skip_until(|byte| byte != b';' && byte != b'&');
                        if until == Until::CaseEnd {
                            break;
                        }
                    }
                }
                b'&' if self.next() != Some(b'>') => {
                    self.at += if self.next() == Some(b'&') { 2 } else { 1 };
                    self.alternative = false;
                }
                b'|' => {
                    self.alternative = self.next() == Some(b'|');
                    self.at += if self.alternative { 2 } else { 1 };
                    self.lines();
                }
                b')' => {
                    self.at += 1;
                    if until == Until::Parenthesis {
                        break;
                    }
                }
                b'(' => self.subshell(),
                _ => match self.keyword() {
                    None => self.simple(),
                    Some(Keyword::Esac) if until == Until::CaseEnd => {
                        self.at = start;
                        break;
                    }
                    Some(keyword) => self.compound(keyword, &mut groups),
                },
            }
            if self.at == start {
                self.at += 1;
            }
        }
        while let Some(group) = groups.pop() {
            self.forget(&group);
        }
        self.leave();
    }

    /// The reserved word that is here, and moves behind it.
    fn keyword(&mut self) -> Option<Keyword> {
        const KEYWORDS: [(&str, Keyword); 20] = [
            ("time", Keyword::Time),
            ("{", Keyword::Brace),
            ("}", Keyword::Close),
            ("!", Keyword::Skip),
            ("[[", Keyword::Test),
            ("if", Keyword::Loop),
            ("then", Keyword::Skip),
            ("elif", Keyword::Skip),
            ("else", Keyword::Skip),
            ("fi", Keyword::Close),
            ("for", Keyword::For),
            ("select", Keyword::For),
            ("while", Keyword::Loop),
            ("until", Keyword::Loop),
            ("do", Keyword::Skip),
            ("done", Keyword::Close),
            ("case", Keyword::Case),
            ("esac", Keyword::Esac),
            ("function", Keyword::Function),
            ("coproc", Keyword::Skip),
        ];
        let rest = self.line.get(self.at..self.end)?;
        let first = rest.as_bytes().first()?;
        if !matches!(first, b'{' | b'}' | b'!' | b'[' | b'a'..=b'z') {
            return None;
        }
        let (name, keyword) = KEYWORDS.iter().find(|(name, _)| {
            rest.strip_prefix(name).is_some_and(|behind| ends_word(behind.as_bytes().first().copied()))
        })?;
        self.at += name.len();
        Some(*keyword)
    }

    fn compound(&mut self, keyword: Keyword, groups: &mut Vec<Group>) {
        match keyword {
            Keyword::Skip => {}
            Keyword::Brace => self.open(groups, false),
            Keyword::Loop => self.open(groups, true),
            Keyword::For => {
                self.open(groups, true);
                self.for_words();
            }
            Keyword::Case => {
                self.open(groups, true);
                self.cases();
                self.close(groups);
            }
            Keyword::Close | Keyword::Esac => self.close(groups),
            Keyword::Function => {
                self.blanks();
                self.word();
                self.blanks();
                if self.peek() == Some(b'(') && self.is_function() {
                    self.skip_until(|byte| byte == b')');
                    self.at += 1;
                }
                self.function = true;
            }
            Keyword::Time => {
                // With options it may be the program of that name.
                let start = self.at - "time".len();
                self.blanks();
                if self.peek() == Some(b'-') {
                    self.at = start;
                    self.simple();
                }
            }
            Keyword::Test => self.test(),
        }
    }

    fn open(&mut self, groups: &mut Vec<Group>, conditional: bool) {
        let fed = std::mem::take(&mut self.piped);
        let function = std::mem::take(&mut self.function);
        self.fed += u16::from(fed && self.fed < u16::MAX);
        let conditional = conditional && self.conditional < u16::MAX;
        self.conditional += u16::from(conditional);
        groups.push(Group {
            first: self.commands.len(),
            fed,
            conditional,
            back: function.then(|| self.directory.clone()),
            before: self.directory.clone(),
        });
    }

    fn close(&mut self, groups: &mut Vec<Group>) {
        let Some(group) = groups.pop() else { return };
        self.forget(&group);
        self.behind_group();
        if let Some(back) = group.back {
            self.directory = back;
        }
        self.behind_command(group.first, group.before, group.fed);
    }

    fn forget(&mut self, group: &Group) {
        self.fed = self.fed.saturating_sub(u16::from(group.fed));
        self.conditional = self.conditional.saturating_sub(u16::from(group.conditional));
    }

    /// Moves behind the redirections of a group.
    fn behind_group(&mut self) {
        loop {
            self.blanks();
            let Some(redirection) = self.redirection() else { return };
            drop(redirection);
        }
    }

    /// `( … )`, or arithmetic.
    fn subshell(&mut self) {
        let fed = std::mem::take(&mut self.piped);
        let before = self.directory.clone();
        let first = self.commands.len();
        self.function = false;
        if !self.arithmetic() {
            self.at += 1;
            self.fed += u16::from(fed && self.fed < u16::MAX);
            self.scoped(Until::Parenthesis);
            self.fed = self.fed.saturating_sub(u16::from(fed));
        }
        self.behind_group();
        self.behind_command(first, before, fed);
    }

    /// `$( … )` and the like, behind its opening.
    pub(super) fn substitution(&mut self) {
        self.level = self.level.saturating_add(1);
        let fed = std::mem::take(&mut self.fed);
        self.scoped(Until::Parenthesis);
        self.fed = fed;
        self.level = self.level.saturating_sub(1);
    }

    /// A list in a shell of its own: what it changes is undone behind it.
    fn scoped(&mut self, until: Until) {
        let (directory, previous) = (self.directory.clone(), self.previous.clone());
        let (piped, alternative, function) = (self.piped, self.alternative, self.function);
        let (variables, stack) = (self.variables.len(), self.stack.len());
        (self.piped, self.alternative, self.function) = (false, false, false);
        self.list(until);
        (self.directory, self.previous) = (directory, previous);
        (self.piped, self.alternative, self.function) = (piped, alternative, function);
        self.variables.truncate(variables);
        self.stack.truncate(stack);
    }

    /// Behind a command or group that began at `first` in `before`: whether a pipe follows, and so whether its changes
    /// of directory last.
    fn behind_command(&mut self, first: usize, before: Directory, fed: bool) {
        self.blanks();
        let pipe = self.peek() == Some(b'|') && self.next() != Some(b'|');
        if pipe {
            self.at += if self.next() == Some(b'&') { 2 } else { 1 };
            let level = self.level;
            for command in self.commands.iter_mut().skip(first).filter(|command| command.level == level) {
                command.piped_to = true;
            }
        }
        self.piped = pipe;
        let background = self.peek() == Some(b'&') && self.next() != Some(b'&');
        if pipe || fed || background || self.alternative {
            self.directory = before;
        }
    }

    /// The name and words of `for`, up to its `do`.
    fn for_words(&mut self) {
        self.blanks();
        if self.peek() == Some(b'(') && self.arithmetic() {
            return;
        }
        let name = self.word().into_text();
        self.unset(&name);
        self.blanks();
        while !matches!(self.peek(), None | Some(b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b')')) {
            let start = self.at;
            self.word();
            if self.at == start {
                return;
            }
            self.blanks();
        }
    }

    /// `WORD in PATTERN) … ;; esac`
    fn cases(&mut self) {
        self.blanks();
        self.word();
        self.lines();
        if self.line.get(self.at..self.end).is_some_and(|rest| rest.starts_with("in")) {
            self.at += 2;
        }
        loop {
            self.lines();
            let start = self.at;
            match self.keyword() {
                Some(Keyword::Esac) => return,
                _ => self.at = start,
            }
            if self.peek() == Some(b'(') {
                self.at += 1;
            }
            loop {
                self.blanks();
                match self.peek() {
                    Some(b')') => {
                        self.at += 1;
                        break;
                    }
                    // No pattern: not a case that a shell would take.
                    None | Some(b'\n' | b';') => return,
                    Some(b'|' | b'&' | b'<' | b'>' | b'(') => self.at += 1,
                    Some(_) => drop(self.word()),
                }
            }
            self.list(Until::CaseEnd);
            if self.at == start {
                return;
            }
        }
    }

    /// Moves behind blanks and line ends.
    fn lines(&mut self) {
        self.blanks();
        while self.peek() == Some(b'\n') {
            self.line_end();
            self.blanks();
        }
    }

    /// `[[ … ]]`: its operators are no shell's.
    fn test(&mut self) {
        let (first, before, fed) =
            (self.commands.len(), self.directory.clone(), std::mem::take(&mut self.piped) || self.fed > 0);
        loop {
            self.blanks();
            match self.peek() {
                None | Some(b';') => break,
                Some(b'\n') => self.line_end(),
                Some(b'&' | b'|' | b'<' | b'>' | b'(' | b')') => self.at += 1,
                Some(_) => {
                    if &*self.word() == "]]" {
                        break;
                    }
                }
            }
        }
        self.behind_group();
        self.behind_command(first, before, fed);
    }

    /// Whether the parentheses here are those of a function's definition: nothing in them.
    pub(super) fn is_function(&self) -> bool {
        let rest = self.line.as_bytes().get(self.at + 1..self.end).unwrap_or_default();
        rest.iter().take(16).find(|byte| !matches!(byte, b' ' | b'\t')) == Some(&b')')
    }

    /// A simple command.
    fn simple(&mut self) {
        let (first, documents) = (self.commands.len(), self.here_documents.len());
        let before = self.directory.clone();
        let fed = std::mem::take(&mut self.piped) || self.fed > 0;
        let mut words = Vec::new();
        let mut assignments = Vec::new();
        let mut redirections = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None | Some(b'\n' | b';' | b'|' | b')') => break,
                Some(b'&') if self.next() != Some(b'>') => break,
                Some(b'(') => {
                    if words.len() == 1 && self.is_function() {
                        self.skip_until(|byte| byte == b')');
                        self.at += 1;
                        self.function = true;
                        return;
                    }
                    break;
                }
                Some(_) => {}
            }
            if let Some(redirection) = self.redirection() {
                redirections.push(redirection);
            } else if let Some(assignment) = if words.is_empty() { self.assignment() } else { None } {
                assignments.push(assignment);
            } else {
                words.push(self.word());
            }
        }
        let command = Command {
            words,
            assignments,
            redirections,
            piped_from: fed,
            piped_to: false,
            substituted: self.level > 0,
            source: Cow::Borrowed(""),
            directory: before.clone(),
            level: self.level,
        };
        let owner = self.run(command, self.at);
        for document in self.here_documents.iter_mut().skip(documents) {
            document.owner = document.owner.or(Some(owner));
        }
        self.function = false;
        self.behind_command(first, before, fed);
    }

    /// `NAME=VALUE`, if one is here.
    fn assignment(&mut self) -> Option<Assignment<'a>> {
        let rest = self.line.get(self.at..self.end)?;
        let bytes = rest.as_bytes();
        if !bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
            return None;
        }
        let length = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
        let name = rest.get(..length)?;
        let mut behind = length;
        if bytes.get(behind) == Some(&b'[') {
            behind += bytes.iter().skip(behind).take(256).position(|byte| *byte == b']')? + 1;
        }
        let simple = bytes.get(behind) == Some(&b'=') && behind == length;
        behind += usize::from(bytes.get(behind) == Some(&b'+'));
        if bytes.get(behind) != Some(&b'=') {
            return None;
        }
        self.at += behind + 1;
        let value = if self.peek() == Some(b'(') { self.array() } else { self.word() };
        let value = if simple { value } else { value.unknown() };
        Some(Assignment { name: Cow::Borrowed(name), value })
    }

    /// A redirection, if one is here.
    pub(super) fn redirection(&mut self) -> Option<Redirection<'a>> {
        let start = self.at;
        let mut descriptor = None;
        if !matches!(self.peek(), Some(b'<' | b'>' | b'&' | b'0'..=b'9')) {
            return None;
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            let rest = self.line.as_bytes().get(start..self.end)?;
            let digits = rest.iter().take(6).position(|byte| !byte.is_ascii_digit())?;
            if !matches!(rest.get(digits), Some(b'<' | b'>')) {
                return None;
            }
            descriptor = Some(self.line.get(start..start + digits)?.parse().unwrap_or(u16::MAX));
            self.at += digits;
        }
        let rest = self.line.get(self.at..self.end)?;
        let (length, mut operator) = [
            ("&>>", Operator::Both),
            ("&>", Operator::Both),
            ("<<<", Operator::HereString),
            ("<<", Operator::HereDocument),
            ("<&", Operator::Duplicate),
            ("<>", Operator::Read),
            ("<", Operator::Read),
            (">>", Operator::Append),
            (">&", Operator::Duplicate),
            (">|", Operator::Write),
            (">", Operator::Write),
        ]
        .iter()
        .find(|(text, _)| rest.starts_with(text))
        .map(|(text, operator)| (text.len(), *operator))?;
        if length == 1 && descriptor.is_none() && rest.as_bytes().get(1) == Some(&b'(') {
            return None;
        }
        self.at += length;
        let strip_tabs = operator == Operator::HereDocument && self.peek() == Some(b'-');
        self.at += usize::from(strip_tabs);
        self.blanks();
        let target = self.word();
        match operator {
            Operator::Duplicate if rest.starts_with(">&") && !descriptor_text(&target) => operator = Operator::Both,
            Operator::HereDocument => self.here_documents.push(HereDocument {
                delimiter: (*target).to_owned(),
                strip_tabs,
                expands: !target.is_quoted(),
                owner: None,
            }),
            _ => {}
        }
        Some(Redirection { descriptor, operator, target })
    }

    /// A line end, and the here-documents that begin behind it.
    fn line_end(&mut self) {
        self.at += 1;
        for document in std::mem::take(&mut self.here_documents) {
            let from = self.at;
            let mut to = self.end;
            while self.at < self.end {
                let start = self.at;
                self.skip_until(|byte| byte == b'\n');
                let line = self.line.get(start..self.at).unwrap_or_default();
                let line = line.strip_suffix('\r').unwrap_or(line);
                let line = if document.strip_tabs { line.trim_start_matches('\t') } else { line };
                let behind = line.strip_prefix(&*document.delimiter);
                if behind == Some("") {
                    to = start;
                    self.at += usize::from(self.at < self.end);
                    break;
                }
                // bash takes the end of a substitution for the end of the text.
                if let Some(behind) = behind
                    && behind.starts_with(')')
                    && self.level > 0
                    && !document.delimiter.is_empty()
                {
                    to = start;
                    self.at -= behind.len();
                    break;
                }
                self.at += usize::from(self.at < self.end);
            }
            self.here_document(&document, from, to.min(self.at));
        }
    }

    /// The text of a here-document: commands when it is fed to a shell, else text that may hold substitutions.
    fn here_document(&mut self, document: &HereDocument, from: usize, to: usize) {
        let owner = document.owner.and_then(|owner| self.commands.get(owner));
        if owner.is_some_and(super::run::reads_commands) {
            let text = self.line.get(from..to).unwrap_or_default();
            self.reread(Cow::Borrowed(text), false);
        } else if document.expands {
            let (at, end) = (self.at, self.end);
            (self.at, self.end) = (from, to);
            self.expansions();
            (self.at, self.end) = (at, end);
        }
    }

    /// The value of a variable that the line has set to plain text.
    pub(super) fn value(&mut self, name: &str) -> Option<Word<'a>> {
        if name.is_empty() || self.variables.is_empty() {
            return None;
        }
        let (_, value) = self.variables.iter().rev().find(|(known, _)| known == name)?;
        if !value.is_resolvable() {
            return None;
        }
        let value = value.clone();
        self.budget = self.budget.checked_sub(value.len())?;
        Some(value)
    }

    /// Keeps the value of a variable.
    pub(super) fn set(&mut self, name: Cow<'a, str>, value: Word<'a>) {
        let sure = self.conditional == 0 && !self.function && value.is_resolvable() && value.len() <= MOST_VALUE;
        if sure && self.variables.len() < MOST_VARIABLES {
            self.variables.push((name, value));
        } else {
            self.unset(&name);
        }
    }

    /// A variable whose value is no longer known.
    pub(super) fn unset(&mut self, name: &str) {
        for (known, value) in &mut self.variables {
            if known == name {
                *value = value.clone().unknown();
            }
        }
    }
}

/// Whether the target of `>&` is a descriptor.
fn descriptor_text(target: &str) -> bool {
    target == "-" || target.strip_suffix('-').unwrap_or(target).bytes().all(|byte| byte.is_ascii_digit())
}
