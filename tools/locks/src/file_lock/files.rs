//! From what a caller names to files, owners and this computer.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::NonEmptyStringValueParser;
use crewkit_repo::Repository;
use crewkit_store::locks::glob::{Pattern, escape, has_wildcard};
use crewkit_store::locks::{Here, LockedFile, Origin};
use crewkit_tool::{Context, Refusal, lineage};

/// What `given` names, with its place in its repository. It is a pattern when `glob` says so, or when it ends in `/**`,
/// which means all files below a folder whose name is taken as it is.
pub(super) fn file(context: &Context, given: &OsString, glob: bool) -> Result<LockedFile, Refusal> {
    let file = plain_file(context, given, glob)?;
    let origin = origin(&file);
    Ok(LockedFile { origin, ..file })
}

/// The same where the repository does not matter.
pub(super) fn plain_file(context: &Context, given: &OsString, glob: bool) -> Result<LockedFile, Refusal> {
    let literal = |path: String, glob: bool| LockedFile { path, origin: None, glob };
    let Some(text) = given.to_str().filter(|text| glob || text.trim_end_matches('/').ends_with("/**")) else {
        return Ok(literal(path(context, given)?, false));
    };
    if let Some(folder) = text.trim_end_matches('/').strip_suffix("/**").filter(|_| !glob) {
        let folder = if folder.is_empty() { "/" } else { folder };
        return Ok(literal(below(&escape(&path(context, &folder.into())?), "**"), true));
    }
    if text.is_empty() {
        return Err(Refusal::new("--glob: the pattern is empty"));
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let first = parts.iter().position(|part| has_wildcard(part)).unwrap_or(parts.len());
    let (folder, rest) = parts.split_at(first);
    let root = if text.starts_with('/') { "/" } else { "./" };
    let folder = path(context, &(root.to_owned() + &folder.join("/")).into())?;
    if rest.is_empty() {
        return Ok(literal(folder, false));
    }
    if rest.contains(&"..") {
        return Err(Refusal::new(format!("--glob: '{text}' goes up after a wildcard")));
    }
    let pattern = below(&escape(&folder), &rest.join("/"));
    match Pattern::parse(&pattern) {
        Ok(_) => Ok(literal(pattern, true)),
        Err(why) => Err(Refusal::new(format!("--glob: {why}"))),
    }
}

/// A file to be locked; with a note where a name is likely to mean more than it does.
pub(super) fn lockable(context: &Context, given: &OsString, glob: bool) -> Result<LockedFile, Refusal> {
    let file = file(context, given, glob)?;
    let path = Path::new(&file.path);
    let place = if file.glob { unescape(file.path.trim_end_matches("/**")) } else { file.path.clone() };
    if !file.glob && path.is_dir() {
        let all = below(&file.path, "**");
        context.note(format!("{} is a folder: '{all}' locks the files below it, this does not", path.display()));
    } else if !glob && place.contains('*') && !Path::new(&place).exists() {
        context.note(format!("the * in {} is a character of a name; --glob makes it a wildcard", path.display()));
    }
    Ok(file)
}

fn below(folder: &str, rest: &str) -> String {
    format!("{}/{rest}", folder.trim_end_matches('/'))
}

/// The absolute name of a file as locks store it.
fn path(context: &Context, given: &OsString) -> Result<String, Refusal> {
    let path = context.identity(Path::new(given))?.into_os_string();
    path.into_string()
        .map_err(|path| Refusal::new(format!("the path is not UTF-8 and cannot be locked: {}", path.to_string_lossy())))
}

fn origin(file: &LockedFile) -> Option<Origin> {
    let (folder, below) = if file.glob {
        // A pattern's place is that of the folder before its first wildcard, which is written as a pattern too.
        let parts = file.path.split_inclusive('/');
        let folder: usize = parts.take_while(|part| is_plain(part)).map(str::len).sum();
        (unescape(&file.path[..folder]), &file.path[folder..])
    } else {
        (file.path.clone(), "")
    };
    let folder = Path::new(&folder);
    let repository = Repository::discover(if file.glob { folder } else { folder.parent()? })?;
    let relative = repository.relative(folder)?.to_str()?;
    let path = match (file.glob, relative) {
        (false, relative) => relative.to_owned(),
        (true, "") => below.to_owned(),
        (true, relative) => self::below(&escape(relative), below),
    };
    Some(Origin { repository: repository.common_dir.to_str()?.to_owned(), path })
}

/// Whether a part of a pattern means one name.
fn is_plain(part: &str) -> bool {
    Pattern::parse(part).is_ok_and(|pattern| pattern.is_one_path())
}

/// What a part of a pattern without wildcards means.
fn unescape(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut left = part.chars();
    while let Some(c) = left.next() {
        out.extend(if c == '\\' { left.next() } else { Some(c) });
    }
    out
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
