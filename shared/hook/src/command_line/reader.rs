//! The state of a pass over a line.

use super::directory::{START, UNKNOWN};
use super::draft::append;
use super::here_documents::HereDocument;
use super::records::{AssignmentRecord, Group, NONE, RedirectionRecord, Span, WordRecord, short};
use super::variables::Variables;
use super::{Line, list};

/// Most levels of substitutions, subshells and the like within each other.
const MOST_NESTING: u16 = 100;

/// The least bytes that may be read a second time.
pub(super) const LEAST_BUDGET: usize = 64 * 1024;

/// A text that is being read, of which there may be several within each other, and what they have in common.
pub(super) struct Reader<'t, 's, 'a> {
    pub(super) text: &'t str,
    /// Where the text stands among all text ([`Span`]).
    pub(super) base: usize,
    /// The next byte.
    pub(super) at: usize,
    /// The bytes of the text up to where reading ends for now.
    pub(super) bytes: &'t [u8],
    /// For each byte that is an opening parenthesis the place of the one that closes it, or 0: made when it is needed.
    pub(super) closings: Option<Vec<u32>>,
    /// A part of the text that was looked through for a closing bracket, from its beginning to the first one.
    pub(super) no_bracket: (usize, usize),
    pub(super) state: &'s mut State<'a>,
}

/// What is known of a line so far.
pub(super) struct State<'a> {
    pub(super) line: Line<'a>,
    /// Where the words of the command that is being read begin among those of the line.
    pub(super) open: usize,
    /// The words, assignments and redirections of commands around that one, the innermost last.
    pub(super) words: Vec<WordRecord>,
    pub(super) assignments: Vec<AssignmentRecord>,
    pub(super) redirections: Vec<RedirectionRecord>,
    /// Text of the words that are being read.
    pub(super) scratch: String,
    /// Memory that is used again.
    pub(super) spare: Vec<String>,
    pub(super) directory: u32,
    /// The directory before the last change, for `cd -`.
    pub(super) previous: u32,
    /// For `popd`.
    pub(super) stack: Vec<u32>,
    pub(super) variables: Variables,
    /// Bytes that may still be read a second time or be put in place of a variable.
    pub(super) budget: usize,
    /// Bytes that may still be looked through a second time for the end of a here-document within another.
    pub(super) search_budget: usize,
    pub(super) nesting: u16,
    /// The number of substitutions around the commands being read.
    pub(super) level: u16,
    /// The number of groups around the commands being read whose input is a pipe.
    pub(super) fed: u32,
    /// Whether the next command's input is a pipe.
    pub(super) piped: bool,
    /// Whether the next command runs only when the one before it fails.
    pub(super) alternative: bool,
    /// Whether the next group is the body of a function.
    pub(super) function: bool,
    /// The number of groups around that may run never or often.
    pub(super) conditional: u32,
    /// The group that commands are in.
    pub(super) group: u32,
    /// Here-documents whose text is still to come.
    pub(super) here_documents: Vec<HereDocument>,
    /// How many of them begin behind the text being read.
    pub(super) later_documents: usize,
    /// The number of here-documents around.
    pub(super) bodies: u16,
}

/// A text that is read as commands of the line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// A substitution.
    Substitution,
    /// A shell of its own.
    Shell,
    /// The same shell.
    Same,
}

impl<'a> State<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        let budget = line.len().max(LEAST_BUDGET);
        Self {
            line: Line::new(line),
            open: 0,
            words: Vec::new(),
            assignments: Vec::new(),
            redirections: Vec::new(),
            scratch: String::new(),
            spare: Vec::new(),
            directory: START,
            previous: UNKNOWN,
            stack: Vec::new(),
            variables: Variables::new(),
            budget,
            search_budget: budget,
            nesting: 0,
            level: 0,
            fed: 0,
            piped: false,
            alternative: false,
            function: false,
            conditional: 0,
            group: NONE,
            here_documents: Vec::new(),
            later_documents: 0,
            bodies: 0,
        }
    }

    /// What was read.
    pub(super) fn end(self) -> Line<'a> {
        let mut line = self.line;
        // A group stands behind those around it.
        for at in 0..line.groups.len() {
            let Group { outer, piped_to } = line.groups[at];
            line.groups[at].piped_to = piped_to || line.groups.get(outer as usize).is_some_and(|outer| outer.piped_to);
        }
        line
    }

    /// Takes `bytes` off the budget; `false`, and the line is not all read, when that is too much.
    pub(super) fn draw(&mut self, bytes: usize) -> bool {
        let left = self.budget.checked_sub(bytes);
        self.budget = left.unwrap_or(self.budget);
        self.line.complete &= left.is_some();
        left.is_some()
    }

    /// A group within the one that is being read, which it becomes.
    pub(super) fn open_group(&mut self) -> u32 {
        self.line.groups.push(Group { outer: self.group, piped_to: false });
        self.group = short(self.line.groups.len() - 1);
        self.group
    }

    /// The end of the group `group`, whose output is a pipe or not.
    pub(super) fn close_group(&mut self, group: u32, piped_to: bool) {
        if let Some(group) = self.line.groups.get_mut(group as usize) {
            group.piped_to = piped_to;
            self.group = group.outer;
        }
    }
}

impl Line<'_> {
    /// Keeps text that is no piece of what was read.
    pub(super) fn make(&mut self, text: &str) -> Span {
        let at = self.text.len() + self.made.len();
        append(&mut self.made, text);
        Span::new(at, text.len())
    }
}

impl<'t, 's, 'a> Reader<'t, 's, 'a> {
    pub(super) fn new(text: &'t str, state: &'s mut State<'a>) -> Self {
        Self { text, base: 0, at: 0, bytes: text.as_bytes(), closings: None, no_bracket: (0, 0), state }
    }

    /// Reads the whole text.
    pub(super) fn all(&mut self) {
        self.list(list::Until::End);
    }

    /// Where reading ends for now.
    pub(super) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// The byte that is here.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The byte behind it.
    pub(super) fn next(&self) -> Option<u8> {
        self.bytes.get(self.at + 1).copied()
    }

    /// The bytes that are still to be read.
    pub(super) fn rest(&self) -> &'t [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The text from `from` to here.
    pub(super) fn since(&self, from: usize) -> &'t str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// Moves on to the first byte that `stop` holds for.
    pub(super) fn skip_until(&mut self, stop: impl Fn(u8) -> bool) {
        let rest = self.rest();
        self.at += rest.iter().position(|byte| stop(*byte)).unwrap_or(rest.len());
    }

    /// Moves behind the character that is here.
    pub(super) fn skip_char(&mut self) {
        if self.at < self.end() {
            self.at += 1;
            while self.at < self.end() && !self.text.is_char_boundary(self.at) {
                self.at += 1;
            }
        }
    }

    /// Reads on from `from` to `to`, then goes back to where this is.
    pub(super) fn within(&mut self, from: usize, to: usize, read: impl FnOnce(&mut Self)) {
        let (at, bytes) = (self.at, self.bytes);
        (self.at, self.bytes) = (from, self.text.as_bytes().get(..to).unwrap_or_default());
        read(self);
        (self.at, self.bytes) = (at, bytes);
    }

    /// One level deeper; `false`, at the end of the line, when that is one too many.
    pub(super) fn enter(&mut self) -> bool {
        if self.state.nesting >= MOST_NESTING {
            self.state.line.complete = false;
            self.at = self.end();
            return false;
        }
        self.state.nesting += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.state.nesting -= 1;
    }

    /// Reads the text of `span` as commands; `fed` says whether their input is a pipe.
    pub(super) fn again(&mut self, span: Span, scope: Scope, fed: bool) {
        if !self.state.draw(span.length as usize) {
            return;
        }
        let range = span.range();
        let line: &'a str = self.state.line.text;
        if self.base <= range.start && range.end <= self.base + self.text.len() {
            if !self.enter() {
                return;
            }
            self.within(range.start - self.base, range.end - self.base, |reader| reader.apart(scope, fed));
            self.leave();
        } else if range.end <= line.len() {
            if !self.enter() {
                return;
            }
            let mut reader = Reader::new(line, self.state);
            reader.within(range.start, range.end, |reader| reader.apart(scope, fed));
            self.leave();
        } else {
            // More may be made meanwhile.
            let mut text = self.state.spare.pop().unwrap_or_default();
            append(&mut text, self.state.line.get(span));
            self.read_from(text, range.start, scope, fed);
        }
    }

    /// Reads text that had to be made as commands.
    pub(super) fn read_made(&mut self, text: String, scope: Scope, fed: bool) {
        let span = self.state.line.make(&text);
        self.read_from(text, span.at as usize, scope, fed);
    }

    fn read_from(&mut self, mut text: String, base: usize, scope: Scope, fed: bool) {
        if self.enter() {
            Reader { base, ..Reader::new(&text, self.state) }.apart(scope, fed);
            self.leave();
        }
        text.clear();
        self.state.spare.push(text);
    }

    /// Reads all that is left as commands that have nothing to do with the here-documents named before.
    pub(super) fn apart(&mut self, scope: Scope, fed: bool) {
        let later = std::mem::replace(&mut self.state.later_documents, self.state.here_documents.len());
        if scope == Scope::Substitution {
            self.substitution(list::Until::End);
        } else {
            let outer = std::mem::replace(&mut self.state.fed, u32::from(fed));
            if scope == Scope::Shell {
                self.scoped(list::Until::End, true);
            } else {
                let State { piped, alternative, function, .. } = *self.state;
                (self.state.piped, self.state.alternative, self.state.function) = (false, false, false);
                self.list(list::Until::End);
                (self.state.piped, self.state.alternative, self.state.function) = (piped, alternative, function);
            }
            self.state.fed = outer;
        }
        self.state.here_documents.truncate(self.state.later_documents);
        self.state.later_documents = later;
    }
}
