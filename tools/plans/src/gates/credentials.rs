//! Gate 3: no credential in a changed line.

use crewkit_scan::secrets::{self, Rules};

use super::changes::Changes;
use super::{CREDENTIALS, Finding, Gate};

const FIX: &str = "take it out, read it from the environment, and revoke it if it was ever pushed";

pub(super) fn judge(changes: &Changes) -> Gate {
    let mut findings = Vec::new();
    for (file, text) in changes.texts() {
        let mut found = Vec::new();
        for (at, line) in text.split('\n').enumerate().filter(|(at, _)| file.has(at + 1)) {
            secrets::find_in_line(Rules::Gate, line.as_bytes(), at + 1, &mut found);
        }
        findings.extend(found.into_iter().map(|secret| {
            let issue = format!("{}: {}", secret.kind.name(), secret.masked);
            Finding::at(&file.name, Some(secret.line), issue, FIX)
        }));
    }
    Gate::of(CREDENTIALS, findings, changes.not_judged(), changes.looked_at())
}
