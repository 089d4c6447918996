//! Here-documents, which begin behind the line they are named in.

use super::reader::{Reader, Scope, State};
use super::records::{Span, short};

/// A here-document whose text is still to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct HereDocument {
    pub(super) delimiter: Span,
    pub(super) strip_tabs: bool,
    pub(super) expands: bool,
    /// The command it is fed to, once that is known.
    pub(super) owner: Option<u32>,
}

impl Reader<'_, '_, '_> {
    /// A line end, and the here-documents that begin behind it.
    pub(super) fn line_end(&mut self) {
        self.at += 1;
        let State { later_documents: later, .. } = *self.state;
        let count = self.state.here_documents.len();
        if count == later {
            return;
        }
        // Those that their text names begin in it.
        self.state.later_documents = count;
        for index in later..count {
            if let Some(document) = self.state.here_documents.get(index).copied() {
                let from = self.at;
                let to = self.end_of_document(&document);
                self.state.bodies += 1;
                self.here_document(&document, from, to.min(self.at));
                self.state.bodies -= 1;
            }
        }
        self.state.here_documents.drain(later..count);
        self.state.later_documents = later;
    }

    /// The end of the text that begins here; moves behind its delimiter.
    fn end_of_document(&mut self, document: &HereDocument) -> usize {
        /// What looking at a line costs, in bytes.
        const LINE: usize = 4;
        let from = self.at;
        let text = self.text;
        let delimiter = self.state.line.get(document.delimiter);
        let (mut cost, mut at) = (0, self.at);
        let (mut to, mut affordable) = (self.end(), true);
        while at < self.end() {
            let start = at;
            let rest = text.as_bytes().get(start..self.end()).unwrap_or_default();
            at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let line = text.get(start..at).unwrap_or_default();
            let line = line.strip_suffix('\r').unwrap_or(line);
            let line = if document.strip_tabs { line.trim_start_matches('\t') } else { line };
            let behind = line.strip_prefix(delimiter);
            cost += LINE + line.len() / 8;
            if behind == Some("") {
                to = start;
                at += usize::from(at < self.end());
                break;
            }
            // bash takes the end of a substitution for the end of the text.
            if let Some(behind) = behind
                && behind.starts_with(')')
                && self.state.level > 0
                && !delimiter.is_empty()
            {
                to = start;
                at -= behind.len();
                break;
            }
            at += usize::from(at < self.end());
            if self.state.bodies > 0 && cost > self.state.search_budget {
                (to, at) = (self.end(), self.end());
                affordable = false;
            }
        }
        self.state.line.complete &= affordable;
        if self.state.bodies > 0 {
            self.state.search_budget = self.state.search_budget.saturating_sub(cost);
        }
        self.at = at;
        to.max(from)
    }

    /// The text of a here-document: commands when it is fed to a shell, else text that may hold substitutions.
    fn here_document(&mut self, document: &HereDocument, from: usize, to: usize) {
        if document.owner.is_some_and(|owner| self.state.reads_commands(owner)) {
            self.again(Span { at: short(self.base + from), length: short(to - from) }, Scope::Shell, false);
        } else if document.expands {
            self.within(from, to, Self::expansions);
        }
    }
}
