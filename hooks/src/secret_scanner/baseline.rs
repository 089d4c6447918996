//! The baseline: findings that somebody has looked at and let stand. A text file at the top of the repository, a line a
//! finding: 32 hexadecimal digits of SHA-256 over path, kind and the line's text without the blanks around it, then the
//! path for people. So a finding stays known when its line moves, and is new when its line changes.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crewkit_tool::{Context, Refusal};
use sha2::{Digest as _, Sha256};

use super::findings::Finding;
use crate::commit::shown;

/// The file, at the top of a repository.
const FILE: &str = ".crewkit-baseline";

/// Findings that are let stand, by their prints.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    prints: HashSet<String>,
}

impl Baseline {
    /// The baseline of the repository with its top at `top`; one that cannot be read lists nothing, and is noted.
    pub(super) fn of_repository(context: &Context, top: &Path) -> Self {
        let path = top.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let print = |line: &str| line.split_whitespace().next().map(str::to_owned);
                Self { prints: text.lines().filter_map(print).collect() }
            }
            Err(fault) => {
                if fault.kind() != std::io::ErrorKind::NotFound {
                    context.note(format!("{}: {fault}", shown(&path)));
                }
                Self::default()
            }
        }
    }

    pub(super) fn lists(&self, finding: &Finding) -> bool {
        !self.prints.is_empty() && self.prints.contains(&print(finding))
    }

    /// Writes `findings` as the baseline of the repository with its top at `top`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(top: &Path, findings: &[Finding]) -> Result<(), Refusal> {
        let mut lines: Vec<String> =
            findings.iter().map(|one| format!("{}  {}\n", print(one), shown(&one.path))).collect();
        lines.sort_unstable_by(|one, other| one[32..].cmp(&other[32..]).then_with(|| one.cmp(other)));
        lines.dedup();
        let path = top.join(FILE);
        crate::files::replace_with_mode(&path, lines.concat().as_bytes(), 0o666)
    }
}

fn print(finding: &Finding) -> String {
    let mut hash = Sha256::new();
    for part in [finding.path.as_os_str().as_encoded_bytes(), finding.kind.as_bytes(), &finding.text] {
        hash.update(part);
        hash.update([0]);
    }
    let mut out = String::with_capacity(32);
    for byte in hash.finalize().iter().take(16) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}
