//! Lists, pipelines and compound commands.

use std::borrow::Cow;

use super::directory::Directory;
use super::quoting::ends_word;
use super::simple::HereDocument;
use super::{Command, Word};

/// Most levels of substitutions, subshells and the like within each other.
const MOST_NESTING: u16 = 100;

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
    /// How many of them were set outside of the shell being read: what is set inside is undone behind it.
    pub(super) outer_variables: usize,
    /// Memory for the words of the next command.
    pub(super) spare: Vec<Word<'a>>,
    /// Bytes that may still be read a second time or be put in place of a variable.
    pub(super) budget: usize,
    pub(super) nesting: u16,
    /// The number of substitutions around the commands being read.
    pub(super) level: u16,
    /// The number of groups around the commands being read whose input is a pipe.
    pub(super) fed: u16,
    /// Whether the next command's input is a pipe.
    pub(super) piped: bool,
    /// Whether the next command runs only when the one before it fails.
    pub(super) alternative: bool,
    /// Whether the next group is the body of a function.
    pub(super) function: bool,
    /// The number of groups around that may run never or often.
    pub(super) conditional: u16,
    pub(super) here_documents: Vec<HereDocument>,
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
            outer_variables: 0,
            spare: Vec::new(),
            budget: 4 * line.len() + 4096,
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
    pub(super) fn blanks(&mut self) {
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
        /// The bytes of the longest.
        const LONGEST: usize = 8;
        if !matches!(self.peek()?, b'{' | b'}' | b'!' | b'[' | b'a'..=b'z') {
            return None;
        }
        let rest = self.line.as_bytes().get(self.at..self.end)?;
        let length = rest.iter().take(LONGEST + 1).position(|byte| ends_word(Some(*byte))).unwrap_or(rest.len());
        let word = rest.get(..length)?;
        // One letter is no reserved word but for the three that are signs.
        if length > LONGEST || (length == 1 && word[0].is_ascii_lowercase()) {
            return None;
        }
        let (name, keyword) = KEYWORDS.iter().find(|(name, _)| name.as_bytes() == word)?;
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
        let outer = std::mem::replace(&mut self.outer_variables, variables);
        (self.piped, self.alternative, self.function) = (false, false, false);
        self.list(until);
        (self.directory, self.previous) = (directory, previous);
        (self.piped, self.alternative, self.function) = (piped, alternative, function);
        self.variables.truncate(variables);
        self.outer_variables = outer;
        self.stack.truncate(stack);
    }

    /// Behind a command or group that began at `first` in `before`: whether a pipe follows, and so whether its changes
    /// of directory last.
    pub(super) fn behind_command(&mut self, first: usize, before: Directory, fed: bool) {
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
    pub(super) fn lines(&mut self) {
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
}
