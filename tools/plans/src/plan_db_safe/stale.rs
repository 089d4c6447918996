//! Whether the files that a task began with have changed under it: stale-check on the snapshots kept under its row id or
//! its code.

use crewkit_store::plans::TaskEvidence;
use crewkit_tool::process::Run;
use crewkit_tool::{Context, Refusal};
use serde_json::Value;

/// The files that have changed since the task's snapshots, with what became of each.
///
/// # Errors
/// When that cannot be checked.
pub(super) fn changed(context: &Context, task: &TaskEvidence) -> Result<Vec<String>, Refusal> {
    let mut files = Vec::new();
    let id = task.id.to_string();
    let keys = [id.as_str(), task.code.as_str()];
    let keys = &keys[..if id == task.code { 1 } else { 2 }];
    for key in keys {
        if context.store()?.snapshots().of_task(key)?.is_empty() {
            continue;
        }
        let ended = Run::tool(context, "stale-check")?.args(["check", "--", key]).run()?;
        let checked: Option<Value> = serde_json::from_slice(&ended.stdout).ok();
        let Some(list) =
            checked.as_ref().and_then(|checked| checked["changed_files"].as_array()).filter(|_| ended.ok())
        else {
            return Err(Refusal::new(format!("cannot tell whether task {id} is stale: {}", ended.complaint())));
        };
        for file in list {
            let line = format!("{} ({})", file["file"].as_str().unwrap_or("?"), file["status"].as_str().unwrap_or("?"));
            if !files.contains(&line) {
                files.push(line);
            }
        }
    }
    Ok(files)
}
