//! From what a caller names to files, owners and this computer.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::NonEmptyStringValueParser;
use crewkit_repo::Repository;
use crewkit_store::locks::{Here, LockedFile, Origin};
use crewkit_tool::{Context, Refusal, lineage};

/// The absolute name of a file as locks store it.
pub(super) fn path(context: &Context, given: &OsString) -> Result<String, Refusal> {
    let path = context.identity(Path::new(given))?.into_os_string();
    path.into_string()
        .map_err(|path| Refusal::new(format!("the path is not UTF-8 and cannot be locked: {}", path.to_string_lossy())))
}

/// A file with its place in its repository.
pub(super) fn file(context: &Context, given: &OsString) -> Result<LockedFile, Refusal> {
    let path = path(context, given)?;
    let origin = origin(Path::new(&path));
    Ok(LockedFile { path, origin })
}

/// A file whose repository does not matter.
pub(super) fn plain_file(context: &Context, given: &OsString) -> Result<LockedFile, Refusal> {
    Ok(LockedFile { path: path(context, given)?, origin: None })
}

fn origin(path: &Path) -> Option<Origin> {
    let repository = Repository::discover(path.parent()?)?;
    let relative = repository.relative(path)?.to_str()?.to_owned();
    Some(Origin { repository: repository.common_dir.to_str()?.to_owned(), path: relative })
}

/// The session that the environment names, as agents' programs do.
pub(super) fn session(context: &Context) -> Option<String> {
    context.variable("CLAUDE_SESSION_ID").or_else(|| context.variable("CLAUDE_CODE_SESSION_ID"))
}

/// A name that may not be empty.
pub(super) fn name() -> NonEmptyStringValueParser {
    NonEmptyStringValueParser::new()
}

/// Calls `work` with this computer and its clock.
pub(super) fn here<T>(context: &Context, work: impl FnOnce(&Here<'_>) -> T) -> T {
    let host = context.host();
    let now = || context.now();
    work(&Here { host: &host, now: &now, alive: &lineage::alive })
}
