//! Templates for gaps that a file can fill.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crewkit_tool::Refusal;

use super::rails::Hardening;

/// A gap, the file that fills it, its text, its permissions.
const TEMPLATES: [(&str, &str, &str, u32); 8] = [
    ("pre-commit-exists", ".githooks/pre-commit", include_str!("templates/pre-commit.sh"), 0o755),
    ("pre-push-exists", ".githooks/pre-push", include_str!("templates/pre-push.sh"), 0o755),
    ("commit-msg-hook", ".githooks/commit-msg", include_str!("templates/commit-msg.sh"), 0o755),
    ("secrets-scan-script", "scripts/secrets-scan.sh", include_str!("templates/secrets-scan.sh"), 0o755),
    ("env-var-audit", "scripts/env-var-audit.sh", include_str!("templates/env-var-audit.sh"), 0o755),
    ("debt-check-script", "scripts/debt-check.sh", include_str!("templates/debt-check.sh"), 0o755),
    ("pr-template-exists", ".github/pull_request_template.md", include_str!("templates/pull-request.md"), 0o644),
    ("adr-index", "docs/adr/INDEX.md", include_str!("templates/adr-index.md"), 0o644),
];

/// Writes the templates for the gaps of `hardening` below `root`; gives the files written, from the root.
///
/// # Errors
/// When a file cannot be written. One that is there is left as it is.
pub(super) fn write(root: &Path, hardening: &Hardening) -> Result<Vec<String>, Refusal> {
    let mut written = Vec::new();
    for (gap, name, text, mode) in TEMPLATES {
        if !hardening.gaps.iter().any(|one| one.name == gap) {
            continue;
        }
        let path = root.join(name);
        let fault = |fault: std::io::Error| Refusal::new(format!("{name} cannot be written: {fault}"));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(fault)?;
        }
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).map_err(fault)?;
                written.push(name.to_owned());
            }
            Err(there) if there.kind() == ErrorKind::AlreadyExists => {}
            Err(other) => return Err(fault(other)),
        }
    }
    Ok(written)
}
