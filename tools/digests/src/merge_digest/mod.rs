//! merge-digest: the conflicts of a stopped merge, rebase, cherry-pick, revert or stash pop, as data. Called by an agent
//! after git says CONFLICT.

mod blocks;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_digest::{answer, tokens};
use crewkit_repo::{Change, Entry, Git, Operation, Repository, Status};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use blocks::Block;

/// merge-digest.
pub const TOOL: Tool = Tool {
    name: "merge-digest",
    summary: "the conflicts of a stopped merge or rebase, as data",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Most characters of each side of a conflict.
const SIDE: usize = 300;
/// Most characters of each side when the answer would be too long.
const SHORT_SIDE: usize = 60;

/// The conflicts of a stopped merge, rebase, cherry-pick, revert or stash pop, as one line of JSON.
///
/// In a rebase, "ours" is what is rebased onto and "theirs" the commit that is being replayed: `ours_label` and
/// `theirs_label` say what git wrote beside the markers.
///
/// Ends with 0 when the state could be read, also with conflicts (see --exit-code); else with 1 and an object with status
/// "error" and msg.
#[derive(Parser, Debug)]
#[command(name = "merge-digest", disable_version_flag = true)]
struct Arguments {
    /// Accepted for old callers: what is under way is seen from the repository
    #[arg(long)]
    rebase: bool,
    /// Accepted for old callers
    #[arg(value_name = "BRANCH")]
    branch: Option<String>,
    /// End with 1 while there are conflicts, or markers left in files that count as resolved
    #[arg(long)]
    exit_code: bool,
    /// Most tokens of the answer, as estimated; texts are cut before conflicts, what is left out is counted
    #[arg(long, value_name = "N", default_value_t = answer::MAX_TOKENS)]
    max_tokens: usize,
    /// Accepted for old callers: no answer is ever kept
    #[arg(long, overrides_with = "no_cache")]
    no_cache: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Digest {
    state: &'static str,
    conflicts: usize,
    files: Vec<Conflicted>,
    /// Files left out for the answer's size.
    #[serde(skip_serializing_if = "answer::is_zero")]
    more: usize,
    /// Files that count as resolved and still hold the markers of a conflict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    leftover_markers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct Conflicted {
    file: String,
    /// What both sides did to it, in git's words (git-status(1)).
    kind: &'static str,
    blocks: usize,
    conflicts: Vec<Block>,
    /// Blocks whose texts were left out for the answer's size.
    #[serde(skip_serializing_if = "answer::is_zero")]
    more: usize,
    /// Why the file could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        look(context, &arguments).map_err(|refusal| {
            let message = refusal.message.clone();
            refusal.with_code(exit_code::REFUSED).with_json(&answer::Failure::new(&message))
        })
    })
}

fn look(context: &Context, arguments: &Arguments) -> Answer {
    let directory = context.directory()?;
    let git_dir = || match context.variable_path("GIT_DIR") {
        Some(path) => context.absolute(&path).ok(),
        None => Repository::discover(directory).map(|repository| repository.git_dir),
    };
    let place = || Some((Operation::under_way(&git_dir()?), top(context, directory)));
    let (status, place) = Status::beside(Git::at(context, directory), place)?;
    let (operation, top) = place.unwrap_or_default();
    let top = match top {
        Some(top) => top,
        None => by_git(context, directory)?,
    };
    let unmerged = status.with(|change| change == Change::Unmerged);
    let operation = operation.filter(|operation| *operation != Operation::Bisect);
    let files: Vec<Conflicted> = unmerged.iter().map(|entry| conflicted(&top, entry)).collect();
    let staged = status.with(|change| matches!(change, Change::Tracked { staged: true, .. }));
    let leftover_markers = match operation {
        None => Vec::new(),
        Some(_) => {
            staged.iter().filter(|entry| keeps_markers(&path_of(&top, entry))).map(|entry| entry.text()).collect()
        }
    };
    let state = match (operation, files.is_empty()) {
        (Some(operation), _) => operation.name(),
        (None, true) => "clean",
        (None, false) => "none",
    };
    let digest = Digest {
        state,
        conflicts: files.len(),
        msg: (operation.is_some() && files.is_empty()).then_some("in progress, no unresolved conflicts"),
        files,
        more: 0,
        leftover_markers,
    };
    let open = digest.conflicts > 0 || !digest.leftover_markers.is_empty();
    let code = if arguments.exit_code && open { exit_code::REFUSED } else { exit_code::DONE };
    Ok(Outcome::json(&fitted(digest, arguments.max_tokens)).with_code(code))
}

/// The top of the work tree, as far as the files tell: git's own variables may say otherwise.
fn top(context: &Context, directory: &Path) -> Option<PathBuf> {
    if context.variable("GIT_DIR").is_some() || context.variable("GIT_WORK_TREE").is_some() {
        return None;
    }
    Repository::discover(directory)?.top
}

fn by_git(context: &Context, directory: &Path) -> Result<PathBuf, Refusal> {
    let ended = Git::at(context, directory).args(["rev-parse", "--show-toplevel"]).must("git rev-parse")?;
    let bytes = ended.stdout.strip_suffix(b"\n").unwrap_or(&ended.stdout);
    Ok(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

fn path_of(top: &Path, entry: &Entry) -> PathBuf {
    top.join(std::ffi::OsStr::from_bytes(&entry.path))
}

fn conflicted(top: &Path, entry: &Entry) -> Conflicted {
    let mut file = Conflicted {
        file: entry.text(),
        kind: kind(entry.letters),
        blocks: 0,
        conflicts: Vec::new(),
        more: 0,
        error: None,
    };
    let path = path_of(top, entry);
    let read = match fs::symlink_metadata(&path) {
        // A link, a submodule: there are no blocks in it.
        Ok(found) if found.is_file() => File::open(&path).and_then(|open| blocks::read(BufReader::new(open), SIDE)),
        Ok(_) => Ok((0, Vec::new())),
        // Deleted on the side that the work tree shows.
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok((0, Vec::new())),
        Err(fault) => Err(fault),
    };
    match read {
        Ok((blocks, conflicts)) => (file.blocks, file.conflicts) = (blocks, conflicts),
        Err(fault) => file.error = Some(fault.to_string()),
    }
    file.more = file.blocks - file.conflicts.len();
    file
}

/// Git's words for the two letters of an unmerged path (git-status(1), "Short Format").
fn kind(letters: [u8; 2]) -> &'static str {
    match &letters {
        b"DD" => "both-deleted",
        b"AU" => "added-by-us",
        b"UD" => "deleted-by-them",
        b"UA" => "added-by-them",
        b"DU" => "deleted-by-us",
        b"AA" => "both-added",
        _ => "both-modified",
    }
}

fn keeps_markers(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
        && File::open(path).and_then(|open| blocks::read(BufReader::new(open), 0)).is_ok_and(|(blocks, _)| blocks > 0)
}

/// The answer within `most` tokens, as far as that can be: first the sides of each conflict become shorter, then texts
/// are left out, from the last file backwards, then files. Each step is counted.
fn fitted(mut digest: Digest, most: usize) -> Digest {
    let size = |digest: &Digest| tokens::estimate(&String::from_utf8_lossy(&Outcome::json(digest).stdout));
    if size(&digest) <= most {
        return digest;
    }
    for block in digest.files.iter_mut().flat_map(|file| &mut file.conflicts) {
        block.shorten(SHORT_SIDE);
    }
    let mut total = size(&digest);
    let cost = |value: &Block| tokens::estimate(&String::from_utf8_lossy(&Outcome::json(value).stdout));
    for file in digest.files.iter_mut().rev() {
        while total > most
            && let Some(block) = file.conflicts.pop()
        {
            file.more += 1;
            total = total.saturating_sub(cost(&block));
        }
    }
    while size(&digest) > most && digest.files.len() > 1 {
        let drop = digest.files.len().div_ceil(8);
        digest.files.truncate(digest.files.len() - drop);
        digest.more += drop;
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(files: usize, blocks: usize) -> Digest {
        let block = Block::new(1, "HEAD", "side", &"ours ".repeat(50), &"theirs ".repeat(50));
        let file = |number: usize| Conflicted {
            file: format!("some/folder/file{number}.rs"),
            kind: "both-modified",
            blocks,
            conflicts: vec![block.clone(); blocks],
            more: 0,
            error: None,
        };
        Digest {
            state: "merge",
            conflicts: files,
            files: (0..files).map(file).collect(),
            more: 0,
            leftover_markers: Vec::new(),
            msg: None,
        }
    }

    #[test]
    fn texts_go_before_names_and_all_is_counted() {
        let whole = fitted(digest(2, 2), 2_000);
        assert!(whole.files.iter().all(|file| file.more == 0 && file.conflicts[0].ours.len() > 200));
        let shorter = fitted(digest(10, 3), 2_000);
        assert_eq!((shorter.more, shorter.files.len()), (0, 10));
        let named: usize = shorter.files.iter().map(|file| file.conflicts.len() + file.more).sum();
        assert_eq!(named, 30);
        let many = fitted(digest(500, 1), 2_000);
        assert_eq!(many.files.len() + many.more, 500);
        assert!(many.files.len() > 40 && many.conflicts == 500, "{}", many.files.len());
    }
}
