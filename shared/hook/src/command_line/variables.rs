//! The variables that a line sets to plain text.

use super::Line;
use super::reader::State;
use super::records::{Span, WordRecord};

/// Most variables whose values are kept, and the most bytes of such a value: for paths, not for data.
const MOST_VARIABLES: usize = 64;
const MOST_VALUE: u32 = 4096;

/// The values of variables by name. What is set in a subshell stands behind what is set around it and is taken off at
/// its end ([`Variables::enter`]).
pub(super) struct Variables {
    entries: Vec<Entry>,
    /// For each hash of a name the entries that have it, as bits.
    by_hash: [u64; 64],
    /// The entries whose value is a directory that has not been left since, as bits.
    here: u64,
    /// How many are not visible: those of the shell that started this one.
    hidden: usize,
    /// How many were set outside of the shell being read: what is set inside is undone behind it.
    outer: usize,
}

#[derive(Clone, Copy)]
struct Entry {
    name: Span,
    value: WordRecord,
    hash: u8,
    /// Whether there are blanks in it, at which a shell would divide it.
    blank: bool,
}

/// What [`Variables::leave`] goes back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    count: usize,
    here: u64,
    hidden: usize,
    outer: usize,
}

impl Variables {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), by_hash: [0; 64], here: 0, hidden: 0, outer: 0 }
    }

    /// The beginning of a subshell, or, without what is set, of a shell of its own.
    pub(super) fn enter(&mut self, own: bool) -> Mark {
        let mark = Mark { count: self.entries.len(), here: self.here, hidden: self.hidden, outer: self.outer };
        self.outer = mark.count;
        if own {
            self.hidden = mark.count;
        }
        mark
    }

    /// Its end.
    pub(super) fn leave(&mut self, mark: Mark) {
        for index in mark.count..self.entries.len() {
            self.by_hash[usize::from(self.entries[index].hash)] &= !(1 << index);
        }
        self.entries.truncate(mark.count);
        (self.here, self.hidden, self.outer) = (mark.here, mark.hidden, mark.outer);
    }

    /// The value of `name`, where it is known and, unless it is `quoted`, one word.
    pub(super) fn value(&self, line: &Line<'_>, name: &str, quoted: bool) -> Option<WordRecord> {
        if self.entries.is_empty() || name.is_empty() {
            return None;
        }
        let index = self.find(line, name, hash(name))?;
        let Entry { value, blank, .. } = *self.entries.get(index)?;
        let known = !value.expands && (!value.depends_on_here() || self.here >> index & 1 == 1);
        (known && (quoted || !blank)).then_some(value)
    }

    /// Keeps the value of the variable called by the text of `name`. It is known only when it is `sure` to be set.
    pub(super) fn set(&mut self, line: &Line<'_>, name: Span, value: WordRecord, sure: bool) {
        if !sure || value.expands || value.text.length > MOST_VALUE {
            return self.unset(line, line.get(name));
        }
        let hash = hash(line.get(name));
        let blank = line.get(value.text).contains([' ', '\t', '\n']);
        let index = self.find(line, line.get(name), hash).filter(|index| *index >= self.outer);
        let index = match index {
            Some(index) => index,
            None if self.entries.len() < MOST_VARIABLES => self.push(Entry { name, value, hash, blank }),
            None => return self.unset(line, line.get(name)),
        };
        (self.entries[index].value, self.entries[index].blank) = (value, blank);
        self.here = self.here & !(1 << index) | u64::from(value.depends_on_here()) << index;
    }

    /// A variable whose value is no longer known.
    pub(super) fn unset(&mut self, line: &Line<'_>, name: &str) {
        if self.entries.is_empty() {
            return;
        }
        let hash = hash(name);
        let Some(index) = self.find(line, name, hash) else { return };
        let Entry { name, value, blank, .. } = self.entries[index];
        if value.expands {
            return;
        }
        // Outside of a subshell it stays as it is, where there is room to say so.
        if index < self.outer && self.entries.len() < MOST_VARIABLES {
            self.push(Entry { name, value: value.unknown(), hash, blank });
        } else {
            self.entries[index].value = value.unknown();
        }
    }

    /// The directory has changed: what stands for the one before is no longer known.
    pub(super) fn leave_directory(&mut self) {
        self.here = 0;
    }

    fn push(&mut self, entry: Entry) -> usize {
        let index = self.entries.len();
        self.by_hash[usize::from(entry.hash)] |= 1 << index;
        self.entries.push(entry);
        index
    }

    /// The latest entry of that name.
    fn find(&self, line: &Line<'_>, name: &str, hash: u8) -> Option<usize> {
        let visible = u64::MAX.checked_shl(u32::try_from(self.hidden).unwrap_or(u32::MAX)).unwrap_or_default();
        let mut left = self.by_hash[usize::from(hash)] & visible;
        while left != 0 {
            let index = left.ilog2() as usize;
            if self.entries.get(index).is_some_and(|entry| line.get(entry.name) == name) {
                return Some(index);
            }
            left &= !(1 << index);
        }
        None
    }
}

/// A number below 64 of a name.
fn hash(name: &str) -> u8 {
    let mixed = name.bytes().take(32).fold(name.len() as u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
    });
    u8::try_from(mixed >> 58).unwrap_or_default()
}

impl State<'_> {
    /// The value of a variable that the line has set to plain text, to be put in its place.
    pub(super) fn value(&mut self, name: &str, quoted: bool) -> Option<WordRecord> {
        let value = self.variables.value(&self.line, name, quoted)?;
        self.draw(value.text.length as usize).then_some(value)
    }

    /// Keeps the value of a variable.
    pub(super) fn set(&mut self, name: Span, value: WordRecord) {
        let sure = self.conditional == 0 && !self.function;
        self.variables.set(&self.line, name, value, sure);
    }

    /// A variable whose value is no longer known.
    pub(super) fn unset(&mut self, name: Span) {
        self.variables.unset(&self.line, self.line.get(name));
    }
}
