//! The Markdown of a plan (tables as in the GitHub flavour, <https://github.github.com/gfm/#tables-extension->).

use std::fmt::Write as _;

use crewkit_store::plan_views::{DocumentTask, PlanDocument};
use crewkit_tool::text;

const LOG: &str = "## LEARNINGS LOG";
const LOG_HEAD: &str = "| Wave | Issue | Root Cause | Resolution | Preventive Rule |\n\
                        |------|-------|------------|------------|-----------------|\n";

/// A row of the requirements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) wave: String,
}

/// All that is shown of a plan.
pub(super) struct Document<'a> {
    pub(super) plan: &'a PlanDocument,
    pub(super) request: String,
    pub(super) requirements: Vec<Requirement>,
    pub(super) worktree: Option<String>,
    pub(super) branch: Option<String>,
}

impl Document<'_> {
    /// The document; `log` is what stands under its last heading, the empty table where there is none.
    pub(super) fn markdown(&self, log: Option<&[u8]>) -> Vec<u8> {
        let plan = self.plan;
        let mut out = format!("# Plan: {}\n", line(&plan.name));
        let (project, status) = (line(&plan.project), line(&plan.status));
        let _ = writeln!(out, "**Project**: {project} | **Plan ID**: {} | **Status**: {status}", plan.id);
        for (name, value) in [("Worktree", &self.worktree), ("Branch", &self.branch)] {
            if let Some(value) = value {
                let _ = writeln!(out, "**{name}**: `{}`", line(value));
            }
        }
        out.push_str("\n## USER REQUEST\n");
        let request = self.request.trim_end();
        for row in request.lines() {
            let _ = writeln!(out, "{}", format!("> {}", text::one_line(row)).trim_end());
        }
        if request.is_empty() {
            out.push_str("> (not recorded)\n");
        }
        out.push_str("\n## FUNCTIONAL REQUIREMENTS\n");
        out.push_str("| ID | Requirement | Wave | Verified |\n|----|-------------|------|----------|\n");
        for requirement in &self.requirements {
            row(&mut out, &[&requirement.id, &requirement.text, &requirement.wave, "[ ]"]);
        }
        out.push_str("\n## WAVES\n");
        self.waves(&mut out);
        let _ = writeln!(out, "\n{LOG}");
        let mut out = out.into_bytes();
        out.extend_from_slice(log.unwrap_or(LOG_HEAD.as_bytes()));
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        out
    }

    fn waves(&self, out: &mut String) {
        for wave in &self.plan.waves {
            let _ = writeln!(out, "\n### {}: {}", line(&wave.code), line(&wave.name));
            let _ = writeln!(out, "Status: {} ({}/{})\n", line(&wave.status), wave.tasks_done, wave.tasks_total);
            tasks(out, self.plan.tasks.iter().filter(|task| task.wave == Some(wave.id)));
        }
        let lost: Vec<&DocumentTask> = self.plan.tasks.iter().filter(|task| task.wave.is_none()).collect();
        let mut codes: Vec<&str> = lost.iter().map(|task| task.wave_code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            let of_code = || lost.iter().copied().filter(|task| task.wave_code == code);
            let done = of_code().filter(|task| task.status == "done").count();
            let _ = writeln!(out, "\n### {}: (no such wave)", line(code));
            let _ = writeln!(out, "Status: unknown ({done}/{})\n", of_code().count());
            tasks(out, of_code());
        }
    }
}

fn tasks<'a>(out: &mut String, tasks: impl Iterator<Item = &'a DocumentTask>) {
    out.push_str("| Task | Description | Priority | Model | Status |\n");
    out.push_str("|------|-------------|----------|-------|--------|\n");
    for task in tasks {
        row(out, &[&task.code, &task.title, &task.priority, &task.model, &task.status]);
    }
}

fn row(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| escape_bars(&line(cell))).collect();
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

/// One line that no terminal acts on.
fn line(text: &str) -> String {
    text::one_line(&text::fold_line_ends(text))
}

/// Bars as a cell has to hold them. Backslashes before one would take part in its escape.
fn escape_bars(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    let mut slashes = 0;
    for c in cell.chars() {
        if c == '|' {
            out.extend(std::iter::repeat_n('\\', slashes + 1));
        }
        slashes = if c == '\\' { slashes + 1 } else { 0 };
        out.push(c);
    }
    out
}

/// What stands under the heading of the log in a document, to its end, when it is more than the empty table.
pub(super) fn filled_log(document: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    for row in document.split_inclusive(|&byte| byte == b'\n') {
        at += row.len();
        if row.trim_ascii_end().eq_ignore_ascii_case(LOG.as_bytes()) {
            let log = &document[at..];
            let plain =
                |text: &[u8]| -> Vec<u8> { text.iter().copied().filter(|byte| !b" -\r\n".contains(byte)).collect() };
            let (own, empty) = (plain(log), plain(LOG_HEAD.as_bytes()));
            return (!own.is_empty() && own != empty).then_some(log);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bars_do_not_end_a_cell() {
        assert_eq!(escape_bars(r"a|b \| c\\|d \x"), r"a\|b \\\| c\\\\\|d \x");
        let mut out = String::new();
        row(&mut out, &["a\nb", "x|y\u{1b}[0m"]);
        assert_eq!(out, "| a b | x\\|y\\u{1b}[0m |\n");
    }

    #[test]
    fn only_a_filled_log_is_kept() {
        let head = format!("# x\n\n{LOG}\n");
        for empty in ["", "\n\n", LOG_HEAD, &LOG_HEAD.replace('-', "--").replace('\n', "\r\n")] {
            assert_eq!(filled_log(format!("{head}{empty}").as_bytes()), None, "{empty:?}");
        }
        let filled = format!("{LOG_HEAD}| W1 | slow | io | cache | measure |\n\n## NOTES\nmine\n");
        assert_eq!(filled_log(format!("{head}{filled}").as_bytes()), Some(filled.as_bytes()));
        assert_eq!(filled_log(b"> ## LEARNINGS LOG\n> quoted\n"), None);
    }

    proptest! {
        #[test]
        fn a_cell_is_read_back(cell in "[ab|\\\\]{0,8}") {
            // A reader unescapes `\|` to a bar and leaves all else, pair by pair from the left for the split.
            let escaped = escape_bars(&cell);
            let mut chars = escaped.chars().peekable();
            let mut split = false;
            while let Some(c) = chars.next() {
                match c {
                    '\\' if chars.peek().is_some_and(|next| matches!(next, '\\' | '|')) => { chars.next(); }
                    '|' => split = true,
                    _ => {}
                }
            }
            prop_assert!(!split, "{escaped}");
        }
    }
}
