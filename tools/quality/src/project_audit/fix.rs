//! The lines that .gitignore lacks.

use std::fs::OpenOptions;
use std::io::Write as _;

use crewkit_tool::Refusal;

use super::checks::{lacking, lacking_secrets};
use crate::hardening_check::project::Project;

/// Adds them at the end of the project's .gitignore, which is made where there is none; gives them.
///
/// # Errors
/// When it cannot be written.
pub(super) fn gitignore(project: &Project) -> Result<Vec<String>, Refusal> {
    let text = project.text(".gitignore").unwrap_or_default();
    let mut lines: Vec<String> = lacking(project, &text).into_iter().map(str::to_owned).collect();
    lines.extend(lacking_secrets(&text).into_iter().map(str::to_owned));
    if lines.is_empty() {
        return Ok(lines);
    }
    let begin = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let added = format!("{begin}{}\n", lines.join("\n"));
    let path = project.root.join(".gitignore");
    let write = OpenOptions::new().append(true).create(true).open(&path);
    write
        .and_then(|mut file| file.write_all(added.as_bytes()))
        .map_err(|fault| Refusal::new(format!(".gitignore cannot be written: {fault}")))?;
    Ok(lines)
}
