//! `crewkit hooks settings`: the file to begin with, and what is wrong in the files that are there.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crewkit_hook::Settings;
use crewkit_hook::settings::{DEFAULTS, PROJECT_FILE, USER_FILE};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};

use crate::events::table::HOOKS;

pub(super) fn run(context: &Context, write: bool, check: bool) -> Answer {
    if check {
        return complaints(context);
    }
    if !write {
        return Ok(Outcome::text(DEFAULTS));
    }
    let path = context.claude_home()?.join(USER_FILE);
    let fault = |fault: std::io::Error| Refusal::new(format!("{} cannot be written: {fault}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fault)?;
    }
    // What people wrote is never written over.
    match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => file.write_all(DEFAULTS.as_bytes()).map_err(fault)?,
        Err(found) if found.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Refusal::new(format!("{} is there already; it was left as it is", path.display())));
        }
        Err(other) => return Err(fault(other)),
    }
    Ok(Outcome::text(format!("wrote {}", path.display())))
}

fn complaints(context: &Context) -> Answer {
    let directory = context.directory()?;
    let project = directory.ancestors().map(|folder| folder.join(PROJECT_FILE)).find(|path| path.exists());
    let user = context.claude_home()?.join(USER_FILE);
    let files: Vec<PathBuf> = std::iter::once(user).chain(project).filter(|path| path.exists()).collect();
    let mut lines = Vec::new();
    let mut code = exit_code::DONE;
    for file in &files {
        let found = check_file(file);
        if found.is_empty() {
            lines.push(format!("{}: ok", file.display()));
        } else {
            code = exit_code::REFUSED;
            lines.extend(found.iter().map(|line| format!("{}: {line}", file.display())));
        }
    }
    if files.is_empty() {
        lines.push("no settings: all as by default".to_owned());
    }
    Ok(Outcome::text(lines.join("\n")).with_code(code))
}

/// What is wrong with a settings file, a line each; nothing where there is none.
pub(crate) fn check_file(path: &Path) -> Vec<String> {
    let top = match Settings::read_file(path) {
        Ok(Some(top)) => top,
        Ok(None) => return Vec::new(),
        Err(fault) => return vec![fault],
    };
    let mut lines = top.complaints().unwrap_or_else(|fault| vec![fault]);
    for key in ["enable", "disable", "keep"] {
        let names = top.get("hooks").and_then(|hooks| hooks.get(key)?.as_texts()).unwrap_or_default();
        let unknown = names.iter().filter(|name| !HOOKS.iter().any(|hook| hook.name == **name));
        lines.extend(unknown.map(|name| format!("[hooks] {key}: there is no hook '{name}' (crewkit hooks list)")));
    }
    lines
}
