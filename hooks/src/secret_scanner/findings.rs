//! What is found in a file, and how it is shown.

use std::fmt::Write as _;
use std::path::PathBuf;

use crewkit_scan::diff::File;
use crewkit_scan::secrets::{self, Rules};
use crewkit_scan::{addresses, names};
use crewkit_tool::{Context, text};

use crate::commit::shown;

/// Most findings that are listed; the others are counted.
const MOST_LISTED: usize = 20;

/// What becomes of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addresses {
    /// Those in source files block, others are told.
    Block,
    Advise,
    Off,
}

impl Addresses {
    pub(super) fn set(context: &Context, setting: Option<&str>) -> Self {
        match setting {
            None | Some("block") => Self::Block,
            Some("advise" | "warn") => Self::Advise,
            Some("off") => Self::Off,
            Some(other) => {
                context.note(format!("the setting for addresses is '{other}', none of block, advise, off: block"));
                Self::Block
            }
        }
    }
}

/// Something that should not be committed. Does not hold a secret's value, but the line that it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// The file, from the top of the repository.
    pub(super) path: PathBuf,
    /// The line, from 1.
    pub(super) line: usize,
    /// What it is.
    pub(super) kind: &'static str,
    /// What is shown of it.
    pub(super) shown: String,
    /// Whether it keeps the commit back.
    pub(super) blocks: bool,
    /// The whole line, for the baseline alone.
    pub(super) text: Vec<u8>,
}

/// Adds what is found in `file` to `findings`.
pub(super) fn of_file(file: &File<'_>, addresses: Addresses, findings: &mut Vec<Finding>) {
    let name = file.path.file_name().unwrap_or_default().as_encoded_bytes();
    if names::is_lock(name) || names::is_minified(&file.path) {
        return;
    }
    let blocks = addresses == Addresses::Block && names::is_source(&file.path);
    let (mut secrets, mut hosts) = (Vec::new(), Vec::new());
    for line in &file.lines {
        secrets::find_in_line(Rules::Commit, line.text, line.number, &mut secrets);
        if line.added && addresses != Addresses::Off && !secrets::is_allowed(line.text) {
            addresses::find_in_line(line.text, line.number, &mut hosts);
        }
        let found = |kind, shown, blocks| Finding {
            path: file.path.clone(),
            line: line.number,
            kind,
            shown,
            blocks,
            text: line.text.trim_ascii().to_vec(),
        };
        findings.extend(secrets.drain(..).map(|secret| found(secret.kind.name(), secret.masked, true)));
        findings.extend(hosts.drain(..).map(|host| found(host.kind.name(), host.shown, blocks)));
    }
}

/// The findings, a line each.
pub(super) fn list(findings: &[&Finding]) -> String {
    let mut out = String::new();
    for finding in findings.iter().take(MOST_LISTED) {
        let (path, shown) = (shown(&finding.path), text::one_line(&finding.shown));
        let _ = writeln!(out, "  {path}:{}: {} {shown}", finding.line, finding.kind);
    }
    if let Some(more) = findings.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
        let _ = writeln!(out, "  and {more} more");
    }
    out
}
