//! Compound commands: groups, subshells, loops, `if`, `case`, functions, tests.

use super::list::{Keyword, Until};
use super::reader::Reader;

/// A compound command that is open.
pub(super) struct Open {
    /// Its group.
    pub(super) group: u32,
    before: u32,
    fed: bool,
    conditional: bool,
    /// Whether to go back to the directory before: a function's body does not run where it stands.
    back: bool,
}

impl Reader<'_, '_, '_> {
    /// The compound command that `keyword`, behind which this is, begins, goes on with or ends.
    pub(super) fn compound(&mut self, keyword: Keyword, open: &mut Vec<Open>) {
        match keyword {
            Keyword::Skip => {}
            Keyword::Brace => self.open(open, false),
            Keyword::Loop => self.open(open, true),
            Keyword::For => {
                self.open(open, true);
                self.for_words();
            }
            Keyword::Case => {
                self.open(open, true);
                self.cases();
                self.close(open);
            }
            Keyword::Close | Keyword::Esac => self.close(open),
            Keyword::Function => {
                self.blanks();
                self.word();
                self.blanks();
                if self.peek() == Some(b'(') && self.is_function() {
                    self.skip_until(|byte| byte == b')');
                    self.at += 1;
                }
                self.state.function = true;
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

    fn open(&mut self, open: &mut Vec<Open>, conditional: bool) {
        let fed = std::mem::take(&mut self.state.piped);
        let back = std::mem::take(&mut self.state.function);
        self.state.fed += u32::from(fed);
        self.state.conditional += u32::from(conditional);
        let before = self.state.directory;
        open.push(Open { group: self.state.open_group(), before, fed, conditional, back });
    }

    fn close(&mut self, open: &mut Vec<Open>) {
        let Some(group) = open.pop() else { return };
        self.forget(&group);
        self.behind_group();
        if group.back {
            self.state.directory = group.before;
        }
        let pipe = self.behind_command(group.before, group.fed);
        self.state.close_group(group.group, pipe);
    }

    /// Takes back what was counted for a compound command.
    pub(super) fn forget(&mut self, open: &Open) {
        self.state.fed = self.state.fed.saturating_sub(u32::from(open.fed));
        self.state.conditional = self.state.conditional.saturating_sub(u32::from(open.conditional));
    }

    /// Moves behind the redirections of a group.
    fn behind_group(&mut self) {
        loop {
            self.blanks();
            if self.redirection().is_none() {
                return;
            }
        }
    }

    /// `( … )`, or arithmetic.
    pub(super) fn subshell(&mut self) {
        let fed = std::mem::take(&mut self.state.piped);
        let before = self.state.directory;
        let group = self.state.open_group();
        self.state.function = false;
        if !self.arithmetic() {
            self.at += 1;
            self.state.fed += u32::from(fed);
            self.scoped(Until::Parenthesis, false);
            self.state.fed = self.state.fed.saturating_sub(u32::from(fed));
        }
        self.behind_group();
        let pipe = self.behind_command(before, fed);
        self.state.close_group(group, pipe);
    }

    /// The name and words of `for`, up to its `do`.
    fn for_words(&mut self) {
        self.blanks();
        if self.peek() == Some(b'(') && self.arithmetic() {
            return;
        }
        let name = self.word();
        self.state.unset(name.text);
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
        if self.rest().starts_with(b"in") {
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

    /// `[[ … ]]`: its operators are no shell's.
    fn test(&mut self) {
        let (before, fed) = (self.state.directory, std::mem::take(&mut self.state.piped) || self.state.fed > 0);
        loop {
            self.blanks();
            match self.peek() {
                None | Some(b';') => break,
                Some(b'\n') => self.line_end(),
                Some(b'&' | b'|' | b'<' | b'>' | b'(' | b')') => self.at += 1,
                Some(_) => {
                    let word = self.word();
                    if self.state.line.get(word.text) == "]]" {
                        break;
                    }
                }
            }
        }
        self.behind_group();
        self.behind_command(before, fed);
    }
}
