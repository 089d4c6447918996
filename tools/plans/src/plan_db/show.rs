//! What several reading subcommands say alike.

use std::fmt::Write as _;
use std::path::Path;

use crewkit_repo::Repository;
use crewkit_tool::args::RowId;
use crewkit_tool::{Context, Refusal, text};

/// The refusal of a number that no plan has.
pub(super) fn no_plan(id: RowId) -> Refusal {
    Refusal::new(format!("plan {} not found", id.0))
}

/// Done of total.
pub(super) fn progress(done: i64, total: i64) -> String {
    format!("{done}/{total}")
}

/// The percentage done, rounded; 0 without tasks.
pub(super) fn percent(done: i64, total: i64) -> f64 {
    if total <= 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of tasks are small")]
    let share = 100.0 * done as f64 / total as f64;
    share.round()
}

/// A description on one line, at most 40 characters of it.
pub(super) fn short(description: Option<&str>) -> String {
    text::cut(&text::fold_line_ends(description.unwrap_or_default()), 40)
}

/// The last two parts of a worktree's path and the branch checked out there, `-` for what is not known.
pub(super) fn worktree(context: &Context, stored: Option<&Path>) -> String {
    let Some(stored) = stored else { return "-".to_owned() };
    let path = context.expand_home(stored);
    let parts: Vec<_> = path.iter().filter(|part| *part != "/").map(|part| part.to_string_lossy()).collect();
    let end = parts[parts.len().saturating_sub(2)..].join("/");
    format!("{end}:{}", branch(&path).unwrap_or_else(|| "-".to_owned()))
}

/// The branch checked out in the worktree whose top is `path`.
fn branch(path: &Path) -> Option<String> {
    let real = path.canonicalize().ok()?;
    let repository = Repository::discover(&real).filter(|found| found.top.as_deref() == Some(&real))?;
    repository.head().branch().map(str::to_owned)
}

/// Rows under a heading, at most `most` of them, with the number of those left out; `(none)` without rows.
pub(super) fn section(heading: &str, rows: &[Vec<String>], most: usize) -> String {
    let shown = &rows[..rows.len().min(most)];
    let mut out = format!("{heading}\n");
    if rows.is_empty() {
        out.push_str("  (none)\n");
    }
    out.push_str(&text::columns(shown));
    if shown.len() < rows.len() {
        let _ = writeln!(out, "  ... and {} more", rows.len() - shown.len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_counts_what_it_leaves_out() {
        let rows = vec![vec!["a".to_owned()], vec!["b".to_owned()], vec!["c".to_owned()]];
        assert_eq!(section("X", &rows, 2), "X\na\nb\n  ... and 1 more\n");
        assert_eq!(section("X", &rows[..1], 1), "X\na\n");
        assert_eq!(section("X", &[], 1), "X\n  (none)\n");
    }

    #[test]
    fn percent_is_rounded_and_never_divides_by_nothing() {
        let shown = [percent(1, 3), percent(1, 8), percent(0, 0), percent(2, 2)].map(|share| format!("{share}%"));
        assert_eq!(shown, ["33%", "13%", "0%", "100%"]);
    }
}
