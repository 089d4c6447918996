//! Copilot's hooks of a repository: `.github/hooks/crewkit.json`
//! (<https://docs.github.com/en/copilot/reference/hooks-configuration>).

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_repo::Repository;
use crewkit_tool::{Context, Refusal};
use serde_json::{Map, Value, json};

use crate::events::table;

/// The events that Copilot has, by Claude Code's names and its own.
const EVENTS: [(&str, &str); 5] = [
    ("SessionStart", "sessionStart"),
    ("UserPromptSubmit", "userPromptSubmitted"),
    ("PreToolUse", "preToolUse"),
    ("PostToolUse", "postToolUse"),
    ("SessionEnd", "sessionEnd"),
];

fn path(context: &Context, repository: &Path) -> Result<PathBuf, Refusal> {
    let folder = context.absolute(repository)?;
    let top = Repository::discover(&folder).and_then(|repository| repository.top);
    let top = top.ok_or_else(|| Refusal::new(format!("{} is in no work tree", folder.display())))?;
    Ok(top.join(".github/hooks/crewkit.json"))
}

/// The file; it works for those who have crewkit and does nothing for those who don't.
fn wanted() -> Value {
    let mut hooks = Map::new();
    for (event, _, seconds) in table::configured() {
        if let Some((_, name)) = EVENTS.iter().find(|(known, _)| *known == event) {
            let line = format!("if command -v crewkit >/dev/null 2>&1; then crewkit hook {name}; fi");
            hooks.insert((*name).to_owned(), json!([{"type": "command", "bash": line, "timeoutSec": seconds}]));
        }
    }
    json!({"version": 1, "hooks": hooks})
}

/// Whether a file is ours: it calls nothing but crewkit.
fn is_ours(text: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(text) else { return false };
    let events = value["hooks"].as_object();
    let mut commands = events.into_iter().flat_map(Map::values).filter_map(Value::as_array).flatten();
    commands.all(|hook| hook["bash"].as_str().is_some_and(|line| line.contains("crewkit hook ")))
}

pub(super) fn install(context: &Context, repository: &Path) -> Result<String, Refusal> {
    let path = path(context, repository)?;
    let shown = path.display();
    let mut text = serde_json::to_vec_pretty(&wanted()).unwrap_or_default();
    text.push(b'\n');
    match fs::read(&path) {
        Ok(there) if there == text => return Ok(format!("copilot: already in {shown}")),
        Ok(there) if !is_ours(&there) => {
            return Err(Refusal::new(format!("{shown} holds hooks that are not crewkit's; it was left as it is")));
        }
        _ => {}
    }
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(&path, &text)
    };
    write().map_err(|fault| Refusal::new(format!("{shown} cannot be written: {fault}")))?;
    Ok(format!("copilot: wrote {shown}; commit it for Copilot to see it everywhere"))
}

pub(super) fn uninstall(context: &Context, repository: &Path) -> Result<String, Refusal> {
    let path = path(context, repository)?;
    let shown = path.display();
    match fs::read(&path) {
        Ok(there) if is_ours(&there) => {
            fs::remove_file(&path).map_err(|fault| Refusal::new(format!("{shown} cannot be removed: {fault}")))?;
            // Folders that hold something else stay.
            for folder in path.ancestors().skip(1).take(2) {
                let _ = fs::remove_dir(folder);
            }
            Ok(format!("copilot: removed {shown}"))
        }
        Ok(_) => Err(Refusal::new(format!("{shown} holds hooks that are not crewkit's; it was left as it is"))),
        Err(_) => Ok("copilot: not installed".to_owned()),
    }
}

pub(super) fn status(context: &Context, repository: &Path) -> Result<String, Refusal> {
    let path = path(context, repository)?;
    Ok(match fs::read(&path) {
        Ok(there) if is_ours(&there) => format!("copilot: installed in {}", path.display()),
        _ => "copilot: not installed".to_owned(),
    })
}
