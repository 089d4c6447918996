//! The requirements F-xx of a plan, as its Markdown file has them: rows of tables with a cell `F-` and digits, and a box.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tool::{Context, Refusal, text};
use serde::Serialize;

/// A requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Requirement {
    /// `F-01`.
    pub(crate) id: String,
    /// The cell behind it, 40 characters.
    pub(crate) text: String,
    /// What its box says.
    pub(crate) state: State,
    /// Why it is pending or left out, where that is not the box alone; empty.
    pub(crate) remark: String,
}

/// What a requirement's box says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// `[x]`
    Verified,
    /// `[ ]`
    Pending,
    /// `[-]` with a reason: left out on purpose.
    LeftOut,
}

/// The requirements of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requirements {
    /// The file.
    pub(crate) path: PathBuf,
    /// Every row that counts, in the file's order.
    pub(crate) rows: Vec<Requirement>,
}

impl Requirements {
    /// How many rows have this state.
    pub(crate) fn count(&self, state: State) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }
}

/// Reads the requirements of a plan: `markdown_path`, else `plan.md`, `NAME.md` or the first `*.md` of `markdown_dir`, else
/// of the folder of active plans.
///
/// # Errors
/// When there is no such file, or it cannot be read.
pub(crate) fn read(
    context: &Context,
    name: &str,
    markdown_path: Option<&Path>,
    markdown_dir: Option<&Path>,
) -> Result<Requirements, Refusal> {
    let path = find(context, name, markdown_path, markdown_dir)?;
    let bytes = fs::read(&path).map_err(|fault| Refusal::new(format!("{} cannot be read: {fault}", path.display())))?;
    let rows = parse(&String::from_utf8_lossy(&bytes));
    Ok(Requirements { path, rows })
}

fn find(
    context: &Context,
    name: &str,
    markdown_path: Option<&Path>,
    markdown_dir: Option<&Path>,
) -> Result<PathBuf, Refusal> {
    const ADVICE: &str = "set the plan's markdown path (plan-db create --markdown-path)";
    if let Some(path) = markdown_path {
        let path = context.expand_home(path);
        if path.is_file() {
            return Ok(path);
        }
        return Err(Refusal::new(format!("no requirements: there is no file {}; {ADVICE}", path.display())));
    }
    let folder = match markdown_dir {
        Some(folder) => context.expand_home(folder),
        None => context.claude_home()?.join("plans/active").join(name),
    };
    let own = ["plan.md".to_owned(), format!("{name}.md")].map(|file| folder.join(file));
    if let Some(path) = own.into_iter().find(|path| path.is_file()) {
        return Ok(path);
    }
    let mut others: Vec<PathBuf> =
        fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    others.retain(|path| path.extension().is_some_and(|ending| ending == "md") && path.is_file());
    others.sort();
    let none = || Refusal::new(format!("no requirements: no Markdown file in {}; {ADVICE}", folder.display()));
    others.into_iter().next().ok_or_else(none)
}

/// The requirements in a Markdown text.
pub(crate) fn parse(markdown: &str) -> Vec<Requirement> {
    let mut rows = Vec::new();
    let mut fence: Option<(char, usize)> = None;
    // The column headed Evidence of the table that the line lies in.
    let mut evidence: Option<Option<usize>> = None;
    for line in markdown.lines() {
        let line = line.trim();
        let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = mark.map_or(0, |mark| line.chars().take_while(|c| *c == mark).count());
        if let Some((open, least)) = fence {
            if mark == Some(open) && length >= least && line.chars().all(|c| c == open) {
                fence = None;
            }
            continue;
        }
        if let Some(mark) = mark.filter(|_| length >= 3) {
            (fence, evidence) = (Some((mark, length)), None);
            continue;
        }
        if !line.contains('|') || is_list_or_heading(line) {
            evidence = None;
            continue;
        }
        let cells = cells(line);
        let column = *evidence.get_or_insert_with(|| {
            cells.iter().position(|cell| cell.trim_matches('*').eq_ignore_ascii_case("evidence"))
        });
        rows.extend(requirement(line, &cells, column));
    }
    rows
}

fn is_list_or_heading(line: &str) -> bool {
    let item = line.strip_prefix(['-', '*', '+']).is_some_and(|rest| rest.starts_with(' '));
    item || line.starts_with('#') || line.starts_with('>')
}

/// The cells of a row; an escaped bar is part of a cell.
fn cells(row: &str) -> Vec<String> {
    let row = row.strip_prefix('|').unwrap_or(row);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for c in row.chars() {
        match (c, escaped, cells.last_mut()) {
            ('|', false, _) => cells.push(String::new()),
            (c, _, Some(cell)) => {
                if c == '|' {
                    cell.pop();
                }
                cell.push(c);
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    if cells.last().is_some_and(|cell| cell.trim().is_empty()) {
        cells.pop();
    }
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

fn is_id(cell: &str) -> bool {
    cell.strip_prefix("F-").is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn requirement(line: &str, cells: &[String], evidence: Option<usize>) -> Option<Requirement> {
    let at = cells.iter().position(|cell| is_id(cell))?;
    let body = cells.get(at + 1).map_or("", String::as_str);
    let mut row = Requirement {
        id: cells[at].clone(),
        text: text::head(body, 40).to_owned(),
        state: State::Pending,
        remark: String::new(),
    };
    if line.contains("[x]") || line.contains("[X]") {
        row.state = State::Verified;
        let given = evidence.map(|column| cells.get(column).map_or("", String::as_str));
        let is_placeholder = |cell: &str| cell.is_empty() || cell.starts_with('[') && cell.ends_with(']');
        if given.is_some_and(is_placeholder) {
            row.state = State::Pending;
            "no evidence".clone_into(&mut row.remark);
        }
    } else if let Some((_, behind)) = line.split_once("[-]") {
        // A reason is anything said behind the box.
        let reason = behind.trim_matches(|c: char| c.is_whitespace() || c == '|');
        if reason.is_empty() {
            "left out without a reason".clone_into(&mut row.remark);
        } else {
            row.state = State::LeftOut;
            text::head(reason, 40).clone_into(&mut row.remark);
        }
    } else if !line.contains("[ ]") && !line.contains("[]") {
        return None;
    }
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(markdown: &str) -> Vec<(String, State)> {
        parse(markdown).into_iter().map(|row| (row.id, row.state)).collect()
    }

    #[test]
    fn rows_with_a_box_count_and_nothing_else_does() {
        for (row, wanted) in [
            ("| F-01 | Sum | [x] |", Some(State::Verified)),
            ("| [X] | F-2 | Sum |", Some(State::Verified)),
            ("F-01 | Sum | [ ]", Some(State::Pending)),
            ("| F-01 | Sum | [] |", Some(State::Pending)),
            ("| F-01 | [ ] then [x] | |", Some(State::Verified)),
            ("| F-01 | Sum | [-] not wanted by the client |", Some(State::LeftOut)),
            ("| F-01 | Sum | [-] |", Some(State::Pending)),
            ("| T1-01 | Sum | F-01 | pending |", None),
            ("| F-001a | Sum | [x] |", None),
            ("| F-02, F-03 | Sum | [x] |", None),
            ("| F- | Sum | [x] |", None),
            ("- F-01 | Sum | [x] |", None),
            ("## F-01 | Sum | [x]", None),
            ("```\n| F-01 | Sum | [x] |\n```", None),
            ("~~~~md\n| F-01 | [ ] |\n~~~\n| F-02 | [ ] |\n~~~~", None),
        ] {
            assert_eq!(states(row).first().map(|(_, state)| *state), wanted, "{row}");
        }
        assert_eq!(states("| F-01 | a | [x] |\n\n| F-01 | a | [ ] |").len(), 2);
    }

    #[test]
    fn the_first_such_cell_names_the_row_and_the_next_one_tells_of_it() {
        let long = "x".repeat(60);
        let row = &parse(&format!("| W1 | F-01 | a \\| b {long} | F-02 | [x] |"))[0];
        assert_eq!((row.id.as_str(), row.text.len()), ("F-01", 40));
        assert!(row.text.starts_with("a | b x"), "{row:?}");
    }

    #[test]
    fn a_checked_row_needs_the_evidence_that_its_table_asks_for() {
        let table = "| ID | What | Evidence | Ok |\n|--|--|--|--|\n| F-01 | a | src/a.rs:3 | [x] |\n\
             | F-02 | b | | [x] |\n| F-03 | c | [file:line] | [x] |\n\ntext\n\n| F-04 | d | | [x] |";
        let rows = parse(table);
        let seen: Vec<_> = rows.iter().map(|row| (row.state == State::Verified, row.remark.as_str())).collect();
        assert_eq!(seen, [(true, ""), (false, "no evidence"), (false, "no evidence"), (true, "")]);
    }
}
