//! The projects' CLAUDE.md.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crewkit_repo::real_path;
use crewkit_scan::line_limit;
use crewkit_tool::Context;

use super::documents::by_length;
use super::{Line, Verdict};
use crate::hardening_check::project::text;

const SECTION: &str = "Projects";

/// Looks at each project's CLAUDE.md, in its top folder or in `.claude`.
pub(super) fn look(context: &Context) -> Vec<Line> {
    let lines = projects(context).into_iter().map(|(name, folder)| {
        let found = ["CLAUDE.md", ".claude/CLAUDE.md"].iter().find_map(|file| text(&folder.join(file)));
        match found.map(|text| line_limit::count(&text)) {
            None => Line::new(SECTION, Verdict::Warn, format!("{name}: no CLAUDE.md")),
            Some(lines) => Line::new(SECTION, by_length(lines), format!("{name}: {lines} lines")),
        }
    });
    lines.collect()
}

/// The names and folders of the projects that are on this computer, each once.
fn projects(context: &Context) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    // What is wrong with the database, the section on tokens has said.
    if let Ok(Some(store)) = context.existing_store() {
        let rows = store.projects().all().unwrap_or_default();
        found.extend(rows.into_iter().map(|row| (row.name, context.expand_home(Path::new(&row.path)))));
    }
    let told = context.variable_path("CONTEXT_PROJECTS_DIR").map(|folder| context.expand_home(&folder));
    if let Some(folder) = told.or_else(|| Some(context.home().ok()?.join("GitHub"))) {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        folders.sort();
        found.extend(folders.into_iter().filter_map(|folder| {
            let name = folder.file_name()?.to_string_lossy().into_owned();
            (!name.starts_with('.')).then_some((name, folder))
        }));
    }
    let mut seen = HashSet::new();
    found.retain(|(_, folder)| folder.is_absolute() && folder.is_dir() && seen.insert(real_path(folder)));
    found
}
