//! The nine checks, one file each, in the order of the report.

mod comment_density;
pub(super) mod duplicate_class_names;
mod insecure_file_write;
mod load_all_paginate;
mod missing_error_boundary;
mod react_lazy_named_export;
mod receiver;
mod unguarded_json_parse;
mod unguarded_method_call;
mod unused_parameters;

use serde::Serialize;

use super::source::Source;

pub(super) use comment_density::is_comment_line;
pub(crate) use comment_density::{comment_share, is_commented};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Severity {
    /// It rejects.
    P1,
    /// The reviewer decides.
    P2,
    /// It is noted.
    P3,
}

/// What one check found at one place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// The line, from 0; `None` for what concerns a whole file.
    pub(super) line: Option<usize>,
    /// What is said of it.
    pub(super) says: Says,
}

/// What is said of a finding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// The line itself.
    Line,
    /// A sentence.
    Sentence(String),
}

impl Hit {
    fn line(line: usize) -> Self {
        Self { line: Some(line), says: Says::Line }
    }

    fn sentence(line: usize, sentence: String) -> Self {
        Self { line: Some(line), says: Says::Sentence(sentence) }
    }
}

/// One check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check {
    /// Its name in reports, settings and waivers.
    pub(super) name: &'static str,
    /// Its severity where no settings say otherwise.
    pub(super) severity: Severity,
    /// What it says to people who meet it first.
    pub(super) summary: &'static str,
    /// What looks at one file; [`duplicate_class_names`] looks at all of them together and has none.
    pub(super) look: fn(&Source) -> Vec<Hit>,
}

/// The place of [`duplicate_class_names`] in [`CHECKS`].
pub(super) const DUPLICATES: usize = 4;

/// The place of [`comment_density`] in [`CHECKS`].
pub(super) const DENSITY: usize = 8;

/// All checks in the order of the report.
pub(super) const CHECKS: [Check; 9] = [
    Check {
        name: "unguarded_json_parse",
        severity: Severity::P1,
        summary: "text is turned into data where nothing catches its failure",
        look: unguarded_json_parse::look,
    },
    Check {
        name: "unguarded_method_call",
        severity: Severity::P1,
        summary: "a method is called on a value that may be missing",
        look: unguarded_method_call::look,
    },
    Check {
        name: "react_lazy_named_export",
        severity: Severity::P1,
        summary: "a lazily loaded component whose file has no default export",
        look: react_lazy_named_export::look,
    },
    Check {
        name: "load_all_paginate",
        severity: Severity::P2,
        summary: "everything is loaded, then cut in memory",
        look: load_all_paginate::look,
    },
    Check {
        name: "duplicate_class_names",
        severity: Severity::P2,
        summary: "one top-level name is declared in two files",
        look: |_| Vec::new(),
    },
    Check {
        name: "unused_parameters",
        severity: Severity::P2,
        summary: "a parameter that the function never names",
        look: unused_parameters::look,
    },
    Check {
        name: "insecure_file_write",
        severity: Severity::P2,
        summary: "a file with a telling name is written without saying who may read it",
        look: insecure_file_write::look,
    },
    Check {
        name: "missing_error_boundary",
        severity: Severity::P2,
        summary: "a request where nothing catches its failure",
        look: missing_error_boundary::look,
    },
    Check {
        name: "comment_density",
        severity: Severity::P3,
        summary: "more than one line in five is a comment",
        look: comment_density::look,
    },
];

/// Keeps the first hit of each line.
fn once_a_line(lines: impl Iterator<Item = usize>) -> Vec<Hit> {
    let mut lines: Vec<usize> = lines.collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().map(Hit::line).collect()
}
