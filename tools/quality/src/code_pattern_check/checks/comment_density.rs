//! More than one line in five is a comment, in a file of ten lines or more. Lines are judged by how they begin, as people
//! count them; the lexer has no say.

use std::path::Path;

use super::{Hit, Says};
use crate::code_pattern_check::language::Language;
use crate::code_pattern_check::source::Source;

/// The fewest lines of a file that is judged.
const FEWEST_LINES: usize = 10;

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

/// How much of a file is comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommentShare {
    /// Its comment lines.
    pub(crate) comments: usize,
    /// All of its lines.
    pub(crate) lines: usize,
    /// The share of comment lines in whole percent, rounded down.
    pub(crate) percent: usize,
}

/// Whether a file is in Python or JavaScript's family, by its name.
pub(crate) fn is_commented(file: &Path) -> bool {
    Language::of(file).is_some_and(|language| language.is_script() || language == Language::Python)
}

/// The share of comments in a file's text; `None` of a file under ten lines, and of one in a language without rules.
pub(crate) fn comment_share(file: &Path, text: &[u8]) -> Option<CommentShare> {
    let language = Language::of(file)?;
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let (comments, lines) = body
        .split(|byte| *byte == b'\n')
        .fold((0, 0), |(comments, lines), line| (comments + usize::from(is_comment_line(language, line)), lines + 1));
    (lines >= FEWEST_LINES).then(|| CommentShare { comments, lines, percent: comments * 100 / lines })
}
