//! The gate before a write: is the file still what the task read?

use std::fmt::Write as _;
use std::path::Path;

use crewkit_repo::{Git, Repository};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use serde_json::json;

use super::{content, name_of, short};

/// How many lines of a diff are shown.
const MOST_LINES: usize = 20;

/// How many earlier contents of a file are looked at for the one that was read.
const MOST_VERSIONS: &str = "50";

/// Answers with `stale` false, or refuses with 2, what changed behind the line.
pub(super) fn refuse(context: &Context, file: &Path, task: &str) -> Answer {
    let path = name_of(context, file)?;
    let snapshots = match context.existing_store()? {
        Some(store) => store.snapshots().of_task(task)?,
        None => Vec::new(),
    };
    let now = content::hash_now(Path::new(&path))?;
    let read = snapshots.into_iter().find(|snapshot| snapshot.path == path);
    let no = |message: String| Refusal::new(message).with_code(exit_code::BLOCKED);
    match read {
        Some(read) if read.hash == now => {}
        // What is not there yet need not be read first.
        None if now.is_none() => {}
        None => return Err(no(format!("task {task} has not read {path}: take a snapshot of it first"))),
        Some(read) => {
            let what = match (&read.hash, &now) {
                (_, None) => "is gone since",
                (None, _) => "was made by somebody else since",
                _ => "has changed since",
            };
            let hashes = format!("{}→{}", short(read.hash.as_deref()), short(now.as_deref()));
            let refusal = no(format!("{path} {what} task {task} read it ({hashes}); read it again, then snapshot"));
            return Err(match read.hash.filter(|_| now.is_some()) {
                Some(old) => refusal.with_help(changes(context, Path::new(&path), &old)),
                None => refusal,
            });
        }
    }
    Ok(Outcome::json(&json!({"task_id": task, "file": path, "stale": false})))
}

/// The lines that differ between the content with hash `old`, when git has it, and the file as it is.
fn changes(context: &Context, path: &Path, old: &str) -> String {
    let blob = earlier(context, path, old);
    let Some((repository, blob)) = blob else {
        return "the content that was read is not in git, so the lines cannot be told".to_owned();
    };
    let top = repository.top.as_deref().unwrap_or(&repository.common_dir);
    let flags = ["diff", "--no-ext-diff", "--no-textconv", "--no-color", "--unified=0", &blob, "--"];
    let Ok(diff) = Git::at(context, top).of_folder().args(flags).arg(path).run() else { return String::new() };
    let diff = diff.text();
    let lines: Vec<&str> =
        diff.lines().skip_while(|line| !line.starts_with("@@") && !line.starts_with("Bin")).collect();
    let mut shown = String::new();
    for line in lines.iter().take(MOST_LINES) {
        // Behind the place of a hunk git names the lines around it, which have not changed.
        let place = line.strip_prefix("@@ ").and_then(|rest| rest.find(" @@"));
        let line = place.map_or(*line, |end| &line[..end + 6]);
        let _ = writeln!(shown, "{}", text::one_line(&text::cut(line, 200)));
    }
    if lines.len() > MOST_LINES {
        let _ = writeln!(shown, "... {} more lines", lines.len() - MOST_LINES);
    }
    shown
}

/// The object of git that holds the content with hash `old`: the index's, or one of the file's last versions.
fn earlier(context: &Context, path: &Path, old: &str) -> Option<(Repository, String)> {
    let repository = Repository::discover(path.parent()?)?;
    let top = repository.top.clone()?;
    let relative = repository.relative(path)?.to_owned();
    let git = || Git::at(context, &top).of_folder().variable("GIT_LITERAL_PATHSPECS", "1");
    let mut ids = Vec::new();
    let index = git().args(["ls-files", "--stage", "--"]).arg(&relative).run().ok()?.text();
    ids.extend(index.lines().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned));
    let log = ["log", "--all", "-n", MOST_VERSIONS, "--raw", "--no-abbrev", "--no-renames", "--format=", "--"];
    let log = git().args(log).arg(&relative).run().ok()?.text();
    // ":old-mode new-mode old-id new-id status\tpath"
    ids.extend(log.lines().flat_map(|line| line.split(' ').skip(2).take(2)).map(str::to_owned));
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| id.bytes().any(|byte| byte != b'0') && seen.insert(id.clone()));
    let same = |id: &String| {
        let blob = git().args(["cat-file", "blob", id]).run();
        blob.is_ok_and(|blob| blob.ok() && content::hash_bytes(&blob.stdout) == old)
    };
    let id = ids.into_iter().find(same)?;
    Some((repository, id))
}
