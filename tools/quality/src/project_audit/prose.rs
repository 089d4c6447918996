//! Comments and prose that agents have to read.

use std::fs;
use std::path::Path;

use super::Severity;
use crate::code_pattern_check::{comment_share, is_commented};
use crate::hardening_check::project::{Project, text};
use crate::walk;

/// The share of comment lines, in whole percent, above which a file is listed.
const MANY: usize = 10;

/// The share above which it is grave.
const TOO_MANY: usize = 20;

/// Most bytes read of a source file.
const MOST_BYTES: u64 = 8 << 20;

/// The files with too many comment lines, by path, and how grave that is.
pub(super) fn densities(project: &Project) -> (Vec<(String, String)>, Severity) {
    let (mut found, mut severity) = (Vec::new(), Severity::P2);
    for file in project.files.iter().filter(|file| is_commented(file)) {
        let path = project.root.join(file);
        if fs::metadata(&path).map_or(true, |data| data.len() > MOST_BYTES) {
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        let Some(share) = comment_share(file, &bytes).filter(|share| share.percent > MANY) else { continue };
        if share.percent > TOO_MANY {
            severity = Severity::P1;
        }
        let body = format!("{}% of its lines are comments ({} of {})", share.percent, share.comments, share.lines);
        found.push((file.to_string_lossy().into_owned(), body));
    }
    (found, severity)
}

/// The documents three levels deep with too many words a line, by path.
pub(super) fn verbose(project: &Project) -> Vec<(String, String)> {
    let near = walk::files(&project.root, 3, &["node_modules", ".git", "dist"]);
    let documents = near.iter().filter(|file| file.extension().is_some_and(|ending| ending == "md"));
    documents
        .filter_map(|file| Some((file.to_string_lossy().into_owned(), wordiness(&project.root.join(file))?)))
        .collect()
}

/// What is wrong with a document of five lines or more that averages over 25 words a line.
fn wordiness(path: &Path) -> Option<String> {
    let text = text(path)?;
    let lines = text.lines().count();
    let words = text.split_whitespace().count();
    (lines >= 5 && words > 25 * lines).then(|| format!("{} words a line on average, at most 25", words.div_ceil(lines)))
}
