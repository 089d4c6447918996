//! Files that memory files import by `@path` (Claude Code's documentation, "Manage Claude's memory"): relative to the file
//! they stand in, `~` for the home folder, not in code, five steps deep.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crewkit_repo::real_path;
use crewkit_tool::Context;
use serde::Serialize;

/// How many steps imports are followed.
const DEEPEST: usize = 5;

/// Most bytes read of a file.
const MOST_BYTES: u64 = 4 << 20;

/// An imported file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Import {
    /// As the importing file names it.
    pub(crate) file: String,
    /// Its size; `None` when it is not there.
    pub(crate) bytes: Option<u64>,
}

/// What `files` import, and what that imports, each once.
pub(crate) fn follow(context: &Context, files: impl Iterator<Item = PathBuf>) -> Vec<Import> {
    let mut open: Vec<(PathBuf, usize)> = files.map(|file| (file, 0)).collect();
    let mut seen: HashSet<PathBuf> = open.iter().map(|(file, _)| real_path(file)).collect();
    let mut imports = Vec::new();
    open.reverse();
    while let Some((file, steps)) = open.pop() {
        let small = fs::metadata(&file).is_ok_and(|data| data.is_file() && data.len() <= MOST_BYTES);
        let Some(text) = small.then(|| fs::read(&file).ok()).flatten() else { continue };
        for name in names(&String::from_utf8_lossy(&text)) {
            let named = context.expand_home(Path::new(&name));
            let path = real_path(&file.parent().unwrap_or(Path::new("/")).join(named));
            if steps == DEEPEST || !seen.insert(path.clone()) {
                continue;
            }
            let bytes = fs::metadata(&path).ok().filter(fs::Metadata::is_file).map(|data| data.len());
            imports.push(Import { file: name, bytes });
            open.push((path, steps + 1));
        }
    }
    imports
}

/// The paths that a text imports. A word counts when it has a slash or an ending, so that `@name` of a person does not.
pub(crate) fn names(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        for plain in line.split('`').step_by(2) {
            let words = plain.split_whitespace().filter_map(|word| word.strip_prefix('@'));
            let paths = words.map(|word| word.trim_end_matches(['.', ',', ';', ':', ')']));
            found.extend(paths.filter(|path| is_path(path)).map(str::to_owned));
        }
    }
    found
}

fn is_path(word: &str) -> bool {
    let ending = Path::new(word).extension().is_some_and(|ending| ending.len() <= 5);
    let package = word.split('/').count() == 2 && !ending && !word.starts_with(['.', '~', '/']);
    !word.is_empty() && !word.contains('@') && (ending || word.contains('/') && !package)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn what_is_no_import() {
        let text = "see @docs/a.md, @~/x/b.md and @README.md.\n`@not/this.md` @ann @scope/package\n```\n@nor/this.md\n```\n@./c\n\
                    mail a@b.md";
        assert_eq!(names(text), ["docs/a.md", "~/x/b.md", "README.md", "./c"]);
    }
}
