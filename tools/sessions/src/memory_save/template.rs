//! The form of a note.

use std::fmt::Write as _;

use crewkit_repo::{Change, Git, Status};
use crewkit_tool::{Context, Refusal, text};

/// Most changed files in a note.
const MOST_FILES: usize = 30;

/// What is known without asking anybody.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// UTC.
    time: String,
    session: String,
    branch: Option<String>,
    plan: Option<String>,
    /// Changed files, and whether each one is committed.
    files: Vec<(String, &'static str)>,
    more_files: usize,
}

impl Facts {
    pub(super) fn gather(context: &Context, plan: Option<String>) -> Result<Self, Refusal> {
        let session = context.variable("CLAUDE_SESSION_ID").unwrap_or_else(|| "unknown".to_owned());
        let mut facts = Self { time: context.clock.utc_iso(), session, plan, ..Self::default() };
        // Outside a repository there is no branch and no changed file.
        if let Ok(status) = Status::by_git(Git::at(context, context.directory()?)) {
            facts.more_files = status.entries.len().saturating_sub(MOST_FILES);
            let change = |change| match change {
                Change::Untracked => "new",
                Change::Unmerged => "conflict",
                Change::Tracked { .. } => "changed",
            };
            facts.files =
                status.entries.iter().take(MOST_FILES).map(|entry| (entry.text(), change(entry.change))).collect();
            facts.branch = status.branch;
        }
        Ok(facts)
    }
}

/// A note. `body` stands in place of the sections.
pub(super) fn render(project: &str, description: &str, facts: &Facts, body: Option<&str>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# Memory: {}", text::one_line(description.trim()));
    let _ = writeln!(out, "Project: {project}");
    let _ = writeln!(out, "Date: {}", facts.time);
    let _ = writeln!(out, "Session: {}", text::one_line(&facts.session));
    out.push('\n');
    if let Some(body) = body {
        out.push_str(body.trim_end());
        out.push('\n');
        return out;
    }
    out.push_str(
        "## Task Overview\n\
         - **Request**: [what was asked for]\n\
         - **Scope**: [what belongs to it, what does not]\n\
         - **Status**: in_progress\n\n\
         ## Completed Work\n\
         - [ ] [what is done]\n\n\
         ## Modified Files\n\
         | File | Change | Status |\n\
         |------|--------|--------|\n",
    );
    if facts.files.is_empty() {
        out.push_str("| path/to/file | what changed | committed or not |\n");
    }
    for (file, change) in &facts.files {
        let _ = writeln!(out, "| {} | {change} | uncommitted |", text::one_line(file).replace('|', "\\|"));
    }
    if facts.more_files > 0 {
        let _ = writeln!(out, "| {} more | | uncommitted |", facts.more_files);
    }
    out.push_str(
        "\n## Decisions Made\n\
         | Decision | Rationale | Alternatives Rejected |\n\
         |----------|-----------|-----------------------|\n\
         | [what] | [why] | [what else could have been done] |\n\n\
         ## Failed Approaches\n\
         | Approach | Why It Failed | Lesson |\n\
         |----------|---------------|--------|\n\
         | [what was tried] | [why it did not work] | [what follows from it] |\n\n\
         ## Next Steps\n\
         1. [what comes next]\n\n\
         ## Context to Preserve\n",
    );
    let or_none = |value: &Option<String>| value.as_deref().map_or("n/a".to_owned(), text::one_line);
    let _ = writeln!(out, "- **Active branch**: {}", or_none(&facts.branch));
    let _ = writeln!(out, "- **Plan ID**: {}", or_none(&facts.plan));
    out.push_str("- **Key files**: [where to look]\n- **Blockers**: [none]\n- **User preferences**: [none]\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_all_its_sections_and_what_is_known() {
        let facts = Facts {
            time: "2026-01-02T03:04:05Z".into(),
            session: "s1".into(),
            branch: Some("feat".into()),
            plan: None,
            files: vec![("a|b.rs".into(), "changed")],
            more_files: 2,
        };
        let text = render("p", "two\nlines", &facts, None);
        assert!(
            text.starts_with("# Memory: two\\nlines\nProject: p\nDate: 2026-01-02T03:04:05Z\nSession: s1\n\n"),
            "{text}"
        );
        let sections = ["Task Overview", "Completed Work", "Modified Files", "Decisions Made", "Failed Approaches"];
        for section in sections.into_iter().chain(["Next Steps", "Context to Preserve"]) {
            assert!(text.contains(&format!("\n## {section}\n")), "{section}");
        }
        assert!(text.contains("| a\\|b.rs | changed | uncommitted |\n| 2 more |"), "{text}");
        assert!(text.contains("- **Active branch**: feat\n- **Plan ID**: n/a\n"));
        assert!(render("p", "d", &facts, Some("own words\n\n")).ends_with("Session: s1\n\nown words\n"));
    }
}
