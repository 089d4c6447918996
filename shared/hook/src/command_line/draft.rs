//! A word that is being read.

use super::reader::Reader;
use super::records::{Base, Span, WordRecord, short};

/// A word so far: one piece of what is read, or several put together at the end of [`super::reader::State::scratch`].
/// Words within each other are ended from the inside out, so that the end is always that of the innermost.
pub(super) struct Draft {
    start: usize,
    /// The text, while it is one piece.
    from: usize,
    to: usize,
    /// Where the text begins when it is several.
    scratch: Option<usize>,
    /// Whether nobody asks for the text.
    unused: bool,
    pub(super) quoted: bool,
    pub(super) expands: bool,
    pub(super) base: Base,
    pub(super) base_length: u8,
}

impl Draft {
    /// A word that begins at `start`.
    pub(super) fn new(start: usize) -> Self {
        Self {
            start,
            from: start,
            to: start,
            scratch: None,
            unused: false,
            quoted: false,
            expands: false,
            base: Base::Plain,
            base_length: 0,
        }
    }

    /// A word that is read for the commands in it alone.
    pub(super) fn unused() -> Self {
        Self { unused: true, ..Self::new(0) }
    }
}

/// Adds `text`, a few bytes in most cases, for which a call of musl's `memcpy` takes longer.
#[expect(clippy::string_extend_chars, reason = "for speed")]
pub(super) fn append(to: &mut String, text: &str) {
    if text.len() <= 8 { to.extend(text.chars()) } else { to.push_str(text) }
}

impl Reader<'_, '_, '_> {
    /// The bytes of the text so far.
    pub(super) fn length(&self, draft: &Draft) -> usize {
        draft.scratch.map_or(draft.to - draft.from, |at| self.state.scratch.len() - at)
    }

    /// Adds the bytes from `from` to `to`.
    pub(super) fn keep(&mut self, draft: &mut Draft, from: usize, to: usize) {
        if draft.unused || from == to {
            return;
        }
        if draft.scratch.is_none() {
            if draft.from == draft.to {
                (draft.from, draft.to) = (from, to);
                return;
            }
            if draft.to == from {
                draft.to = to;
                return;
            }
        }
        self.divide(draft);
        append(&mut self.state.scratch, self.text.get(from..to).unwrap_or_default());
    }

    /// Adds what is no piece of the text.
    pub(super) fn add(&mut self, draft: &mut Draft, text: &str) {
        if !draft.unused {
            self.divide(draft);
            append(&mut self.state.scratch, text);
        }
    }

    /// Adds what is written elsewhere.
    pub(super) fn add_span(&mut self, draft: &mut Draft, span: Span) {
        if !draft.unused {
            self.divide(draft);
            let text = self.state.line.get(span);
            append(&mut self.state.scratch, text);
        }
    }

    fn divide(&mut self, draft: &mut Draft) {
        if draft.scratch.is_none() {
            draft.scratch = Some(self.state.scratch.len());
            append(&mut self.state.scratch, self.text.get(draft.from..draft.to).unwrap_or_default());
        }
    }

    /// The text from its byte `from` on.
    pub(super) fn tail(&self, draft: &Draft, from: usize) -> &str {
        match draft.scratch {
            Some(at) => self.state.scratch.get(at + from..),
            None => self.text.get(draft.from + from..draft.to),
        }
        .unwrap_or_default()
    }

    /// The word.
    #[inline]
    pub(super) fn finish(&mut self, draft: &Draft) -> WordRecord {
        let text = match draft.scratch {
            None => Span::new(self.base + draft.from, draft.to - draft.from),
            Some(at) => {
                let text = self.state.scratch.get(at..).unwrap_or_default();
                let made = self.state.line.make(text);
                self.state.scratch.truncate(at);
                made
            }
        };
        WordRecord {
            text,
            start: short(self.base + draft.start),
            quoted: draft.quoted,
            expands: draft.expands,
            base: draft.base,
            base_length: draft.base_length,
        }
    }
}
