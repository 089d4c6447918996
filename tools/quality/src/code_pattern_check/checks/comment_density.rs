//! More than one line in five is a comment, in a file of ten lines or more. Lines are judged by how they begin, as people
//! count them; the lexer has no say.

use super::{Hit, Says};
use crate::code_pattern_check::language::Language;
use crate::code_pattern_check::source::Source;

/// The fewest lines of a file that is judged.
pub(crate) const FEWEST_LINES: usize = 10;

/// The highest share of comment lines, in whole percent.
const MOST_PERCENT: usize = 20;

pub(super) fn look(source: &Source) -> Vec<Hit> {
    let lines = source.line_count();
    if lines < FEWEST_LINES {
        return Vec::new();
    }
    let comments = (0..lines).filter(|line| is_comment_line(source.language, source.line(*line))).count();
    let share = comments * 100 / lines;
    if share <= MOST_PERCENT {
        return Vec::new();
    }
    let sentence = format!("{share}% of its lines are comments ({comments} of {lines}); at most {MOST_PERCENT}%");
    vec![Hit { line: None, says: Says::Sentence(sentence) }]
}

/// Whether a line begins as a comment does.
pub(in super::super) fn is_comment_line(language: Language, line: &[u8]) -> bool {
    let line = line.trim_ascii();
    match language {
        Language::Shell => line.len() > 1 && line[0] == b'#' && line[1] != b'!',
        Language::Python => line.first() == Some(&b'#'),
        Language::Script | Language::Module => {
            line.starts_with(b"//") || line.starts_with(b"/*") || line.starts_with(b"*")
        }
        Language::Sql | Language::Prisma => false,
    }
}

/// The number of comment lines and of all lines.
pub(crate) fn comment_lines(language: Language, bytes: &[u8]) -> (usize, usize) {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if bytes.is_empty() {
        return (0, 0);
    }
    let lines = body.split(|byte| *byte == b'\n');
    lines.fold((0, 0), |(comments, all), line| (comments + usize::from(is_comment_line(language, line)), all + 1))
}

/// The share of comment lines in whole percent, of a file that is long enough to be judged.
pub(crate) fn percent(comments: usize, lines: usize) -> Option<usize> {
    (lines >= FEWEST_LINES).then(|| comments * 100 / lines)
}
