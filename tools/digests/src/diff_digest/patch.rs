//! The changed lines of one file, with as little around them as can be.

use crewkit_digest::{text::clean_lines, tokens};
use crewkit_repo::Git;
use crewkit_tool::Refusal;

use super::numbers::PLAIN;
use super::range::Range;

/// The hunks of `file` with one line of context, as many lines as fit into `room` tokens, and the number of the others.
///
/// # Errors
/// When git fails, or the file is not part of the diff.
pub(super) fn of(git: Git, range: &Range, file: &str, room: usize) -> Result<(String, usize), Refusal> {
    let place = format!(":(top,literal){file}");
    let ended =
        git.args(PLAIN).args(["--unified=1", "--end-of-options"]).args(&range.diff).args(["--", &place]).run()?;
    if !ended.ok() {
        return Err(Refusal::new(format!("git diff: {}", ended.complaint())));
    }
    let text = clean_lines(&String::from_utf8_lossy(&ended.stdout));
    // What comes before the first hunk only says again which file it is; a binary file has none.
    let hunks: Vec<&str> =
        text.lines().skip_while(|line| !line.starts_with("@@") && !line.starts_with("Binary files")).collect();
    if text.is_empty() {
        return Err(Refusal::new(format!("'{file}' is not among the changed files")));
    }
    let (mut patch, mut spent, mut kept) = (String::new(), 0, 0);
    for line in &hunks {
        spent += tokens::estimate(line) + 1;
        if spent > room && kept > 0 {
            break;
        }
        patch.push_str(line);
        patch.push('\n');
        kept += 1;
    }
    Ok((patch, hunks.len() - kept))
}
