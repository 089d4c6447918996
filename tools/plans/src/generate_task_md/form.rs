//! The form of a task's file.

use std::fmt::Write as _;

use crewkit_store::plan_views::TaskForm;
use crewkit_tool::text;
use serde_json::Value;

use crate::task_files::FileSet;

/// The section that other tools append to.
const LOG: &str = "## Execution Log\n";

/// What the head of the file says.
pub(super) struct Head<'a> {
    pub(super) project: &'a str,
    pub(super) plan: i64,
    pub(super) wave: &'a str,
    pub(super) wave_file: &'a str,
    pub(super) task: &'a str,
    pub(super) name: &'a str,
    pub(super) assignee: &'a str,
    pub(super) estimate: &'a str,
    pub(super) now: &'a str,
    pub(super) dashboard: &'a str,
    pub(super) checks: &'a [&'a str],
}

/// The file of a task; what the database knows of it is filled in.
pub(super) fn fill(head: &Head<'_>, known: Option<&TaskForm>) -> String {
    let filled = |text: &str, otherwise: &str| {
        if text.trim().is_empty() { otherwise.to_owned() } else { text::fold_line_ends(text) }
    };
    let status = filled(known.map(|task| task.status.as_str()).unwrap_or_default(), "pending");
    let priority = filled(known.map(|task| task.priority.as_str()).unwrap_or_default(), "P1");
    let mut out = format!(
        "# Task: {} - {}\n\n**Wave:** {}\n**Status:** {status}\n**Priority:** {priority}\n**Assignee:** {}\n**Estimate:** {}\n",
        head.task, head.name, head.wave, head.assignee, head.estimate
    );
    if let Some(task) = known.filter(|task| !task.model.is_empty()) {
        let _ = writeln!(out, "**Model:** {}", text::fold_line_ends(&task.model));
    }
    let _ = write!(out, "**Created:** {}\n\n---\n\n## Description\n\n", head.now);
    let description = known.map(|task| plain_description(&task.description)).unwrap_or_default();
    let _ =
        writeln!(out, "{}\n", if description.is_empty() { "[To be filled in by the planner]" } else { &description });
    out.push_str("## Acceptance Criteria\n\n");
    let mut criteria = known.map(|task| criteria(&task.test_criteria)).unwrap_or_default();
    if criteria.is_empty() {
        criteria = (1..=3).map(|number| format!("Criterion {number} (to be defined)")).collect();
    }
    for one in criteria {
        let _ = writeln!(out, "- [ ] {one}");
    }
    let (after, files) = known.map_or_else(Default::default, named);
    let _ = write!(out, "\n## Dependencies\n\n- **Depends on:** {}\n- **Blocks:** None\n", filled(&after, "None"));
    out.push_str("\n## Files Affected\n\n");
    for file in &files {
        let _ = writeln!(out, "- `{}`", text::one_line(file));
    }
    if files.is_empty() {
        out.push_str("- _To be listed by the planner_\n");
    }
    out.push_str("\n## Technical Notes\n\n- _To be filled in by the planner_\n\n---\n\n");
    out.push_str(LOG);
    out.push_str("\n_Written while the task is worked on._\n\n### Activity Timeline\n\n| Timestamp | Event | Details |\n|-----------|-------|---------|\n");
    out.push_str("\n---\n\n## File Changes\n\n_Written while the task is worked on._\n\n```diff\n# Changes are shown here\n```\n\n---\n\n");
    out.push_str("## Validation\n\n_Filled in when the task is finished._\n\n### Verification Checklist\n\n");
    for check in head.checks {
        let _ = writeln!(out, "- [ ] {check}");
    }
    out.push_str("- [ ] Acceptance criteria met\n- [ ] Documentation updated (if required)\n\n### Verification Output\n\n```\n_Output of the commands above_\n```\n\n---\n\n");
    let (wave, file, plan, page) = (head.wave, head.wave_file, head.plan, head.dashboard);
    let _ = write!(
        out,
        "## Links\n\n- **Wave:** [{wave}](../../{file})\n- **Plan:** [plan-{plan}.md](../../../../plan-{plan}.md)\n- **Dashboard:** [{} in the dashboard]({page})\n\n---\n\n**Last Updated:** {}\n",
        head.project, head.now
    );
    out
}

/// The checks of a project, by its test framework.
pub(super) fn checks(framework: &str) -> &'static [&'static str] {
    match framework {
        "vitest" | "jest" | "playwright" | "node" => &[
            "Lint passed (`npm run lint`)",
            "Types checked (`npm run typecheck`)",
            "Build passed (`npm run build`)",
            "Tests passed (`npm test`)",
        ],
        "pytest" => &["Lint passed", "Types checked", "Tests passed (`pytest`)"],
        "cargo" => &[
            "Format checked (`cargo fmt --check`)",
            "Lint passed (`cargo clippy`)",
            "Build passed (`cargo build`)",
            "Tests passed (`cargo test`)",
        ],
        _ => &["Lint passed", "Types checked", "Build passed", "Tests passed"],
    }
}

/// A description without the parts that import puts behind it.
fn plain_description(description: &str) -> String {
    let end = [" | After: ", " | Files: ", " | Ref: "].iter().filter_map(|part| description.find(part)).min();
    description[..end.unwrap_or(description.len())].trim().to_owned()
}

/// What the task waits for, and the files that it names.
fn named(task: &TaskForm) -> (String, Vec<String>) {
    let after = crate::task_files::split_part(&task.description, "After").1.unwrap_or_default().to_owned();
    let files = FileSet::of_task(&task.files, &task.description, &task.test_criteria);
    (after, files.names())
}

/// The criteria in the JSON of a task, a line each.
fn criteria(json: &str) -> Vec<String> {
    let verify = match serde_json::from_str::<Value>(json) {
        Ok(Value::Object(mut object)) => object.shift_remove("verify").unwrap_or_default(),
        Ok(list @ Value::Array(_)) => list,
        _ => return Vec::new(),
    };
    let line = |value: &Value| {
        let said = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text::fold_line_ends(said.trim())
    };
    let lines: Vec<String> = match &verify {
        Value::Array(list) => list.iter().map(line).collect(),
        Value::Null => Vec::new(),
        other => vec![line(other)],
    };
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// `content` with the execution log of `old` in place of its own.
pub(super) fn with_log_of(content: &str, old: &str) -> String {
    match (log(old), log(content)) {
        (Some((begin, end)), Some((at, after))) => {
            format!("{}{}{}", &content[..at], &old[begin..end], &content[after..])
        }
        _ => content.to_owned(),
    }
}

/// Where the execution log begins and ends: at the next heading of its level.
fn log(text: &str) -> Option<(usize, usize)> {
    let begin = if text.starts_with(LOG) { 0 } else { text.find(&format!("\n{LOG}"))? + 1 };
    let rest = &text[begin + LOG.len()..];
    Some((begin, rest.find("\n## ").map_or(text.len(), |end| begin + LOG.len() + end + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head<'static> {
        Head {
            project: "demo",
            plan: 3,
            wave: "W2",
            wave_file: "W2.md",
            task: "T07",
            name: "Wire it",
            assignee: "TBD",
            estimate: "1h",
            now: "2026-01-02T03:04:05Z",
            dashboard: "http://x",
            checks: checks("cargo"),
        }
    }

    #[test]
    fn a_known_task_is_filled_in() {
        let task = TaskForm {
            id: 1,
            description: "Do\nit | After: T1 | Files: src/a.rs, Makefile | Ref: F-01".to_owned(),
            test_criteria: r#"{"verify":["it works","twice\nover"]}"#.to_owned(),
            files: r#"["src/a.rs","Makefile"]"#.to_owned(),
            priority: "P0".to_owned(),
            model: "opus".to_owned(),
            status: "in_progress".to_owned(),
            wave_name: "Two".to_owned(),
            project_path: String::new(),
        };
        let made = fill(&head(), Some(&task));
        for part in [
            "## Description\n\nDo\nit\n\n",
            "- [ ] it works\n- [ ] twice over\n\n",
            "**Depends on:** T1\n",
            "- `Makefile`\n",
            "- `src/a.rs`\n",
            "**Priority:** P0\n",
            "**Status:** in_progress\n",
            "**Model:** opus\n",
            "cargo clippy",
        ] {
            assert!(made.contains(part), "{part}: {made}");
        }
        assert!(!made.contains("F-01") && !made.contains("npm"));
    }

    #[test]
    fn criteria_of_every_form_are_lines() {
        for (json, wanted) in [
            (r#"{"verify":["a"]}"#, &["a"][..]),
            (r#"["a",{"b":1}]"#, &["a", r#"{"b":1}"#]),
            (r#"{"verify":"a"}"#, &["a"]),
            (r#"{"by":"a"}"#, &[]),
            ("broken", &[]),
            ("", &[]),
        ] {
            assert_eq!(criteria(json), wanted, "{json}");
        }
    }

    #[test]
    fn the_log_of_the_old_file_is_kept() {
        let new = fill(&head(), None);
        let row = "|-----------|-------|---------|\n";
        let old = new.replace(row, &format!("{row}| 10:00 | begun | x |\n")).replace("Wire it", "Old");
        let kept = with_log_of(&new, &old);
        assert!(kept.contains("| 10:00 | begun | x |") && kept.contains("Wire it") && !kept.contains("Old"));
        assert_eq!(kept.matches("## Execution Log").count(), 1);
        assert_eq!(with_log_of(&new, "# nothing\n"), new);
        assert_eq!(with_log_of(&new, "## Execution Log\nrest").matches("rest").count(), 1);
    }
}
