//! The sections of a document by their size.

use std::path::Path;

use serde::Serialize;

use crate::hardening_check::project::text;

/// How many sections are proposed.
const PROPOSED: usize = 5;

/// A section: from a heading of the first or second level to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Section {
    pub(super) heading: String,
    pub(super) bytes: usize,
}

/// The largest sections of the document at `path`.
pub(super) fn sections(path: &Path) -> Vec<Section> {
    let text = text(path).unwrap_or_default();
    let mut list: Vec<Section> = Vec::new();
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        fenced ^= line.trim_start().starts_with("```");
        let heading = line.strip_prefix("## ").or_else(|| line.strip_prefix("# ")).filter(|_| !fenced);
        match (heading, list.last_mut()) {
            (Some(heading), _) => list.push(Section { heading: heading.trim().to_owned(), bytes: line.len() }),
            (None, Some(section)) => section.bytes += line.len(),
            (None, None) => list.push(Section { heading: "(before the first heading)".into(), bytes: line.len() }),
        }
    }
    list.sort_by_key(|section| std::cmp::Reverse(section.bytes));
    list.truncate(PROPOSED);
    list
}
