//! Lists and pipelines.

use super::compound::Open;
use super::quoting::{BLANK, KEYWORD, class, ends_word};
use super::reader::{Reader, State};
use super::records::NONE;

/// What ends a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    End,
    Parenthesis,
    /// `;;` (and its kin) or `esac`.
    CaseEnd,
}

/// A reserved word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
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

impl Reader<'_, '_, '_> {
    /// Moves behind blanks, escaped line ends and comments.
    #[inline]
    pub(super) fn blanks(&mut self) {
        if self.peek().is_some_and(|byte| class(byte) & BLANK != 0) {
            self.skip_blanks();
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.next() == Some(b'\n') => self.at += 2,
                Some(b'#') => self.skip_until(|byte| byte == b'\n'),
                _ => return,
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

    /// Commands up to the end of the list.
    pub(super) fn list(&mut self, until: Until) {
        if !self.enter() {
            return;
        }
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.blanks();
            let start = self.at;
            let Some(byte) = self.peek() else { break };
            match byte {
                b'\n' => {
                    self.state.alternative = false;
                    self.line_end();
                }
                b';' => {
                    self.at += 1;
                    self.state.alternative = false;
                    if matches!(self.peek(), Some(b';' | b'&')) {
                        self.skip_until(|byte| byte != b';' && byte != b'&');
                        if until == Until::CaseEnd {
                            break;
                        }
                    }
                }
                b'&' if self.next() != Some(b'>') => {
                    self.at += if self.next() == Some(b'&') { 2 } else { 1 };
                    self.state.alternative = false;
                }
                b'|' => {
                    self.state.alternative = self.next() == Some(b'|');
                    self.at += if self.state.alternative { 2 } else { 1 };
                    self.lines();
                }
                b')' => {
                    self.at += 1;
                    if until == Until::Parenthesis {
                        break;
                    }
                }
                b'(' => self.subshell(),
                _ => match if class(byte) & KEYWORD == 0 { None } else { self.keyword() } {
                    None => self.simple(),
                    Some(Keyword::Esac) if until == Until::CaseEnd => {
                        self.at = start;
                        break;
                    }
                    Some(keyword) => self.compound(keyword, &mut open),
                },
            }
            if self.at == start {
                self.at += 1;
            }
        }
        while let Some(group) = open.pop() {
            self.forget(&group);
            self.state.close_group(group.group, false);
        }
        self.leave();
    }

    /// The reserved word that is here, and moves behind it.
    pub(super) fn keyword(&mut self) -> Option<Keyword> {
        /// The bytes of the longest.
        const LONGEST: usize = 8;
        let rest = self.rest();
        let length = rest.iter().take(LONGEST + 1).position(|byte| ends_word(Some(*byte)));
        let word = rest.get(..length.unwrap_or(rest.len().min(LONGEST + 1)))?;
        let keyword = match word {
            b"{" => Keyword::Brace,
            b"if" | b"while" | b"until" => Keyword::Loop,
            b"for" | b"select" => Keyword::For,
            b"case" => Keyword::Case,
            b"}" | b"fi" | b"done" => Keyword::Close,
            b"!" | b"then" | b"elif" | b"else" | b"do" | b"coproc" => Keyword::Skip,
            b"function" => Keyword::Function,
            b"time" => Keyword::Time,
            b"[[" => Keyword::Test,
            b"esac" => Keyword::Esac,
            _ => return None,
        };
        self.at += word.len();
        Some(keyword)
    }

    /// `$( … )` and the like, behind its opening.
    pub(super) fn substitution(&mut self, until: Until) {
        self.state.level = self.state.level.saturating_add(1);
        let State { fed, group, .. } = *self.state;
        (self.state.fed, self.state.group) = (0, NONE);
        self.scoped(until, false);
        (self.state.fed, self.state.group) = (fed, group);
        self.state.level = self.state.level.saturating_sub(1);
    }

    /// A list in a shell of its own: what it changes is undone behind it. One that is started anew (`own`) has no
    /// variables that were not exported.
    pub(super) fn scoped(&mut self, until: Until, own: bool) {
        let State { directory, previous, piped, alternative, function, conditional, .. } = *self.state;
        let stack = self.state.stack.len();
        let mark = self.state.variables.enter(own);
        (self.state.piped, self.state.alternative, self.state.function, self.state.conditional) =
            (false, false, false, 0);
        if own {
            self.state.previous = super::directory::UNKNOWN;
        }
        self.list(until);
        (self.state.directory, self.state.previous) = (directory, previous);
        (self.state.piped, self.state.alternative, self.state.function, self.state.conditional) =
            (piped, alternative, function, conditional);
        self.state.variables.leave(mark);
        self.state.stack.resize(stack, super::directory::UNKNOWN);
    }

    /// Behind a command or group that began in `before`: whether a pipe follows, and so whether its changes of
    /// directory last.
    #[inline]
    pub(super) fn behind_command(&mut self, before: u32, fed: bool) -> bool {
        self.blanks();
        let (here, next) = (self.peek(), self.next());
        let pipe = here == Some(b'|') && next != Some(b'|');
        if pipe {
            self.at += if next == Some(b'&') { 2 } else { 1 };
        }
        self.state.piped = pipe;
        let background = here == Some(b'&') && next != Some(b'&');
        if pipe || fed || background || self.state.alternative {
            self.state.directory = before;
        }
        pipe
    }

    /// Whether the parentheses here are those of a function's definition: nothing in them.
    pub(super) fn is_function(&self) -> bool {
        let rest = self.rest().get(1..).unwrap_or_default();
        rest.iter().take(16).find(|byte| !matches!(byte, b' ' | b'\t')) == Some(&b')')
    }
}
